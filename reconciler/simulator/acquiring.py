"""Acquiring packages: a deployment or run whose package was deleted from the feed fails there."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciler.simulator.interrupting import work_of
from reconciler.simulator.records import TaskState
from reconciler.simulator.runbooks import RunbookRun
from reconciler.simulator.shelf import missing_packages

if TYPE_CHECKING:
    from reconciler.simulator.records import Task
    from reconciler.simulator.world import World

__all__ = ["attach"]

_ACQUIRE = "acquire packages"


def attach(world: World) -> None:
    """Let tasks look for their packages when they start."""
    world.on_task_change.append(partial(_task_changed, world))
    world.engine.calls[_ACQUIRE] = partial(_fail, world)


def _task_changed(world: World, task: Task) -> None:
    if task.state is not TaskState.EXECUTING or not _missing(world, task):
        return
    within = task.work / max(1, len(task.steps)) / 2
    world.engine.call_at(world.now + timedelta(seconds=within), _ACQUIRE, task)


def _missing(world: World, task: Task) -> list[tuple[str, str]]:
    work = work_of(world, task)
    if work is None:
        return []
    space = world.spaces[work.space_id]
    if isinstance(work, RunbookRun):
        process = space.runbook_processes[work.snapshot.process_snapshot_id]
        return missing_packages(space, process, work.snapshot.packages)
    process = space.processes[work.release.process_snapshot_id]
    return missing_packages(space, process, work.release.packages)


def _fail(world: World, task: Task) -> None:
    missing = _missing(world, task)
    if task.id in world.engine.active and missing:
        package, version = missing[0]
        message = f"The package {package} version {version} is not in the built-in feed."
        world.engine.end(task, TaskState.FAILED, message)
