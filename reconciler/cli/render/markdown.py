"""A plan as Markdown, for a comment on a pull request. Foreign text cannot leave its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.cli.render.others import other_lines
from reconciler.cli.render.plan import DIGITS, legend, shown, summary, where
from reconciler.cli.render.rolls import roll_lines
from reconciler.cli.render.unwell import machine_lines
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.plan import Page
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action

_TICKS = re.compile(r"`+")
_ENDS_CELL = frozenset("|\\")


def plan_markdown(page: Page) -> str:
    """Return the plan as one table, the closed gates, who else deploys, and one sentence."""
    plan = page.plan
    lines = [f"### Plan for {code(plan.environment)}", ""]
    if rows := page.rows:
        lines += [*HEAD, *map(row, rows), ""]
    lines += gate_lines(page.gates)
    if also := other_lines(page.others):
        lines += ["**Also deployed by**", "", *(f"- {code(line, 900)}" for line in also), ""]
    if unwell := machine_lines(page.tending):
        lines += ["**Machines that are not well**", ""]
        lines += [*(f"- {code(line, 600)}" for line in unwell), ""]
    if rolled := roll_lines(page.roll):
        lines += [
            "**Machines that go without**",
            "",
            *(f"- {code(line, 900)}" for line in rolled),
            "",
        ]
    lines += legend_lines(rows, page.gates)
    lines += [
        f"At commit `{plan.commit[:DIGITS]}`, Octopus {page.read}. {capital(page.unchanged)}.",
        "",
        *alignment_lines(page),
        capital(summary(plan, page.gates, page.estimate)),
    ]
    return "\n".join(lines) + "\n"


def alignment_lines(page: Page) -> list[str]:
    """Return how the pins stand to their platform version, nothing where there is none."""
    return [f"Alignment: {code(page.alignment, 400)}", ""] if page.alignment else []


HEAD = (
    "| component | action | from | to | wave | reason | note |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)


def gate_lines(gates: Sequence[Gate]) -> list[str]:
    """Return the closed gates, each with its opener."""
    if not gates:
        return []
    lines = [
        f"- `{gate.name.value}` on {code(where(gate))}: {code(gate.message, 400)}; opened by "
        f"{code(gate.opener, 400)}"
        for gate in sorted(gates)
    ]
    return ["**Closed gates**", "", *lines, ""]


def capital(sentence: str) -> str:
    """Return a sentence with its first letter large."""
    return sentence[:1].upper() + sentence[1:]


def legend_lines(actions: Sequence[Action], gates: Sequence[Gate]) -> list[str]:
    """Return what the words of a plan mean, folded away."""
    words = legend(actions, gates)
    if not words:
        return []
    told = (f"- `{word}`: {says}" for word, says in words)
    summary_line = "<details><summary>What the words mean</summary>"
    return [summary_line, "", *told, "", "</details>", ""]


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


def row(action: Action) -> str:
    """Return one action as a row of the table."""
    cells = (
        code(action.cell),
        action.kind.value,
        code(shown(action.from_version)),
        code(shown(action.to_version)),
        str(action.wave) if action.wave else "",
        action.reason.value,
        code(action.note),
    )
    return f"| {' | '.join(cells)} |"
