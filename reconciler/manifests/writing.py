"""Text as YAML scalars that every YAML reads as the same text."""

from __future__ import annotations

import re

from reconciler.manifests.scalars import reading

_PLAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def scalar(text: str) -> str:
    """Return the text unquoted where no YAML can misread it, else quoted."""
    return text if is_safely_plain(text) else quoted(text)


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
