"""Who may do what: the permissions, the dimensions each can be narrowed by, and the check.

Source: Octopus' public .NET client (`Permission.cs`) and the generated reference of
`GET /users/{id}/permissions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from reconciler.simulator.records import Grant, Project, User

__all__ = [
    "DEPLOYER",
    "DIMENSIONS",
    "SPACE_PERMISSIONS",
    "SYSTEM_PERMISSIONS",
    "Access",
    "access",
    "refuse",
]

_PET = frozenset({"projects", "environments", "tenants"})
_PT = frozenset({"projects", "tenants"})
_P = frozenset({"projects"})
_PE = frozenset({"projects", "environments"})
_E = frozenset({"environments"})
_ET = frozenset({"environments", "tenants"})
_G = frozenset({"groups"})
_T = frozenset({"tenants"})
_NONE: frozenset[str] = frozenset()

DIMENSIONS = ("projects", "environments", "tenants", "groups")


def _names(prefix: str, verbs: str) -> list[str]:
    return [prefix + verb for verb in verbs.split()]


_STRICT = [
    *_names("Deployment", "Create Delete View"),
    *_names("Artifact", "View Create Edit Delete"),
    *["EventView", *_names("Interruption", "View Submit ViewSubmitResponsible")],
    *_names("RunbookRun", "View Create Delete"),
]
"""Permissions whose entry for named tenants does not cover what has no tenant."""

_TABLE: tuple[tuple[frozenset[str], list[str]], ...] = (
    (_PET, _STRICT),
    (_PET, _names("Task", "View ViewLog Create Cancel Edit")),
    (_PT, [*_names("Project", "View Edit Delete"), *_names("Release", "Create View Edit Delete")]),
    (_P, ["ProcessView", "ProcessEdit", "VariableViewUnscoped", "VariableEditUnscoped"]),
    (_P, ["DefectReport", "DefectResolve", *_names("BuiltInFeed", "Push Administer Download")]),
    (_P, [*_names("Trigger", "Create View Edit Delete"), "RunbookView", "RunbookEdit"]),
    (_PE, ["VariableView", "VariableEdit"]),
    (_E, [*_names("Environment", "View Create Edit Delete")]),
    (_E, [*_names("Account", "View Create Edit Delete")]),
    (_ET, _names("Machine", "View Create Edit Delete")),
    (_ET, _names("Certificate", "View Create Edit Delete ExportPrivateKey")),
    (_G, ["ProjectCreate", *_names("ProjectGroup", "View Create Edit Delete")]),
    (_T, _names("Tenant", "View Create Edit Delete")),
    (_NONE, ["FeedView", "FeedEdit", *_names("LibraryVariableSet", "View Create Edit Delete")]),
    (_NONE, _names("Lifecycle", "View Create Edit Delete")),
    (_NONE, _names("ActionTemplate", "View Create Edit Delete")),
    (_NONE, _names("Proxy", "View Create Edit Delete")),
    (_NONE, _names("MachinePolicy", "View Create Edit Delete")),
    (_NONE, [*_names("TagSet", "Create Edit Delete"), "WorkerView", "WorkerEdit"]),
    (_NONE, _names("InsightsReport", "View Create Edit Delete")),
    (_NONE, _names("Subscription", "View Create Edit Delete")),
    (_NONE, ["BuildInformationPush", "BuildInformationAdminister", "TaskPrioritize"]),
    (_NONE, ["GitCredentialView", "GitCredentialEdit", *_names("Team", "View Create Edit Delete")]),
)

SPACE_PERMISSIONS: dict[str, frozenset[str]] = {
    name: dimensions for dimensions, names in _TABLE for name in names
}
"""Every permission of a space, and the dimensions that can narrow it."""

SYSTEM_PERMISSIONS = (
    "AdministerSystem",
    "ConfigureServer",
    "DeploymentFreezeAdminister",
    *_names("User", "View Edit Invite"),
    *_names("UserRole", "View Edit"),
    *_names("Space", "Create Edit Delete View"),
    *_names("EventRetention", "View Delete"),
    "TelemetryView",
)

DEPLOYER = (
    "AccountView",
    "ArtifactView",
    "BuiltInFeedDownload",
    "DeploymentCreate",
    "DeploymentView",
    "EnvironmentView",
    "EventView",
    "FeedView",
    "InterruptionView",
    "InterruptionViewSubmitResponsible",
    "LibraryVariableSetView",
    "LifecycleView",
    "MachinePolicyView",
    "MachineView",
    "ProcessView",
    "ProjectGroupView",
    "ProjectView",
    "ReleaseCreate",
    "ReleaseView",
    "RunbookRunView",
    "RunbookView",
    "TaskCancel",
    "TaskView",
    "TaskViewLog",
    "TeamView",
    "TenantView",
    "TriggerView",
    "VariableView",
    "VariableViewUnscoped",
    "WorkerView",
)
"""What the service account and every seeded person hold in every space.

Where a seed has runbooks, they may run them too.
"""


def _covers(restriction: frozenset[str] | None, wanted: str | None) -> bool:
    return restriction is None or (wanted is not None and wanted in restriction)


@dataclass(frozen=True, slots=True)
class Access:
    """One permission of one user in one space. Entries are OR-ed, dimensions AND-ed."""

    grants: tuple[Grant, ...]
    everything: bool
    needs_tenant: bool = True
    """Whether an entry narrowed to tenants leaves out what has none."""

    @property
    def anything(self) -> bool:
        """Tell whether the permission is held anywhere in the space."""
        return self.everything or bool(self.grants)

    def allows(
        self,
        project: Project | None = None,
        environment: str | None = None,
        tenant: str | None = None,
    ) -> bool:
        """Tell whether the permission covers this project, environment and tenant.

        An entry narrowed in a dimension does not cover a thing without a value there, save that
        only some permissions ask for the tenant so strictly.
        """
        if self.everything:
            return True
        project_id = project.id if project else None
        group_id = project.group_id if project else None
        return any(
            _covers(grant.projects, project_id)
            and _covers(grant.groups, group_id)
            and _covers(grant.environments, environment)
            and (_covers(grant.tenants, tenant) or (tenant is None and not self.needs_tenant))
            for grant in self.grants
        )

    def allows_group(self, group_id: str) -> bool:
        """Tell whether the permission covers this project group."""
        return self.everything or any(_covers(grant.groups, group_id) for grant in self.grants)


def access(user: User, permission: str, space_id: str) -> Access:
    """Return where in a space the user holds a permission."""
    key = (permission, space_id)
    known: Access | None = user.access.get(key)
    if known is None:
        grants = tuple(
            grant
            for grant in user.all_grants
            if grant.permission == permission and grant.space_id in (None, space_id)
        )
        wide = any(
            grant.projects is grant.environments is grant.tenants is grant.groups is None
            for grant in grants
        )
        known = user.access[key] = Access(
            grants,
            everything=wide or user.is_administrator,
            needs_tenant=permission in _STRICT,
        )
    return known


def refuse(permission: str, where: str = "") -> Refused:
    """Return the 403 that names the missing permission."""
    message = "You do not have permission to perform this action. Please contact your Octopus "
    message += f"administrator. Missing permission: {permission}"
    return Refused(403, f"{message} ({where})" if where else message)
