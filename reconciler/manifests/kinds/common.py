"""What the kinds share: the head of a document, references with their places, holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.manifest import Place, Until
from reconciler.manifests.formats import parse_time

if TYPE_CHECKING:
    from reconciler.manifests.tree import Branch


class Unfit(Exception):
    """A document passes its schema but not the checks beyond it. Never leaves this room."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The name of another manifest, and where it is written."""

    name: str
    place: Place


@dataclass(frozen=True, slots=True)
class Head:
    """What every document has: the path of its file, its name, and where the name stands."""

    path: str
    name: str
    place: Place

    def key_place(self, branch: Branch, key: str | int) -> Place:
        """Return where a key stands (of a list item: the item)."""
        mark = branch.key_mark(key)
        return Place(self.path, mark.line + 1, mark.column + 1)

    def value_place(self, branch: Branch, key: str | int) -> Place:
        """Return where the value at a key begins."""
        mark = branch.value_mark(key)
        return Place(self.path, mark.line + 1, mark.column + 1)

    def reference(self, branch: Branch, key: str | int) -> Reference:
        """Return the name that stands at a key, with its place."""
        return Reference(branch.value[key], self.value_place(branch, key))

    def optional(self, branch: Branch, key: str | int) -> Reference | None:
        """Return the name that stands at a key, or None where there is no such key."""
        return self.reference(branch, key) if key in branch.value else None


def head_of(path: str, root: Branch) -> Head:
    """Return the head of a document that has passed its gate."""
    metadata = sure(root.below("metadata"))
    mark = metadata.value_mark("name")
    return Head(path, metadata.value["name"], Place(path, mark.line + 1, mark.column + 1))


def sure(branch: Branch | None) -> Branch:
    """Return a branch that the schema promises.

    Raises:
        Unfit: it is not there.
    """
    if branch is None:
        raise Unfit
    return branch


def until_of(fields: dict[str, str] | None) -> Until | None:
    """Return a hold or a suspension; None where nothing is written.

    Raises:
        Unfit: its time is none.
    """
    if fields is None:
        return None
    try:
        until = parse_time(fields["until"]) if "until" in fields else None
    except ValueError:
        raise Unfit from None
    return Until(fields["reason"], until, fields.get("at", ""))
