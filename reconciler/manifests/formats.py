"""What a JSON Schema pattern cannot judge: versions, times, server addresses.

Each check has one truth here. The fast path asks for the value; the diagnosis asks for the trouble
by the name of the schema's `format`.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from reconciler.core.version import OctopusVersion
from reconciler.core.versionrange import VersionRange
from reconciler.manifests.runbooks import parse_duration
from reconciler.manifests.windows import parse_dates, parse_time_of_day, parse_zone
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_RFC_3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{1,9})?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_VISIBLE = re.compile(r"[!-~]+")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")


@lru_cache(maxsize=65_536)
def version_trouble(text: str) -> str | None:
    """Say why a pin's text is no version; None: it is one (rule 6: ASCII, no inner space)."""
    if not text.isascii():
        return f"'{shown(text)}' is not a version: it has a character outside of ASCII"
    if any(char.isspace() for char in text):
        return f"'{shown(text)}' is not a version: take the space out"
    try:
        OctopusVersion.parse(text)
    except ValueError as error:
        return shown(str(error), 200)
    return None


def parse_time(text: str) -> datetime:
    """Return an RFC 3339 time with an offset or Z as aware UTC.

    Raises:
        ValueError: it is not one; the message is the problem's.
    """
    found = _RFC_3339.fullmatch(text)
    if found is not None:
        day, clock, fraction, offset = found.groups()
        try:
            zone = "+00:00" if offset in "Zz" else offset
            return datetime.fromisoformat(f"{day}T{clock}{fraction or ''}{zone}").astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f"'{shown(text)}' does not exist in the calendar") from None
    raise ValueError(
        f"'{shown(text)}' is not a time: write it as 2026-12-01T00:00:00Z, with an offset or Z"
    )


def server_trouble(text: str) -> str | None:
    """Say why a text is no server address; None: it is an http(s) URL without secrets in it."""
    if not _VISIBLE.fullmatch(text) or "\\" in text:
        return "the server is not a URL: it has a space, a backslash or a character not in ASCII"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return f"'{shown(text)}' is not a URL with a host and a port"
    if parts.scheme not in ("http", "https"):
        return "the server must be a URL that begins with https:// (or http://)"
    if "@" in parts.netloc:
        return "the server must not contain a user or password; credentials are found elsewhere"
    if "?" in text or "#" in text:
        return "the server must not have a query or fragment ('?', '#')"
    if not _HOST.fullmatch(parts.netloc.removesuffix(f":{port}")):
        return f"'{shown(text)}' does not name a host"
    return None


def range_trouble(text: str) -> str | None:
    """Say why a text is no range of versions; None: it is one."""
    try:
        VersionRange.parse(text)
    except ValueError as error:
        return shown(str(error), 200)
    return None


def _trouble(parse: Callable[[str], object]) -> Callable[[str], str | None]:
    """Return what says why a text cannot be parsed; None: it can."""

    def trouble(text: str) -> str | None:
        try:
            parse(text)
        except ValueError as error:
            return str(error)
        return None

    return trouble


TIMES: Final = frozenset({"date-time", "time-of-day", "dates"})
"""The formats of times, which are their own text, quoted or not (rule 6)."""

TROUBLE: Final[Mapping[str, Callable[[str], str | None]]] = {
    "octopus-version": version_trouble,
    "date-time": _trouble(parse_time),
    "time-of-day": _trouble(parse_time_of_day),
    "dates": _trouble(parse_dates),
    "time-zone": _trouble(parse_zone),
    "server-url": server_trouble,
    "version-range": range_trouble,
    "duration": _trouble(parse_duration),
}
