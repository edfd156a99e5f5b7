"""Ways to sign in, and what extensions add to a server. There are no extensions here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.paging import page
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_PASSWORD: dict[str, Any] = {
    "Name": "Octopus",
    "IdentityType": "UsernamePassword",
    "FormsLoginEnabled": True,
    "CSSLinks": [],
    "JavascriptLinks": [],
    "Links": {},
}
"""The one provider: a name and a password of the server's own."""


@routes.on("GET", "authentication", anonymous=True)
def authentication(call: Call) -> object:
    """GET /authentication: how people may sign in."""
    del call
    return {
        "Id": None,
        "AuthenticationProviders": [_PASSWORD],
        "AnyAuthenticationProvidersSupportPasswordManagement": True,
        "AutoLoginEnabled": False,
        "Links": {"Self": "/api/authentication"},
    }


@routes.on("POST", "authentication/checklogininitiated", anonymous=True)
def login_initiated(call: Call) -> object:
    """POST /authentication/checklogininitiated: no other server ever begins a login."""
    call.body()
    return {"Id": None, "ProviderName": None, "WasLoginInitiated": False, "Links": {}}


@routes.get("users/authentication")
def sign_ins(call: Call) -> object:
    """GET /users/authentication: providers, and whether the caller may edit identities."""
    return {
        "Id": None,
        "AuthenticationProviders": [_PASSWORD],
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


def _octopus_id(call: Call) -> object:
    """Refuse to sign in by Octopus ID."""
    del call
    raise Refused(400, "Extension is disabled.")


for _path in ("users/authenticate/OctopusID", "users/authenticatedToken/OctopusID"):
    routes.on("POST", _path, anonymous=True)(_octopus_id)


@routes.get("users/external-search")
def external_users(call: Call) -> object:
    """GET /users/external-search: nobody beside the server's own users."""
    call.demand_system("UserView")
    return []


@routes.get("users/identity-metadata")
def identity_metadata(call: Call) -> object:
    """GET /users/identity-metadata: no provider has identities."""
    del call
    return {"Id": None, "Providers": [], "Links": {}}


@routes.get("externalsecuritygroupproviders")
def group_providers(call: Call) -> object:
    """GET /externalsecuritygroupproviders."""
    del call
    return []


@routes.get("issuetrackers")
def issue_trackers(call: Call) -> object:
    """GET /issuetrackers."""
    return page(call, "IssueTracker", [], lambda each: each, "{?skip,take,ids,partialName}")


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


@routes.put("dynamic-extensions/features/values")
def change_feature_values(call: Call) -> object:
    """PUT /dynamic-extensions/features/values: of features that are not there nothing is kept."""
    call.demand_system("ConfigureServer")
    call.body()
    return {"Values": {}}


@routes.get("dynamic-extensions/scripts")
def scripts(call: Call) -> object:
    """GET /dynamic-extensions/scripts."""
    del call
    return []


@routes.get("configuration/feature-toggles")
def feature_toggles(call: Call) -> object:
    """GET /configuration/feature-toggles: none is switched."""
    call.demand_system("ConfigureServer")
    return {"FeatureToggles": []}


@routes.post("configuration/versioncontrol/clear-cache")
def clear_git_cache(call: Call) -> object:
    """POST /configuration/versioncontrol/clear-cache: there is no copy of a repository."""
    call.demand_system("ConfigureServer")
    return {}
