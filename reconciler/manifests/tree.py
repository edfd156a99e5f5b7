"""YAML events to a tree that knows every place, refusing all that rule 7 refuses.

The tree holds JSON values for the schema and, beside them, where each key and value is written.
Nothing of YAML's object construction is used: no tag is ever resolved, no anchor followed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.core.manifest import Place, Problem
from reconciler.manifests.scalars import Reading, plain_value, reading
from reconciler.manifests.source import (
    MAX_BYTES,
    MAX_SECOND_OPINION,
    Unreadable,
    checked,
    events,
    unprintable,
)
from reconciler.manifests.wording import quote_it, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 20  # rule 7
MAX_PROBLEMS = 50  # per file: enough to work with, and no file floods the list

TOO_MANY = "too many problems; the rest of this file was not looked at"
NOT_A_MAPPING = "expected a mapping with apiVersion, kind, metadata and spec"


class Mark(Protocol):
    """A position as the parser gives it: line and column from 0."""

    @property
    def line(self) -> int:
        """Line from 0."""

    @property
    def column(self) -> int:
        """Column in characters from 0."""


class Branch:
    """A mapping or list: its JSON value, and for each key or index where key and value stand.

    `marks[key]` is (mark of the key, mark of the scalar or the Branch below). `odd[key]` is the
    text of an unquoted scalar without an agreed meaning; its JSON value is None.
    """

    __slots__ = ("mark", "marks", "odd", "value")

    def __init__(self, mark: Mark, value: Any) -> None:
        self.mark = mark
        self.value = value  # a dict or list of JSON values; the schema says which
        self.marks: dict[str | int, tuple[Mark, Mark | Branch]] = {}
        self.odd: dict[str | int, str] = {}

    def below(self, key: str | int) -> Branch | None:
        """Return the mapping or list at `key`; None where there is a scalar or nothing."""
        found = self.marks.get(key)
        return found[1] if found is not None and isinstance(found[1], Branch) else None

    def key_mark(self, key: str | int) -> Mark:
        """Return where the key stands (of a list item: the item)."""
        return self.marks[key][0]

    def value_mark(self, key: str | int) -> Mark:
        """Return where the value begins."""
        found = self.marks[key][1]
        return found.mark if isinstance(found, Branch) else found


class Reader:
    """The tree of one file while it is read, and the problems found on the way."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.root: Branch | None = None
        self.has_odd = False

    def place(self, mark: Mark) -> Place:
        """Return a parser's mark as a place in this file."""
        return Place(self.path, mark.line + 1, mark.column + 1)

    def blame(self, place: Place, message: str) -> None:
        """Note a problem; too many of them end the reading of this file."""
        self.problems.append(Problem(place, message))
        if len(self.problems) >= MAX_PROBLEMS:
            raise Unreadable(place, TOO_MANY)


def read_tree(path: str, data: bytes, max_bytes: int = MAX_BYTES) -> tuple[Reader, bool]:
    """Read one file; returns what was found and whether it was read to its end.

    `problems` of the result are in the order of the file. The root is None where there is no
    mapping at the top. Never raises for anything the bytes can hold (rule 47).
    """
    reader = Reader(path)
    try:
        text = checked(path, data, max_bytes)
        _read(reader, events(text, fast=True))
    except Unreadable as end:
        reader.problems.append(end.problem)
        return reader, False
    except MarkedYAMLError as error:
        if len(text) <= MAX_SECOND_OPINION and (second := _second_opinion(path, text)):
            return second, True
        mark = error.problem_mark or error.context_mark
        place = reader.place(mark) if mark is not None else Place(path, 1, 1)
        context = f" {error.context}" if error.context else ""
        why = shown(f"{error.problem or 'unreadable'}{context}", 160)
        fix = "; quote the text that has a colon in it" if "unexpected ':'" in why else ""
        if mark is not None and _is_tab(text, mark):
            why, fix = "a tab", "; indent with spaces"
        reader.problems.append(Problem(place, f"not YAML: {why}{fix}"))
        return reader, False
    except YAMLError as error:
        reader.problems.append(unprintable(path, text, error))
        return reader, False
    return reader, True


def _is_tab(text: bytes, mark: Mark) -> bool:
    """Say whether the parser stumbled over a tab, which its own words do not name."""
    line = text.split(b"\n", mark.line + 1)[mark.line : mark.line + 1]
    return b"".join(line).decode("utf-8", "replace")[mark.column : mark.column + 1] == "\t"


