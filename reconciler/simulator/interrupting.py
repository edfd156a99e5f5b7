"""Tasks that wait for a person, and what the audit log says of tasks on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.records import Interruption, Outcome, Task, TaskState
from reconciler.simulator.runbooks import RunbookRun

if TYPE_CHECKING:
    from reconciler.simulator.records import Deployment, User
    from reconciler.simulator.world import World

__all__ = [
    "answer_interruption",
    "needs_person",
    "raise_interruption",
    "related_to",
    "tell",
    "work_of",
]


def work_of(world: World, task: Task) -> Deployment | RunbookRun | None:
    """Return what a task does: a deployment, a run of a runbook, or neither."""
    return world.deployment_of.get(task.id) or world.run_of.get(task.id)


def related_to(work: Deployment | RunbookRun) -> tuple[str, ...]:
    """Return the ids of every document that a deployment or a run touches."""
    if isinstance(work, RunbookRun):
        own: tuple[str, ...] = (work.runbook.project_id, work.runbook.id, work.snapshot.id)
        more: tuple[str, ...] = ()
    else:
        own = (work.release.project_id, work.release.id)
        more = (work.channel_id,)
    tenant = () if work.tenant_id is None else (work.tenant_id,)
    return (work.id, *own, work.environment_id, work.task.id, *more, *tenant)


def tell(world: World, task: Task, category: str, verb: str, *, user: User | None = None) -> None:
    """Write into the audit log what became of a deployment or a run."""
    work = work_of(world, task)
    world.record(
        category,
        f"{task.description} {verb}",
        space=world.space_of(task),
        user=user,
        related=related_to(work) if work else (task.id,),
    )


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
    work = work_of(world, task)
    if work is None:
        raise ValueError(f"{task.id} is no deployment and no run of a runbook")
    made = Interruption(
        world.new_id("Interruptions"),
        work.space_id,
        title,
        world.now,
        task,
        related_to(work),
        instructions,
        is_guidance=is_guidance,
        responsible_teams=teams,
    )
    world.spaces[work.space_id].interruptions[made.id] = made
    task.waits.append(made)
    world.engine.pause(task)
    kind = "GuidedFailure" if is_guidance else "ManualIntervention"
    tell(world, task, f"{kind}InterruptionRaised", "waits for a person")
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
    kind = "RunbookRun" if task.name == "RunbookRun" else "Deployment"
    tell(world, task, f"{kind}Resumed", "was resumed", user=user)
