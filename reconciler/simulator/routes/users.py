"""Users, their keys, teams, spaces and permissions."""

from __future__ import annotations

import secrets
import string
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.accesstokens import LIFE, issue
from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.paging import page
from reconciler.simulator.permissions import DIMENSIONS, SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.records import Grant
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.spaces import space_resource
from reconciler.simulator.times import parse_time, stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space, User

routes = Routes(Scope.SYSTEM)

_WORDS = {
    "projects": ("RestrictedToProjectIds", "projects"),
    "environments": ("RestrictedToEnvironmentIds", "environments"),
    "tenants": ("RestrictedToTenantIds", "tenants"),
    "groups": ("RestrictedToProjectGroupIds", "projectgroups"),
}


def new_key() -> str:
    """Make a key of the form that Octopus' clients accept."""
    letters = string.ascii_uppercase + string.digits
    return "API-" + "".join(secrets.choice(letters) for _ in range(31))


def user_resource(user: User, caller: User) -> dict[str, object]:
    """Return a user as JSON; `IsRequestor` tells whether the caller looks at themself."""
    own = f"/api/users/{user.id}"
    return {
        "Id": user.id,
        "Username": user.username,
        "DisplayName": user.display_name,
        "IsActive": user.is_active,
        "IsService": user.is_service,
        "IsRequestor": user is caller,
        "EmailAddress": user.email,
        "CanPasswordBeEdited": not user.is_service,
        "Identities": [],
        "Links": {
            "Self": own,
            "Permissions": f"{own}/permissions",
            "PermissionsConfiguration": f"{own}/permissions/configuration",
            "Spaces": f"{own}/spaces",
            "Teams": f"{own}/teams",
            "ApiKeys": f"{own}/apikeys{{/id}}{{?skip,take}}",
            "PermissionsExport": f"{own}/permissions/export",
            "Triggers": f"{own}/triggers",
            "AccessToken": f"{own}/accesstoken",
            "RevokeSessions": f"{own}/revoke-sessions",
        },
    }


def user_in(call: Call) -> User:
    """Return the user that the path names: oneself always, others with UserView."""
    wanted = call.param("user")
    if wanted.casefold() in ("me", call.user.id.casefold()):
        return call.user
    call.demand_system("UserView")
    user = call.world.users.get(wanted)
    if user is None:
        raise missing("User")
    return user


@routes.get("users")
def list_users(call: Call) -> object:
    """GET /users: by username; `filter` looks into all names."""
    template = "{/id}{?skip,take,ids,filter}"
    return page(call, "User", _found(call), lambda each: user_resource(each, call.user), template)


@routes.get("users/all")
def all_users(call: Call) -> object:
    """GET /users/all."""
    return [user_resource(each, call.user) for each in _found(call)]


def _found(call: Call) -> list[User]:
    call.demand_system("UserView")
    part = (call.query.text("filter") or "").casefold()
    ids = call.query.many("ids")
    found = [
        user
        for user in call.world.users.values()
        if part in f"{user.username}\n{user.display_name}\n{user.email}".casefold()
        and (ids is None or user.id in ids)
    ]
    found.sort(key=lambda user: user.username.casefold())
    return found


@routes.get("users/{user}")
def one_user(call: Call) -> object:
    """GET /users/me and /users/{id}."""
    return user_resource(user_in(call), call.user)


@routes.post("users/{user}/accesstoken")
def make_access_token(call: Call) -> object:
    """POST /users/{id}/accesstoken: for oneself only, for an hour."""
    user = user_in(call)
    if user is not call.user:
        raise Refused(400, "An access token can be made for oneself only.")
    until = stamp(call.now + LIFE)
    return created({"AccessToken": issue(call.world, user), "Expires": until, "Links": {}})


@routes.get("users/{user}/triggers")
def triggers_of_user(call: Call) -> object:
    """GET /users/{id}/triggers: no trigger is anybody's own."""
    user_in(call)
    return []


@routes.get("users/{user}/spaces")
def spaces_of_user(call: Call) -> object:
    """GET /users/{id}/spaces."""
    user = user_in(call)
    everywhere = user.is_administrator or user.holds("SpaceView")
    return [
        space_resource(space)
        for space in call.world.spaces_in_order()
        if everywhere or any(grant.space_id in (None, space.id) for grant in user.all_grants)
    ]


@routes.get("users/{user}/teams")
def teams_of_user(call: Call) -> object:
    """GET /users/{id}/teams."""
    return _teams(call, user_in(call))


def _teams(call: Call, user: User) -> list[dict[str, object]]:
    return [
        {
            "Id": team.id,
            "Name": team.name,
            "SpaceId": team.space_id,
            "IsDirectlyAssigned": True,
            "ExternalSecurityGroups": [],
        }
        for team in call.world.teams.values()
        if user.id in team.members
    ]


