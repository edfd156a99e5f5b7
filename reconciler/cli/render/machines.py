"""The machines of an environment, as a table and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.data import moment
from reconciler.cli.render.plan import read_at
from reconciler.cli.session import say
from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.cli.render.data import Data
    from reconciler.core.fleet import Target
    from reconciler.core.forget import Verdict
    from reconciler.core.removed import Removed
    from reconciler.engine.returning import Machines


def print_machines(found: Machines, output: str) -> None:
    """Write the machines to stdout."""
    if found.tending.unread:
        say(f"error: the machines could not be judged: {clean(found.tending.unread, 400)}")
    write(output, lambda: _data(found), lambda: _print(found))


def _print(found: Machines) -> None:
    targets, verdicts = _rows(found)
    removed = found.tending.removed.machines
    if targets:
        table = columns("machine", "id", "health", "lost since", "what becomes of it")
        for one in targets:
            verdict = verdicts.get(one.id)
            sickness = None if verdict is None else verdict.sickness
            table.add_row(
                text(one.name),
                text(one.id),
                Text(f"{one.health.value}{', disabled' if one.is_disabled else ''}"),
                Text("" if sickness is None else read_at(sickness.since)),
                text("" if verdict is None else f"{verdict.fate.value}: {verdict.why}"),
            )
        show(stdout(), table)
    else:
        click.echo("no machines")
    if removed:
        click.echo("\nremoved:")
        table = columns("machine", "id", "at", "roles", "state")
        for gone in reversed(removed):
            table.add_row(
                text(gone.machine.name),
                text(gone.machine.id),
                Text(read_at(gone.at)),
                text(", ".join(gone.machine.roles)),
                text(_state(gone)),
            )
        show(stdout(), table)


def _rows(found: Machines) -> tuple[list[Target], dict[str, Verdict]]:
    targets = sorted(found.tending.fleet.of(found.place), key=lambda one: one.name.casefold())
    return targets, {one.target.id: one for one in found.tending.verdicts}


def _state(gone: Removed) -> str:
    by = f" by {gone.who}" if gone.who else ""
    return f"{gone.stage.value}{by}{f', now {gone.became}' if gone.became else ''}"


def _data(found: Machines) -> Data:
    targets, verdicts = _rows(found)
    return {
        "machines": [_machine(one, verdicts.get(one.id)) for one in targets],
        "removed": [_removed(one) for one in reversed(found.tending.removed.machines)],
        "unread": clean(found.tending.unread, 400),
    }


def _machine(one: Target, verdict: Verdict | None) -> Data:
    sickness = None if verdict is None else verdict.sickness
    return {
        "disabled": one.is_disabled,
        "fate": None if verdict is None else verdict.fate.value,
        "health": one.health.value,
        "id": clean(one.id),
        "lostSince": None if sickness is None else moment(sickness.since),
        "name": clean(one.name),
        "roles": [clean(role) for role in one.roles],
        "why": "" if verdict is None else clean(verdict.why, 300),
    }


def _removed(gone: Removed) -> Data:
    return {
        "at": moment(gone.at),
        "became": clean(gone.became) or None,
        "id": clean(gone.machine.id),
        "lostSince": moment(gone.lost_since),
        "name": clean(gone.machine.name),
        "roles": [clean(role) for role in gone.machine.roles],
        "stage": gone.stage.value,
        "thumbprint": clean(gone.machine.thumbprint),
        "who": clean(gone.who) or None,
    }
