"""Teams, user roles and the descriptions of permissions, as far as permissions need them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.permissions import DEPLOYER, SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Team

routes = Routes(Scope.MIXED)

_DIMENSION_WORDS = {
    "projects": "Projects",
    "environments": "Environments",
    "tenants": "Tenants",
    "groups": "ProjectGroups",
}


def team_resource(team: Team) -> dict[str, object]:
    """Return a team as JSON."""
    own = f"/api/teams/{team.id}"
    return {
        "Id": team.id,
        "Name": team.name,
        "Description": "",
        "SpaceId": team.space_id,
        "MemberUserIds": list(team.members),
        "ExternalSecurityGroups": [],
        "CanBeDeleted": team.id.startswith("Teams-"),
        "CanBeRenamed": team.id.startswith("Teams-"),
        "CanChangeMembers": True,
        "CanChangeRoles": team.id.startswith("Teams-"),
        "Links": {"Self": own, "ScopedUserRoles": f"{own}/scopeduserroles{{?skip,take}}"},
    }


def _visible(call: Call) -> list[Team]:
    spaces = [call.scoped_space] if call.scoped_space else call.spaces()
    held = {space.id for space in spaces if call.access("TeamView", space).anything}
    shown = [
        team
        for team in call.world.teams.values()
        if (team.space_id in held if team.space_id else bool(held))
    ]
    return matching(call, sorted(shown, key=lambda team: (team.name.casefold(), team.id)))


@routes.get("teams")
def list_teams(call: Call) -> object:
    """GET /teams."""
    template = "{/id}{?skip,take,ids,partialName,spaces,includeSystem}"
    return page(call, "Team", _visible(call), team_resource, template)


@routes.get("teams/all")
def all_teams(call: Call) -> object:
    """GET /teams/all."""
    return [team_resource(team) for team in _visible(call)]


@routes.get("teams/{team}")
def one_team(call: Call) -> object:
    """GET /teams/{id}."""
    for team in _visible(call):
        if team.id == call.param("team"):
            return team_resource(team)
    raise missing("Team")


def _roles() -> list[dict[str, object]]:
    return [
        _role(1, "System administrator", (), SYSTEM_PERMISSIONS),
        _role(2, "Project deployer", DEPLOYER, ("SpaceView",)),
    ]


def _role(
    number: int, name: str, space: tuple[str, ...], system: tuple[str, ...]
) -> dict[str, object]:
    return {
        "Id": f"userroles-{number}",
        "Name": name,
        "Description": "",
        "CanBeDeleted": False,
        "GrantedSpacePermissions": list(space),
        "GrantedSystemPermissions": list(system),
        "SpacePermissionDescriptions": [],
        "SystemPermissionDescriptions": [],
        "SupportedRestrictions": [],
        "Links": {"Self": f"/api/userroles/userroles-{number}"},
    }


@routes.get("userroles", scope=Scope.SYSTEM)
def list_roles(call: Call) -> object:
    """GET /userroles."""
    call.demand_system("UserRoleView")
    return page(call, "UserRole", _roles(), lambda role: role, "{/id}{?skip,take,ids,partialName}")


@routes.get("userroles/all", scope=Scope.SYSTEM)
def all_roles(call: Call) -> object:
    """GET /userroles/all."""
    call.demand_system("UserRoleView")
    return _roles()


@routes.get("userroles/{role}", scope=Scope.SYSTEM)
def one_role(call: Call) -> object:
    """GET /userroles/{id}."""
    call.demand_system("UserRoleView")
    for role in _roles():
        if role["Id"] == call.param("role"):
            return role
    raise missing("User Role")


@routes.get("permissions/all", scope=Scope.SYSTEM)
def permission_descriptions(call: Call) -> object:
    """GET /permissions/all."""
    del call
    described = {
        name: _description(name, [_DIMENSION_WORDS[each] for each in sorted(dimensions)])
        for name, dimensions in SPACE_PERMISSIONS.items()
    }
    return described | {name: _description(name, [], level="System") for name in SYSTEM_PERMISSIONS}


def _description(name: str, restrictions: list[str], *, level: str = "Space") -> dict[str, object]:
    return {
        "Description": name,
        "SupportedRestrictions": restrictions,
        "CanApplyAtSpaceLevel": level == "Space",
        "CanApplyAtSystemLevel": level == "System",
    }
