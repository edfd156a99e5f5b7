"""Who wrote what in git, and when. Every text here is foreign: whoever shows it cleans it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class Authorship:
    """A commit as a person made it: its full hash, its author, and the first line of its words.

    `at` is the author's own clock in UTC, None where it is no time.
    """

    commit: str
    author: str
    email: str
    at: datetime | None
    subject: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit changed: its blob before and after, None where it was no plain file."""

    path: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One commit of a history: its parents, and what it changed against the first of them."""

    written: Authorship
    parents: tuple[str, ...]
    files: tuple[FileChange, ...]

    @property
    def is_merge(self) -> bool:
        """True where it joins histories."""
        return len(self.parents) > 1
