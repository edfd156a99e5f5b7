"""Logging in and out with a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.users import user_resource
from reconciler.simulator.sessions import close_session, is_password, open_session

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)


@routes.on("POST", "users/login", anonymous=True)
def log_in(call: Call) -> object:
    """POST /users/login: the user, and cookies for a session; 401 for a wrong name or password."""
    body = call.body()
    username, password = body.need("Username").casefold(), body.need("Password")
    world = call.world
    every = world.users.values()
    user = next((each for each in every if each.username.casefold() == username), None)
    if user is None or not user.password or not is_password(user, password):
        world.record("LoginFailed", "A login failed", space=None, user=None)
        raise Refused(401, "Invalid username or password.")
    related = (user.id,)
    message = f"User {user.username} logged in"
    world.record("LoginSucceeded", message, space=None, user=user, related=related)
    return Answer(user_resource(user, user), headers=open_session(world, user))


@routes.on("POST", "users/logout", anonymous=True)
def log_out(call: Call) -> object:
    """POST /users/logout: the session of the cookies ends."""
    close_session(call.world, call.headers)
    return {}


@routes.post("users/{user}/revoke-sessions")
def revoke_sessions(call: Call) -> object:
    """POST /users/{id}/revoke-sessions: one's own, or with UserEdit anybody's."""
    wanted = call.param("user")
    if wanted.casefold() in ("me", call.user.id.casefold()):
        wanted = call.user.id
    else:
        call.demand_system("UserEdit")
    if wanted not in call.world.users:
        raise missing("User")
    sessions = call.world.sessions
    for token in [token for token, each in sessions.items() if each.user_id == wanted]:
        del sessions[token]
    return {}
