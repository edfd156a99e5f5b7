"""Making releases' deployments and moving what hangs on them: events, automatic phases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.progress import lifecycle_of, progress_of, promotable
from reconciler.simulator.records import (
    Deployment,
    Interruption,
    Outcome,
    Release,
    Script,
    Task,
    TaskState,
)
from reconciler.simulator.steps import RELEASES_FEED, child_steps
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Environment, Project, Space, User
    from reconciler.simulator.world import World

__all__ = [
    "attach",
    "deploy",
    "log_steps",
    "needs_person",
    "raise_interruption",
    "refuse_out_of_order",
]

_EVENTS = {
    TaskState.EXECUTING: ("DeploymentStarted", "started"),
    TaskState.SUCCESS: ("DeploymentSucceeded", "succeeded"),
    TaskState.FAILED: ("DeploymentFailed", "failed"),
    TaskState.TIMED_OUT: ("DeploymentFailed", "timed out"),
    TaskState.CANCELED: ("TaskCanceled", "was canceled"),
}


def attach(world: World) -> None:
    """Let the world tell this module when tasks change."""
    world.on_task_change.append(lambda task: _task_changed(world, task))


def refuse_out_of_order(space: Space, release: Release, environment: Environment) -> None:
    """Refuse a deployment that the lifecycle, a defect or a disabled project forbids.

    Raises:
        Refused: 400 saying which; the sentences are the simulator's own.
    """
    project = space.projects[release.project_id]
    if project.is_disabled:
        raise _refusal("The project is disabled, so it cannot be deployed")
    if environment.id in promotable(space, project, release):
        return
    lifecycle = lifecycle_of(space, project, release)
    here = f"Release '{release.version}' of project '{project.name}' cannot be deployed to "
    here += f"environment '{environment.name}'"
    for step in progress_of(space, project, release):
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
    comments: str | None = None,
    queue_time: datetime | None = None,
    queue_expiry: datetime | None = None,
    options: dict[str, Any] | None = None,
) -> Deployment:
    """Queue a deployment; the caller has checked that it may be."""
    project = space.projects[release.project_id]
    wanted = (options or {}).get("UseGuidedFailure")
    guided = environment.use_guided_failure if wanted is None else bool(wanted)
    deployment_id = world.new_id("Deployments")
    work = world.task_seconds if project.task_seconds is None else project.task_seconds
    steps = log_steps(space, release)
    task = Task(
        world.new_id("ServerTasks"),
        space.id,
        "Deploy",
        f"Deploy {project.name} release {release.version} to {environment.name}",
        {"DeploymentId": deployment_id},
        created=world.now,
        queue_time=queue_time or world.now,
        queue_expiry=queue_expiry,
        work=work,
        cell=(project.id, environment.id, None),
        steps=steps,
        script=_script_for(world, project, release, environment),
        is_guided=guided,
        children=child_steps(space, release, work, len(steps)),
    )
    deployment = Deployment(
        deployment_id,
        space.id,
        release,
        environment.id,
        None,
        release.channel_id,
        task,
        world.now,
        by,
        comments=comments,
        queue_time=queue_time,
        queue_expiry=queue_expiry,
        options=options or {},
    )
    file_deployment(world, space, deployment)
    world.engine.add(task)
    _record(world, deployment, "DeploymentQueued", "was queued", user=by)
    return deployment


def file_deployment(world: World, space: Space, deployment: Deployment) -> None:
    """Put a deployment and its task where they are found."""
    world.tasks[deployment.task.id] = deployment.task
    world.deployment_of[deployment.task.id] = deployment
    space.deployments[deployment.id] = deployment
    space.cells.setdefault(deployment.cell, []).append(deployment)
    deployment.release.deployments.append(deployment)


def log_steps(space: Space, release: Release) -> tuple[str, ...]:
    """Return the names of a deployment's parts, as its log shows them."""
    process = space.processes[release.process_snapshot_id]
    names = [f"Step {number}: {step.name}" for number, step in enumerate(process.steps, 1)]
    acquires = any(each.feed != RELEASES_FEED for step in process.steps for each in step.packages)
    return ("Acquire packages", *names) if release.packages and acquires else tuple(names)


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


