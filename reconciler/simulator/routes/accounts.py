"""Making, changing and removing users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import note, unless_refused
from reconciler.simulator.membership import work_out_permissions
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.users import user_resource
from reconciler.simulator.sessions import hash_password

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import User
    from reconciler.simulator.world import World

routes = Routes(Scope.SYSTEM)


@routes.post("users")
def create_user(call: Call) -> object:
    """POST /users: without any permission, in the team of everyone; passwords are hashed."""
    call.demand_system("UserEdit")
    body = call.body()
    user = new_account(call.world, body, is_service=body.flag("IsService"))
    note(call, "Created", "User", user.username, user.id)
    return created(user_resource(user, call.user))


def new_account(world: World, body: Body, *, is_service: bool) -> User:
    """Make the account that a body describes, in the team of everyone.

    Raises:
        Refused: 400 for a username that is missing or in use.
    """
    username = body.need("Username")
    if username.casefold() == "system":
        raise Refused(400, "Username is reserved and can't be used to create new users.")
    if any(each.username.casefold() == username.casefold() for each in world.users.values()):
        raise Refused(
            400, "User creation failed.", (f"The username '{username}' is already in use.",)
        )
    user = world.add_user(username, username, is_service=is_service)
    with unless_refused(lambda: world.users.pop(user.id)):
        _write(user, body)
    everyone = world.teams.get("teams-everyone")
    if everyone is not None:
        everyone.members.append(user.id)
        work_out_permissions(world)
    return user


@routes.put("users/{user}")
def change_user(call: Call) -> object:
    """PUT /users/{id}: display name, address and whether the account is in use."""
    user = _user_in(call)
    body = call.body()
    if body.text("Password") is not None and user.is_service:
        raise Refused(400, "Passwords cannot be set for service user accounts.")
    is_active = user.is_active if body.get("IsActive") is None else body.flag("IsActive")
    _write(user, body)
    user.is_active = user.is_active if user is call.user else is_active
    note(call, "Modified", "User", user.username, user.id)
    return user_resource(user, call.user)


def _write(user: User, body: Body) -> None:
    display_name, email = body.text("DisplayName"), body.text("EmailAddress")
    password = body.text("Password")
    user.display_name, user.email = display_name or user.username, email or ""
    if password is not None and not user.is_service:
        user.password = hash_password(password)


@routes.on("DELETE", "users/{user}")
def delete_user(call: Call) -> object:
    """DELETE /users/{id}: with the keys; nobody deletes themself."""
    user = _user_in(call)
    if user is call.user:
        raise Refused(400, "You cannot delete your own account.")
    shown = user_resource(user, call.user)
    world = call.world
    for key in [key for key, owner in world.keys.items() if owner is user]:
        del world.keys[key]
    for team in world.teams.values():
        if user.id in team.members:
            team.members.remove(user.id)
    del world.users[user.id]
    note(call, "Deleted", "User", user.username, user.id)
    return shown


def _user_in(call: Call) -> User:
    call.demand_system("UserEdit")
    user = call.world.users.get(call.param("user"))
    if user is None:
        raise missing("User")
    return user
