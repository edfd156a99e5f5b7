"""What extensions add to a server: ways to sign in, features and scripts. There are none here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)


@routes.get("users/authentication")
def sign_ins(call: Call) -> object:
    """GET /users/authentication: providers beside the password."""
    return {
        "Id": None,
        "AuthenticationProviders": [],
        "CanCurrentUserEditIdentitiesForUser": call.user.is_administrator,
        "Links": {},
    }


@routes.get("users/authentication/{user}")
def sign_ins_of(call: Call) -> object:
    """GET /users/authentication/{id}: as seen by that user's editor."""
    if call.param("user") != call.user.id:
        call.demand_system("UserView")
    if call.param("user") not in call.world.users:
        raise missing("User")
    return sign_ins(call)


@routes.get("externalsecuritygroupproviders")
def group_providers(call: Call) -> object:
    """GET /externalsecuritygroupproviders."""
    del call
    return []


@routes.get("dynamic-extensions/features/metadata")
def features(call: Call) -> object:
    """GET /dynamic-extensions/features/metadata."""
    del call
    return {"Features": []}


@routes.get("dynamic-extensions/features/values")
def feature_values(call: Call) -> object:
    """GET /dynamic-extensions/features/values."""
    del call
    return {"Values": {}}
