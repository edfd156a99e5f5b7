"""Watching: tasks of ours until they end, then their receipts. Never abandoned by a pause or gate.

State is read in batches: a constant number of requests per look, however many tasks run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.intent import Outcome
from reconciler.core.manifest import OnWarning
from reconciler.core.state import TaskState
from reconciler.engine.doors import blocking
from reconciler.engine.events import Ended, Said, Watched
from reconciler.errors import OctopusTrouble, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.intent import IntentRecord
    from reconciler.core.state import DeploymentDetail, Task
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.record import Recorder
    from reconciler.ports import Octopus

LOG_TAIL = 5
"""Lines of the log shown of a deployment that did not succeed."""

_OUTCOMES = {
    TaskState.SUCCESS: Outcome.SUCCESS,
    TaskState.FAILED: Outcome.FAILED,
    TaskState.CANCELED: Outcome.CANCELED,
    TaskState.TIMED_OUT: Outcome.TIMED_OUT,
}


@dataclass(frozen=True, slots=True)
class Running:
    """A deployment of ours that has not ended yet, as far as we have seen."""

    record: IntentRecord
    deployment_id: str
    task_id: str
    since: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A deployment of ours that ended."""

    record: IntentRecord
    outcome: Outcome
    settled: bool
    task_id: str


class Watch:
    """The deployments of one pass that run now."""

    def __init__(
        self,
        doors: Doors,
        octopus: Octopus,
        keeper: LeaseKeeper,
        recorder: Recorder,
        on_warning: OnWarning,
    ) -> None:
        self._doors = doors
        self._octopus = octopus
        self._keeper = keeper
        self._recorder = recorder
        self._on_warning = on_warning
        self._answered = doors.clock.monotonic()
        self.running: dict[str, Running] = {}

    def add(self, record: IntentRecord, deployment_id: str, task_id: str) -> None:
        """Begin to watch a deployment that Octopus has."""
        since = self._doors.clock.monotonic()
        self.running[record.component] = Running(record, deployment_id, task_id, since)

    async def look(self) -> tuple[Finished, ...]:
        """Look once at everything that runs; return what ended.

        Raises: OutcomeUnknown where Octopus gave no usable answer for too long.
        """
        try:
            tasks = {t.id: t for t in await self._octopus.tasks([r.task_id for r in self._now()])}
            finished = [
                await self._finish(running, tasks[running.task_id])
                for running in self._now()
                if running.task_id in tasks and tasks[running.task_id].state.is_finished
            ]
        except OctopusTrouble as error:
            self._complain(error)
            return ()
        if all(r.task_id in tasks for r in self._now()):
            self._answered = self._doors.clock.monotonic()
        else:
            missing = ", ".join(r.task_id for r in self._now() if r.task_id not in tasks)
            self._complain(
                OutcomeUnknown(f"Octopus does not know {missing}", hint="look there in Octopus")
            )
        now = self._doors.clock.monotonic()
        self._doors.tell(
            Watched(
                tuple(
                    (name, r.task_id, _shown(tasks.get(r.task_id)), now - r.since)
                    for name, r in sorted(self.running.items())
                )
            )
        )
        return tuple(finished)

    def _now(self) -> list[Running]:
        return list(self.running.values())

    def _complain(self, error: OctopusTrouble) -> None:
        """Go on watching through trouble, for as long as patience lasts."""
        waited = self._doors.clock.monotonic() - self._answered
        if waited > self._doors.pace.patience:
            names = ", ".join(sorted(self.running))
            raise OutcomeUnknown(
                f"no news of {names} for {waited:.0f} s: {error.message}; they may still run",
                hint="run `reconciler apply` again: it finds them and finishes their receipts",
            ) from error
        self._doors.tell(Said(f"still watching: {error.message}"))

    async def _finish(self, running: Running, task: Task) -> Finished:
        record = running.record
        detail = await self._detail(running)
        warned = task.state is TaskState.SUCCESS and task.has_warnings
        outcome = Outcome.SUCCESS_WITH_WARNINGS if warned else _OUTCOMES[task.state]
        held = warned and self._on_warning is OnWarning.HOLD
        settled = task.state is TaskState.SUCCESS and not detail.is_partial and not held
        lines: tuple[str, ...] = ()
        if not settled:
            lines = await self._octopus.log_lines(task.id, LOG_TAIL)
        await blocking(
            self._doors.journal.finished,
            record.intent.id,
            outcome,
            settled=settled,
            fence=self._keeper.fence,
        )
        await self._recorder.receipt(record, outcome, task, detail, self._keeper.fence)
        del self.running[record.component]
        started = task.started or task.queued
        seconds = 0.0 if task.completed is None else (task.completed - started).total_seconds()
        self._doors.tell(
            Ended(record.component, record.intent.version, task.id, outcome, seconds, lines)
        )
        return Finished(record, outcome, settled, task.id)

    async def _detail(self, running: Running) -> DeploymentDetail:
        intent = running.record.intent
        for detail in await self._octopus.deployments_of(intent.project, intent.environment, 30):
            if detail.id == running.deployment_id:
                return detail
        raise OutcomeUnknown(
            f"Octopus does not show {running.deployment_id} any more",
            hint="look in Octopus whether somebody deleted the deployment",
        )


def _shown(task: Task | None) -> str:
    if task is None:
        return "Unknown"
    return "waits for a person" if task.has_pending_interruptions else task.state.value


async def drain(
    doors: Doors, watch: Watch, keeper: LeaseKeeper, on_turn: Callable[[], None] | None = None
) -> list[Finished]:
    """Watch until nothing of ours runs any more."""
    ended: list[Finished] = []
    while watch.running:
        await keeper.tend()
        ended += await watch.look()
        if on_turn is not None:
            on_turn()
        if watch.running:
            await doors.clock.sleep(doors.pace.poll)
    return ended
