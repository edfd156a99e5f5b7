"""Making runbooks, their snapshots and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import has_dependants
from reconciler.simulator.deploying import log_steps
from reconciler.simulator.interrupting import tell
from reconciler.simulator.progress import phases_of
from reconciler.simulator.records import Process, Script, Task, TaskState
from reconciler.simulator.runbooks import Runbook, RunbookRun, RunbookSnapshot
from reconciler.simulator.shelf import versions_for
from reconciler.simulator.slugs import slug_of
from reconciler.simulator.steps import read_steps
from reconciler.simulator.world import letters

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Environment, Project, Space, User
    from reconciler.simulator.tenancy import Tenant
    from reconciler.simulator.world import World

__all__ = [
    "add_runbook",
    "add_snapshot",
    "attach",
    "environments_of",
    "forget_run",
    "forget_runbook",
    "furnish",
    "published",
    "refuse_run",
    "run",
    "run_key",
    "tenancy_of",
]

_EVENTS = {
    TaskState.EXECUTING: ("RunbookRunStarted", "started"),
    TaskState.SUCCESS: ("RunbookRunSucceeded", "succeeded"),
    TaskState.FAILED: ("RunbookRunFailed", "failed"),
    TaskState.TIMED_OUT: ("RunbookRunFailed", "timed out"),
    TaskState.CANCELED: ("TaskCanceled", "was canceled"),
}


def attach(world: World) -> None:
    """Let the audit log hear of runs."""

    def changed(task: Task) -> None:
        if task.id in world.run_of and task.state in _EVENTS:
            tell(world, task, *_EVENTS[task.state])

    world.on_task_change.append(changed)


def add_runbook(world: World, space: Space, project: Project, name: str) -> Runbook:
    """Make a runbook with an empty process."""
    runbook_id = world.new_id("Runbooks")
    process = Process(f"RunbookProcess-{runbook_id}", project.id, 0, (), runbook_id=runbook_id)
    runbook = Runbook(runbook_id, project.id, name, slug_of(name), process.id)
    space.runbook_processes[process.id] = process
    space.runbooks[runbook.id] = runbook
    return runbook


def furnish(
    world: World,
    space: Space,
    project: Project,
    name: str,
    steps: tuple[str, ...] = (),
    *,
    publish: bool = True,
) -> Runbook:
    """Make a runbook with steps (default: one of its own name) and one snapshot of it."""
    runbook = add_runbook(world, space, project, name)
    process = space.runbook_processes[runbook.process_id]
    written = [{"Name": step, "Actions": [{"Name": step}]} for step in steps or (name,)]
    process.steps = read_steps(Body({"Steps": written}))
    process.version = 1
    packages = versions_for(space, process, "", newest=True)
    made = add_snapshot(world, space, runbook, f"{name} snapshot 1", packages=packages)
    runbook.published_id = made.id if publish else None
    return runbook


def add_snapshot(
    world: World,
    space: Space,
    runbook: Runbook,
    name: str,
    *,
    packages: tuple[tuple[str, str, str], ...] = (),
    notes: str | None = None,
) -> RunbookSnapshot:
    """Make a snapshot, freezing the process and the variables as they are now."""
    live = space.runbook_processes[runbook.process_id]
    frozen_id = f"{live.id}-s-{live.version}-{letters(live.id, live.version)}"
    frozen = Process(
        frozen_id, live.project_id, live.version, live.steps, is_frozen=True, runbook_id=runbook.id
    )
    space.runbook_processes.setdefault(frozen_id, frozen)
    variables, *libraries = world.freeze_variables(space, space.projects[runbook.project_id])
    snapshot = RunbookSnapshot(
        world.new_id("RunbookSnapshots"),
        runbook,
        name,
        world.now,
        frozen_id,
        variables,
        tuple(libraries),
        packages=packages,
        notes=notes,
    )
    space.runbook_snapshots[snapshot.id] = snapshot
    runbook.snapshots.append(snapshot)
    return snapshot


def published(space: Space, runbook: Runbook) -> RunbookSnapshot:
    """Return the snapshot that runs use.

    Raises:
        Refused: 400 when none is published.
    """
    found = space.runbook_snapshots.get(runbook.published_id or "")
    if found is None:
        raise Refused(400, "Runbook has no published snapshot.")
    return found


def environments_of(space: Space, runbook: Runbook) -> list[Environment]:
    """Return where a runbook may run, in display order."""
    match runbook.scope:
        case "Specified":
            allowed = set(runbook.environments)
        case "FromProjectLifecycles":
            project = space.projects[runbook.project_id]
            used = {project.lifecycle_id, *(each.lifecycle_id for each in project.channels)}
            allowed = {
                environment
                for each in used
                if each is not None
                for phase in phases_of(space, space.lifecycles[each])
                for environment in (*phase.automatic, *phase.optional_targets)
            }
        case _:
            allowed = set(space.environments)
    return [each for each in space.environments_in_order() if each.id in allowed]


def tenancy_of(runbook: Runbook) -> str:
    """Return how a runbook is run: Untenanted, TenantedOrUntenanted or Tenanted."""
    return str(runbook.more.get("MultiTenancyMode") or "Untenanted")


def refuse_run(
    space: Space, runbook: Runbook, environment: Environment, tenant: Tenant | None = None
) -> None:
    """Refuse a run that the runbook's scope or tenancy, or a disabled project, forbids.

    Raises:
        Refused: 400 saying which; the sentences are the simulator's own.
    """
    if space.projects[runbook.project_id].is_disabled:
        raise _refusal("The project is disabled, so its runbooks cannot be run")
    if environment not in environments_of(space, runbook):
        raise _refusal(
            f"Runbook '{runbook.name}' cannot be run in environment '{environment.name}'."
        )
    mode = tenancy_of(runbook)
    if tenant is None:
        if mode == "Tenanted":
            raise _refusal(f"Runbook '{runbook.name}' can only be run for tenants.")
        return
    if mode == "Untenanted":
        raise _refusal(f"Runbook '{runbook.name}' cannot be run for tenants.")
    if tenant.is_disabled:
        raise _refusal(f"Tenant '{tenant.name}' is disabled, so nothing can be run for it.")
    if not tenant.is_connected(space.projects[runbook.project_id], environment.id):
        raise _refusal(f"Tenant '{tenant.name}' is not connected to '{environment.name}'.")


def _refusal(sentence: str) -> Refused:
    return Refused(400, "RunbookRun creation failed.", (sentence,))


def run_key(runbook_id: str, environment_id: str) -> tuple[str, None, str]:
    """Return where scripts for the next run of a runbook in an environment are kept."""
    return (runbook_id, None, environment_id)


def run(
    world: World,
    space: Space,
    snapshot: RunbookSnapshot,
    environment: Environment,
    by: User,
    *,
    tenant: Tenant | None = None,
    comments: str | None = None,
    queue_time: datetime | None = None,
    queue_expiry: datetime | None = None,
    options: dict[str, Any] | None = None,
) -> RunbookRun:
    """Queue a run of a runbook; the caller has checked that it may be."""
    runbook = snapshot.runbook
    project = space.projects[runbook.project_id]
    given = (options or {}).get("UseGuidedFailure")
    run_id = world.new_id("RunbookRuns")
    scripts = world.scripts.get(run_key(runbook.id, environment.id))
    process = space.runbook_processes[snapshot.process_snapshot_id]
    task = Task(
        world.new_id("ServerTasks"),
        space.id,
        "RunbookRun",
        f"Run runbook {runbook.name} of {project.name} on {environment.name}"
        + (f" for {tenant.name}" if tenant else ""),
        {"RunbookRunId": run_id},
        created=world.now,
        queue_time=queue_time or world.now,
        queue_expiry=queue_expiry,
        work=world.task_seconds if project.task_seconds is None else project.task_seconds,
        cell=(project.id, environment.id, tenant.id if tenant else None),
        runbook_id=runbook.id,
        steps=log_steps(process, snapshot.packages),
        script=scripts.pop(0) if scripts else Script(),
        is_guided=_is_guided(runbook, environment) if given is None else bool(given),
    )
    made = RunbookRun(
        run_id,
        space.id,
        snapshot,
        environment.id,
        tenant.id if tenant else None,
        task,
        world.now,
        by,
        comments=comments,
        queue_time=queue_time,
        queue_expiry=queue_expiry,
        options=options or {},
    )
    world.tasks[task.id] = task
    world.run_of[task.id] = made
    space.runbook_runs[made.id] = made
    snapshot.runs.append(made)
    world.engine.add(task)
    tell(world, task, "RunbookRunQueued", "was queued", user=by)
    return made


def _is_guided(runbook: Runbook, environment: Environment) -> bool:
    match runbook.more.get("DefaultGuidedFailureMode"):
        case "On":
            return True
        case "Off":
            return False
        case _:
            return environment.use_guided_failure


def forget_run(world: World, space: Space, made: RunbookRun) -> None:
    """Remove a completed run, its task and its interruptions."""
    for waited in made.task.waits:
        space.interruptions.pop(waited.id, None)
    world.tasks.pop(made.task.id, None)
    world.run_of.pop(made.task.id, None)
    made.snapshot.runs.remove(made)
    del space.runbook_runs[made.id]


def forget_runbook(world: World, space: Space, runbook: Runbook) -> None:
    """Remove a runbook with everything of it.

    Raises:
        Refused: 400 while a run is not completed.
    """
    runs = [each for snapshot in runbook.snapshots for each in snapshot.runs]
    if any(not each.task.state.is_completed for each in runs):
        raise has_dependants("Runbook")
    for each in runs:
        forget_run(world, space, each)
    for snapshot in runbook.snapshots:
        del space.runbook_snapshots[snapshot.id]
    for process in [e for e in space.runbook_processes.values() if e.runbook_id == runbook.id]:
        del space.runbook_processes[process.id]
    del space.runbooks[runbook.id]
