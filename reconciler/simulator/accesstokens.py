"""Access tokens: short-lived keys that a service account gets for a token of a trusted issuer.

Source: Octopus' documentation of OpenID Connect for its API, and its public login action.
"""

from __future__ import annotations

import json
import re
import secrets
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import User
    from reconciler.simulator.world import World

__all__ = [
    "LIFE",
    "AccessToken",
    "OidcIdentity",
    "bearer",
    "claims_of",
    "external_id",
    "issue",
    "trusts",
]

LIFE = timedelta(hours=1)
"""How long an access token opens the API."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """Who a token stands for, and until when."""

    user_id: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class OidcIdentity:
    """An issuer, and subjects of its, that may act as a service account."""

    id: str
    name: str
    issuer: str
    subject: str
    audience: str = ""
    """What tokens must be made for; empty: the service account's external id."""


def external_id(world: World, user: User) -> str:
    """Return the id by which a service account is known outside of the server."""
    return str(uuid.uuid5(uuid.UUID(world.installation_id), user.id))


def claims_of(token: str) -> dict[str, Any] | None:
    """Return what a JWT claims, None when it is none. Nobody checks its signature."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        padded = parts[1] + "=" * (-len(parts[1]) % 4)
        claims = json.loads(urlsafe_b64decode(padded.encode("ascii")))
    except (ValueError, RecursionError):
        return None
    return claims if isinstance(claims, dict) else None


def trusts(world: World, user: User, claims: dict[str, Any]) -> bool:
    """Tell whether a service account may be used by who makes these claims, at this moment.

    The subject of an identity may hold `*` (any letters) and `?` (any letter).
    """
    audience = claims.get("aud")
    made_for = audience if isinstance(audience, list) else [audience]
    expires = claims.get("exp")
    is_over = isinstance(expires, int | float) and expires <= world.now.timestamp()
    return not is_over and any(
        each.issuer == claims.get("iss")
        and _fits(each.subject, str(claims.get("sub")))
        and (each.audience or external_id(world, user)) in made_for
        for each in user.oidc_identities
    )


def _fits(pattern: str, subject: str) -> bool:
    parts = (re.escape(each).replace(r"\?", ".") for each in re.split(r"\*+", pattern))
    return re.fullmatch(".*".join(parts), subject, re.DOTALL) is not None


def issue(world: World, user: User) -> str:
    """Make an access token for a user, in the form of a JWT."""
    for old in [token for token, each in world.access_tokens.items() if each.expires <= world.now]:
        del world.access_tokens[old]
    expires = world.now + LIFE
    head = {"alg": "none", "typ": "JWT"}
    claims = {"sub": user.id, "exp": int(expires.timestamp())}
    token = ".".join((_encoded(head), _encoded(claims), secrets.token_urlsafe(32)))
    world.access_tokens[token] = AccessToken(user.id, expires)
    return token


def _encoded(value: dict[str, Any]) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def bearer(world: World, authorization: str) -> User | None:
    """Return the user of an `Authorization: Bearer` header, None when its token is not known."""
    found = world.access_tokens.get(authorization[7:].strip())
    if found is None or found.expires <= world.now:
        return None
    user = world.users.get(found.user_id)
    return user if user is not None and user.is_active else None
