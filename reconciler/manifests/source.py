"""The bytes of one file on their way to the parser: what is refused before, and who parses.

The C parser reads everything; where it says no, the Python parser gives a second opinion. The C
library that ruamel binds is old (libyaml 0.1) and refuses what every newer YAML accepts, a colon
inside an unquoted scalar of a flow mapping: `{until: 2026-12-01T00:00:00Z}`.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from reconciler.core.manifest import Place, Problem
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.error import YAMLError

MAX_BYTES = 1024 * 1024  # rule 7
MAX_SECOND_OPINION = 256 * 1024  # bytes: the Python parser needs 4 seconds for 1 MiB

_BOM = b"\xef\xbb\xbf"
# Line ends that YAML versions, editors and reviewers see differently (a comment may end in the
# middle), and characters that reorder what a reviewer sees.
_DECEIVING = re.compile("\r(?!\n)|[\x85\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Unreadable(Exception):
    """The rest of a file cannot be understood. Never leaves this room."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(place, message)


class _Parsers(threading.local):
    """One parser of each kind per thread, reused for every file."""

    def __init__(self) -> None:
        self.fast = YAML(typ="safe")
        self.plain = YAML(typ="safe", pure=True)


_parsers = _Parsers()


def has_fast_parser() -> bool:
    """Tell whether YAML is read by the C parser; without it reading is some 17 times slower."""
    return bool(_parsers.fast.Parser.__name__ == "CParser")


def events(data: bytes, *, fast: bool) -> Iterator[Any]:
    """Return the YAML events of checked bytes; raises `YAMLError` where they are not YAML."""
    yaml = _parsers.fast if fast else _parsers.plain
    yaml.doc_infos.clear()  # it keeps one entry for every file it ever parsed
    found: Iterator[Any] = yaml.parse(data)
    return found


def checked(path: str, data: bytes, max_bytes: int) -> bytes:
    """Refuse what must not even reach the parser; return the bytes without a BOM."""
    if len(data) > max_bytes:
        raise Unreadable(Place(path, 1, 1), too_large(len(data), max_bytes))
    data = data.removeprefix(_BOM)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place_at(path, data[: error.start].decode("utf-8"))
        raise Unreadable(place, f"not UTF-8: byte 0x{data[error.start]:02x}") from None
    if (not data.isascii() or b"\r" in data) and (found := _DECEIVING.search(text)):
        raise Unreadable(
            _place_at(path, text[: found.start()]),
            f"character U+{ord(found[0]):04X} is not allowed: it hides from a reader what is read",
        )
    return data


def too_large(size: int, max_bytes: int = MAX_BYTES) -> str:
    """Word the refusal of a file by its size in bytes."""
    return f"{size} bytes, more than the {max_bytes} a file may have; split it"


def _place_at(path: str, before: str) -> Place:
    line_start = before.rfind("\n") + 1
    return Place(path, before.count("\n") + 1, len(before) - line_start + 1)


def unprintable(path: str, data: bytes, error: YAMLError) -> Problem:
    """Say where the character is that the parser's reader refused: it gives no line."""
    text = data.decode("utf-8")
    if found := _CONTROL.search(text):
        place = _place_at(path, text[: found.start()])
        return Problem(place, f"control character U+{ord(found[0]):04X} is not allowed")
    return Problem(Place(path, 1, 1), f"not YAML: {shown(str(error), 160)}")
