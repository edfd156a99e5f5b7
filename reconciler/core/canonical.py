"""Bytes that are the same for equal values on every machine, and their SHA-256.

The bytes are those of RFC 8785 (JSON Canonicalization Scheme) for the part of JSON in which no
number needs rounding and no key needs UTF-16 order: strings, integers within +-(2^53-1), booleans,
null, lists and objects with ASCII keys. Inside that part the standard library's `json` writes the
same bytes; everything outside of it is refused, never rounded or repaired.
"""

from __future__ import annotations

import hashlib
import json

from reconciler.core.text import clean

__all__ = ["MAX_DEPTH", "MAX_INTEGER", "canonical_bytes", "digest_hex"]

MAX_INTEGER = 2**53 - 1  # the largest integer every JSON reader holds exactly (RFC 8785, I-JSON)
MAX_DEPTH = 100  # deeper than any document of ours; ends a value that contains itself

# Where a value stands: its parent's place and its own key or index; None is the whole value.
_Place = tuple["_Place | None", "str | int"]

_encode = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
).encode


def canonical_bytes(value: object) -> bytes:
    """Return the RFC 8785 bytes of a value made of strings, integers, booleans, None and the like.

    Tuples are written as lists. String and integer subclasses (a `StrEnum`) are written by value.

    Raises:
        TypeError: a float or any other type, or a key that is not a string.
        ValueError: an integer beyond +-(2^53-1), an unpaired surrogate, a key that is not ASCII,
            or nesting beyond `MAX_DEPTH`. Both name the place, as in `$['cells'][3]`.
    """
    _check(value, None, 0)
    return _encode(value).encode("utf-8")


def digest_hex(value: object) -> str:
    """Return the SHA-256 of the canonical bytes as 64 hex digits. Raises as `canonical_bytes`."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


def _check(value: object, place: _Place | None, depth: int) -> None:
    if value is None or value is True or value is False:
        return
    if isinstance(value, str):
        if not value.isascii():
            _check_text(value, place)
    elif isinstance(value, int):
        if not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise ValueError(f"{_shown(place)}: an integer beyond +-(2^53-1) has no canonical form")
    elif isinstance(value, dict):
        _check_depth(place, depth)
        for key, item in value.items():
            _check_key(key, place)
            _check(item, (place, key), depth + 1)
    elif isinstance(value, (list, tuple)):
        _check_depth(place, depth)
        for index, item in enumerate(value):
            _check(item, (place, index), depth + 1)
    else:
        raise TypeError(f"{_shown(place)}: a {type(value).__name__} has no canonical form")


def _check_text(value: str, place: _Place | None) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError(f"{_shown(place)}: an unpaired surrogate has no canonical form") from None


def _check_key(key: object, place: _Place | None) -> None:
    if not isinstance(key, str):
        raise TypeError(f"{_shown(place)}: a {type(key).__name__} is no key of an object")
    if not key.isascii():
        raise ValueError(f"{_shown(place)}: the key {clean(repr(key), 60)} is not ASCII")


def _check_depth(place: _Place | None, depth: int) -> None:
    if depth >= MAX_DEPTH:
        raise ValueError(f"{_shown(place)}: nested deeper than {MAX_DEPTH}")


def _shown(place: _Place | None) -> str:
    """Write a place as `$['cells'][3]`, cleaned and bounded: keys may be foreign text."""
    steps: list[str] = []
    while place is not None:
        place, key = place
        steps.append(f"[{key!r}]")
    return clean("$" + "".join(reversed(steps)))
