"""Teams, and the descriptions of permissions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, note
from reconciler.simulator.membership import work_out_permissions
from reconciler.simulator.paging import matching, page
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS, refuse
from reconciler.simulator.records import Team
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

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
        "Description": team.description,
        "SpaceId": team.space_id,
        "MemberUserIds": list(team.members),
        "ExternalSecurityGroups": [],
        "CanBeDeleted": _is_own(team),
        "CanBeRenamed": _is_own(team),
        "CanChangeMembers": team.id != "teams-everyone",
        "CanChangeRoles": _is_own(team),
        "Links": {"Self": own, "ScopedUserRoles": f"{own}/scopeduserroles{{?skip,take}}"},
    }


def _is_own(team: Team) -> bool:
    """Tell whether people made the team; the others came with the server or a space."""
    return team.id.startswith("Teams-")


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
    return team_resource(team_in(call))


def team_in(call: Call) -> Team:
    """Return the team that the path names.

    Raises:
        Refused: 404 when there is none that the caller sees.
    """
    for team in _visible(call):
        if team.id == call.param("team"):
            return team
    raise missing("Team")


@routes.post("teams")
def create_team(call: Call) -> object:
    """POST /teams: of a space, or without one of the whole system."""
    body = call.body()
    space = call.scoped_space or space_of(call, body)
    demand_in(call, "TeamCreate", space)
    space_id = space.id if space else None
    beside = [each for each in call.world.teams.values() if each.space_id == space_id]
    team = Team("", free_name("Team", beside, body), space_id)
    _write(call, team, body)
    team.id = call.world.new_id("Teams")
    call.world.teams[team.id] = team
    work_out_permissions(call.world)
    note(call, "Created", "Team", team.name, team.id)
    return created(team_resource(team))


@routes.put("teams/{team}")
def change_team(call: Call) -> object:
    """PUT /teams/{id}: name and members; the built-in teams keep their names."""
    team, body = team_in(call), call.body()
    demand_in(call, "TeamEdit", call.world.spaces.get(team.space_id or ""))
    beside = [each for each in call.world.teams.values() if each.space_id == team.space_id]
    name = free_name("Team", beside, body, own=team)
    if name != team.name and not _is_own(team):
        raise Refused(400, "This resource is read-only and cannot be modified.")
    _write(call, team, body)
    team.name = name
    work_out_permissions(call.world)
    note(call, "Modified", "Team", team.name, team.id)
    return team_resource(team)


@routes.on("DELETE", "teams/{team}")
def delete_team(call: Call) -> object:
    """DELETE /teams/{id}: with the roles it holds; not a built-in one."""
    team, world = team_in(call), call.world
    demand_in(call, "TeamDelete", world.spaces.get(team.space_id or ""))
    if not _is_own(team):
        raise Refused(400, "The Team is a built-in Team and cannot be deleted.")
    for held in [each for each in world.scoped_roles.values() if each.team_id == team.id]:
        del world.scoped_roles[held.id]
    for space in world.spaces.values():
        space.manager_teams = [each for each in space.manager_teams if each != team.id]
    del world.teams[team.id]
    work_out_permissions(world)
    note(call, "Deleted", "Team", team.name, team.id)
    return team_resource(team)


def space_of(call: Call, body: Body) -> Space | None:
    """Return the space that a body names, None for the system."""
    wanted = body.text("SpaceId")
    if wanted is None:
        return None
    space = call.world.spaces.get(wanted)
    if space is None or not call.sees_space(space):
        raise missing("Space")
    return space


def demand_in(call: Call, permission: str, space: Space | None) -> None:
    """Let pass who holds a permission in a team's space; teams of the system need more."""
    if space is not None:
        call.demand(permission, space=space)
    elif not call.user.is_administrator:
        raise refuse("AdministerSystem")


def _write(call: Call, team: Team, body: Body) -> None:
    description = body.text("Description") or ""
    if body.get("MemberUserIds") is not None:
        members = list(dict.fromkeys(body.texts("MemberUserIds")))
        if any(each not in call.world.users for each in members):
            raise missing("User")
        if team.id == "teams-everyone" and set(members) != set(team.members):
            raise Refused(400, "The members of the team Everyone cannot be changed.")
        if team.id == "teams-administrators" and not members:
            raise Refused(400, "The last administrator cannot be removed.")
        team.members = members
    team.description = description


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
