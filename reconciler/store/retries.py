"""The words for retries given on this machine. Nothing is deleted: one that was used stays."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.cellkey import CellKey
from reconciler.core.retryword import RetryWord
from reconciler.store import rows

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from reconciler.store.database import Database

_COLUMNS = "environment, cell, version, attempts, user, name, login, given, used_by, used_at"
_SELECT = f"SELECT {_COLUMNS} FROM retries"  # noqa: S608
_INSERT = f"INSERT INTO retries ({_COLUMNS}) VALUES ({rows.marks(_COLUMNS)})"  # noqa: S608
_SPEND = (
    "UPDATE retries SET used_by = ?, used_at = ? WHERE used_at IS NULL AND (environment, cell) = "
    "(SELECT environment, component FROM intents WHERE id = ? AND verb = 'deploy')"
)


class RetryTable:
    """The table behind the journal's words for retries. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, words: Sequence[RetryWord]) -> None:
        """Keep words: all of them, or none."""
        with self._database.writing() as connection:
            connection.executemany(_INSERT, [_row(word) for word in words])

    def all(self, environment: str | None) -> tuple[RetryWord, ...]:
        """Return every word, in one environment or in all, used ones too, oldest first."""
        if environment is None:
            return self._database.values(f"{_SELECT} ORDER BY number", (), _word)
        where = f"{_SELECT} WHERE environment = ? ORDER BY number"
        return self._database.values(where, (environment,), _word)

    @staticmethod
    def spend(connection: sqlite3.Connection, intent: str, at: datetime) -> None:
        """Note, in a transaction, that an intent was asked for on the words for its cell."""
        connection.execute(_SPEND, (intent, rows.time_text(at), intent))


def _row(word: RetryWord) -> rows.Row:
    used = word.used_at
    return (
        word.environment,
        word.cell,
        word.version,
        json.dumps(sorted(word.attempts)),
        word.user,
        word.name,
        word.login,
        rows.time_text(word.given),
        word.used_by,
        None if used is None else rows.time_text(used),
    )


def _word(row: rows.Row) -> RetryWord:
    return RetryWord(
        environment=row[0],
        cell=CellKey(row[1]),
        version=row[2],
        attempts=frozenset(json.loads(row[3])),
        user=row[4],
        name=row[5],
        login=row[6],
        given=datetime.fromisoformat(row[7]),
        used_by=row[8],
        used_at=None if row[9] is None else datetime.fromisoformat(row[9]),
    )
