"""Where everything in a YAML file stands: the tree that splices are made on.

Positions are character offsets into the text. Only files that were read without a problem come
here, so there are no anchors, aliases, tags or double keys.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.manifests.source import events

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.manifests.tree import Mark


@dataclass(slots=True)
class Spot:
    """One value. `end` of a scalar or of a flow collection is just behind its last character.

    `flow`: written in braces or brackets. `style` is a scalar's: `'`, `"`, `|`, `>` or empty.
    A block collection ends where the last value in it ends. List items have their index as key.
    """

    start: int
    end: int
    text: str | None = None  # a scalar's
    style: str = ""
    flow: bool = False
    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def is_scalar(self) -> bool:
        """True for what is neither mapping nor list."""
        return self.text is not None


@dataclass(slots=True)
class Entry:
    """One key of a mapping, where the key begins, and its value."""

    start: int
    value: Spot


def find_spots(text: str) -> Spot:
    """Return the spots of a text that was read without a problem before; it is a mapping."""
    try:
        return _walk(text, events(text.encode(), fast=True))
    except YAMLError:
        return _walk(text, events(text.encode(), fast=False))


def _walk(text: str, found: Iterable[Any]) -> Spot:
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def at(mark: Mark) -> int:
        return starts[mark.line] + mark.column

    top = Spot(0, 0)
    above: list[tuple[Spot, bool]] = []
    here, is_map = top, False
    key: str | None = None  # in a mapping None while a key is expected
    key_start = 0
    for event in found:
        match event:
            case ScalarEvent() if is_map and key is None:
                key, key_start = event.value, at(event.start_mark)
            case ScalarEvent():
                spot = Spot(at(event.start_mark), at(event.end_mark), event.value)
                spot.style = event.style or ""
                _put(here, key, key_start, spot)
                key = None
            case MappingStartEvent() | SequenceStartEvent():
                start = at(event.start_mark)
                spot = Spot(start, start, flow=bool(event.flow_style))
                _put(here, key, key_start, spot)
                above.append((here, is_map))
                here, key, is_map = spot, None, isinstance(event, MappingStartEvent)
            case MappingEndEvent() | SequenceEndEvent():
                if here.flow:
                    here.end = at(event.end_mark)
                elif here.entries:
                    here.end = next(reversed(here.entries.values())).value.end
                here, is_map = above.pop()
                key = None
    return top.entries["0"].value


def _put(here: Spot, key: str | None, key_start: int, spot: Spot) -> None:
    """Put a value where it belongs: below its key, or as the next item of a list."""
    if key is None:
        here.entries[str(len(here.entries))] = Entry(spot.start, spot)
    else:
        here.entries[key] = Entry(key_start, spot)
