"""Records of ours on the audit branch, read as strictly as they are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.core.manifest import API_VERSION, Problem
from reconciler.errors import ManifestsInvalid
from reconciler.manifests.tree import Branch, Reader, read_tree
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable


def record_fields(path: str, data: bytes, kind: str, most: int) -> Fields:
    """Return the top of a record; `path` is what places in messages name, `most` its bytes.

    Raises:
        ManifestsInvalid: it is no document of this kind; says where.
    """
    reader, _ = read_tree(path, data, most)
    if reader.problems or reader.root is None:
        raise _invalid(kind, reader.problems)
    top = Fields(kind, reader, reader.root, ("apiVersion", "kind", "metadata", "spec"))
    if top.text("apiVersion") != API_VERSION:
        raise top.wrong("apiVersion", f"must be '{API_VERSION}'")
    if top.text("kind") != kind:
        raise top.wrong("kind", f"must be '{kind}'")
    return top


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping whose fields are asked for by type; anything unexpected is an error."""

    kind: str
    reader: Reader
    branch: Branch
    known: tuple[str, ...] | None  # None: any key

    def __post_init__(self) -> None:
        for name in self.branch.value if self.known is not None else ():
            if name not in (self.known or ()):
                raise self._error(self.branch.key_mark(name), f"unknown field '{shown(name)}'")

    def fields(self, name: str, known: tuple[str, ...] | None) -> Fields:
        """Return the mapping at a field."""
        below = self.branch.below(name)
        if below is None or not isinstance(below.value, dict):
            raise self.wrong(name, "expected a mapping")
        return Fields(self.kind, self.reader, below, known)

    def text(self, name: str) -> str:
        """Return the text at a field."""
        value = self.branch.value.get(name)
        if not isinstance(value, str):
            raise self.wrong(name, "expected text")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the list of texts at a field."""
        value = self.branch.value.get(name)
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(name, "expected a list of texts")
        return tuple(value)

    def optional(self, name: str) -> str | None:
        """Return the text at a field, or None where there is no such field."""
        return self.text(name) if name in self.branch.value else None

    def number(self, name: str) -> int:
        """Return the whole number at a field."""
        value = self.branch.value.get(name)
        if type(value) is not int:
            raise self.wrong(name, "expected a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Return the truth at a field."""
        value = self.branch.value.get(name)
        if not isinstance(value, bool):
            raise self.wrong(name, "expected true or false")
        return value

    def wrong(self, name: str, message: str) -> ManifestsInvalid:
        """Return the error that names a field."""
        if name not in self.branch.value:
            return self._error(self.branch.mark, f"missing field '{shown(name)}'")
        return self._error(self.branch.value_mark(name), f"'{shown(name)}': {message}")

    def _error(self, mark: Any, message: str) -> ManifestsInvalid:
        return _invalid(self.kind, [Problem(self.reader.place(mark), message)])


def _invalid(kind: str, problems: Iterable[Problem]) -> ManifestsInvalid:
    return ManifestsInvalid(
        f"A {kind} file on the audit branch cannot be read; nothing was changed.",
        lines=[str(problem) for problem in problems],
        hint="Restore the file from the history of the audit branch, or remove it there.",
    )
