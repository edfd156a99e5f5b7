"""Approvals as a table and as JSON: who approved which plan, until when, and whether it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import DIGITS, read_at
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.cli.render.data import Data
    from reconciler.core.approval import Approval


def print_approvals(approvals: Sequence[Approval], now: datetime, output: str) -> None:
    """Write approvals to stdout, oldest first."""
    write(output, lambda: [_data(each, now) for each in approvals], lambda: _print(approvals, now))


def _print(approvals: Sequence[Approval], now: datetime) -> None:
    if not approvals:
        click.echo("no approvals")
        return
    table = columns("environment", "plan", "changes", "by", "given", "stands")
    for each in approvals:
        table.add_row(
            text(each.environment),
            Text(each.digest[:DIGITS]),
            Text(str(len(each.changes))),
            text(each.name),
            Text(read_at(each.given)),
            Text(_standing(each, now)),
        )
    show(stdout(), table)


def _standing(approval: Approval, now: datetime) -> str:
    if approval.revoked_at is not None:
        by = clean(approval.revoked_by, 80)
        return f"no: revoked {read_at(approval.revoked_at)} by {by}"
    if not approval.in_force(now):
        return f"no: expired {read_at(approval.expires)}"
    return f"until {read_at(approval.expires)}"


def _data(approval: Approval, now: datetime) -> Data:
    revoked = approval.revoked_at
    return {
        "changes": [
            {
                "cell": clean(change.cell),
                "from": None if change.from_version is None else clean(change.from_version),
                "redeploy": change.redeploy,
                "refreshVariables": change.refresh,
                "to": None if change.to_version is None else clean(change.to_version),
                **(
                    {"machines": [clean(one) for one in change.machines]} if change.machines else {}
                ),
            }
            for change in sorted(approval.changes, key=lambda change: change.cell)
        ],
        "environment": clean(approval.environment),
        "expires": f"{approval.expires:%Y-%m-%dT%H:%M:%SZ}",
        "given": f"{approval.given:%Y-%m-%dT%H:%M:%SZ}",
        "name": clean(approval.name),
        "plan": approval.digest,
        "revokedAt": None if revoked is None else f"{revoked:%Y-%m-%dT%H:%M:%SZ}",
        "revokedBy": clean(approval.revoked_by) or None,
        "stands": approval.in_force(now),
        "user": clean(approval.user),
    }
