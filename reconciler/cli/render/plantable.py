"""A plan as a table on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from reconciler.cli.meanings import GATES, REASONS
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.others import other_lines
from reconciler.cli.render.plan import DIGITS, NOBODY, read_at, shown, summary, where
from reconciler.core.plan import Kind, Reason
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from reconciler.core.deployers import Others
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action, Plan

STYLES = {
    Kind.UPGRADE: "green",
    Kind.DOWNGRADE: "yellow",
    Kind.REDEPLOY: "cyan",
    Kind.IGNORE: "dim",
}


def print_plan(plan: Plan, gates: Sequence[Gate], others: Mapping[str, Others] = NOBODY) -> None:
    """Write the plan to stdout: what changes, what is left alone, what is closed, one sentence."""
    console = stdout()
    at = f"commit {plan.commit[:DIGITS]}, read {read_at(plan.read_at)}"
    console.print(Text(f"{clean(plan.environment, 100)} at {at}", style="bold"))
    ignored = [a for a in plan.actions if not a.is_change and a.reason is not Reason.IN_SYNC]
    if plan.changes or ignored:
        console.print()
        show(console, _table((*plan.changes, *ignored)))
    in_sync = sum(action.reason is Reason.IN_SYNC for action in plan.actions)
    console.print()
    console.print(Text(f"in-sync and not shown: {in_sync} of {len(plan.actions)}"))
    _print_gates(console, gates)
    if also := other_lines(others):
        console.print()
        console.print(Text("also deployed by:"))
        for line in also:
            console.print(Text(f"  {line}"))
    _print_legend(console, (*plan.changes, *ignored), gates)
    console.print()
    console.print(Text(_capital(summary(plan, gates)), style="bold"))


def _table(actions: Sequence[Action]) -> Table:
    table = columns("component", "action", "from -> to", "wave", "reason", "note")
    for action in actions:
        table.add_row(
            text(action.component),
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
    reasons = [r for r in Reason if any(a.reason is r for a in actions)]
    names = [n for n in GATES if any(gate.name is n for gate in gates)]
    if not reasons and not names:
        return
    console.print()
    table = Table.grid(padding=(0, 2))
    for reason in reasons:
        table.add_row(Text(reason.value, style="dim"), Text(REASONS[reason].says, style="dim"))
    for name in names:
        table.add_row(Text(name.value, style="dim"), Text(GATES[name].says, style="dim"))
    if any(action.wave for action in actions):
        order = "a change starts when all it depends on, in earlier waves, has succeeded"
        table.add_row(Text("wave", style="dim"), Text(order, style="dim"))
    show(console, table)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
