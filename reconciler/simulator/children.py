"""Deploy-a-release steps at work: a parent's deployment starts children and waits for each.

Source: Octopus' public documentation, "Deploy a release step". A waiting parent holds no slot, or
parents could fill them all and wait for ever.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.deploying import deploy, refuse_out_of_order
from reconciler.simulator.freezing import refuse_frozen
from reconciler.simulator.interrupting import needs_person
from reconciler.simulator.records import Deployment, Task, TaskState
from reconciler.simulator.tenancy import mode_of
from reconciler.simulator.versions import version_key
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.records import ChildStep
    from reconciler.simulator.world import World

__all__ = ["attach"]


def attach(world: World) -> None:
    """Let parents start their children, and hear of their end."""
    world.on_halt = lambda task: _halted(world, task)
    world.on_task_change.append(lambda task: _task_changed(world, task))


def _halted(world: World, task: Task) -> None:
    """Begin the child step that a task has come to, else let it wait for a person."""
    worked = task.worked(world.now)
    due = (each for each in task.children if not each.has_begun and each.at <= worked + 1e-6)
    child = next(due, None)
    if child is None:
        needs_person(world, task)
        return
    child.has_begun = True
    world.engine.pause(task, frees_slot=True)
    try:
        made = _deploy_child(world, world.deployment_of[task.id], child)
    except Refused as refused:
        _fail(world, task, f"{child.name}: {' '.join(refused.errors)}")
        return
    if made is None:
        child.is_skipped = True
        world.engine.resume(task)
    else:
        made.task.parent = task
        child.task = made.task


def _deploy_child(world: World, parent: Deployment, child: ChildStep) -> Deployment | None:
    """Deploy what the step names, as whoever deploys the parent; None when nothing is to do."""
    space = world.spaces[parent.space_id]
    project = space.projects.get(child.project_id)
    if project is None:
        raise Refused(400, "The project of the step does not exist.")
    release = release_named(project, child.version)
    tenant = space.tenants.get(parent.tenant_id or "")
    if tenant is not None and mode_of(project) == "Untenanted":
        tenant = None
    elif tenant is not None and not tenant.is_connected(project, parent.environment_id):
        return None
    key = (project.id, parent.environment_id, tenant.id if tenant else None)
    cell = space.cells.get(key, [])
    current = next(
        (each.release for each in reversed(cell) if each.task.state is TaskState.SUCCESS), None
    )
    if current is not None:
        now, wanted = version_key(current.version), version_key(release.version)
        if child.condition == "IfNotCurrentVersion" and now == wanted:
            return None
        if child.condition == "IfNewer" and wanted <= now:
            return None
    environment = space.environments[parent.environment_id]
    refuse_out_of_order(space, release, environment, tenant)
    refuse_frozen(world, project, environment, world.now, tenant=tenant)
    return deploy(
        world, space, release, environment, parent.deployed_by, tenant=tenant, is_ordered=True
    )


def _task_changed(world: World, task: Task) -> None:
    if not task.state.is_completed:
        return
    for child in task.children:
        if child.task is not None and not child.task.state.is_completed:
            world.engine.cancel(child.task)
    parent = task.parent
    if parent is None or parent.state is not TaskState.EXECUTING:
        return
    if task.state is TaskState.SUCCESS:
        parent.has_warnings = parent.has_warnings or task.has_warnings
        world.engine.resume(parent)
    else:
        _fail(world, parent, f"{task.description}: {task.error_message or task.state}")


def _fail(world: World, task: Task, message: str) -> None:
    if task.is_guided:
        task.script.message = message
        needs_person(world, task)
    else:
        world.engine.end(task, TaskState.FAILED, message)
