"""What happens to machines: they come, change, fall ill, recover, and take part in deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.fleet import (
    Health,
    Machine,
    default_of,
    endpoint_of,
    policy_of,
    targets_of,
    thumbprint_of,
)
from reconciler.simulator.interrupting import work_of
from reconciler.simulator.records import Outcome, TaskState
from reconciler.simulator.runbooks import RunbookRun
from reconciler.simulator.slugs import slug_of

if TYPE_CHECKING:
    from typing import Any

    from reconciler.simulator.records import Deployment, Space, Task, User
    from reconciler.simulator.world import World

__all__ = ["add_machine", "attach", "check_health", "go_dark", "happened", "listening_endpoint"]

_FOUND = {
    Health.HEALTHY: "MachineHealthy",
    Health.HAS_WARNINGS: "MachineHasWarnings",
    Health.UNHEALTHY: "MachineUnhealthy",
    Health.UNAVAILABLE: "MachineUnavailable",
}


def attach(world: World) -> None:
    """Let deployments find their machines when they start, and tell these when they succeed."""
    world.on_task_change.append(lambda task: _task_changed(world, task))


def listening_endpoint(name: str) -> dict[str, Any]:
    """Return the endpoint of a listening Tentacle on a host of that name."""
    return endpoint_of(
        {
            "CommunicationStyle": "TentaclePassive",
            "Uri": f"https://{slug_of(name)}:10933/",
            "Thumbprint": thumbprint_of(name),
        }
    )


def add_machine(
    world: World,
    space: Space,
    name: str,
    *,
    endpoint: dict[str, Any],
    user: User | None,
    is_worker: bool = False,
    **more: Any,
) -> Machine:
    """Make a target or a worker; `more` are fields of `Machine`."""
    policy = more.pop("policy_id", None) or default_of(space.machine_policies.values()).id
    kind = "Workers" if is_worker else "Machines"
    machine = Machine(
        world.new_id(kind),
        name,
        slug_of(name),
        policy,
        endpoint,
        is_worker=is_worker,
        **more,
    )
    (space.workers if is_worker else space.machines)[machine.id] = machine
    happened(world, space, machine, "MachineAdded", user)
    return machine


def happened(
    world: World, space: Space, machine: Machine, category: str, user: User | None = None
) -> None:
    """Write an event of a machine into the audit log, and tell the triggers that wait for it."""
    kind = "Worker" if machine.is_worker else "Deployment target"
    world.record(
        category,
        f"{kind} {machine.name}: {category}",
        space=space,
        user=user,
        related=(machine.id, *machine.environments, *machine.pools),
    )
    for listener in world.on_machine_event:
        listener(space, machine, category)


def check_health(world: World, space: Space, machine: Machine) -> Health:
    """Find out how a machine is, as a health check does."""
    before, machine.health = machine.health, machine.truth
    machine.last_checked = world.now
    machine.has_calamari = machine.has_calamari or not machine.is_gone
    if machine.health is not before:
        happened(world, space, machine, _FOUND.get(machine.health, "MachineHealthChanged"))
    return machine.health


def go_dark(world: World, space: Space, machine: Machine) -> None:
    """Let nothing reach a machine any more: what runs on it fails, and nobody knows until then."""
    machine.truth = Health.UNAVAILABLE
    for task in world.engine.active.values():
        if task.space_id == space.id and task.start_time and machine.id in task.machines:
            _cannot_reach(task, machine)


def _cannot_reach(task: Task, machine: Machine) -> None:
    if task.script.outcome in (Outcome.SUCCESS, Outcome.WARNING):
        task.script.outcome = Outcome.FAILURE
        task.script.message = f"The machine {machine.name} could not be contacted."


def _task_changed(world: World, task: Task) -> None:
    work = work_of(world, task)
    if work is None:
        return
    space = world.spaces[work.space_id]
    if task.state is TaskState.EXECUTING:
        _find_targets(space, work)
    elif task.state is TaskState.SUCCESS and not isinstance(work, RunbookRun):
        for each in task.machines:
            machine = space.machines.get(each)
            if machine is not None and not machine.is_gone:
                machine.runs[work.cell] = work.release.id


def _find_targets(space: Space, work: Deployment | RunbookRun) -> None:
    """Settle which machines a deployment or a run goes to, as they are when it starts."""
    task = work.task
    if isinstance(work, RunbookRun):
        policy = policy_of(work.runbook.more, "ConnectivityPolicy")
        process = space.runbook_processes[work.snapshot.process_snapshot_id]
    else:
        project = space.projects[work.release.project_id]
        policy = policy_of(project.more, "ProjectConnectivityPolicy")
        process = space.processes[work.release.process_snapshot_id]
    found = targets_of(space, policy, process, work.environment_id, work.tenant_id, work.options)
    kept = {each.id: each for targets in found for each in targets.machines}
    task.machines = tuple(kept)
    if kept:
        before = len(task.steps) - len(found)
        names = (tuple(each.name for each in targets.machines) for targets in found)
        task.step_machines = (*[()] * before, *names)
    for each in kept.values():
        if each.is_gone:
            _cannot_reach(task, each)
    empty = next((each for each in found if each.has_none), None)
    if empty is not None and policy.get("AllowDeploymentsToNoTargets") is False:
        task.script.outcome = Outcome.FAILURE
        task.script.message = f"There are no machines to deploy to in step {empty.step.name}."