def _second_opinion(path: str, text: bytes) -> Reader | None:
    """Read again with the newer rules; None: they refuse it too, and the first answer stands."""
    reader = Reader(path)
    try:
        _read(reader, events(text, fast=False))
    except Exception:  # noqa: BLE001 (whatever hostile bytes do to the other parser: a refusal)
        return None
    return reader


def _read(reader: Reader, found_events: Iterable[Any]) -> None:
    """Build the tree. One loop, no calls on the common path: this is most of a cold start."""
    stack: list[tuple[Any, Any]] = []
    branch: Any = None  # where we are; None outside of the root
    value: Any = None
    marks: Any = None
    key: Any = None  # in a mapping None while a key is expected; in a list the next index
    key_mark: Any = None
    is_map = False
    for event in found_events:
        kind = type(event)
        if kind is AliasEvent:
            event = _instead_of_alias(reader, event)  # noqa: PLW2901 (a stand-in, told above)
            kind = ScalarEvent
        if kind is ScalarEvent:
            mark = event.start_mark
            if event.anchor is not None or event.tag is not None:
                _blame_markup(reader, event)
            text = event.value
            if key is None:
                if branch is None:
                    raise Unreadable(reader.place(mark), NOT_A_MAPPING)
                if not event.style and type(plain_value(text)) is not str:
                    _blame_key(reader, mark, text)
                if text in value:
                    _blame_duplicate(reader, branch, mark, text)
                key, key_mark = text, mark
                continue
            found = text if event.style else plain_value(text)
            if found is None:
                branch.odd[key] = text
                reader.has_odd = True
            if is_map:
                value[key] = found
                marks[key] = (key_mark, mark)
                key = None
            else:
                value.append(found)
                marks[key] = (mark, mark)
                key += 1
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            mark = event.start_mark
            if event.anchor is not None or event.tag is not None:
                _blame_markup(reader, event)
            if len(stack) >= MAX_DEPTH:
                raise Unreadable(reader.place(mark), f"nested more than {MAX_DEPTH} deep")
            starts_map = kind is MappingStartEvent
            new = Branch(mark, {} if starts_map else [])
            if branch is None:
                if not starts_map:
                    raise Unreadable(reader.place(mark), NOT_A_MAPPING)
                reader.root = new
            elif key is None:
                raise Unreadable(reader.place(mark), "a key is one word, never a list or mapping")
            elif is_map:
                value[key] = new.value
                marks[key] = (key_mark, new)
            else:
                value.append(new.value)
                marks[key] = (mark, new)
            stack.append((branch, key))
            branch, value, marks, is_map = new, new.value, new.marks, starts_map
            key = None if is_map else 0
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            branch, key = stack.pop()
            if branch is not None:
                value, marks = branch.value, branch.marks
                is_map = type(value) is dict
                key = None if is_map else key + 1
        elif kind is DocumentStartEvent:
            _check_document(reader, event)
    if reader.root is None:
        raise Unreadable(Place(reader.path, 1, 1), f"the file is empty: {NOT_A_MAPPING}")


def _instead_of_alias(reader: Reader, event: Any) -> ScalarEvent:
    reader.blame(reader.place(event.start_mark), "aliases are not allowed; write the value out")
    return ScalarEvent(None, None, (True, False), "~", event.start_mark, event.end_mark, style="")


def _blame_markup(reader: Reader, event: Any) -> None:
    what = "anchors" if event.anchor is not None else "tags"
    sign = f"&{event.anchor}" if event.anchor is not None else str(event.tag)
    place = reader.place(event.start_mark)
    reader.blame(place, f"{what} are not allowed; take '{shown(sign)}' away")


def _blame_key(reader: Reader, mark: Mark, text: str) -> None:
    if text == "<<":
        reader.blame(reader.place(mark), "merge keys are not allowed; write the fields out")
    elif reading(text) is Reading.NOTHING and not text:
        reader.blame(reader.place(mark), "a key is missing here")
    else:
        reader.blame(reader.place(mark), quote_it(text))


def _blame_duplicate(reader: Reader, branch: Branch, mark: Mark, text: str) -> None:
    first = branch.marks[text][0].line + 1
    reader.blame(reader.place(mark), f"'{shown(text)}' is written twice; first in line {first}")


def _check_document(reader: Reader, event: Any) -> None:
    place = reader.place(event.start_mark)
    if reader.root is not None:
        raise Unreadable(place, "a second document in one file; give it a file of its own")
    if event.version is not None or event.tags:
        reader.blame(place, "YAML directives (%YAML, %TAG) are not allowed; take them away")
