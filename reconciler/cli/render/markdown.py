"""A plan as Markdown, for a comment on a pull request. Foreign text cannot leave its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.cli.render.others import other_lines
from reconciler.cli.render.plan import DIGITS, NOBODY, read_at, shown, summary, where
from reconciler.core.plan import Reason
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.core.deployers import Others
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action, Plan

_TICKS = re.compile(r"`+")
_ENDS_CELL = frozenset("|\\")


def plan_markdown(plan: Plan, gates: Sequence[Gate], others: Mapping[str, Others] = NOBODY) -> str:
    """Return the plan as one table, the closed gates, who else deploys, and one sentence."""
    ignored = [a for a in plan.actions if not a.is_change and a.reason is not Reason.IN_SYNC]
    in_sync = sum(action.reason is Reason.IN_SYNC for action in plan.actions)
    lines = [f"### Plan for {code(plan.environment)}", ""]
    if plan.changes or ignored:
        lines += [
            "| component | action | from | to | wave | reason | note |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            *map(_row, (*plan.changes, *ignored)),
            "",
        ]
    if gates:
        lines += ["**Closed gates**", ""]
        lines += [
            f"- `{gate.name.value}` on {code(where(gate))}: {code(gate.message, 400)}; opened by "
            f"{code(gate.opener, 400)}"
            for gate in sorted(gates)
        ]
        lines.append("")
    if also := other_lines(others):
        lines += ["**Also deployed by**", "", *(f"- {code(line, 900)}" for line in also), ""]
    sentence = summary(plan, gates)
    lines += [
        f"{sentence[:1].upper()}{sentence[1:]} In sync and not shown: {in_sync} of "
        f"{len(plan.actions)}.",
        "",
        f"At commit `{plan.commit[:DIGITS]}`, Octopus read {read_at(plan.read_at)}.",
    ]
    return "\n".join(lines) + "\n"


def code(words: str, limit: int = 300) -> str:
    """Return words as code, in which nothing is a link, a mention, a tag or the end of a cell.

    Backticks get a longer fence. Words with a bar or a backslash could end a table's cell, so these
    go into an element, every sign of them as a number.
    """
    words = clean(words, limit).strip(" ") if words else ""
    if not words:
        return ""
    if not _ENDS_CELL & set(words):
        fence = "`" * (1 + max(map(len, _TICKS.findall(words)), default=0))
        return f"`{words}`" if len(fence) == 1 else f"{fence} {words} {fence}"
    safe = (c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in words)
    return f"<code>{''.join(safe)}</code>"


def _row(action: Action) -> str:
    cells = (
        code(action.component),
        action.kind.value,
        code(shown(action.from_version)),
        code(shown(action.to_version)),
        str(action.wave) if action.wave else "",
        action.reason.value,
        code(action.note),
    )
    return f"| {' | '.join(cells)} |"
