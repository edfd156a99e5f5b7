"""How a pass stands, and what runs in it, as its events tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.condition import Condition, ConditionType, RunningDeployment, Word
from reconciler.core.gate import GateName
from reconciler.core.livetree import LiveTree
from reconciler.engine.events import Asked, Ended, Launched, PlanMade, Silent, Watched
from reconciler.engine.growth import grown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.engine.events import Event, Seen
    from reconciler.ports import Clock

NEXT = 3
"""Changes told of those that start next."""

MOST = 5
"""Tasks named in a condition."""

Running = tuple[RunningDeployment, ...]


def running_after(event: Event, before: Running, now: datetime) -> Running:
    """Return what runs after one event of a pass, sorted by component; `now` is wall time, UTC."""
    match event:
        case Launched(action=action, task_id=task):
            begun = RunningDeployment(action.cell, task, "Queued", now, action.wave)
            found = (*(one for one in before if one.task != task), begun)
        case Watched(running=seen):
            since = {one.task: one.since for one in before}
            waves = {one.task: one.wave for one in before}
            found = tuple(
                RunningDeployment(
                    one.cell,
                    one.task_id,
                    one.state,
                    since.get(one.task_id, now - timedelta(seconds=one.seconds)),
                    waves.get(one.task_id, 0),
                )
                for one in seen
            )
        case Ended(task_id=task):
            found = tuple(one for one in before if one.task != task)
        case _:
            return before
    return tuple(sorted(found, key=lambda one: (one.component, one.task)))


@dataclass(slots=True)
class Heard:
    """What one pass has told so far; `calls` are the conditions that call a person meanwhile."""

    tree: LiveTree = field(default_factory=LiveTree)
    calls: tuple[Condition, ...] = ()
    _asked: dict[str, str] = field(default_factory=dict)  # words by task
    _silent: dict[str, str] = field(default_factory=dict)

    def after(self, event: Event, before: EnvironmentStatus, clock: Clock) -> EnvironmentStatus:
        """Return the status of an environment after one more event of its pass."""
        at, now = clock.now(), clock.monotonic()
        self.tree = grown(self.tree, event, now)
        progress = before.progress
        if isinstance(event, PlanMade | Watched):  # once a look: of many changes it takes a while
            progress = self.tree.summary(now, at, NEXT)
        if self.tree.is_over:
            progress = None
        running = running_after(event, before.running, at)
        status = replace(before, running=running, progress=progress)
        calls = self._calls(event, at)
        if [c.message for c in calls] == [c.message for c in self.calls]:
            return status
        others = [c for c in before.conditions if c not in self.calls]
        status = status.with_conditions((*others, *calls))
        self.calls = tuple(c for c in status.conditions if c not in others)
        return status

    def _calls(self, event: Event, at: datetime) -> tuple[Condition, ...]:
        """Return whom the tasks that run wait for now: a person's answer, a change, a look."""
        match event:
            case Asked(task_id=task, question=question):
                self._asked[task] = question.words
            case Silent(task_id=task, since=since):
                self._silent[task] = f"shows no sign of life since {since:%Y-%m-%d %H:%M}Z"
            case Watched(running=seen):
                asks = [(s, self._asked.get(s.task_id, s.state)) for s in seen if s.is_waiting]
                changes = [(s, s.state) for s in seen if s.is_changing]
                silent = [(s, self._silent.get(s.task_id, s.state)) for s in seen if s.is_silent]
                return (
                    *_call(GateName.WAITING_FOR_PERSON, asks, at),
                    *_call(GateName.WAITING_FOR_CHANGE, changes, at),
                    *_call(Word.SILENT, silent, at),
                )
            case _:
                pass
        return self.calls


def _call(
    reason: GateName | Word, found: Sequence[tuple[Seen, str]], at: datetime
) -> tuple[Condition, ...]:
    """Return the condition that some tasks make, none where there is none."""
    if not found:
        return ()
    said = [f"{seen.cell} ({seen.task_id}): {words}" for seen, words in found[:MOST]]
    more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
    return (Condition(ConditionType.STALLED, reason.value, f"{'; '.join(said)}{more}", at),)
