"""Promises to refresh the variables of releases (rules 12 to 14, for a change of a release)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.refresh import Refresh, Stage
from reconciler.store import rows

if TYPE_CHECKING:
    import sqlite3

COLUMNS = (
    "environment, server, space, release, before, commit_hash, plan_digest, promised_at, stage, "
    "after, differs"
)


def stage_of(connection: sqlite3.Connection, refresh: str) -> Stage | None:
    """Return how far a refresh got, None where this store does not know it."""
    found = connection.execute("SELECT stage FROM refreshes WHERE id = ?", (refresh,)).fetchone()
    return None if found is None else Stage(found[0])


def write(connection: sqlite3.Connection, refresh: Refresh) -> None:
    """Write a refresh, in place of an earlier one of the same release in the same state."""
    connection.execute(
        f"INSERT OR REPLACE INTO refreshes (id, {COLUMNS}) VALUES (?, {rows.marks(COLUMNS)})",  # noqa: S608
        (
            refresh.id,
            refresh.environment,
            refresh.server,
            refresh.space,
            refresh.release,
            refresh.before,
            refresh.commit,
            refresh.plan_digest,
            rows.time_text(refresh.promised_at),
            refresh.stage.value,
            refresh.after,
            refresh.differs,
        ),
    )


def read(row: rows.Row) -> Refresh:
    """Return the refresh of a row of COLUMNS."""
    promised_at, stage, after, differs = row[7:]
    at = datetime.fromisoformat(promised_at)
    values: rows.Row = (*row[:7], at, Stage(stage), after, bool(differs))
    return Refresh(*values)
