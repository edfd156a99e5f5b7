"""The pauses of this machine: written by one process, looked at by another before each request.

Nothing is deleted: a pause that was lifted, or that a newer one of its scope took the place of,
stays with who did that and when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.store import rows

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from reconciler.core.pause import Pause, Scope
    from reconciler.store.database import Database

_SELECT = f"SELECT {rows.PAUSE_COLUMNS} FROM pauses"  # noqa: S608
_STANDING = "lifted_at IS NULL"
_SCOPE = "reach = ? AND server = ? AND environment = ? AND component = ?"
_INSERT = (
    f"INSERT INTO pauses ({rows.PAUSE_COLUMNS}) "  # noqa: S608
    f"VALUES ({rows.marks(rows.PAUSE_COLUMNS)})"
)


class PauseTable:
    """The table behind the journal's pauses. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, pause: Pause) -> Pause | None:
        """Keep a pause; an earlier one of the same scope ends with it and is returned."""
        with self._database.writing() as connection:
            earlier = self._lift(connection, pause.scope, pause.who, pause.since)
            connection.execute(_INSERT, rows.pause_row(pause))
        return earlier

    def lift(self, scope: Scope, who: str, at: datetime) -> Pause | None:
        """End the pause of exactly this scope and return it as it stood; None: there was none."""
        with self._database.writing() as connection:
            return self._lift(connection, scope, who, at)

    def standing(self) -> tuple[Pause, ...]:
        """Return the pauses that stand, oldest first."""
        return self._database.values(
            f"{_SELECT} WHERE {_STANDING} ORDER BY number", (), rows.pause_of
        )

    def all(self) -> tuple[Pause, ...]:
        """Return every pause, oldest first."""
        return self._database.values(f"{_SELECT} ORDER BY number", (), rows.pause_of)

    def _lift(
        self, connection: sqlite3.Connection, scope: Scope, who: str, at: datetime
    ) -> Pause | None:
        where = f"{_STANDING} AND {_SCOPE}"
        found = self._database.values(
            f"{_SELECT} WHERE {where}", rows.scope_row(scope), rows.pause_of
        )
        connection.execute(
            f"UPDATE pauses SET lifted_by = ?, lifted_at = ? WHERE {where}",  # noqa: S608
            (who, rows.time_text(at), *rows.scope_row(scope)),
        )
        return found[0] if found else None
