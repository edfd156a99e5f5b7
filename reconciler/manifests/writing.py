"""Text as YAML scalars that every YAML reads as the same text."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from reconciler.manifests.scalars import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_KEY = 200  # characters; YAML itself ends at 1,024

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def scalar(text: str) -> str:
    """Return the text unquoted where no YAML can misread it, else quoted."""
    return text if is_safely_plain(text) else quoted(text)


def flow(fields: Iterable[tuple[str, str]]) -> str:
    """Return written keys and values as a mapping on one line."""
    return "{" + ", ".join(f"{name}: {value}" for name, value in fields) + "}"


def key(text: str) -> str:
    """Return a foreign text as a key; one too long is cut and told apart by its digest."""
    if len(text) > MAX_KEY:  # two long names must not become one key
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        text = f"{text[: MAX_KEY - 9]}…{digest}"
    return scalar(text)


def is_safely_plain(text: str) -> bool:
    """Tell whether the text needs no quotes in any YAML."""
    return _PLAIN.fullmatch(text) is not None and reading(text) is None


def quoted(text: str) -> str:
    """Return double-quoted YAML, every character that is not plainly visible escaped."""
    return '"' + "".join(map(_shown_char, text)) + '"'


def _shown_char(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    point = ord(char)
    if 0xD800 <= point <= 0xDFFF:
        return "�"  # half a character: no encoding can carry it
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
