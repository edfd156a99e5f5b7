"""Foreign text made safe to show: one line, bounded, nothing in it that a terminal obeys (rule 52).

Names, messages, comments and file contents come from people and servers we do not control. Whatever
of them reaches a terminal, a log line, a commit message or a page passes through `clean` first.
"""

from __future__ import annotations

import re

__all__ = ["clean"]

ELLIPSIS = "…"

# What keys of Octopus and tokens of forges look like, wherever they were pasted or logged.
_SECRET = re.compile(
    r"\b(API-|gh[oprsu]_|github_pat_|glpat-)[A-Za-z0-9][A-Za-z0-9_-]{19,}", re.ASCII
)
_LONGEST_SECRET = 300

_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}

# Printable to Python, invisible to people: fillers, blanks and variation selectors (Unicode,
# Default_Ignorable_Code_Point, and the Braille blank).
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)


def clean(text: str, limit: int = 200) -> str:
    r"""Return the text as one line of at most `limit` characters, safe to print anywhere.

    Control, format, bidirectional, surrogate, private and unassigned characters, invisible ones,
    line separators and every space but U+0020 are written as escapes (`\n`, `\x1b`, `\u202e`). What
    does not fit ends in an ellipsis; an escape is never cut in two. A text in the shape of a key or
    token is masked. Cleaning twice changes nothing.

    Raises:
        ValueError: `limit` is less than 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}, must be at least 1")
    head = _SECRET.sub(r"\1****", text[: limit + _LONGEST_SECRET])
    head = head[: limit + 1]  # an escape only ever makes a text longer
    if head.isascii() and head.isprintable():
        return head if len(head) <= limit else head[: limit - 1] + ELLIPSIS
    pieces = [_shown(char) for char in head]
    if sum(map(len, pieces)) <= limit:
        return "".join(pieces)
    room = limit - 1
    kept: list[str] = []
    for piece in pieces:
        room -= len(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept) + ELLIPSIS


def _shown(char: str) -> str:
    if char.isprintable() and char not in _INVISIBLE:
        return char
    if char in _SHORT:
        return _SHORT[char]
    point = ord(char)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
