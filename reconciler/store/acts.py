"""What people did as themselves on this machine. Nothing is ever deleted (rule 33)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.act import Act, ActVerb
from reconciler.core.text import clean
from reconciler.store import rows

if TYPE_CHECKING:
    from reconciler.store.database import Database

_COLUMNS = "at, verb, login, user, name, server, space, environment, subject, detail, outcome"
_SELECT = f"SELECT {_COLUMNS} FROM acts"  # noqa: S608
_INSERT = f"INSERT INTO acts ({_COLUMNS}) VALUES ({rows.marks(_COLUMNS)})"  # noqa: S608


class ActTable:
    """The table behind the journal's acts. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, act: Act) -> int:
        """Keep an act, and return its number."""
        with self._database.writing() as connection:
            done = connection.execute(_INSERT, _row(act))
            return int(done.lastrowid or 0)

    def end(self, number: int, outcome: str) -> None:
        """Note what became of an act."""
        with self._database.writing() as connection:
            connection.execute(
                "UPDATE acts SET outcome = ? WHERE number = ?", (clean(outcome, 400), number)
            )

    def all(self, environment: str | None) -> tuple[Act, ...]:
        """Return every act, in one environment or in all, oldest first."""
        if environment is None:
            return self._database.values(f"{_SELECT} ORDER BY number", (), _act)
        where = f"{_SELECT} WHERE environment = ? ORDER BY number"
        return self._database.values(where, (environment,), _act)


def _row(act: Act) -> rows.Row:
    at = rows.time_text(act.at)
    who = (act.login, act.user, act.name, act.server, act.space, act.environment)
    return (at, act.verb.value, *who, act.subject, act.detail, act.outcome)


def _act(row: rows.Row) -> Act:
    return Act(datetime.fromisoformat(row[0]), ActVerb(row[1]), *row[2:])
