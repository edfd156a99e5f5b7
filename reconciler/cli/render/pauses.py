"""Pauses as a table, and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import read_at
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.pause import Pause


def print_pauses(pauses: Sequence[Pause], output: str) -> None:
    """Write pauses to stdout, oldest first."""
    write(output, lambda: [_data(pause) for pause in pauses], lambda: _print(pauses))


def _print(pauses: Sequence[Pause]) -> None:
    if not pauses:
        click.echo("no pauses")
        return
    table = columns("paused", "by", "since", "reason", "lifted")
    for pause in pauses:
        ended = pause.lifted_at
        table.add_row(
            text(str(pause.scope)),
            text(pause.who),
            Text(read_at(pause.since)),
            text(pause.reason),
            Text("no" if ended is None else f"{read_at(ended)} by {clean(pause.lifted_by, 80)}"),
        )
    show(stdout(), table)


def _data(pause: Pause) -> Data:
    scope = pause.scope
    return {
        "component": clean(scope.component) if scope.component else None,
        "environment": clean(scope.environment) if scope.environment else None,
        "liftedAt": None if pause.lifted_at is None else f"{pause.lifted_at:%Y-%m-%dT%H:%M:%SZ}",
        "liftedBy": clean(pause.lifted_by) if pause.lifted_by else None,
        "reason": clean(pause.reason),
        "scope": scope.reach.value,
        "server": clean(scope.server, 300) if scope.server else None,
        "since": f"{pause.since:%Y-%m-%dT%H:%M:%SZ}",
        "who": clean(pause.who),
    }
