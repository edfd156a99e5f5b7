"""A pass as a tree for a screen of any size: what is most urgent stays when rows are few.

Meaning rests on words, never on colour alone; every text is cleaned once more on its way here.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from rich.cells import set_cell_size
from rich.text import Text

from reconciler.cli.render.plan import shown
from reconciler.core.livetree import Stage
from reconciler.core.logtree import Work
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.core.livetree import LiveTree, Part
    from reconciler.core.logtree import Branch, TaskLog

NEXT = 3
"""Changes shown of those that start next."""

MACHINES = 4
"""Machines shown of a step that runs or failed."""

WIDEST_NAME = 30
_NARROW = 60
"""Columns below which a row keeps its name and state only."""

_STYLES = {
    Stage.PERSON: "yellow",
    Stage.FAILED: "red",
    Stage.NOT_STARTED: "yellow",
    Stage.RUNNING: "bold",
    Stage.QUEUED: "dim",
    Stage.WAITING: "dim",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row; the lower its `rank`, the longer it stays where rows are few."""

    rank: int
    text: Text


def tree_rows(tree: LiveTree, now: float, at: datetime, width: int, height: int) -> list[Text]:
    """Return the rows of a tree, none wider than `width`, at most `height`.

    `now` is the monotonic time of the tree, `at` the time on the wall (UTC).
    """
    rows = list(_rows(tree, now, at, width))
    if len(rows) > height:
        stay = sorted(range(len(rows)), key=lambda n: (rows[n].rank, n))[: max(height - 1, 1)]
        more = len(rows) - len(stay)
        rows = [rows[n] for n in sorted(stay)]
        if height > 1:
            rows.append(Row(0, Text(f"... and {more} more rows", style="dim")))
    for row in rows:
        row.text.truncate(width, overflow="ellipsis")
    return [row.text for row in rows]


def headline(tree: LiveTree, now: float) -> str:
    """Return how a pass stands in one line."""
    counts, share = tree.counts, tree.share(now)
    asks = counts[Stage.PERSON]
    runs = counts[Stage.QUEUED] + counts[Stage.RUNNING] + asks
    said = [f"{counts[Stage.SUCCEEDED]} of {len(tree.parts)} done"]
    said += [f"{runs} run{'s' if runs == 1 else ''}"] if runs else []
    said += [f"{asks} wait{'s' if asks == 1 else ''} for a person"] if asks else []
    said += [f"{counts[Stage.FAILED]} failed"] if counts[Stage.FAILED] else []
    said += [f"{counts[Stage.NOT_STARTED]} not started"] if counts[Stage.NOT_STARTED] else []
    return f"{clean(tree.environment)}: {', '.join(said)}; {share:.0%}"


def outlook(tree: LiveTree, now: float, at: datetime) -> str:
    """Return when a pass is likely to end, beside the end of the window it has to end in.

    Empty where nobody knows either.
    """
    forecast = tree.forecast(now)
    end = at + timedelta(seconds=forecast.seconds)
    told = []
    if forecast.seconds:
        about = "not before" if forecast.unknown else "about"
        told.append(f"ends {about} {end:%H:%M:%S}Z, in {span(forecast.seconds)}")
    if tree.closes is not None:
        late = "before that, " if forecast.seconds and end > tree.closes else ""
        told.append(f"{late}the window closes {tree.closes:%H:%M}Z")
    return "; ".join(told)


