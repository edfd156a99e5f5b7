"""What each user wants to see on the dashboard of a space."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import changed_fields
from reconciler.simulator.router import Routes
from reconciler.simulator.tenancy import missing_tags

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

__all__ = ["BoardSettings", "board_settings", "routes", "selected_tenants"]

routes = Routes()

_FIELDS: dict[str, Any] = {
    "IncludedProjectGroupIds": [],
    "IncludedProjectIds": [],
    "IncludedProjectTags": [],
    "IncludedEnvironmentIds": [],
    "IncludedEnvironmentTags": [],
    "IncludedTenantIds": [],
    "IncludedTenantTags": [],
    "ProjectLimit": None,
    "HideInactiveProjects": False,
}


@dataclass(frozen=True, slots=True)
class BoardSettings:
    """What a board is narrowed to; None is everything."""

    projects: frozenset[str] | None = None
    environments: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    project_limit: int | None = None
    hides_inactive: bool = False

    def within(
        self, projects: frozenset[str] | None, tenants: frozenset[str] | None
    ) -> BoardSettings:
        """Return the settings narrowed further."""
        return replace(
            self, projects=_both(self.projects, projects), tenants=_both(self.tenants, tenants)
        )


def _both(first: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    if first is None or other is None:
        return other if first is None else first
    return first & other


def selected_tenants(call: Call) -> frozenset[str] | None:
    """Return the tenants that `selectedTenants` and `selectedTags` name, None without either."""
    ids, tags = call.query.many("selectedTenants"), call.query.many("selectedTags")
    if ids is None and tags is None:
        return None
    return frozenset(
        each.id
        for each in call.space.tenants.values()
        if (ids is not None and each.id in ids)
        or (tags is not None and not missing_tags(each.tags, tags))
    )


def board_settings(call: Call) -> BoardSettings:
    """Return what the caller has set for the space of the request."""
    kept = call.user.boards.get(call.space.id, {})
    groups, tags = kept.get("IncludedProjectGroupIds"), kept.get("IncludedTenantTags")
    projects = set(kept.get("IncludedProjectIds", ()))
    if groups:
        projects |= {each.id for each in call.space.projects.values() if each.group_id in groups}
    tenants = set(kept.get("IncludedTenantIds", ()))
    if tags:
        wanted = frozenset(tags)
        every = call.space.tenants.values()
        tenants |= {each.id for each in every if not missing_tags(each.tags, wanted)}
    environments = frozenset(kept.get("IncludedEnvironmentIds", ()))
    return BoardSettings(
        frozenset(projects) if groups or projects else None,
        environments or None,
        frozenset(tenants) if tags or tenants else None,
        kept.get("ProjectLimit"),
        kept.get("HideInactiveProjects", False),
    )


def _shown(call: Call) -> dict[str, Any]:
    space = call.space
    return {
        "Id": f"dashboardconfiguration-{call.user.id}",
        "SpaceId": space.id,
        **_FIELDS,
        **call.user.boards.get(space.id, {}),
        "Links": {"Self": f"/api/{space.id}/dashboardconfiguration"},
    }


@routes.get("dashboardconfiguration")
def read_settings(call: Call) -> object:
    """GET /dashboardconfiguration: the caller's own."""
    return _shown(call)


@routes.put("dashboardconfiguration")
def change_settings(call: Call) -> object:
    """PUT /dashboardconfiguration: the caller's own."""
    kept = call.user.boards.get(call.space.id, {})
    made = changed_fields(_FIELDS, call.body(), kept=kept)
    limit = made.get("ProjectLimit")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise _wrong("ProjectLimit must be a number from 1 on.")
    for name, value in made.items():
        if isinstance(value, list) and not all(isinstance(each, str) for each in value):
            raise _wrong(f"The {name} field has the wrong type.")
    call.user.boards[call.space.id] = made
    return _shown(call)


def _wrong(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))
