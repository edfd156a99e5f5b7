"""A comparison in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.output import write
from reconciler.cli.render.plan import shown
from reconciler.core.compare import Relation
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.compare import Comparison, Row, Side

WORDS = {
    Relation.ONLY_LEFT: "only left",
    Relation.ONLY_RIGHT: "only right",
    Relation.NEWER: "newer",
    Relation.OLDER: "older",
    Relation.UNORDERED: "cannot be ordered",
    Relation.OTHER_RELEASE: "another release",
    Relation.UNKNOWN: "not known",
    Relation.SAME: "the same",
}
STYLES = {
    Relation.NEWER: "green",
    Relation.OLDER: "yellow",
    Relation.SAME: "dim",
}


def show_comparison(comparison: Comparison, output: str, *, everything: bool) -> None:
    """Write a comparison to stdout; `everything`: what is the same, too."""
    rows = tuple(r for r in comparison.rows if everything or r.relation is not Relation.SAME)
    if output == "markdown":
        click.echo(comparison_markdown(comparison, rows), nl=False)
        return
    write(output, lambda: comparison_data(comparison, rows), lambda: _print(comparison, rows))


def summary(comparison: Comparison) -> str:
    """Return what came of it in one sentence; each relation tells how right stands to left."""
    counts = comparison.counts
    if not counts:
        return "There is nothing on either side."
    if not comparison.differs:
        return f"All {len(comparison.rows)} are the same."
    named = [f"{count} {WORDS[relation]}" for relation, count in counts.items()]
    return f"Of {len(comparison.rows)}: {', '.join(named)}."


def comparison_data(comparison: Comparison, rows: Sequence[Row]) -> dict[str, Data]:
    """Return it as data; every relation that occurs is counted, shown or not."""
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Comparison",
        "spec": {
            "counts": {relation.value: n for relation, n in comparison.counts.items()},
            "differs": comparison.differs,
            "left": _side(comparison.left),
            "right": _side(comparison.right),
            "rows": [
                {
                    "cell": clean(row.cell),
                    "left": None if row.left is None else clean(row.left),
                    "note": clean(row.note, 300),
                    "relation": row.relation.value,
                    "right": None if row.right is None else clean(row.right),
                }
                for row in rows
            ],
        },
    }


def comparison_markdown(comparison: Comparison, rows: Sequence[Row]) -> str:
    """Return it as one table and one sentence."""
    from reconciler.cli.render.markdown import code

    left, right = comparison.left, comparison.right
    lines = [f"### {code(left.name)} and {code(right.name)}", ""]
    if rows:
        lines += [
            "| component | left | right | right is | note |",
            "| --- | --- | --- | --- | --- |",
        ]
        for row in rows:
            said = (code(row.cell), code(row.left or ""), code(row.right or ""))
            lines.append(f"| {' | '.join(said)} | {WORDS[row.relation]} | {code(row.note)} |")
        lines.append("")
    lines.append(f"{summary(comparison)} Left: {code(left.at)}; right: {code(right.at)}.")
    return "\n".join(lines) + "\n"


def _side(side: Side) -> dict[str, Data]:
    return {"at": clean(side.at), "name": clean(side.name)}


def _print(comparison: Comparison, rows: Sequence[Row]) -> None:
    from rich.text import Text

    from reconciler.cli.render.console import columns, show, stdout, text

    console = stdout()
    for word, side in (("left ", comparison.left), ("right", comparison.right)):
        said = f"{word} {clean(side.name, 100)} ({clean(side.at, 100)})"
        console.print(Text(said, style="bold"))
    if rows:
        table = columns("component", "left", "right", "right is", "note")
        for row in rows:
            table.add_row(
                text(row.cell),
                Text(shown(row.left)),
                Text(shown(row.right)),
                Text(WORDS[row.relation], style=STYLES.get(row.relation, "cyan")),
                text(row.note),
            )
        console.print()
        show(console, table)
    console.print()
    console.print(Text(summary(comparison), style="bold"))
