"""Invitations: a code with which somebody registers, once, into the teams that it names."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, created, missing
from reconciler.simulator.membership import Invitation, work_out_permissions
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.accounts import new_account
from reconciler.simulator.routes.teams import demand_in
from reconciler.simulator.routes.users import user_resource
from reconciler.simulator.sessions import open_session
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_LASTS = timedelta(days=7)


def invitation_resource(invitation: Invitation) -> dict[str, object]:
    """Return an invitation as JSON, its code included."""
    return {
        "Id": invitation.id,
        "InvitationCode": invitation.code,
        "AddToTeamIds": list(invitation.teams),
        "SpaceId": invitation.space_id,
        "Expires": stamp(invitation.expires),
        "Links": {"Self": f"/api/users/invitations/{invitation.id}"},
    }


@routes.post("users/invitations")
def invite(call: Call) -> object:
    """POST /users/invitations: into teams that the caller may edit."""
    call.demand_system("UserInvite")
    body, world = call.body(), call.world
    teams = tuple(dict.fromkeys(body.texts("AddToTeamIds")))
    for team in teams:
        if team not in world.teams:
            raise missing("Team")
        demand_in(call, "TeamEdit", world.spaces.get(world.teams[team].space_id or ""))
    code = secrets.token_hex(16)
    invitation_id, space_id = world.new_id("Invitations"), body.text("SpaceId")
    made = Invitation(invitation_id, code, teams, space_id, call.now + _LASTS)
    world.invitations[made.id] = made
    return created(invitation_resource(made))


@routes.get("users/invitations/{invitation}")
def one_invitation(call: Call) -> object:
    """GET /users/invitations/{id}."""
    call.demand_system("UserInvite")
    found = call.world.invitations.get(call.param("invitation"))
    if found is None:
        raise missing("Invitation")
    return invitation_resource(found)


@routes.on("POST", "users/register", anonymous=True)
def register(call: Call) -> object:
    """POST /users/register: makes the account that an invitation allows, and logs it in."""
    body, world = call.body(), call.world
    code = body.need("InvitationCode")
    invitation = next((each for each in world.invitations.values() if each.code == code), None)
    if invitation is None or invitation.expires <= call.now:
        raise Refused(400, "The invitation code is not valid.")
    body.need("Password")
    user = new_account(world, body, is_service=False)
    del world.invitations[invitation.id]
    for team in (world.teams[each] for each in invitation.teams if each in world.teams):
        team.members.append(user.id)
    work_out_permissions(world)
    message = f"User {user.username} registered"
    world.record("Created", message, space=None, user=user, related=(user.id,))
    return Answer(user_resource(user, user), headers=open_session(world, user))
