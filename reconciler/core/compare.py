"""Two sets of versions side by side: what only one has, what is newer, and what only looks equal.

A version does not identify what was tested, so equal versions are compared by the identity of
their releases, as far as both sides know it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction, is_same_release

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.platform import Captured


class Relation(StrEnum):
    """How the right side stands to the left one."""

    ONLY_LEFT = "only-left"
    ONLY_RIGHT = "only-right"
    NEWER = "newer"
    OLDER = "older"
    UNORDERED = "unordered"  # the versions differ and cannot be ordered
    OTHER_RELEASE = "other-release"  # equal versions of two releases
    UNKNOWN = "unknown"  # of one side it is not known what is there
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one side has in a cell: a version, and what identifies its release where that is known.

    `unknown` says why it is not known for certain; `version` may then be the last one known.
    """

    version: str | None
    release: Captured | None = None
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: how it was asked for, which state of it that is, and its entries by cell.

    `server` is the installation id where its releases are, empty where that is not known.
    """

    name: str
    at: str
    entries: Mapping[str, Entry]
    server: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One cell on both sides; versions are None where there is none. `note` is one clean line."""

    cell: str
    relation: Relation
    left: str | None
    right: str | None
    note: str = ""


@dataclass(frozen=True)
class Comparison:
    """All cells of two sides, by name."""

    left: Side
    right: Side
    rows: tuple[Row, ...] = field(default=())

    @cached_property
    def counts(self) -> Mapping[Relation, int]:
        """How many cells stand in each relation, in the order of the relations."""
        found = Counter(row.relation for row in self.rows)
        return {relation: found[relation] for relation in Relation if found[relation]}

    @property
    def differs(self) -> bool:
        """True unless every cell is known to be the same."""
        return any(row.relation is not Relation.SAME for row in self.rows)


def compare(left: Side, right: Side) -> Comparison:
    """Compare two sides, cell by cell.

    Where one side has a component as a whole and the other by tenants, the whole stands beside
    each tenant it says nothing else of.
    """
    pairs = dict(_pairs(left.entries, right.entries))
    is_near = left.server != "" and left.server == right.server
    rows = tuple(_row(cell, *pairs[cell], is_near=is_near) for cell in sorted(pairs))
    return Comparison(left, right, rows)


def _pairs(
    left: Mapping[str, Entry], right: Mapping[str, Entry]
) -> Iterator[tuple[str, tuple[Entry | None, Entry | None]]]:
    split_left, split_right = _by_tenant(left), _by_tenant(right)
    for cell in left.keys() | right.keys():
        component = component_of(cell)
        one, other = left.get(cell), right.get(cell)
        if cell == component and (
            (one is None and cell in split_left) or (other is None and cell in split_right)
        ):
            continue  # it stands beside each tenant of the other side
        yield cell, (one or left.get(component), other or right.get(component))


def _by_tenant(entries: Mapping[str, Entry]) -> set[str]:
    """Return the components that a side has by tenants."""
    return {component_of(cell) for cell in entries if component_of(cell) != cell}


def _row(cell: str, left: Entry | None, right: Entry | None, *, is_near: bool) -> Row:
    one, other = _version(left), _version(right)
    if left is None or right is None:
        there = right if left is None else left
        relation = Relation.ONLY_RIGHT if left is None else Relation.ONLY_LEFT
        return Row(cell, relation, one, other, "" if there is None else there.unknown)
    unknown = "; ".join(
        f"{side}: {entry.unknown}"
        for side, entry in (("left", left), ("right", right))
        if entry.unknown
    )
    if unknown or one is None or other is None:
        return Row(cell, Relation.UNKNOWN, one, other, unknown)
    match direction(one, other):
        case Direction.UP:
            return Row(cell, Relation.NEWER, one, other)
        case Direction.DOWN:
            return Row(cell, Relation.OLDER, one, other)
        case Direction.UNKNOWN if one != other:
            return Row(cell, Relation.UNORDERED, one, other)
        case _:
            if not is_same_release(one, other):
                return Row(cell, Relation.OTHER_RELEASE, one, other, "their metadata differs")
            note = release_difference(left.release, right.release, is_near=is_near)
            relation = Relation.OTHER_RELEASE if note else Relation.SAME
            return Row(cell, relation, one, other, note)


def _version(entry: Entry | None) -> str | None:
    return None if entry is None else entry.version


def release_difference(before: Captured | None, after: Captured | None, *, is_near: bool) -> str:
    """Say in what two releases of equal versions differ; empty where nothing known does.

    `is_near`: both are of one server. Ids and times are compared within one space only, packages
    everywhere; what one side does not know is no difference.
    """
    if before is None or after is None:
        return ""
    pairs: list[tuple[str, str | None, str | None]] = []
    if is_near and before.space is not None and before.space == after.space:
        pairs = [
            ("release", before.release, after.release),
            ("assembled", before.assembled, after.assembled),
            ("channel", before.channel, after.channel),
            ("process", before.process, after.process),
            ("variables", before.variables, after.variables),
        ]
    if before.packages and after.packages:
        one, other = dict(before.packages), dict(after.packages)
        pairs += [
            (f"package {clean(name, 60)}", one.get(name, "none"), other.get(name, "none"))
            for name in sorted(one.keys() | other.keys())
        ]
    return "; ".join(
        f"{what} {clean(was, 60)} -> {clean(now, 60)}"
        for what, was, now in pairs
        if was is not None and now is not None and was != now
    )
