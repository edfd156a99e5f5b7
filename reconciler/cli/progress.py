"""Progress of a pass, told as it happens: one plain line for each fact, on stderr."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.render.plan import summary
from reconciler.cli.session import say
from reconciler.core.text import clean
from reconciler.engine.events import (
    Asked,
    Ended,
    Found,
    Grown,
    Launched,
    NotStarted,
    PlanMade,
    Recorded,
    Resumed,
    RunEnded,
    RunStarted,
    Said,
    Silent,
    Watched,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.interruption import Interruption
    from reconciler.engine.events import Event

_LONGEST = 400


class Lines:
    """Tells every fact once: a task that only goes on is not told again."""

    def __init__(self) -> None:
        self._states: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        """Write what is new in an event."""
        for line in self.lines(event):
            say(line)

    def lines(self, event: Event) -> list[str]:
        """Return what is new in an event, in clean lines."""
        match event:
            case PlanMade(plan=plan, gates=gates):
                return [f"{clean(plan.environment)}: {summary(plan, gates)}"]
            case Watched(running=running):
                return [line for one in running for line in self._state(one.cell, one.state)]
            case _:
                return told(event)

    def _state(self, cell: CellKey, state: str) -> list[str]:
        if self._states.get(cell) == state:
            return []
        self._states[cell] = state
        return [f"{clean(cell)}: {clean(state)}"]


def told(event: Event) -> list[str]:
    """Return one fact as clean lines; a plan and a look at tasks are for the listener to tell."""
    match event:
        case Launched(action=action, task_id=task_id, found=found):
            verb = "was found running" if found else "started"
            came = f" from {clean(action.from_version, 80)}" if action.from_version else ""
            what = f"{clean(action.cell)}: {action.kind.value}{came} to"
            return [f"{what} {clean(action.to_version or '', 80)} {verb}, {clean(task_id)}"]
        case Found(cell=cell, task_id=task_id, to_version=version):
            return [f"{clean(cell)}: {clean(version, 80)}, {clean(task_id)}"]
        case Asked(cell=cell, task_id=task_id, question=question):
            return asked(cell, task_id, question)
        case Silent():
            return silent(event)
        case Ended():
            return ended(event)
        case RunStarted(task_id=task_id, found=found):
            return [
                f"{_run(event)} {'was found running' if found else 'started'}, {clean(task_id)}"
            ]
        case RunEnded():
            how = f"ended {event.outcome.value} after {event.seconds:.0f} s, {clean(event.task_id)}"
            return [f"{_run(event)} {how}", *_traces(event.lines, event.link)]
        case NotStarted(cell=cell, why=why):
            return [f"{clean(cell)}: not started: {clean(why, _LONGEST)}"]
        case Resumed(found=found):
            return [
                f"{clean(cell)}: asked for by an earlier pass, "
                + (f"{clean(task_id)} is watched on" if task_id else "but Octopus never got it")
                for cell, task_id in found
            ]
        case Recorded(tip=tip, receipts=receipts, snapshot_changed=changed):
            count = f"{receipts} receipt" + ("" if receipts == 1 else "s")
            news = "the snapshot changed" if changed else "the snapshot stays"
            where = f", audit commit {tip[:12]}" if tip else ""
            return [f"recorded: {count}, {news}{where}"]
        case Said(text=text):
            return [clean(text, _LONGEST)]
        case PlanMade() | Watched() | Grown():
            return []


def asked(cell: CellKey, task_id: str, question: Interruption) -> list[str]:
    """Return what a deployment asks of a person, and how that person answers."""
    what = [f"{clean(cell)}: {clean(task_id)}: {clean(question.words, _LONGEST)}"]
    if question.instructions:
        what.append(f"  | {clean(question.instructions, _LONGEST)}")
    return [*what, f"  answered by: `reconciler interruptions take {clean(question.id, 80)}`"]


def silent(event: Silent) -> list[str]:
    """Return since when a deployment shows no sign of life, and what a person may do about it."""
    usual = "nobody knows how long it takes"
    if event.usual is not None:
        usual = f"it usually takes {event.usual.total_seconds():.0f} s"
    what = "its log says nothing new" if event.can_be_read else "its log may not be read"
    return [
        f"{clean(event.cell)}: {clean(event.task_id)} shows no sign of life since "
        f"{event.since:%Y-%m-%d %H:%M}Z: {what}, and {usual}",
        f"  it is watched on; `reconciler cancel ENV {clean(event.cell)} --running` would end it",
    ]


def ended(event: Ended) -> list[str]:
    """Return how a deployment ended; where it did not succeed, its last errors and its page."""
    head = (
        f"{clean(event.cell)}: {clean(event.version, 80)} ended {event.outcome.value} after "
        f"{event.seconds:.0f} s, {clean(event.task_id)}"
    )
    return [head, *_traces(event.lines, event.link)]


def _run(event: RunStarted | RunEnded) -> str:
    whom = clean(event.cell) or "all changes"
    return f"{whom}: runbook {clean(event.runbook)} {event.moment.value}"


def _traces(lines: Sequence[str], link: str) -> list[str]:
    shown = [f"  | {clean(line, _LONGEST)}" for line in lines]
    return [*shown, *([f"  see {clean(link, _LONGEST)}"] if link else [])]
