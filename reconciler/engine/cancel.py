"""Cancel: nothing new is started, and what we started is ended, by a person, one by one (rule 29).

Stopping is a pause: it is in the store, and so stops the daemon too, within one second (rule 21).
Only tasks that carry an intent of this environment are ever cancelled, never another's. One that is
Cancelling still runs (rule 17), and is watched to its end by whoever watches it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.act import ActVerb
from reconciler.core.intent import Comments, Progress
from reconciler.core.pause import Pause
from reconciler.core.state import TaskState
from reconciler.engine.doors import blocking
from reconciler.engine.pausing import LOOK
from reconciler.engine.person import act_of, is_meant, noted, see_same_space, whose
from reconciler.engine.survey import survey
from reconciler.errors import OctopusTrouble, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.manifest import Space
    from reconciler.core.pause import Scope
    from reconciler.core.state import Task
    from reconciler.engine.doors import Doors
    from reconciler.engine.person import Someone
    from reconciler.engine.survey import Situation
    from reconciler.ports import Clock, Journal


@dataclass(frozen=True, slots=True)
class Ours:
    """A task that a pass of ours started in a cell and that has not ended."""

    cell: CellKey
    version: str
    task: Task


@dataclass(frozen=True, slots=True)
class Found:
    """What runs of ours, and where it runs."""

    environment: str
    space: Space
    place: tuple[str, str]  # installation id of the server, id of the space
    tasks: tuple[Ours, ...]


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What became of asking for the end of one task: its state then, or why it was not asked."""

    ours: Ours
    state: TaskState | None
    why: str = ""


def stop_launching(journal: Journal, clock: Clock, scope: Scope, who: str, why: str) -> Pause:
    """Pause a scope, unless somebody did; return the pause that stands."""
    for standing in journal.pauses():
        if standing.scope == scope:
            return standing
    pause = Pause(scope, who, clock.now(), why)
    journal.pause(pause)
    return pause


async def find_running(doors: Doors, name: str, component: str | None) -> Found:
    """Return what runs in an environment, or one component of it, that we started.

    A request that is on its way when launching stops is waited for.

    Raises: everything `survey` raises.
    """
    left = doors.pace.request_timeout
    while left > 0 and any(
        record.progress is Progress.PROMISED
        for record in await blocking(doors.journal.intents, name)
    ):
        await doors.clock.sleep(LOOK)
        left -= LOOK
    situation = await survey(doors, name)
    observed = situation.observed
    mine = {
        task: found
        for task, found in (await _started(doors, situation)).items()
        if is_meant(found[0], component)
    }
    octopus = doors.octopus(situation.desired.space)
    seen = await octopus.tasks(sorted(mine))
    running = [Ours(*mine[task.id], task) for task in seen if not task.state.is_finished]
    return Found(
        name,
        situation.desired.space,
        (observed.server.installation_id, observed.space_id),
        tuple(sorted(running, key=lambda one: (one.cell, one.task.id))),
    )


async def cancel_tasks(
    doors: Doors, who: Someone, found: Found, chosen: Sequence[Ours]
) -> tuple[Cancelled, ...]:
    """Let a person ask for the end of tasks, one by one; one that is refused keeps none back.

    Raises: UsageError (their key opens another space), NotAllowed (it is no person's).
    """
    done = []
    async with who.open(found.space) as person:
        await see_same_space(person, found.place, "nothing was cancelled")
        me = await whose(person)
        for ours in chosen:
            wanted = ours.task.id
            what, verb = f"{ours.cell} {ours.version}", ActVerb.CANCEL
            act = act_of(doors, who, me, found.place, found.environment, verb, wanted, what)
            try:
                async with noted(doors, act):
                    try:
                        await person.cancel(wanted)
                    except OutcomeUnknown:
                        if not any(_is_ending(task) for task in await person.tasks([wanted])):
                            raise
                now = {task.id: task for task in await person.tasks([wanted])}.get(wanted)
            except OctopusTrouble as error:
                done.append(Cancelled(ours, None, error.message))
                continue
            done.append(Cancelled(ours, None if now is None else now.state))
    return tuple(done)


def _is_ending(task: Task) -> bool:
    return task.state is TaskState.CANCELLING or task.state.is_finished


def _what(record: IntentRecord) -> str:
    """Return what a task of ours does, to follow the name of its cell."""
    return f"runbook {record.runbook}" if record.is_run else record.intent.version


async def _started(doors: Doors, situation: Situation) -> dict[str, tuple[CellKey, str]]:
    """Return the tasks that passes of ours started here, whichever machine's: cell and version."""
    observed, state = situation.observed, situation.space_state
    here = (observed.server.installation_id, observed.space_id)
    name = situation.desired.environment.name

    def of(record: IntentRecord) -> bool:
        where = (record.intent.server, record.intent.space)
        return record.progress is Progress.LAUNCHED and where == here

    found = {
        record.task_id: (record.cell, _what(record))
        for record in await blocking(doors.journal.intents, name)
        if record.task_id is not None and of(record)
    }
    for cell in observed.cells.values():
        for task in cell.running:
            detail = None if state is None else state.deployments.get(task.deployment_id or "")
            said = None if detail is None else Comments.read(detail.comments)
            if detail is None or said is None or detail.deployed_by_id != observed.me:
                continue
            if said.environment == name:
                found.setdefault(task.id, (cell.key, said.version))
    return found
