"""What looks have seen of lost machines, across passes and restarts (rule 44).

It is memory and no truth: a store that is lost starts over, and a machine is left the longer.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.fleet import Sickness
from reconciler.store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.store.database import Database

_WHERE = "environment = ? AND server = ? AND space = ?"
_COLUMNS = "machine, thumbprint, since, seen, first_check, last_check"
_SELECT = f"SELECT {_COLUMNS} FROM sicknesses WHERE {_WHERE} ORDER BY machine"  # noqa: S608
_INSERT = "INSERT INTO sicknesses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"

Place = tuple[str, str, str]
"""An environment's name, the server's installation id, the space's id."""


class SicknessTable:
    """The table behind the journal's memory of lost machines. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, place: Place) -> tuple[Sickness, ...]:
        """Return what is known of the lost machines of an environment, by machine."""
        return self._database.values(_SELECT, place, _sickness)

    def keep(self, place: Place, found: Iterable[Sickness]) -> None:
        """Know this of an environment, and nothing else, of whatever server."""
        with self._database.writing() as connection:
            connection.execute("DELETE FROM sicknesses WHERE environment = ?", place[:1])
            connection.executemany(_INSERT, [(*place, *_row(one)) for one in found])


def _row(one: Sickness) -> rows.Row:
    times = (one.since, one.seen, one.first_check, one.last_check)
    return (one.machine, one.thumbprint, *map(rows.time_text, times))


def _sickness(row: rows.Row) -> Sickness:
    return Sickness(row[0], row[1], *map(datetime.fromisoformat, row[2:]))
