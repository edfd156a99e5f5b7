"""Which teams a user is in, and who would be in a team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.teams import demand_in, space_of

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.MIXED)


def _membership(user_id: str, team_id: str | None, name: str, space_id: str | None) -> object:
    return {
        "UserId": user_id,
        "TeamId": team_id,
        "TeamName": name,
        "SpaceId": space_id,
        "IsDirectlyAssigned": True,
        "ExternalSecurityGroups": [],
    }


@routes.get("teammembership")
def memberships(call: Call) -> object:
    """GET /teammembership: of oneself, or with UserView of anybody; of the system on demand."""
    wanted = call.query.text("userId")
    if wanted is None:
        raise Refused(400, "No userId parameter was provided.")
    if wanted != call.user.id:
        call.demand_system("UserView")
    if wanted not in call.world.users:
        raise Refused(404, "User was not found.")
    asked = call.query.many("spaces")
    if call.scoped_space is not None:
        asked = frozenset({call.scoped_space.id})
    with_system = call.query.flag("includeSystem") is not False
    return [
        _membership(wanted, team.id, team.name, team.space_id)
        for team in call.world.teams.values()
        if wanted in team.members
        and (
            with_system
            if team.space_id is None
            else asked is None or "all" in asked or team.space_id in asked
        )
    ]


@routes.post("teammembership/previewteam")
def preview(call: Call) -> object:
    """POST /teammembership/previewteam: who would be in a team as it is written."""
    body = call.body("Team")
    space = call.scoped_space or space_of(call, body)
    demand_in(call, "TeamEdit", space)
    members = dict.fromkeys(body.texts("MemberUserIds"))
    if any(each not in call.world.users for each in members):
        raise missing("User")
    own, name = body.text("Id"), body.text("Name") or ""
    return [_membership(each, own, name, space.id if space else None) for each in members]
