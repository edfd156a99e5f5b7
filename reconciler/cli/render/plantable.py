"""A plan as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.others import other_lines
from reconciler.cli.render.plan import DIGITS, legend, shown, summary, where
from reconciler.cli.render.rolls import roll_lines
from reconciler.cli.render.unwell import machine_lines
from reconciler.core.plan import Kind
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reconciler.cli.render.plan import Page
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action

STYLES = {
    Kind.UPGRADE: "green",
    Kind.DOWNGRADE: "yellow",
    Kind.REDEPLOY: "cyan",
    Kind.IGNORE: "dim",
}


def print_plan(page: Page) -> None:
    """Write the plan to stdout: what changes, what is left alone, what is closed, one sentence."""
    console, plan = stdout(), page.plan
    at = f"commit {plan.commit[:DIGITS]}, {page.read}"
    console.print(Text(f"{clean(plan.environment, 100)} at {at}", style="bold"))
    if rows := page.rows:
        console.print()
        show(console, _table(rows))
    console.print()
    console.print(Text(page.unchanged))
    if page.alignment:
        console.print(Text(page.alignment))
    _print_gates(console, page.gates)
    if also := other_lines(page.others):
        console.print()
        console.print(Text("also deployed by:"))
        for line in also:
            console.print(Text(f"  {line}"))
    if unwell := machine_lines(page.tending):
        console.print()
        console.print(Text("machines that are not well:"))
        for line in unwell:
            console.print(Text(f"  {line}"))
    if rolled := roll_lines(page.roll):
        console.print()
        console.print(Text("machines that go without:"))
        for line in rolled:
            console.print(Text(f"  {line}"))
    _print_legend(console, rows, page.gates)
    console.print()
    sentence = summary(plan, page.gates, page.estimate)
    console.print(Text(sentence[:1].upper() + sentence[1:], style="bold"))


def _table(actions: Sequence[Action]) -> Table:
    table = columns("component", "action", "from -> to", "wave", "reason", "note")
    for action in actions:
        table.add_row(
            text(action.cell),
            Text(action.kind.value, style=STYLES[action.kind]),
            Text(f"{shown(action.from_version)} -> {shown(action.to_version)}"),
            Text(str(action.wave) if action.wave else "-"),
            Text(action.reason.value),
            text(action.note),
        )
    return table


def _print_gates(console: Console, gates: Sequence[Gate]) -> None:
    if not gates:
        return
    console.print()
    console.print(Text("closed gates:"))
    for gate in sorted(gates):
        line = Text("  ")
        line.append(gate.name.value, style="red")
        line.append(f" on {where(gate)}: {clean(gate.message, 400)}")
        console.print(line)
        console.print(Text(f"    opened by: {clean(gate.opener, 400)}"))


def _print_legend(console: Console, actions: Sequence[Action], gates: Sequence[Gate]) -> None:
    words = legend(actions, gates)
    if not words:
        return
    console.print()
    table = Table.grid(padding=(0, 2))
    for word, says in words:
        table.add_row(Text(word, style="dim"), Text(says, style="dim"))
    show(console, table)
