"""The queue of tasks: what waits for what, and who may go first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.paging import page
from reconciler.simulator.records import TaskState
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.tasks import task_in, task_resource

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.MIXED)


@routes.get("tasks/{task}/queued-behind", "tasks/{task}/blockedby")
def queued_behind(call: Call) -> object:
    """GET /tasks/{id}/queued-behind: what a queued task waits for; newer servers say blockedby."""
    found = call.world.engine.queued_behind(task_in(call))
    return page(call, "Task", found, lambda task: task_resource(call.world, task), "{?skip,take}")


@routes.get("tasks/{task}/status/messages")
def status_messages(call: Call) -> object:
    """GET /tasks/{id}/status/messages: why a queued task has not started yet."""
    task = task_in(call)
    behind = call.world.engine.queued_behind(task)
    if task.state is not TaskState.QUEUED:
        return []
    text = f"This task waits for {len(behind)} other task(s)." if behind else "This task is queued."
    return [{"Category": "Information", "Message": text, "Links": {}}]


@routes.post("tasks/{task}/prioritize")
def prioritize(call: Call) -> object:
    """POST /tasks/{id}/prioritize: it goes before the other queued tasks."""
    task = task_in(call)
    call.demand("TaskPrioritize", space=call.world.space_of(task) or call.space)
    if task.state is not TaskState.QUEUED:
        raise Refused(400, "Only a queued task can be prioritized.")
    task.is_prioritized = True
    return task_resource(call.world, task)
