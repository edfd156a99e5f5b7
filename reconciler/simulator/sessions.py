"""Passwords, and the sessions that they open: two cookies, one of which writes must repeat.

Source: Octopus' public .NET client, which sends back the value of the cookie
`Octopus-Csrf-Token...` in the header `X-Octopus-Csrf-Token`.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from reconciler.simulator.records import User
    from reconciler.simulator.world import World

__all__ = ["Session", "close_session", "hash_password", "is_password", "open_session", "who_is_in"]

_IDENTITY = "OctopusIdentificationToken"
_CSRF = "Octopus-Csrf-Token"
_READS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Session:
    """What one login opened."""

    user_id: str
    csrf: str


def hash_password(password: str) -> str:
    """Return what is stored of a password: salt and hash, in hex."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_hash(password, salt)}"


def _hash(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, n=4096, r=8, p=1).hex()


def is_password(user: User, password: str) -> bool:
    """Tell whether a password opens an account; one without a password is never opened."""
    salt, _, stored = user.password.partition(":")
    made = _hash(password, bytes.fromhex(salt))
    return hmac.compare_digest(made, stored) and user.is_active and not user.is_service


def open_session(world: World, user: User) -> tuple[tuple[str, str], ...]:
    """Open a session and return the headers that carry its cookies."""
    token, csrf = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    world.sessions[token] = Session(user.id, csrf)
    identity = f"{_IDENTITY}_{world.installation_id}={token}; Path=/; HttpOnly; SameSite=Lax"
    proof = f"{_CSRF}_{world.installation_id}={csrf}; Path=/; SameSite=Lax"
    return ("set-cookie", identity), ("set-cookie", proof)


def close_session(world: World, headers: dict[str, str]) -> None:
    """Forget the session of a request's cookies."""
    world.sessions.pop(_token(headers), None)


def who_is_in(world: World, method: str, headers: dict[str, str]) -> User | None:
    """Return the user of a request's cookies, None without a session.

    Raises:
        Refused: 400 for a write that does not prove that the page it comes from is the server's.
    """
    session = world.sessions.get(_token(headers))
    user = world.users.get(session.user_id) if session else None
    if session is None or user is None or not user.is_active:
        return None
    proof = headers.get("x-octopus-csrf-token", "")
    if method not in _READS and not hmac.compare_digest(proof.encode(), session.csrf.encode()):
        raise Refused(400, "A required anti-forgery token was not supplied or was invalid.")
    return user


def _token(headers: dict[str, str]) -> str:
    try:
        cookies = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return next((each.value for name, each in cookies.items() if name.startswith(_IDENTITY)), "")
