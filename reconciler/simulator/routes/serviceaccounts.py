"""Who outside may act as a service account, and the exchange of their tokens for ours."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from reconciler.simulator.accesstokens import (
    LIFE,
    OidcIdentity,
    claims_of,
    external_id,
    issue,
    trusts,
)
from reconciler.simulator.answers import Answer, Refused, created, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note
from reconciler.simulator.router import Route, Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import User

__all__ = ["outer_routes", "routes"]

routes = Routes(Scope.SYSTEM)

_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT = "urn:ietf:params:oauth:token-type:jwt"
_IDENTITIES = "serviceaccounts/{user}/oidcidentities"


def _account_in(call: Call, permission: str) -> User:
    """Return the service account of the path; one may look at one's own."""
    if call.param("user") != call.user.id or permission != "UserView":
        call.demand_system(permission)
    user = call.world.users.get(call.param("user"))
    if user is None or not user.is_service:
        raise missing("Service Account")
    return user


def _identity_in(call: Call, user: User) -> OidcIdentity:
    for each in user.oidc_identities:
        if each.id == call.param("identity"):
            return each
    raise missing("OIDC Identity")


def _shown(user: User, identity: OidcIdentity) -> dict[str, object]:
    return {
        "Id": identity.id,
        "ServiceAccountId": user.id,
        "Name": identity.name,
        "Issuer": identity.issuer,
        "Subject": identity.subject,
        "Audience": identity.audience or None,
        "Links": {"Self": f"/api/serviceaccounts/{user.id}/oidcidentities/{identity.id}/v1"},
    }


def _read(body: Body, own_id: str) -> OidcIdentity:
    issuer = body.need("Issuer")
    if not issuer.startswith("https://"):
        raise Refused(400, "Model validation failed.", ("The issuer must be an HTTPS address.",))
    name, subject = body.need("Name"), body.need("Subject")
    return OidcIdentity(own_id, name, issuer, subject, body.text("Audience") or "")


@routes.get(f"{_IDENTITIES}/v1")
def list_identities(call: Call) -> object:
    """GET /serviceaccounts/{id}/oidcidentities/v1: with the account's external id."""
    user = _account_in(call, "UserView")
    skip, take = call.query.number("skip", 0), call.query.number("take", 30)
    return {
        "ServerUrl": _address(call),
        "ExternalId": external_id(call.world, user),
        "OidcIdentities": [_shown(user, each) for each in user.oidc_identities[skip : skip + take]],
        "Count": len(user.oidc_identities),
    }


@routes.post(f"{_IDENTITIES}/create/v1")
def create_identity(call: Call) -> object:
    """POST /serviceaccounts/{id}/oidcidentities/create/v1."""
    user = _account_in(call, "UserEdit")
    made = _read(call.body(), call.world.new_id("ServiceAccountOidcIdentities"))
    user.oidc_identities.append(made)
    note(call, "Created", "OIDC identity", made.name, made.id, user.id)
    return created(_shown(user, made))


@routes.get(f"{_IDENTITIES}/{{identity}}/v1")
def one_identity(call: Call) -> object:
    """GET /serviceaccounts/{id}/oidcidentities/{id}/v1."""
    user = _account_in(call, "UserView")
    return _shown(user, _identity_in(call, user))


@routes.put(f"{_IDENTITIES}/{{identity}}/v1")
def change_identity(call: Call) -> object:
    """PUT /serviceaccounts/{id}/oidcidentities/{id}/v1."""
    user = _account_in(call, "UserEdit")
    before = _identity_in(call, user)
    made = _read(call.body(), before.id)
    user.oidc_identities[user.oidc_identities.index(before)] = made
    note(call, "Modified", "OIDC identity", made.name, made.id, user.id)
    return _shown(user, made)


@routes.on("DELETE", f"{_IDENTITIES}/{{identity}}/v1")
def delete_identity(call: Call) -> object:
    """DELETE /serviceaccounts/{id}/oidcidentities/{id}/v1."""
    user = _account_in(call, "UserEdit")
    found = _identity_in(call, user)
    user.oidc_identities.remove(found)
    note(call, "Deleted", "OIDC identity", found.name, found.id, user.id)
    return _shown(user, found)


@routes.on("POST", "token/v1", anonymous=True)
def exchange(call: Call) -> object:
    """POST /token/v1: an access token for a JWT of a trusted issuer; as JSON or as a form."""
    if "form-urlencoded" in call.headers.get("content-type", ""):
        body = Body(dict(parse_qsl(call.raw_body.decode("utf-8", "replace"))))
    else:
        body = call.body()
    if body.text("grant_type") != _GRANT:
        return _no("unsupported_grant_type", f"The grant_type must be {_GRANT}.")
    if body.text("subject_token_type") != _JWT:
        return _no("invalid_request", f"The subject_token_type must be {_JWT}.")
    claims = claims_of(body.text("subject_token") or "")
    if claims is None:
        return _no("invalid_request", "The subject_token is not a JWT.")
    world, wanted = call.world, body.text("audience")
    accounts = (each for each in world.users.values() if each.is_service and each.is_active)
    user = next((each for each in accounts if external_id(world, each) == wanted), None)
    if user is None or not trusts(world, user, claims):
        return _no("invalid_grant", "No service account of that audience trusts the subject_token.")
    world.record("LoginSucceeded", f"User {user.username} logged in", space=None, user=user,
                 related=(user.id,))  # fmt: skip
    return {
        "access_token": issue(world, user),
        "issued_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_type": "Bearer",
        "expires_in": str(int(LIFE.total_seconds())),
    }


def _no(error: str, sentence: str) -> Answer:
    """Return a refusal in the words of OAuth, with the product's beside."""
    refused = Refused(400, sentence).answer()
    body = refused.body if isinstance(refused.body, dict) else {}
    return Answer({"error": error, "error_description": sentence, **body}, 400)


def _address(call: Call) -> str:
    """Return the server's address as the caller knows it."""
    scheme = call.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{call.headers.get('host', 'localhost')}"


def outer_routes() -> list[Route]:
    """Return the routes beside `/api` by which clients find out where tokens are exchanged."""
    outer = Routes(Scope.SYSTEM)
    outer.on("POST", "token/v1", anonymous=True)(exchange)

    @outer.on("GET", ".well-known/openid-configuration", anonymous=True)
    def configuration(call: Call) -> object:
        own = _address(call)
        return {
            "issuer": own,
            "token_endpoint": f"{own}/token/v1",
            "jwks_uri": f"{own}/.well-known/jwks",
            "grant_types_supported": [_GRANT],
        }

    @outer.on("GET", ".well-known/jwks", anonymous=True)
    def keys(call: Call) -> object:
        del call
        return {"keys": []}

    return outer.routes