def _record(
    world: World, deployment: Deployment, category: str, verb: str, *, user: User | None
) -> None:
    space = world.spaces[deployment.space_id]
    project = space.projects[deployment.release.project_id]
    environment = space.environments[deployment.environment_id]
    world.record(
        category,
        f"Deploy {project.name} release {deployment.release.version} to {environment.name} {verb}",
        space=space,
        user=user,
        related=related_to(deployment),
    )


def related_to(deployment: Deployment) -> tuple[str, ...]:
    """Return the ids of every document a deployment touches."""
    found = (
        deployment.id,
        deployment.release.project_id,
        deployment.release.id,
        deployment.environment_id,
        deployment.task.id,
        deployment.channel_id,
    )
    return found if deployment.tenant_id is None else (*found, deployment.tenant_id)


def _task_changed(world: World, task: Task) -> None:
    deployment = world.deployment_of.get(task.id)
    if deployment is None:
        return
    if task.state in _EVENTS:
        category, verb = _EVENTS[task.state]
        _record(world, deployment, category, verb, user=None)
    if task.state is TaskState.SUCCESS:
        deploy_automatically(world, world.spaces[deployment.space_id], deployment.release)


def deploy_automatically(world: World, space: Space, release: Release) -> None:
    """Deploy a release to the automatic environments of the phases it has entered.

    Optional phases are entered by people only; an environment the release has seen is left alone.
    """
    project = space.projects[release.project_id]
    if project.is_disabled:
        return
    seen = {each.environment_id for each in release.deployments} | release.passed
    for step in progress_of(space, project, release):
        if not step.is_reachable or step.is_blocked or step.phase.is_optional:
            continue
        for target in step.phase.automatic:
            if target not in seen:
                deploy(world, space, release, space.environments[target], world.system)


def needs_person(world: World, task: Task) -> None:
    """Let a task wait for the person whom its script or its failure asks for."""
    plan = task.script.intervention
    if plan is not None and not task.waits:
        raise_interruption(world, task, plan["title"], plan["instructions"], teams=plan["teams"])
        return
    failed = task.steps[-1] if task.steps else task.description
    raise_interruption(world, task, f"{failed} requires failure guidance", "", is_guidance=True)


def raise_interruption(
    world: World,
    task: Task,
    title: str,
    instructions: str,
    *,
    teams: tuple[str, ...] = (),
    is_guidance: bool = False,
) -> Interruption:
    """Let a running task wait for a person."""
    deployment = world.deployment_of[task.id]
    made = Interruption(
        world.new_id("Interruptions"),
        deployment.space_id,
        title,
        world.now,
        task,
        related_to(deployment),
        instructions,
        is_guidance=is_guidance,
        responsible_teams=teams,
    )
    world.spaces[deployment.space_id].interruptions[made.id] = made
    task.waits.append(made)
    world.engine.pause(task)
    kind = "GuidedFailure" if is_guidance else "ManualIntervention"
    _record(world, deployment, f"{kind}InterruptionRaised", "waits for a person", user=None)
    return made


def _go_on(world: World, task: Task, *, retried: bool) -> None:
    """Do the failed step, or the failed child, once more, or leave it behind with a warning."""
    failed = next((each for each in task.children if each.has_failed), None)
    if failed is not None:
        failed.has_begun = not retried
        failed.is_left = not retried
        task.has_warnings = task.has_warnings or not retried
        world.engine.resume(task)
        return
    task.script.outcome = Outcome.SUCCESS if retried else Outcome.WARNING
    again = task.work / max(1, len(task.steps)) if retried else 0.0
    world.engine.resume(task, again=again)


def answer_interruption(world: World, interruption: Interruption, user: User) -> None:
    """Let the task go on, or fail, as the submitted values say."""
    interruption.is_pending = False
    task, values = interruption.task, interruption.values
    if task.state is not TaskState.EXECUTING:
        return
    if values.get("Result") == "Abort" or values.get("Guidance") == "Fail":
        message = task.script.message or "The deployment was aborted by a person."
        world.engine.end(task, TaskState.FAILED, message)
        return
    if interruption.is_guidance:
        _go_on(world, task, retried=values.get("Guidance") == "Retry")
    else:
        world.engine.resume(task)
    _record(world, world.deployment_of[task.id], "DeploymentResumed", "was resumed", user=user)
