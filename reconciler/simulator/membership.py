"""Roles that teams hold: sets of permissions, scoped, and what they come to for each user.

The names and ids of the built-in roles are the product's; what each grants is our reading of its
documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.simulator.permissions import DEPLOYER, SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.records import Grant

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.simulator.world import World

__all__ = ["Invitation", "ScopedRole", "UserRole", "built_in_roles", "work_out_permissions"]

SYSTEM_ADMINISTRATOR = "userroles-systemadministrator"
SPACE_MANAGER = "userroles-spacemanager"


@dataclass(slots=True, eq=False)
class UserRole:
    """A named set of permissions, of spaces and of the system."""

    id: str
    name: str
    description: str = ""
    space_permissions: tuple[str, ...] = ()
    system_permissions: tuple[str, ...] = ()
    is_built_in: bool = False


@dataclass(slots=True, eq=False)
class ScopedRole:
    """A role that a team holds, in one space or the system; no ids in a dimension: everywhere."""

    id: str
    team_id: str
    role_id: str
    space_id: str | None
    projects: tuple[str, ...] = ()
    environments: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invitation:
    """What lets somebody register once, into these teams."""

    id: str
    code: str
    teams: tuple[str, ...]
    space_id: str | None
    expires: datetime


def _starting(*prefixes: str) -> tuple[str, ...]:
    return tuple(name for name in SPACE_PERMISSIONS if name.startswith(prefixes))


_VIEWS = tuple(name for name in SPACE_PERMISSIONS if name.endswith(("View", "ViewUnscoped")))
_PROJECT_VIEWER = (*_VIEWS, "TaskViewLog", "BuiltInFeedDownload")
_CONTRIBUTOR = (*_PROJECT_VIEWER, *_starting("Process", "Variable", "Trigger"), "ProjectEdit")
_LEAD = (*_CONTRIBUTOR, *_starting("Project", "Release", "Channel"))

_BUILT_IN: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("System administrator", (), SYSTEM_PERMISSIONS),
    ("System manager", (), tuple(n for n in SYSTEM_PERMISSIONS if n != "AdministerSystem")),
    ("Space manager", tuple(SPACE_PERMISSIONS), ()),
    ("Build server", _starting("Release", "BuiltInFeed", "BuildInformation", *_VIEWS), ()),
    ("Certificate manager", _starting("Certificate"), ()),
    ("Deployment creator", ("DeploymentCreate", *_PROJECT_VIEWER), ()),
    ("Environment manager", _starting("Environment", "Machine", "Worker", "Account", "Task"), ()),
    ("Environment viewer", ("EnvironmentView", "MachineView", "TaskView", "EventView"), ()),
    ("Package publisher", ("BuiltInFeedPush", "FeedView"), ()),
    ("Project contributor", _CONTRIBUTOR, ()),
    ("Project deployer", DEPLOYER, ()),
    ("Project initiator", (*_PROJECT_VIEWER, "ProjectCreate", "ProjectEdit"), ()),
    ("Project lead", _LEAD, ()),
    ("Project viewer", _PROJECT_VIEWER, ()),
    ("Release creator", ("ReleaseCreate", *_PROJECT_VIEWER), ()),
    ("Runbook consumer", (*_starting("RunbookRun"), *_PROJECT_VIEWER), ()),
    ("Runbook producer", (*_starting("Runbook"), *_PROJECT_VIEWER), ()),
    ("Tenant manager", (*_starting("Tenant", "TagSet"), *_PROJECT_VIEWER), ()),
)


def built_in_roles() -> dict[str, UserRole]:
    """Return the roles that every server has, by id."""
    made = {}
    for name, space, system in _BUILT_IN:
        role_id = f"userroles-{name.lower().replace(' ', '')}"
        every = tuple(dict.fromkeys(space))
        made[role_id] = UserRole(role_id, name, "", every, system, is_built_in=True)
    return made


def _held(world: World) -> Iterator[ScopedRole]:
    """Give every role that a team holds: as written, and what managers of spaces hold."""
    yield from world.scoped_roles.values()
    yield ScopedRole("", "teams-administrators", SYSTEM_ADMINISTRATOR, None)
    for space in world.spaces.values():
        for team in space.manager_teams:
            yield ScopedRole("", team, SPACE_MANAGER, space.id)


def work_out_permissions(world: World) -> None:
    """Give each user what their teams' roles come to; needed after every change of these."""
    for user in world.users.values():
        user.team_grants = []
        user.team_system = set()
        user.access.clear()
    for held in _held(world):
        team, role = world.teams.get(held.team_id), world.user_roles.get(held.role_id)
        if team is None or role is None:
            continue
        grants = [] if held.space_id is None else list(_grants(role, held))
        for user in (world.users[each] for each in team.members if each in world.users):
            user.team_grants += grants
            if held.space_id is None:
                user.team_system.update(role.system_permissions)


def _grants(role: UserRole, held: ScopedRole) -> Iterator[Grant]:
    """Give a role's permissions, each narrowed in the dimensions that it knows."""
    for permission in role.space_permissions:
        used = SPACE_PERMISSIONS[permission]
        narrow = {
            name: frozenset(ids)
            for name in ("projects", "environments", "tenants", "groups")
            if (ids := getattr(held, name))
            and (name in used or (name == "groups" and "projects" in used))
        }
        yield Grant(permission, held.space_id, **narrow)
