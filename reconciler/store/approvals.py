"""The approvals given on this machine. Nothing is deleted: one that was revoked stays (rule 32)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.approval import Approval, Change
from reconciler.core.cellkey import CellKey
from reconciler.store import rows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.store.database import Database

_COLUMNS = (
    "environment, server, space, octopus_environment, user, name, email, digest, changes, since, "
    "given, expires, revoked_by, revoked_at"
)
_SELECT = f"SELECT {_COLUMNS} FROM approvals"  # noqa: S608
_INSERT = f"INSERT INTO approvals ({_COLUMNS}) VALUES ({rows.marks(_COLUMNS)})"  # noqa: S608
_REVOKE = (
    "UPDATE approvals SET revoked_by = ?, revoked_at = ? "
    "WHERE environment = ? AND revoked_at IS NULL AND substr(digest, 1, ?) = ?"
)


class ApprovalTable:
    """The table behind the journal's approvals. Every failure is StoreTrouble."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, approval: Approval) -> None:
        """Keep an approval."""
        with self._database.writing() as connection:
            connection.execute(_INSERT, _row(approval))

    def all(self, environment: str | None) -> tuple[Approval, ...]:
        """Return every approval, of one environment or of all, oldest first."""
        if environment is None:
            return self._database.values(f"{_SELECT} ORDER BY number", (), _approval)
        where = f"{_SELECT} WHERE environment = ? ORDER BY number"
        return self._database.values(where, (environment,), _approval)

    def revoke(self, environment: str, digest: str, who: str, at: datetime) -> tuple[Approval, ...]:
        """Take back what stands of plans whose digest begins so, and return it as it stood."""
        with self._database.writing() as connection:
            stood = tuple(
                each
                for each in self.all(environment)
                if each.in_force(at) and each.digest.startswith(digest)
            )
            marks = (who, rows.time_text(at), environment, len(digest), digest)
            connection.execute(_REVOKE, marks)
        return stood


def _row(approval: Approval) -> rows.Row:
    """Return an approval in the order of the columns."""
    changes = [
        [
            change.cell,
            change.from_version,
            change.to_version,
            change.redeploy,
            *([change.machines, change.refresh] if change.machines or change.refresh else []),
        ]
        for change in sorted(approval.changes, key=lambda change: change.cell)
    ]
    revoked = approval.revoked_at
    return (
        approval.environment,
        approval.server,
        approval.space,
        approval.octopus_environment,
        approval.user,
        approval.name,
        approval.email,
        approval.digest,
        json.dumps(changes),
        approval.since,
        rows.time_text(approval.given),
        rows.time_text(approval.expires),
        approval.revoked_by,
        None if revoked is None else rows.time_text(revoked),
    )


def _change(
    cell: str,
    before: str | None,
    after: str | None,
    redeploy: int,
    machines: Iterable[str] = (),
    refresh: bool = False,
) -> Change:
    return Change(CellKey(cell), before, after, redeploy, tuple(machines), refresh)


def _approval(row: rows.Row) -> Approval:
    """Return the approval of a row."""
    return Approval(
        environment=row[0],
        server=row[1],
        space=row[2],
        octopus_environment=row[3],
        user=row[4],
        name=row[5],
        email=row[6],
        digest=row[7],
        changes=frozenset(_change(*change) for change in json.loads(row[8])),
        since=row[9],
        given=datetime.fromisoformat(row[10]),
        expires=datetime.fromisoformat(row[11]),
        revoked_by=row[12],
        revoked_at=None if row[13] is None else datetime.fromisoformat(row[13]),
    )
