"""What was done on a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.paging import page
from reconciler.simulator.routes.tasks import sees_task, task_resource

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.fleet import Machine

__all__ = ["tasks_on"]


def tasks_on(call: Call, machine: Machine) -> dict[str, object]:
    """Return a page of the tasks of a machine that the caller sees, newest first; `type` is one."""
    call.demand_anywhere("TaskView")
    kind = call.query.text("type")
    found = [
        each
        for each in call.world.tasks.values()
        if machine.id in each.machines
        and each.space_id == call.space.id
        and (kind is None or each.name.casefold() == kind.casefold())
        and sees_task(call, each)
    ]
    found.sort(key=lambda task: (task.queue_time, task.created), reverse=True)
    template = "{?skip,take,type}"
    return page(call, "Task", found, lambda task: task_resource(call.world, task), template)