@routes.get("users/{user}/permissions", scope=Scope.MIXED)
def permissions(call: Call) -> object:
    """GET /users/{id}/permissions: merged, or with `/configuration` unmerged.

    The space of the path, else those that `spaces=` names, else all; system permissions unless
    `includeSystem=false`.
    """
    return _permission_set(call, user_in(call))


@routes.get("users/{user}/permissions/configuration", scope=Scope.MIXED)
def permissions_configuration(call: Call) -> object:
    """GET /users/{id}/permissions/configuration: what is granted, entry by entry."""
    return _permission_set(call, user_in(call))


def _permission_set(call: Call, user: User) -> dict[str, object]:
    spaces = asked_spaces(call)
    granted: dict[str, list[dict[str, object]]] = {}
    everything = [Grant(name) for name in SPACE_PERMISSIONS] if user.is_administrator else []
    for space in spaces:
        for grant in (*everything, *user.all_grants):
            if grant.space_id in (None, space.id):
                entry = _entry(grant, space)
                entries = granted.setdefault(grant.permission, [])
                if entry not in entries:
                    entries.append(entry)
    system = (
        SYSTEM_PERMISSIONS
        if user.is_administrator
        else sorted({*user.system_permissions, *user.team_system})
    )
    return {
        "Id": f"userpermissions-{user.id}",
        "SpacePermissions": dict(sorted(granted.items())),
        "SystemPermissions": [] if call.query.flag("includeSystem") is False else list(system),
        "Teams": _teams(call, user),
        "IsPermissionsComplete": True,
        "IsTeamsComplete": True,
        "Links": {"Self": f"/api/users/{user.id}/permissions", "User": f"/api/users/{user.id}"},
    }


def asked_spaces(call: Call) -> list[Space]:
    """Return the space of the path, else those that `spaces=` names, else all the caller sees."""
    if call.scoped_space is not None:
        return [call.scoped_space]
    wanted = call.query.many("spaces")
    if wanted is None or "all" in {each.casefold() for each in wanted}:
        return call.spaces()
    return [space for space in call.spaces() if space.id in wanted]


def _entry(grant: Grant, space: Space) -> dict[str, object]:
    entry: dict[str, object] = {"SpaceId": space.id}
    used = SPACE_PERMISSIONS.get(grant.permission, frozenset())
    for dimension in DIMENSIONS:
        name, word = _WORDS[dimension]
        restriction: frozenset[str] | None = getattr(grant, dimension)
        if restriction is not None:
            entry[name] = sorted(restriction)
        else:
            entry[name] = [f"{word}-all" if dimension in used else f"{word}-unrelated"]
    return entry


@routes.get("users/{user}/apikeys")
def list_keys(call: Call) -> object:
    """GET /users/{id}/apikeys: the keys' purposes and hints, never the keys."""
    user = user_in(call)
    return page(call, "ApiKey", user.keys, lambda key: key, "{/id}{?skip,take}")


@routes.post("users/{user}/apikeys")
def make_key(call: Call) -> object:
    """POST /users/{id}/apikeys: the key itself is in this answer only."""
    user = user_in(call)
    body = call.body()
    expires = body.text("Expires")
    until = parse_time(expires, name="Expires") if expires else call.now + timedelta(days=180)
    key = new_key()
    key_id = call.world.new_id("apikeys")
    shown: dict[str, object] = {
        "Id": key_id,
        "Purpose": body.text("Purpose"),
        "UserId": user.id,
        "ApiKey": {"HasValue": True, "NewValue": None, "Hint": key[:6]},
        "Created": stamp(call.now),
        "Expires": stamp(until),
        "Links": {"Self": f"/api/users/{user.id}/apikeys/{key_id}"},
    }
    user.keys.append(shown)
    call.world.keys[key] = user
    call.world.key_ids[key] = key_id
    return created({**shown, "ApiKey": key})


@routes.get("users/{user}/apikeys/{key}")
def one_key(call: Call) -> object:
    """GET /users/{id}/apikeys/{id}: its purpose and hint."""
    return _key_in(call, user_in(call))


@routes.on("DELETE", "users/{user}/apikeys/{key}")
def delete_key(call: Call) -> object:
    """DELETE /users/{id}/apikeys/{id}: the key opens nothing any more."""
    user = user_in(call)
    if user is not call.user:
        call.demand_system("UserEdit")
    shown = _key_in(call, user)
    user.keys.remove(shown)
    for key in [key for key, own in call.world.key_ids.items() if own == shown["Id"]]:
        del call.world.key_ids[key]
        call.world.keys.pop(key, None)
    return shown


def _key_in(call: Call, user: User) -> dict[str, object]:
    for shown in user.keys:
        if shown["Id"] == call.param("key"):
            return shown
    if any(each["Id"] == call.param("key") for o in call.world.users.values() for each in o.keys):
        raise Refused(400, "This ApiKey does not belong to the specified user.")
    raise missing("API Key")
