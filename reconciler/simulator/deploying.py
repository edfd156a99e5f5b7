"""Making releases' deployments and moving what hangs on them: events, automatic phases."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changelog import changes_of
from reconciler.simulator.freezing import refuse_frozen
from reconciler.simulator.interrupting import tell
from reconciler.simulator.progress import (
    lifecycle_of,
    phases_of,
    progress_of,
    promotable,
    reached,
)
from reconciler.simulator.records import Deployment, Release, Script, Task, TaskState
from reconciler.simulator.steps import RELEASES_FEED, child_steps
from reconciler.simulator.tenancy import mode_of, refuse_tenancy
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Environment, Process, Project, Space, User
    from reconciler.simulator.tenancy import Tenant
    from reconciler.simulator.world import World

__all__ = [
    "attach",
    "deploy",
    "log_steps",
    "refuse_out_of_order",
]

_EVENTS = {
    TaskState.EXECUTING: ("DeploymentStarted", "started"),
    TaskState.SUCCESS: ("DeploymentSucceeded", "succeeded"),
    TaskState.FAILED: ("DeploymentFailed", "failed"),
    TaskState.TIMED_OUT: ("DeploymentFailed", "timed out"),
    TaskState.CANCELED: ("TaskCanceled", "was canceled"),
}


_OUT_OF_ORDER = "out of order"


def attach(world: World) -> None:
    """Let the world tell this module when tasks change."""
    world.on_task_change.append(lambda task: _task_changed(world, task))
    world.engine.calls[_OUT_OF_ORDER] = partial(_fail, world)


def refuse_out_of_order(
    space: Space, release: Release, environment: Environment, tenant: Tenant | None = None
) -> None:
    """Refuse a deployment that lifecycle, defect, tenancy or a disabled project forbid.

    Raises:
        Refused: 400 saying which; the sentences are the simulator's own.
    """
    project = space.projects[release.project_id]
    if project.is_disabled:
        raise _refusal("The project is disabled, so it cannot be deployed")
    refuse_tenancy(project, space.channels.get(release.channel_id), environment, tenant)
    _refuse_by_lifecycle(space, release, environment, tenant)


def _refuse_by_lifecycle(
    space: Space,
    release: Release,
    environment: Environment,
    tenant: Tenant | None,
    *,
    is_starting: bool = False,
) -> None:
    project = space.projects[release.project_id]
    if environment.id in promotable(space, project, release, tenant, is_starting=is_starting):
        return
    lifecycle = lifecycle_of(space, project, release)
    here = f"Release '{release.version}' of project '{project.name}' cannot be deployed to "
    here += f"environment '{environment.name}'"
    here += f" for tenant '{tenant.name}'" if tenant else ""
    for step in progress_of(space, project, release, tenant):
        if environment.id in (*step.phase.automatic, *step.phase.optional_targets):
            if step.is_blocked:
                raise _refusal(f"{here} because an unresolved defect prevents its progression.")
            raise _refusal(
                f"{here} because the earlier phases of lifecycle '{lifecycle.name}' are not "
                "complete."
            )
    raise _refusal(f"{here} because the environment is not part of lifecycle '{lifecycle.name}'.")


def _refusal(sentence: str) -> Refused:
    return Refused(400, "Deployment creation failed.", (sentence,))


def deploy(
    world: World,
    space: Space,
    release: Release,
    environment: Environment,
    by: User,
    *,
    tenant: Tenant | None = None,
    comments: str | None = None,
    queue_time: datetime | None = None,
    queue_expiry: datetime | None = None,
    options: dict[str, Any] | None = None,
    is_ordered: bool = False,
) -> Deployment:
    """Queue a deployment; the caller has checked that it may be.

    One that is ordered by the lifecycle's leave fails when that has changed by its start (Octopus'
    public issue 9176).
    """
    project = space.projects[release.project_id]
    wanted = (options or {}).get("UseGuidedFailure")
    guided = environment.use_guided_failure if wanted is None else bool(wanted)
    whom, tenant_id = (f" for {tenant.name}", tenant.id) if tenant else ("", None)
    deployment_id = world.new_id("Deployments")
    work = world.task_seconds if project.task_seconds is None else project.task_seconds
    steps = log_steps(space.processes[release.process_snapshot_id], release.packages)
    task = Task(
        world.new_id("ServerTasks"),
        space.id,
        "Deploy",
        f"Deploy {project.name} release {release.version} to {environment.name}{whom}",
        {"DeploymentId": deployment_id},
        created=world.now,
        queue_time=queue_time or world.now,
        queue_expiry=queue_expiry,
        work=work,
        cell=(project.id, environment.id, tenant_id),
        steps=steps,
        script=_script_for(world, project, release, environment),
        is_guided=guided,
        is_prioritized=_is_prioritized(space, release, environment, options or {}),
        children=child_steps(space, release, work, len(steps)),
    )
    deployment = Deployment(
        deployment_id,
        space.id,
        release,
        environment.id,
        tenant_id,
        release.channel_id,
        task,
        world.now,
        by,
        comments=comments,
        queue_time=queue_time,
        queue_expiry=queue_expiry,
        options=options or {},
        changes=tuple(each.id for each in changes_of(space, release, environment.id, tenant_id)),
        is_ordered=is_ordered,
    )
    file_deployment(world, space, deployment)
    world.engine.add(task)
    tell(world, task, "DeploymentQueued", "was queued", user=by)
    return deployment


def _is_prioritized(
    space: Space, release: Release, environment: Environment, options: dict[str, Any]
) -> bool:
    """Tell whether a deployment goes first: as it says, else as the phase of its lifecycle says."""
    match options.get("Priority"):
        case "On":
            return True
        case "Off":
            return False
        case _:
            project = space.projects[release.project_id]
            return any(
                environment.id in (*phase.automatic, *phase.optional_targets)
                and phase.more.get("IsPriorityPhase") is True
                for phase in phases_of(space, lifecycle_of(space, project, release))
            )


def file_deployment(world: World, space: Space, deployment: Deployment) -> None:
    """Put a deployment and its task where they are found."""
    world.tasks[deployment.task.id] = deployment.task
    world.deployment_of[deployment.task.id] = deployment
    space.deployments[deployment.id] = deployment
    space.cells.setdefault(deployment.cell, []).append(deployment)
    deployment.release.deployments.append(deployment)


def log_steps(process: Process, packages: tuple[tuple[str, str, str], ...]) -> tuple[str, ...]:
    """Return the names of the parts of a deployment or a run, as its log shows them."""
    names = [f"Step {number}: {step.name}" for number, step in enumerate(process.steps, 1)]
    acquires = any(each.feed != RELEASES_FEED for step in process.steps for each in step.packages)
    return ("Acquire packages", *names) if packages and acquires else tuple(names)


def script_key(
    project_id: str, version: str | None, environment_id: str
) -> tuple[str, str | None, str]:
    """Return where scripts for a version (None: for any) in a cell are kept."""
    exact = None if version is None else repr(version_key(version))
    return (project_id, exact, environment_id)


def _script_for(
    world: World, project: Project, release: Release, environment: Environment
) -> Script:
    for version in (release.version, None):
        waiting = world.scripts.get(script_key(project.id, version, environment.id))
        if waiting:
            return waiting.pop(0)
    return Script()


def _task_changed(world: World, task: Task) -> None:
    deployment = world.deployment_of.get(task.id)
    if deployment is None:
        return
    if task.state in _EVENTS:
        category, verb = _EVENTS[task.state]
        tell(world, task, category, verb)
    space = world.spaces[deployment.space_id]
    if task.state is TaskState.SUCCESS:
        deploy_automatically(world, space, deployment.release)
    elif task.state is TaskState.EXECUTING and deployment.is_ordered:
        try:
            _refuse_by_lifecycle(
                space,
                deployment.release,
                space.environments[deployment.environment_id],
                space.tenants.get(deployment.tenant_id or ""),
                is_starting=True,
            )
        except Refused as refused:
            world.engine.call_at(world.now, _OUT_OF_ORDER, task, refused.errors[0])


def _fail(world: World, task: Task, message: str) -> None:
    if task.id in world.engine.active:
        world.engine.end(task, TaskState.FAILED, message)


def deploy_automatically(world: World, space: Space, release: Release) -> None:
    """Deploy a release to the automatic environments of the phases it has entered.

    Optional phases are entered by people only; an environment the release has seen is left alone,
    and so is one that is frozen. Each tenant enters phases by itself.
    """
    project = space.projects[release.project_id]
    if project.is_disabled:
        return
    mode = mode_of(project)
    whom: list[Tenant | None] = [] if mode == "Tenanted" else [None]
    if mode != "Untenanted":
        whom += [each for each in space.tenants.values() if project.id in each.environments]
    for tenant in whom:
        _enter_phases(world, space, release, tenant)


def _enter_phases(world: World, space: Space, release: Release, tenant: Tenant | None) -> None:
    project = space.projects[release.project_id]
    seen = reached(release, tenant)
    for step in progress_of(space, project, release, tenant):
        if not step.is_reachable or step.is_blocked or step.phase.is_optional:
            continue
        for target in (space.environments[each] for each in step.phase.automatic):
            if target.id in seen:
                continue
            try:
                refuse_tenancy(project, space.channels.get(release.channel_id), target, tenant)
                refuse_frozen(world, project, target, world.now, tenant=tenant)
            except Refused:
                continue
            deploy(world, space, release, target, world.system, tenant=tenant)
