"""The deployments that run in a pass, as its events tell of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.condition import RunningDeployment
from reconciler.engine.events import Ended, Launched, Watched

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.engine.events import Event

Running = tuple[RunningDeployment, ...]


def running_after(event: Event, before: Running, now: datetime) -> Running:
    """Return what runs after one event of a pass, sorted by component; `now` is wall time, UTC."""
    match event:
        case Launched(action=action, task_id=task):
            begun = RunningDeployment(action.cell, task, "Queued", now)
            found = (*(one for one in before if one.task != task), begun)
        case Watched(running=seen):
            since = {one.task: one.since for one in before}
            found = tuple(
                RunningDeployment(
                    one.cell,
                    one.task_id,
                    one.state,
                    since.get(one.task_id, now - timedelta(seconds=one.seconds)),
                )
                for one in seen
            )
        case Ended(task_id=task):
            found = tuple(one for one in before if one.task != task)
        case _:
            return before
    return tuple(sorted(found, key=lambda one: (one.component, one.task)))
