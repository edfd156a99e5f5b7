"""Scoped user roles: which role a team holds, in which space, for which projects and so on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import created, missing
from reconciler.simulator.changes import note
from reconciler.simulator.membership import ScopedRole, work_out_permissions
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.teams import demand_in, space_of, team_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Body, Call

routes = Routes(Scope.MIXED)

_TEMPLATE = "{/id}{?skip,take,ids,partialName,spaces,includeSystem}"


def scoped_role_resource(held: ScopedRole) -> dict[str, object]:
    """Return a scoped user role as JSON."""
    return {
        "Id": held.id,
        "TeamId": held.team_id,
        "UserRoleId": held.role_id,
        "SpaceId": held.space_id,
        "ProjectIds": list(held.projects),
        "EnvironmentIds": list(held.environments),
        "TenantIds": list(held.tenants),
        "ProjectGroupIds": list(held.groups),
        "Links": {"Self": f"/api/scopeduserroles/{held.id}"},
    }


def _sees(call: Call, held: ScopedRole) -> bool:
    """Tell whether the caller may view it: with TeamView in its space, or in any for the system."""
    if call.scoped_space is not None and held.space_id != call.scoped_space.id:
        return False
    if held.space_id is None:
        return any(call.access("TeamView", space).anything for space in call.spaces())
    space = call.world.spaces.get(held.space_id)
    return space is not None and call.access("TeamView", space).anything


def _visible(call: Call, team: str | None = None) -> list[ScopedRole]:
    return by_ids(
        call,
        [
            held
            for held in call.world.scoped_roles.values()
            if team in (None, held.team_id) and _sees(call, held)
        ],
    )


@routes.get("scopeduserroles")
def list_scoped_roles(call: Call) -> object:
    """GET /scopeduserroles."""
    return page(call, "ScopedUserRole", _visible(call), scoped_role_resource, _TEMPLATE)


@routes.get("teams/{team}/scopeduserroles")
def roles_of_team(call: Call) -> object:
    """GET /teams/{id}/scopeduserroles: the roles that a team holds."""
    found = _visible(call, team_in(call).id)
    return page(call, "ScopedUserRole", found, scoped_role_resource, "{?skip,take}")


@routes.get("scopeduserroles/{scopedRole}")
def one_scoped_role(call: Call) -> object:
    """GET /scopeduserroles/{id}."""
    return scoped_role_resource(_held_in(call))


@routes.post("scopeduserroles")
def create_scoped_role(call: Call) -> object:
    """POST /scopeduserroles: the team's members hold it at once."""
    held = ScopedRole("", "", "", None)
    _write(call, held, call.body())
    held.id = call.world.new_id("ScopedUserRoles")
    call.world.scoped_roles[held.id] = held
    return created(_changed(call, held, "Created"))


@routes.put("scopeduserroles/{scopedRole}")
def change_scoped_role(call: Call) -> object:
    """PUT /scopeduserroles/{id}."""
    held = _held_in(call)
    demand_in(call, "TeamEdit", call.world.spaces.get(held.space_id or ""))
    _write(call, held, call.body())
    return _changed(call, held, "Modified")


@routes.on("DELETE", "scopeduserroles/{scopedRole}")
def delete_scoped_role(call: Call) -> object:
    """DELETE /scopeduserroles/{id}: the team holds it no longer."""
    held = _held_in(call)
    demand_in(call, "TeamEdit", call.world.spaces.get(held.space_id or ""))
    del call.world.scoped_roles[held.id]
    return _changed(call, held, "Deleted")


def _changed(call: Call, held: ScopedRole, verb: str) -> dict[str, object]:
    work_out_permissions(call.world)
    note(call, verb, "Scoped user role", held.id, held.id, held.team_id)
    return scoped_role_resource(held)


def _held_in(call: Call) -> ScopedRole:
    held = call.world.scoped_roles.get(call.param("scopedRole"))
    if held is None or not _sees(call, held):
        raise missing("Scoped User Role")
    return held


def _write(call: Call, held: ScopedRole, body: Body) -> None:
    """Write a body into a record, all of it or nothing."""
    world = call.world
    space = call.scoped_space or space_of(call, body)
    demand_in(call, "TeamEdit", space)
    team = world.teams.get(body.need("TeamId"))
    if team is None:
        raise missing("Team")
    role = body.need("UserRoleId")
    if role not in world.user_roles:
        raise missing("User Role")
    found = [
        _known(body.texts(name), kind, known)
        for name, kind, known in (
            ("ProjectIds", "Project", space.projects if space else {}),
            ("EnvironmentIds", "Environment", space.environments if space else {}),
            ("TenantIds", "Tenant", space.tenants if space else {}),
            ("ProjectGroupIds", "Project Group", space.groups if space else {}),
        )
    ]
    held.team_id, held.role_id, held.space_id = team.id, role, space.id if space else None
    held.projects, held.environments, held.tenants, held.groups = found


def _known(ids: tuple[str, ...], kind: str, known: Iterable[str]) -> tuple[str, ...]:
    for each in ids:
        if each not in known:
            raise missing(kind)
    return tuple(dict.fromkeys(ids))
