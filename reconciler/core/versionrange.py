"""Ranges of versions, as `uses:` of a stack states them: `>=4.0`, `>=4.0 <5.0`, `=4.1.2`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.core.version import Direction, OctopusVersion, direction

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOUND = re.compile(r"(>=|<=|>|<|=)?[ ]*([0-9A-Za-z][0-9A-Za-z.\-_+]*)")
_BETWEEN = re.compile(r"[ ]*,[ ]*|[ ]+(?![ ])")


class Comparison(StrEnum):
    """How a version is compared with a bound."""

    AT_LEAST = ">="
    AT_MOST = "<="
    ABOVE = ">"
    BELOW = "<"
    EXACTLY = "="


_ADMITTED = {
    Comparison.AT_LEAST: {Direction.UP, Direction.SAME},
    Comparison.AT_MOST: {Direction.DOWN, Direction.SAME},
    Comparison.ABOVE: {Direction.UP},
    Comparison.BELOW: {Direction.DOWN},
    Comparison.EXACTLY: {Direction.SAME},
}


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Bounds that a version must keep, all of them; `text` is the range as it was written."""

    text: str
    bounds: tuple[tuple[Comparison, str], ...]

    @staticmethod
    def parse(text: str) -> VersionRange:
        """Read bounds with spaces or commas between them; one without a sign means exactly that.

        Raises:
            ValueError: it is no range; the message is the problem's, the text cleaned.
        """
        bounds = []
        place, bare = 0, text.strip(" ")
        while place < len(bare):
            found = _BOUND.match(bare, place)
            if found is None:
                raise ValueError(_why(text))
            OctopusVersion.parse(found[2])
            bounds.append((Comparison(found[1] or "="), found[2]))
            place = found.end()
            if place < len(bare):
                between = _BETWEEN.match(bare, place)
                if between is None or between.end() == len(bare):
                    raise ValueError(_why(text))
                place = between.end()
        if not bounds:
            raise ValueError(_why(text))
        if _is_empty(bounds):
            raise ValueError(f"no version is in the range '{clean(text, 80)}'")
        return VersionRange(bare, tuple(bounds))

    def admits(self, version: str) -> bool:
        """Tell whether a version keeps every bound, in Octopus' order (`4.0-rc.1` is below `4.0`).

        False where a text cannot be ordered (rules 8 and 11).
        """
        return all(direction(bound, version) in _ADMITTED[sign] for sign, bound in self.bounds)

    def __str__(self) -> str:
        return self.text


_FLOORS = frozenset({Comparison.AT_LEAST, Comparison.ABOVE, Comparison.EXACTLY})
_CEILINGS = frozenset({Comparison.AT_MOST, Comparison.BELOW, Comparison.EXACTLY})
_STRICT = frozenset({Comparison.ABOVE, Comparison.BELOW})


def _is_empty(bounds: Sequence[tuple[Comparison, str]]) -> bool:
    """Tell whether two bounds leave nothing between them."""
    for floor, low in bounds:
        for ceiling, high in bounds:
            if floor not in _FLOORS or ceiling not in _CEILINGS:
                continue
            match direction(low, high):
                case Direction.DOWN:
                    return True
                case Direction.SAME if {floor, ceiling} & _STRICT:
                    return True
    return False


def _why(text: str) -> str:
    return f"'{clean(text, 80)}' is not a range of versions: write it as '>=4.0' or '>=4.0 <5.0'"
