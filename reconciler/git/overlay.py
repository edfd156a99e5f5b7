"""The files of one audit commit in the making: changes laid one after another on a tip."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, RecordStands
from reconciler.git import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.git.mirror import Mirror
    from reconciler.ports import AuditChange

_SHA1_DIGITS: Final = 40


class Overlay:
    """What changes add to a tip. The tip is asked twice, however many changes there are."""

    def __init__(self, mirror: Mirror, tip: str | None, changes: Sequence[AuditChange]) -> None:
        """Look at what the tip (None: no commit yet) has in the places of all changes."""
        self.files: dict[str, bytes] = {}
        self._folders: set[str] = set()
        self._digits = len(tip or "")
        self._there: dict[str, tuple[str, str] | None] = {}
        self._content: Mapping[str, bytes | None] = {}
        if tip is None:
            return
        records = {path for change in changes for path in change.records}
        edited = {path for change in changes for path in change.edits}
        places = sorted(records | edited | {f for path in records for f in _folders(path)})
        self._there = objects.identities(mirror, tip, places)
        blobs = {found[1] for path in edited if (found := self._there[path]) and found[0] == "blob"}
        self._content = objects.read_named(mirror, sorted(blobs), objects.LARGEST_RECORD)

    def add(self, change: AuditChange) -> bool:
        """Add a change, on top of those before it; tell whether it changed anything.

        Raises:
            RecordStands: a record is there with other bytes (rule 24).
            GitTrouble: a folder is in the place of a file. And whatever an edit raises; nothing
                of the change was added then.
        """
        new = {**self._new_records(change.records), **self._edited(change)}
        self.files |= new
        self._folders.update(folder for path in new for folder in _folders(path))
        return bool(new)

    def _new_records(self, records: Mapping[str, bytes]) -> dict[str, bytes]:
        new = {}
        for path, content in records.items():
            if path in self._folders or any(self._is_file(folder) for folder in _folders(path)):
                raise _stands(path)
            there = self._there.get(path)
            if path in self.files:
                if self.files[path] != content:
                    raise _stands(path)
            elif there is None:
                new[path] = content
            elif there != ("blob", _blob_id(content, self._digits)):
                raise _stands(path)
        return new

    def _is_file(self, folder: str) -> bool:
        there = self._there.get(folder)
        return folder in self.files or (there is not None and there[0] != "tree")

    def _edited(self, change: AuditChange) -> dict[str, bytes]:
        """Compute the edits on the files as they are now; what stays equal is left out."""
        edited = {}
        for path, edit in change.edits.items():
            there = self._there.get(path)
            if there is not None and there[0] != "blob":
                raise GitTrouble(
                    f"{clean(path, 120)} is no file but a {there[0]} on the audit branch; nothing"
                    " was written",
                    hint=f"find out who changed it: git log -- {clean(path, 120)}",
                )
            before = self.files.get(path)
            if before is None and there is not None:
                before = self._content[there[1]]
            after = edit(before)
            if after is not None and after != before:
                edited[path] = after
        return edited


def _folders(path: str) -> Iterable[str]:
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _blob_id(content: bytes, digits: int) -> str:
    algorithm = "sha1" if digits == _SHA1_DIGITS else "sha256"
    head = b"blob %d\0" % len(content)
    return hashlib.new(algorithm, head + content, usedforsecurity=False).hexdigest()


def _stands(path: str) -> RecordStands:
    return RecordStands(
        f"{clean(path, 120)} is on the audit branch with other content, and a record is never"
        " edited or deleted (rule 24); nothing was written",
        hint=f"compare it: git log -- {clean(path, 120)}",
    )
