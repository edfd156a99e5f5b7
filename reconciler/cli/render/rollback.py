"""Which components can return, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.output import write
from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.cli.render.data import Data
    from reconciler.engine.rollback import WayBack

_LONGEST = 300


def show_way(way: WayBack, output: str) -> None:
    """Write it to stdout."""
    write(output, lambda: way_data(way), lambda: _print(way))


def summary(way: WayBack) -> str:
    """Return what came of it in one sentence."""
    if not way.returns:
        return "Nothing is to return; nothing was changed."
    able = sum(1 for one in way.returns if one.can)
    return f"{able} of {len(way.returns)} can return to {way.target}; nothing was changed."


def way_data(way: WayBack) -> dict[str, Data]:
    """Return it as data."""
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Rollback",
        "metadata": {"name": way.environment},
        "spec": {
            "commit": way.commit,
            "left": [
                {"component": clean(name, 80), "why": clean(why, _LONGEST)}
                for name, why in way.left
            ],
            "readAt": f"{way.read_at:%Y-%m-%dT%H:%M:%SZ}",
            "returns": [
                {
                    "back": clean(one.back),
                    "can": one.can,
                    "component": one.component,
                    "now": clean(one.now),
                    "why": clean(one.why, _LONGEST),
                }
                for one in way.returns
            ],
            "target": clean(way.target),
        },
    }


def _print(way: WayBack) -> None:
    from rich.text import Text

    from reconciler.cli.render.console import columns, show, stdout, text
    from reconciler.cli.render.plan import DIGITS, read_at

    console = stdout()
    console.print(Text(f"{way.environment} back to {way.target}", style="bold"))
    if way.returns:
        table = columns("component", "now", "back to", "can return", "because")
        for one in way.returns:
            can = Text("yes", style="green") if one.can else Text("no", style="red")
            table.add_row(text(one.component), text(one.now), text(one.back), can, text(one.why))
        console.print()
        show(console, table)
    for name, why in way.left:
        console.print(Text(f"left as it is: {clean(name, 80)} ({clean(why, _LONGEST)})"))
    console.print()
    at = f"commit {way.commit[:DIGITS]}, Octopus read {read_at(way.read_at)}"
    console.print(Text(f"{summary(way)} ({at})", style="bold"))
