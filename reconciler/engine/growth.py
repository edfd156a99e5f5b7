"""How the tree of a pass grows with each of its events."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.intent import SUCCEEDED
from reconciler.core.livetree import LiveTree, Part, Stage
from reconciler.core.runbook import Moment
from reconciler.core.state import TaskState
from reconciler.engine.events import (
    Asked,
    Ended,
    Found,
    Grown,
    Launched,
    NotStarted,
    PlanMade,
    Resumed,
    RunEnded,
    RunStarted,
    Watched,
)

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action
    from reconciler.engine.events import Event, Seen


def grown(tree: LiveTree, event: Event, now: float) -> LiveTree:
    """Return the tree after an event that was heard at `now` (monotonic seconds)."""
    match event:
        case PlanMade():
            return _planned(tree, event)
        case Launched(action=action, task_id=task_id):
            known = tree.parts.get(action.cell) or _waiting(action)
            return _with(tree, _begun(replace(known, doing=""), task_id, now))
        case Resumed(found=found):
            parts = (_begun(_known(tree, cell), task, now) for cell, task in found if task)
            return _with(tree, *parts)
        case Found():
            part = Part(event.cell, Stage.QUEUED, event.wave, event.from_version, event.to_version)
            return _with(tree, _begun(part, event.task_id, now))
        case Watched(running=running):
            return _with(tree, *(_seen(_known(tree, one.cell), one, now) for one in running))
        case Asked(cell=cell, task_id=task, question=question):
            part = replace(_known(tree, cell), stage=Stage.PERSON, task_id=task)
            return _with(tree, replace(part, waits_since=question.since, asks=question.id))
        case Grown(cell=cell, log=log) if tree.parts.get(cell) is not None:
            return _with(tree, replace(tree.parts[cell], log=log))
        case RunStarted():
            what = f"runbook {event.runbook} {event.moment.value}"
            part = replace(_known(tree, event.cell), doing=what)
            return _with(tree, _begun(part, event.task_id, now))
        case RunEnded():
            return _ran(tree, event)
        case Ended(cell=cell):
            return _with(tree, _ended(_known(tree, cell), event))
        case NotStarted(cell=cell, why=why):
            part = _known(tree, cell)
            if part.stage.is_running:  # its request was refused before it could run
                part = replace(part, task_id="", log=None)
            return _with(tree, replace(part, stage=Stage.NOT_STARTED, said=why, doing=""))
        case _:
            return tree


def _planned(tree: LiveTree, event: PlanMade) -> LiveTree:
    """Return the tree of a plan; what runs or has ended stays when the rest is planned anew."""
    closed = {gate.cell for gate in event.gates}
    shut = "" in closed
    stays = {
        cell: part
        for cell, part in tree.parts.items()
        if part.stage.is_running or part.stage in {Stage.SUCCEEDED, Stage.FAILED}
    }
    fresh = {
        action.cell: replace(
            _waiting(action),
            stage=Stage.HELD if shut or action.cell in closed else Stage.WAITING,
            expected=event.takes.get(action.cell),
        )
        for action in event.plan.changes
        if action.cell not in stays or not stays[action.cell].stage.is_running
    }
    return LiveTree(event.plan.environment, stays | fresh, event.at_once, event.closes)


def _with(tree: LiveTree, *parts: Part) -> LiveTree:
    return replace(tree, parts={**tree.parts, **{part.cell: part for part in parts}})


def _known(tree: LiveTree, cell: CellKey) -> Part:
    return tree.parts.get(cell) or Part(cell, Stage.QUEUED)


def _waiting(action: Action) -> Part:
    return Part(
        action.cell,
        Stage.WAITING,
        action.wave,
        action.from_version,
        action.to_version,
        action.waits_for,
    )


def _begun(part: Part, task_id: str, now: float) -> Part:
    queued = TaskState.QUEUED.value
    return replace(part, stage=Stage.QUEUED, said=queued, task_id=task_id, since=now, log=None)


def _ran(tree: LiveTree, event: RunEnded) -> LiveTree:
    """Return the tree after a runbook: before a change, its deployment is what waits now."""
    part = replace(_known(tree, event.cell), log=None, asks="", waits_since=None)
    if event.outcome not in SUCCEEDED:
        part = replace(part, stage=Stage.FAILED, said=event.outcome.value)
        return _with(tree, replace(part, lines=event.lines, link=event.link))
    if not event.cell:  # no change of the plan, so none that is done
        return replace(tree, parts={cell: p for cell, p in tree.parts.items() if cell})
    stage = Stage.WAITING if event.moment is Moment.BEFORE else Stage.SUCCEEDED
    return _with(tree, replace(part, stage=stage, doing="", task_id=""))


def _seen(part: Part, seen: Seen, now: float) -> Part:
    stage = Stage.QUEUED if seen.state == TaskState.QUEUED else Stage.RUNNING
    return replace(
        part,
        stage=Stage.PERSON if seen.is_waiting else stage,
        said=seen.state,
        task_id=seen.task_id,
        since=now - seen.seconds,
        waits_since=part.waits_since if seen.is_waiting else None,
        asks=part.asks if seen.is_waiting else "",
        log=part.log if part.task_id == seen.task_id else None,
    )


def _ended(part: Part, event: Ended) -> Part:
    """Return a part that ended; the log of a success is of no more use."""
    return replace(
        part,
        stage=Stage.SUCCEEDED if event.settled else Stage.FAILED,
        to_version=event.version,
        said=event.outcome.value,
        task_id=event.task_id,
        log=None,
        lines=event.lines,
        link=event.link,
    )
