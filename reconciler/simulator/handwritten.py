"""Reading YAML (or JSON) that people write: values with the way to them, and where each went wrong.

Reading happens twice where something is wrong: once for the values, once for their positions.
"""

from __future__ import annotations

import difflib
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FileProblem",
    "Node",
    "Problem",
    "each_of",
    "need",
    "read_document",
    "read_text",
    "texts",
]

Place = tuple[str | int, ...]
T = TypeVar("T")

_LARGEST = 64 * 1024 * 1024


class FileProblem(Exception):
    """A file cannot be used; says in which file and at which place."""

    def __init__(self, message: str, *, source: str = "", place: str = "") -> None:
        where = ":".join(part for part in (source, place) if part)
        super().__init__(f"{where}: {message}" if where else message)
        self.message = message
        self.source = source
        self.place = place


def read_text(name: str, error: type[FileProblem], absent: str) -> str:
    """Return the text of a file.

    Raises:
        FileProblem: as `error`, when it cannot be read; `absent` is said when it is not there.
    """
    file = Path(name)
    try:
        if file.stat().st_size > _LARGEST:
            raise error("the file is larger than 64 MiB", source=name)
        return file.read_text("utf-8")
    except FileNotFoundError:
        raise error(absent, source=name) from None
    except (OSError, UnicodeDecodeError) as caught:
        reason = caught.strerror if isinstance(caught, OSError) else "the file is not UTF-8"
        raise error(f"cannot be read: {reason}", source=name) from caught


def read_document(text: str, source: str, read: Callable[[Node], T], error: type[FileProblem]) -> T:
    """Return what `read` makes of a document.

    Raises:
        FileProblem: as `error`, with file, line and column where they are known.
    """
    try:
        document = YAML(typ="safe").load(text)
    except MarkedYAMLError as caught:
        mark = caught.problem_mark
        place = f"{mark.line + 1}:{mark.column + 1}" if mark else ""
        raise error(caught.problem or "not YAML", source=source, place=place) from caught
    except (YAMLError, ValueError, RecursionError) as caught:
        raise error("the file is not YAML", source=source) from caught
    try:
        return read(Node(document, ()))
    except Problem as problem:
        found = _position(text, problem)
        message = problem.message
        if problem.wants_quotes and found is not None:
            rest = text.splitlines()[found[0]][found[1] :]
            message += f', quote it: "{re.split("[],}#]", rest)[0].strip()}"'
        place = "" if found is None else f"{found[0] + 1}:{found[1] + 1}"
        raise error(message, source=source, place=place) from None


class Problem(Exception):
    """Something in the document is wrong, with the way to it."""

    def __init__(
        self, message: str, place: Place, *, at_key: bool = False, wants_quotes: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.at_key = at_key
        self.wants_quotes = wants_quotes


def _position(text: str, problem: Problem) -> tuple[int, int] | None:
    """Find line and column (from 0) by reading the text again, now with positions."""
    found: tuple[int, int] | None = None
    try:
        node: Any = YAML(typ="rt").load(text)
    except (YAMLError, ValueError, RecursionError):
        return None
    for depth, step in enumerate(problem.place, 1):
        try:
            if isinstance(step, int):
                mark = node.lc.item(step)
            elif problem.at_key and depth == len(problem.place):
                mark = node.lc.key(step)
            else:
                mark = node.lc.value(step)
            found = (mark[0], mark[1])
            node = node[step]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return found


class Node:
    """A value of the document with the way to it."""

    def __init__(self, value: Any, place: Place) -> None:
        self.value = value
        self.place = place

    def problem(self, message: str) -> Problem:
        """Return what is wrong here, to be raised."""
        return Problem(message, self.place)

    def fields(self, *known: str) -> dict[str, Node]:
        """Return the fields of a mapping, all of known names."""
        if not isinstance(self.value, dict):
            raise self.problem("expected a mapping of fields")
        for name in self.value:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, n=1)
                hint = f", did you mean {close[0]!r}?" if close else ""
                raise Problem(f"unknown field {name!r}{hint}", (*self.place, name), at_key=True)
        return {name: Node(value, (*self.place, name)) for name, value in self.value.items()}

    def items(self) -> list[Node]:
        """Return the members of a list."""
        if not isinstance(self.value, list):
            raise self.problem("expected a list")
        return [Node(value, (*self.place, index)) for index, value in enumerate(self.value)]

    def text(self) -> str:
        """Return text that is not empty and has no control characters."""
        if isinstance(self.value, str) and self.value.strip():
            if any(ord(letter) < 32 or ord(letter) == 127 for letter in self.value):
                raise self.problem("control characters are not allowed here")
            return self.value
        if isinstance(self.value, (int, float)) and not isinstance(self.value, bool):
            raise Problem("expected text", self.place, wants_quotes=True)
        raise self.problem("expected text")

    def flag(self) -> bool:
        """Return true or false."""
        if not isinstance(self.value, bool):
            raise self.problem("expected true or false")
        return self.value

    def whole(self, least: int) -> int:
        """Return a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < least:
            raise self.problem(f"expected a whole number from {least} on")
        return self.value

    def seconds(self) -> float:
        """Return a number of seconds, up to a million."""
        number = self.value
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise self.problem("expected a number of seconds")
        if not (math.isfinite(number) and 0 <= number <= 1_000_000):
            raise self.problem("expected a number of seconds from 0 to 1000000")
        return float(number)


def texts(node: Node | None) -> tuple[str, ...]:
    """Return a list of text, empty where there is none."""
    return tuple(item.text() for item in node.items()) if node else ()


def each_of(node: Node | None, read: Callable[[Node], T], key: Callable[[T], str]) -> tuple[T, ...]:
    """Read a list whose members have a name, each name once (without case)."""
    made: list[T] = []
    seen: set[str] = set()
    for item in node.items() if node else ():
        value = read(item)
        name = key(value).casefold()
        if name in seen:
            shown = item.value if isinstance(item.value, str) else key(value)
            raise item.problem(f"{shown!r} is there twice")
        seen.add(name)
        made.append(value)
    return tuple(made)


def need(fields: dict[str, Node], name: str, node: Node) -> Node:
    """Return a field that must be there."""
    if name not in fields:
        raise node.problem(f"the field {name!r} is missing")
    return fields[name]
