"""How a pass stands, and what runs in it, as its events tell."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.condition import RunningDeployment
from reconciler.core.livetree import LiveTree
from reconciler.engine.events import Ended, Launched, Watched
from reconciler.engine.growth import grown

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.engine.events import Event
    from reconciler.ports import Clock

NEXT = 3
"""Changes told of those that start next."""

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
    """What one pass has told so far."""

    tree: LiveTree = field(default_factory=LiveTree)

    def after(self, event: Event, before: EnvironmentStatus, clock: Clock) -> EnvironmentStatus:
        """Return the status of an environment after one more event of its pass."""
        at, now = clock.now(), clock.monotonic()
        self.tree = grown(self.tree, event, now)
        return replace(
            before,
            running=running_after(event, before.running, at),
            progress=None if self.tree.is_over else self.tree.summary(now, at, NEXT),
        )
