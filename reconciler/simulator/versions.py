"""Release versions as the server reads them: parse, equality and order.

Source: Octopus' public versioning library (`OctopusVersionParser`, `VersionComparer`). This is the
simulator's own reading; the client has another one.
"""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["VersionKey", "is_release_number", "next_version", "version_key"]

_Label = tuple[int, int, str]
VersionKey = tuple[tuple[int, int, int, int], int, tuple[_Label, ...]]

_SHAPE = re.compile(
    r"\s*[vV]?(?P<numbers>\d+(?:\s*\.\s*\d+){0,3})"
    r"(?:[.\-_\\]?(?P<pre>[A-Za-z0-9.\-_\\]*))?"
    r"(?:\+(?P<meta>[A-Za-z0-9_\-.\\+]*))?\s*",
)
_INT32 = 2_147_483_647


def _label(text: str) -> _Label:
    if text.isascii() and text.isdigit() and int(text) <= _INT32:
        return (0, int(text), "")
    return (1, 0, text.upper())


def is_release_number(text: str) -> bool:
    """Tell whether the text has one to four numbers before its optional prerelease."""
    if len(text) > 349:
        return False
    found = _SHAPE.fullmatch(text)
    if found is None:
        return False
    return all(int(part) <= _INT32 for part in found["numbers"].split("."))


@lru_cache(maxsize=65536)
def version_key(text: str) -> VersionKey:
    """Return a key that is equal for equal versions and sorts as the server orders them.

    A text that is no version sorts below every version, by its letters.
    """
    found = _SHAPE.fullmatch(text)
    if found is None:
        return ((-1, 0, 0, 0), 0, ((1, 0, text.strip().upper()),))
    parts = [int(part) for part in found["numbers"].split(".")]
    numbers = ([*parts, 0, 0, 0])[:4]
    pre = found["pre"] or ""
    if not pre:
        return ((numbers[0], numbers[1], numbers[2], numbers[3]), 1, ())
    labels = tuple(_label(label) for label in re.split(r"[^A-Za-z0-9]", pre))
    return ((numbers[0], numbers[1], numbers[2], numbers[3]), 0, labels)


def next_version(versions: list[str]) -> str:
    """Return the last version with its third number raised, as the default template says."""
    if not versions:
        return "0.0.1"
    numbers = version_key(versions[-1])[0]
    return f"{numbers[0]}.{numbers[1]}.{numbers[2] + 1}"
