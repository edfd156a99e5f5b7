"""What a server says in a refusal, and addresses, in a form that may be shown (rules 30, 52)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from reconciler.core.text import clean
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.core.secret import Secret

LONGEST_REFUSAL = 500
MOST_ERRORS = 10

_USUAL_PORTS = {"http": ":80", "https": ":443"}
_KEY_SHAPE = re.compile(r"\bAPI-[A-Za-z0-9]{4,}")


class _ErrorBody(msgspec.Struct, rename="pascal"):
    error_message: str | None = None
    errors: list[str] | None = None


def refusal(body: bytes, key: Secret) -> str:
    """Return the server's own words in an error answer, or "" where it is not Octopus speaking.

    Source: Octopus' public clients, which read `ErrorMessage` and `Errors` from a failure.
    """
    try:
        said = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    pieces = [said.error_message or "", *(said.errors or ())[:MOST_ERRORS]]
    distinct = dict.fromkeys(piece.strip() for piece in pieces if piece.strip())
    return redacted(" ".join(distinct), key, LONGEST_REFUSAL)


def redacted(text: str, key: Secret, limit: int = 200) -> str:
    """Return foreign text cleaned, with our key masked by value and every key by its shape."""
    return clean(_KEY_SHAPE.sub("API-****", key.hide_in(text)), limit)


def bare_address(url: str) -> str:
    """Return scheme, host and path of an address that a server gave us: no user, no query."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "an unreadable address"
    return clean(f"{parts.scheme}://{host}{port}{parts.path}" if host else parts.path)


def server_root(url: str) -> str:
    """Return the address below which `/api` lies, without a slash at its end.

    A virtual directory is kept (`https://host/octo`); a trailing `/api` is not, nor is the port
    that goes without saying.

    Raises:
        UsageError: not an http or https address, or one with a user, a query or a fragment.
    """
    try:
        parts = urlsplit(url)
        usable = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.username is None
            and not (parts.query or parts.fragment)
            and url.isascii()
            and url.isprintable()
            and " " not in url
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            f"The Octopus server address {bare_address(url)} cannot be used; nothing was sent.",
            hint="write it as https://octopus.example or https://host/virtual-directory",
        )
    path = parts.path.rstrip("/").removesuffix("/api")
    host = parts.netloc.lower().removesuffix(_USUAL_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}{path}"
