"""A person's word that what did not succeed is tried again: once, and as they meant it (rule 12).

It names the attempts it was given for. Whatever follows it, a later failure or refusal, or another
person's deployment, is another attempt, which it does not speak of: no word is used twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.retry import Attempt


@dataclass(frozen=True, slots=True)
class RetryWord:
    """What one person said of one cell: the attempts (their `key`) that did not settle it.

    `user` is Octopus' id of that person, `login` who they are on this machine. `used_by` is the
    intent that was asked for on it (empty: none yet), `used_at` when.
    """

    environment: str
    cell: CellKey
    version: str
    attempts: frozenset[str]
    user: str
    name: str
    login: str
    given: datetime
    used_by: str = ""
    used_at: datetime | None = None


def spoken_of(words: Iterable[RetryWord]) -> dict[CellKey, frozenset[str]]:
    """Return the attempts that may be repeated on words that nobody used yet, by cell."""
    found: dict[CellKey, frozenset[str]] = {}
    for word in words:
        if word.used_at is not None:
            continue
        found[word.cell] = found.get(word.cell, frozenset()) | word.attempts
    return found


def repeatable(
    tried: Mapping[CellKey, tuple[Attempt, ...]], spoken: Mapping[CellKey, frozenset[str]]
) -> frozenset[CellKey]:
    """Return the cells of which a person spoke of every attempt that needs it."""
    return frozenset(
        cell
        for cell, attempts in tried.items()
        if {attempt.key for attempt in attempts} <= spoken.get(cell, frozenset())
    )