def span(seconds: float) -> str:
    """Return a duration in words: `12 s`, `3 min 05 s`, `1 h 20 min`."""
    whole = max(round(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def _rows(tree: LiveTree, now: float, at: datetime, width: int) -> Iterator[Row]:
    if tree.is_over:
        return
    yield Row(0, Text(headline(tree, now), style="bold"))
    ahead = outlook(tree, now, at)
    if ahead:
        yield Row(1, Text(f"  {ahead}"))
    shown_parts = [p for p in tree.parts.values() if p.stage.is_running or _is_bad(p)]
    name = max((len(_name(p)) for p in shown_parts), default=0)
    move = max((len(_move(p)) for p in shown_parts), default=0)
    for number, parts in tree.waves:
        mine = [part for part in parts if part.stage.is_running or _is_bad(part)]
        yield Row(4 if mine else 8, _wave(number, parts))
        for part in mine:
            yield from _part(part, now, at, (name, move), narrow=width < _NARROW)
    for part in tree.next_up(NEXT):
        yield Row(4, Text(f"  next: {_next(tree, part)}", style="dim"))


def _is_bad(part: Part) -> bool:
    return part.stage in {Stage.FAILED, Stage.NOT_STARTED}


def _wave(number: int, parts: tuple[Part, ...]) -> Text:
    counts = Counter(part.stage for part in parts)
    ended = counts[Stage.SUCCEEDED]
    around = any(not part.cell for part in parts)
    earlier = "around all changes" if around else "of an earlier pass"
    what = f"wave {number}" if number else earlier
    left = counts[Stage.WAITING]
    waits = f", {left} wait{'s' if left == 1 else ''}" if left else ""
    held = f", {counts[Stage.HELD]} held" if counts[Stage.HELD] else ""
    style = "dim" if ended == len(parts) else ""
    return Text(f"{what}: {ended} of {len(parts)} done{waits}{held}", style=style)


def _part(
    part: Part, now: float, at: datetime, widths: tuple[int, int], *, narrow: bool
) -> Iterator[Row]:
    """Yield one change and the branches of its log that matter now."""
    name, move = widths
    row = Text("  ")
    row.append(set_cell_size(_name(part), name))
    row.append("  ")
    if not narrow:
        row.append(set_cell_size(_move(part), move) + "  ")
    row.append(_state(part, at), style=_STYLES.get(part.stage, ""))
    if part.stage.is_running and part.waits_since is None:
        row.append(f"  {_clock(part, now)}")
    if part.task_id and not narrow:
        row.append(f"  {clean(part.task_id)}", style="dim")
    yield Row(1 if part.stage is Stage.PERSON or _is_bad(part) else 2, row)
    if part.asks:
        yield Row(3, Text(f"    answered by: reconciler interruptions take {clean(part.asks, 80)}"))
    if part.log is not None and part.stage.is_running:
        yield from _log(part.log)
    for line in part.lines[-2:]:
        yield Row(3, Text(f"    | {clean(line, 400)}"))
    if part.link:
        yield Row(3, Text(f"    {clean(part.link, 400)}", style="dim"))


def _name(part: Part) -> str:
    return clean(part.cell, WIDEST_NAME) or "all changes"


def _move(part: Part) -> str:
    if not part.cell:
        return ""
    return f"{shown(part.from_version)} -> {shown(part.to_version)}"


def _state(part: Part, at: datetime) -> str:
    said = clean(part.said, 200)
    if part.doing:
        said = f"{clean(part.doing, 100)} {said}"
    if part.stage is Stage.RUNNING and part.log is not None:
        return f"{said} {part.log.percent} %"
    if part.stage is Stage.PERSON and part.waits_since is not None:
        waited = span((at - part.waits_since).total_seconds())
        return f"{said} since {part.waits_since:%H:%M}Z, {waited}"
    if part.stage is Stage.NOT_STARTED:
        return f"not started: {said}"
    return said


def _clock(part: Part, now: float) -> str:
    ran = span(now - part.since)
    if part.expected is None or part.doing:
        return ran
    return f"{ran} of about {span(part.expected.total_seconds())}"


def _log(log: TaskLog) -> Iterator[Row]:
    """Yield the steps that run or failed, the machines they do so on, and the last line."""
    last: tuple[tuple[bool, object, int], str] | None = None
    for root in log.roots:
        for step in root.children:
            if not _matters(step):
                continue
            yield Row(5, _branch(step, 4))
            machines = [machine for machine in step.children if _matters(machine)]
            for machine in machines[:MACHINES]:
                yield Row(6, _branch(machine, 6))
            more = len(machines) - MACHINES + step.left_out
            if more > 0:
                yield Row(6, Text(f"      and {more} more", style="dim"))
    for _, branch in log.branches():
        for line in branch.lines[-1:]:
            order = (line.at is not None, line.at, line.number)
            if last is None or order > last[0]:
                last = order, line.text
    if last is not None:
        yield Row(7, Text(f"    | {clean(last[1], 300)}", style="dim"))


def _matters(branch: Branch) -> bool:
    return branch.work in {Work.RUNNING, Work.FAILED, Work.UNKNOWN}


def _branch(branch: Branch, indent: int) -> Text:
    percent = f" {branch.percent} %" if branch.work is Work.RUNNING and branch.percent else ""
    row = Text(f"{'':{indent}}{clean(branch.name, 120)}  ")
    return row.append(
        f"{branch.work.value}{percent}", style="red" if branch.work is Work.FAILED else ""
    )


def _next(tree: LiveTree, part: Part) -> str:
    behind = [clean(name) for name in tree.behind(part)]
    what = f"{clean(part.cell)} {_move(part)}"
    if not behind:
        runs = sum(one.stage.is_running for one in tree.parts.values())
        return f"{what}, {'now' if runs < tree.at_once else 'as soon as there is room'}"
    others = f" and {len(behind) - 1} more" if len(behind) > 1 else ""
    return f"{what}, after {behind[0]}{others}"
