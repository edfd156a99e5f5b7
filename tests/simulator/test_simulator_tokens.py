"""Access tokens that a service account gets for a token of a trusted issuer."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from reconciler.simulator import Simulator

ISSUER = "https://token.example.com"
GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"


def _jwt(**claims: object) -> str:
    body = urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


async def _trusted(simulator: Simulator, admin: Any) -> tuple[str, str]:
    """Trust the issuer; return the account's id and the id it has outside."""
    users = await admin.get("/api/users?filter=reconciler")
    own = users["Items"][0]["Id"]
    identity = {"Name": "CI", "Issuer": ISSUER, "Subject": "repo:acme/*:ref:main"}
    await admin.post(f"/api/serviceaccounts/{own}/oidcidentities/create/v1", identity)
    data = await admin.get(f"/api/serviceaccounts/{own}/oidcidentities/v1")
    assert (data["Count"], data["OidcIdentities"][0]["Subject"]) == (1, identity["Subject"])
    return own, data["ExternalId"]


def _exchange(audience: str, **claims: object) -> dict[str, str]:
    made = {"iss": ISSUER, "sub": "repo:acme/shop:ref:main", "aud": audience, **claims}
    return {
        "grant_type": GRANT,
        "subject_token_type": JWT,
        "audience": audience,
        "subject_token": _jwt(**made),
    }


async def test_a_trusted_token_opens_the_api_for_an_hour(
    simulator: Simulator, admin: Any, anyone: Any
) -> None:
    _, audience = await _trusted(simulator, admin)
    found = await anyone.get("/.well-known/openid-configuration")
    assert found["issuer"] == "http://octopus"
    given = await anyone.post(found["token_endpoint"], _exchange(audience), status=200)
    assert (given["token_type"], given["expires_in"]) == ("Bearer", "3600")

    headers = {"Authorization": f"Bearer {given['access_token']}"}
    me = await anyone.http.get("/api/users/me", headers=headers)
    assert me.json()["Username"] == "reconciler"
    simulator.restore(simulator.backup())
    assert (await anyone.http.get("/api/users/me", headers=headers)).status_code == 200
    simulator.advance(3600)
    assert (await anyone.http.get("/api/users/me", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example.com"},
        {"sub": "repo:else/shop:ref:main"},
        {"sub": "REPO:acme/shop:ref:main"},
        {"aud": "somebody"},
        {"exp": 1},
    ],
    ids=lambda claims: next(iter(claims)),
)
async def test_a_token_that_is_not_trusted_opens_nothing(
    simulator: Simulator, admin: Any, anyone: Any, claims: dict[str, object]
) -> None:
    _, audience = await _trusted(simulator, admin)
    refused = await anyone.post("/api/token/v1", _exchange(audience, **claims), status=400)
    assert (refused["error"], bool(refused["ErrorMessage"])) == ("invalid_grant", True)


async def test_an_exchange_says_what_is_wrong_with_it(simulator: Simulator, anyone: Any) -> None:
    good = _exchange("x")
    for wrong in ({"grant_type": "x"}, {"subject_token_type": "x"}, {"subject_token": "x"}):
        refused = await anyone.post("/token/v1", {**good, **wrong}, status=400)
        assert refused["error"] in ("unsupported_grant_type", "invalid_request")
    form = await anyone.http.post("/token/v1", data=good)
    assert form.json()["error"] == "invalid_grant"


async def test_identities_are_changed_by_user_editors_only(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    own, _ = await _trusted(simulator, admin)
    (identity,) = (await api.get(f"/api/serviceaccounts/{own}/oidcidentities/v1"))["OidcIdentities"]
    path = identity["Links"]["Self"]
    await api.put(path, identity, status=403)
    changed = await admin.put(path, {**identity, "Audience": "api"})
    assert await admin.get(path) == changed
    await admin.put(path, {**identity, "Issuer": "http://plain"}, status=400)
    assert (await admin.http.delete(path)).status_code == 200
    await admin.get(path, status=404)
    await admin.get("/api/serviceaccounts/Users-99/oidcidentities/v1", status=404)
