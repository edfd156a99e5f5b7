"""Logs of tasks as text: whole trees, and single lines as they come; all of it cleaned again."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.cli.render.console import stdout
from reconciler.cli.render.plan import shown
from reconciler.core.logtree import LONGEST_LINE, Work
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.logtree import Branch, LogLine, Told
    from reconciler.engine.logs import Reading

_STYLES = {"Warning": "yellow", "Alert": "yellow", "Error": "red", "Fatal": "red"}


def print_logs(readings: Sequence[Reading]) -> None:
    """Write to stdout what was read: waves, deployments, their steps and machines, and lines."""
    console = stdout()
    for wave, mine in groupby(readings, key=lambda one: one.logged.wave):
        console.print(Text(f"wave {wave}", style="bold"))
        for reading in mine:
            for row in log_rows(reading):
                console.print(row, soft_wrap=not console.is_terminal)


def log_rows(reading: Reading) -> Iterator[Text]:
    """Yield one deployment and its log, each branch below what it is part of."""
    one, task, log = reading.logged, reading.task, reading.log
    came = f"{shown(one.came_from)} -> " if one.came_from else ""
    state = "not shown by Octopus any more" if task is None else task.state.value
    if log is not None and task is not None and not task.state.is_finished:
        state += f" {log.percent} %"
    began = "" if task is None or task.started is None else f", started {_clock(task.started)}"
    head = f"  {clean(one.cell)} {came}{shown(one.version or None)}, {clean(one.task_id)}"
    yield Text(f"{head} {state}{began}", style="bold")
    yield Text(f"    {clean(reading.link, 400)}", style="dim")
    if log is None:
        yield Text(f"    {clean(reading.why, 400)}")
        return
    for root in log.roots:
        yield from _lines(root, 4)
        for child in root.children:
            yield from _branch(child, 4)


def line_text(cell: CellKey, told: Told) -> Text:
    """Return one line as it comes: its time, where it is from, its category, its words."""
    path, line = told
    at = "-" if line.at is None else f"{line.at:%Y-%m-%dT%H:%M:%SZ}"
    row = Text(f"{at} {clean(cell)}", style="dim")
    for name in path:
        row.append(f" > {clean(name, 100)}")
    return Text.assemble(row, " | ", _words(line))


def _branch(branch: Branch, indent: int) -> Iterator[Text]:
    running = branch.work is Work.RUNNING and branch.percent
    state = f"{branch.work.value} {branch.percent} %" if running else branch.work.value
    style = "red" if branch.work is Work.FAILED else ""
    yield Text(f"{'':{indent}}{clean(branch.name)}: {state}", style=style)
    yield from _lines(branch, indent + 2)
    for child in branch.children:
        yield from _branch(child, indent + 2)
    if branch.left_out:
        yield Text(f"{'':{indent + 2}}and {branch.left_out} more", style="dim")


def _lines(branch: Branch, indent: int) -> Iterator[Text]:
    for line in branch.lines:
        yield Text.assemble(f"{'':{indent}}", (f"{_clock(line.at)} ", "dim"), _words(line))


def _words(line: LogLine) -> Text:
    """Return the words of a line; the category of an ordinary one goes without saying."""
    kind = "" if line.category == "Info" else f"{line.category}: "
    style = "dim" if line.is_verbose else _STYLES.get(line.category, "")
    return Text(f"{kind}{clean(line.text, LONGEST_LINE) if line.text else ''}", style=style)


def _clock(moment: datetime | None) -> str:
    return "--:--:--" if moment is None else f"{moment:%H:%M:%S}Z"
