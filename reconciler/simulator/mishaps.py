"""What happens half-way through a deployment: its machine dies, or the server restarts."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from reconciler.simulator.machinery import go_dark
from reconciler.simulator.records import Mishap, TaskState

if TYPE_CHECKING:
    from reconciler.simulator.records import Task
    from reconciler.simulator.world import World

__all__ = ["attach", "restart"]

_HALFWAY = "half-way"


def attach(world: World) -> None:
    """Let what a script tells of happen when half of a deployment's work is done."""
    world.on_task_change.append(partial(_task_changed, world))
    world.engine.calls[_HALFWAY] = partial(_happen, world)


def restart(world: World) -> None:
    """Let the server stop and start: what ran fails, what is queued stays queued."""
    message = "The Octopus Server was restarted while this task was running."
    active = world.engine.active.values()
    for task in [each for each in active if each.state is not TaskState.QUEUED]:
        world.engine.end(task, TaskState.FAILED, message)


def _task_changed(world: World, task: Task) -> None:
    if task.state is TaskState.EXECUTING and task.script.mishap is not None:
        world.engine.call_at(world.now + timedelta(seconds=task.work / 2), _HALFWAY, task)


def _happen(world: World, task: Task) -> None:
    space = world.space_of(task)
    if task.id not in world.engine.active or space is None:
        return
    if task.script.mishap is Mishap.RESTART:
        restart(world)
        return
    for machine in task.machines[:1]:
        go_dark(world, space, space.machines[machine])
