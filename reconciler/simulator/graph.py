"""A world as a plain document and back: records by number, every value with its type.

Only what this package defines is ever made from a document: records and words by their names in
the lists below, and plain values. Nothing in a document can name code.
"""

from __future__ import annotations

import sys
from base64 import b64decode, b64encode
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

__all__ = ["BadGraph", "read_graph", "write_graph"]

_PACKAGE = "reconciler.simulator."
_PLAIN = frozenset({bool, int, float, str})


class BadGraph(Exception):
    """A document holds what this version of the simulator does not know; the message says what."""


def _known() -> dict[str, type]:
    """Return the records and words of this package by name."""
    modules = [module for name, module in sys.modules.items() if name.startswith(_PACKAGE)]
    return {
        name: made
        for module in modules
        for name, made in vars(module).items()
        if isinstance(made, type)
        and made.__module__ == module.__name__
        and (is_dataclass(made) or issubclass(made, Enum))
    }


def _kept(made: Any) -> list[Field[Any]]:
    """Return the fields that are state; caches say `metadata={"kept": False}`."""
    return [each for each in fields(made) if each.metadata.get("kept", True)]


def write_graph(root: dict[str, Any]) -> dict[str, Any]:
    """Return a document of plain JSON values that `read_graph` makes the same values from.

    Raises:
        TypeError: a value is neither plain nor a record of this package.
    """
    writer = _Writer()
    document = writer.value(root)
    for record in writer.found:  # grows while it is gone through
        writer.write(record)
    return {"shapes": writer.shapes, "records": writer.records, "root": document}


class _Writer:
    """Writes values; each record it meets gets a number and is written later, once."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self.found: list[Any] = []
        self.shapes: dict[str, list[str]] = {}
        self.records: list[list[Any]] = []

    def write(self, record: Any) -> None:
        name = type(record).__name__
        shape = self.shapes.get(name)
        if shape is None:
            shape = self.shapes[name] = [each.name for each in _kept(record)]
        values = [self.value(getattr(record, each)) for each in shape]
        self.records.append([name, *values])

    def value(self, value: Any) -> Any:
        kind = type(value)
        if value is None or kind in _PLAIN:
            return value
        if kind is tuple:
            return {"tuple": [self.value(each) for each in value]}
        if kind is list:
            return [self.value(each) for each in value]
        if kind is dict:
            return {"dict": [[self.value(key), self.value(each)] for key, each in value.items()]}
        if kind is datetime:
            return {"time": value.isoformat()}
        if kind in (set, frozenset):
            return {kind.__name__: sorted(map(self.value, value), key=repr)}
        if kind is timedelta:
            return {"span": [value.days, value.seconds, value.microseconds]}
        if kind is bytes:
            return {"bytes": b64encode(value).decode()}
        if kind.__module__.startswith(_PACKAGE):
            if isinstance(value, Enum):
                return {"word": [kind.__name__, value.value]}
            if is_dataclass(value):
                return {"record": self.number(value)}
        raise TypeError(f"a {kind.__name__} cannot be kept")

    def number(self, record: Any) -> int:
        number = self.numbers.setdefault(id(record), len(self.found))
        if number == len(self.found):
            self.found.append(record)
        return number


def read_graph(document: Any) -> dict[str, Any]:
    """Return the values that a document was written from.

    Raises:
        BadGraph: it names what this version does not know, or is no such document.
    """
    try:
        root = _Reader(document).read()
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise BadGraph(f"it is not a simulator's state ({type(error).__name__})") from error
    if not isinstance(root, dict):
        raise BadGraph("it is not a simulator's state")
    return root


class _Reader:
    """Makes the records first, empty, so that they can name each other; then fills them."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.known = _known()
        self.shapes = {name: self._shape(name, own) for name, own in document["shapes"].items()}
        self.made: list[Any] = [object.__new__(self.known[line[0]]) for line in document["records"]]

    def read(self) -> Any:
        for number in range(len(self.made)):
            self._fill(number)
        return self.value(self.document["root"])

    def _shape(self, name: str, written: list[str]) -> tuple[list[str], list[Field[Any]]]:
        made = self.known.get(name)
        if made is None or not is_dataclass(made):
            raise BadGraph(f"it has records of a kind {name!r}, which this version does not know")
        own = {each.name for each in _kept(made)}
        for one in written:
            if one not in own:
                raise BadGraph(f"{name} has a field {one!r}, which this version does not know")
        absent = [each for each in fields(made) if each.name not in written]
        for field in absent:
            if _default(field) is MISSING:
                raise BadGraph(f"{name} lacks the field {field.name!r}, which this version needs")
        return written, absent

    def _fill(self, number: int) -> None:
        name, *values = self.document["records"][number]
        record = self.made[number]
        written, absent = self.shapes[name]
        for field, value in zip(written, values, strict=True):
            object.__setattr__(record, field, self.value(value))
        for left in absent:
            object.__setattr__(record, left.name, _default(left))

    def value(self, value: Any) -> Any:
        if type(value) is list:
            return [self.value(each) for each in value]
        if type(value) is not dict:
            return value
        ((kind, held),) = value.items()
        match kind:
            case "record":
                return self.made[held]
            case "dict":
                return {self.value(key): self.value(each) for key, each in held}
            case "tuple":
                return tuple(self.value(each) for each in held)
            case "set":
                return {self.value(each) for each in held}
            case "frozenset":
                return frozenset(self.value(each) for each in held)
            case "word":
                return self.known[held[0]](held[1])
            case "time":
                return datetime.fromisoformat(held)
            case "span":
                return timedelta(*held)
            case "bytes":
                return b64decode(held, validate=True)
            case _:
                raise BadGraph(
                    f"it has values of a kind {kind!r}, which this version does not know"
                )


def _default(field: Field[Any]) -> Any:
    """Return a field's default, MISSING when it has none."""
    return field.default if field.default_factory is MISSING else field.default_factory()
