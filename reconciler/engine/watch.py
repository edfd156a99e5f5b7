"""Watching: tasks of ours until they end, then their receipts. Never abandoned by a pause or gate.

State is read in batches: a constant number of requests per look, however many tasks run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.intent import Outcome
from reconciler.core.logtree import last_lines
from reconciler.core.policy import OnWarning
from reconciler.core.runbook import Moment, RunDetail
from reconciler.core.schedule import next_look
from reconciler.core.state import DeploymentDetail, TaskState
from reconciler.engine.branches import Branches
from reconciler.engine.doors import blocking
from reconciler.engine.events import Ended, RunEnded, Said, Seen, Watched
from reconciler.engine.questions import Questions
from reconciler.engine.record import End
from reconciler.engine.stillness import Stillness
from reconciler.errors import OctopusTrouble, OutcomeUnknown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime, timedelta

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import Intent, IntentRecord
    from reconciler.core.state import Task
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.record import Recorder
    from reconciler.ports import Octopus

Detail = DeploymentDetail | RunDetail

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

    @property
    def is_run(self) -> bool:
        """True of a run of a runbook."""
        return self.record.is_run


@dataclass(frozen=True, slots=True)
class Finished:
    """A deployment of ours that ended; `reached`: the machines it went to, None where not told."""

    record: IntentRecord
    outcome: Outcome
    settled: bool
    task_id: str
    reached: tuple[str, ...] | None = None

    @property
    def is_run(self) -> bool:
        """True of a run of a runbook."""
        return self.record.is_run


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
        self._branches = Branches(
            octopus, doors.tell, doors.pace.branches, patience=doors.pace.glance
        )
        self._answered = doors.clock.monotonic()
        self._trouble = ""  # why Octopus did not answer last
        self._questions = Questions(doors, octopus)
        self._stillness = Stillness(doors, octopus)
        self._gone: dict[str, float] = {}  # deployments Octopus does not show, and since when
        self._asking: frozenset[str] = frozenset()  # tasks that wait for a person
        self.running: dict[str, Running] = {}  # by deployment
        self.over: frozenset[str] = frozenset()

    def add(self, record: IntentRecord, deployment_id: str, task_id: str) -> None:
        """Begin to watch a deployment that Octopus has."""
        since = self._doors.clock.monotonic()
        record = replace(record, deployment_id=deployment_id, task_id=task_id)
        self.running[deployment_id] = Running(record, deployment_id, task_id, since)

    def go_on(
        self, recorder: Recorder, on_warning: OnWarning, usual: Mapping[CellKey, timedelta]
    ) -> None:
        """Judge and record by a plan made anew what runs already, and what follows.

        `usual`: how long each cell usually takes.
        """
        self._recorder, self._on_warning = recorder, on_warning
        self._stillness.expect(usual)

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that run."""
        return frozenset(running.task_id for running in self.running.values())

    def ages(self) -> Iterator[tuple[CellKey, float]]:
        """Yield each running cell with the seconds since it was launched."""
        now = self._doors.clock.monotonic()
        for running in self.running.values():
            yield running.record.cell, now - running.since

    def at_work(self) -> frozenset[str]:
        """Return the tasks that take a slot: not those that wait for a person."""
        return self.tasks - self._asking

    async def look(self, others: Collection[str] = ()) -> tuple[Finished, ...]:
        """Look once at everything that runs; return what ended, in the order it was begun.

        `others` are tasks of somebody else that are waited for: `over` then has those that ended.

        Raises: OutcomeUnknown where Octopus gave no usable answer for too long.
        """
        finished: list[Finished] = []
        tasks: dict[str, Task] = {}
        silent: dict[str, datetime] = {}
        self.over = frozenset()
        mine = self.tasks
        try:
            tasks = {task.id: task for task in await self._octopus.tasks([*mine, *others])}
            waiting = self._waiting(tasks.values())
            self._asking = frozenset(waiting)
            await self._questions.look(waiting)
            for running, detail in await self._ended(tasks):
                end = self._end(running, tasks.get(running.task_id), detail)
                if end is not None:
                    finished.append(await self._finish(running, *end))
            silent = await self._stillness.look(self._at_a_look(tasks))
            self.over = frozenset(one for one in others if _is_over(tasks.get(one)))
            self._answered = self._doors.clock.monotonic()
            self._trouble = ""
        except OctopusTrouble as error:
            self._complain(error)
        if mine and tasks:
            now = self._doors.clock.monotonic()
            seen = [
                seen_at(
                    r.record.cell,
                    r.task_id,
                    tasks.get(r.task_id),
                    now - r.since,
                    silent.get(r.task_id),
                )
                for r in self.running.values()
            ]
            self._doors.tell(Watched(tuple(sorted(seen))))
            began = [one for one in seen if one.state != TaskState.QUEUED]
            await self._branches.look([(one.cell, one.task_id) for one in began])
        return tuple(finished)

    async def _ended(self, tasks: Mapping[str, Task]) -> list[tuple[Running, Detail | None]]:
        """Return what does not run any more, each with its deployment as it stands now.

        One request for a hundred of them. One that runs is no longer looked for.
        """
        ended = []
        for running in self.running.values():
            if _is_over(tasks.get(running.task_id)):
                ended.append(running)
            else:
                self._gone.pop(running.deployment_id, None)
        ids = [running.deployment_id for running in ended if not running.is_run]
        runs = [running.deployment_id for running in ended if running.is_run]
        details: dict[str, Detail] = {one.id: one for one in await self._octopus.deployments(ids)}
        details |= {one.id: one for one in await self._octopus.runs(runs)}
        return [(running, details.get(running.deployment_id)) for running in ended]

    def _waiting(self, tasks: Iterable[Task]) -> dict[str, CellKey]:
        """Return the cells of the tasks that wait for a person, by task."""
        asking = {task.id for task in tasks if task.has_pending_interruptions}
        mine = {r.task_id: r.record.cell for r in self.running.values()}
        return {task: mine[task] for task in sorted(asking & mine.keys())}

    def _at_a_look(self, tasks: Mapping[str, Task]) -> list[tuple[CellKey, Task, float]]:
        """Return what runs with its task and its age in seconds, of those Octopus shows."""
        now = self._doors.clock.monotonic()
        return [
            (r.record.cell, tasks[r.task_id], now - r.since)
            for r in self.running.values()
            if r.task_id in tasks
        ]

    def _complain(self, error: OctopusTrouble) -> None:
        """Go on watching through trouble, for as long as patience lasts."""
        waited = self._doors.clock.monotonic() - self._answered
        if waited > self._doors.pace.patience and self.running:
            names = ", ".join(sorted(r.record.cell for r in self.running.values()))
            raise OutcomeUnknown(
                f"no news of {names} for {waited:.0f} s: {error.message}; they may still run",
                hint="run `reconciler apply` again: it finds them and finishes their receipts",
            ) from error
        if error.message != self._trouble:  # once, and again when it is another
            self._doors.tell(Said(f"still watching: {error.message}"))
        self._trouble = error.message

    def _end(
        self, running: Running, task: Task | None, detail: Detail | None
    ) -> tuple[End, bool] | None:
        """Return how a deployment ended and whether that is a whole success; None: not yet.

        One that Octopus answers to know nothing of, for as long as patience lasts, was deleted:
        nobody can tell its end any more, and it settles nothing.
        """
        if task is not None and detail is not None:
            outcome = outcome_of(task)
            warned = outcome is Outcome.SUCCESS_WITH_WARNINGS
            held = warned and self._on_warning is OnWarning.HOLD
            partial, by, reached = _judged(running.record.intent, detail)
            settled = task.state is TaskState.SUCCESS and not partial and not held
            times = (task.queued, task.started, task.completed)
            return End(outcome, detail.id, task.id, *times, by, reached), settled
        now = self._doors.clock.monotonic()
        is_new = running.deployment_id not in self._gone
        if now - self._gone.setdefault(running.deployment_id, now) <= self._doors.pace.patience:
            what = running.task_id if task is None else running.deployment_id
            if is_new:
                self._doors.tell(Said(f"Octopus does not show {what} any more; still watching"))
            return None
        times = (running.record.promised_at, None, None)
        return End(Outcome.UNKNOWN, running.deployment_id, running.task_id, *times, ""), False

    async def _finish(self, running: Running, end: End, settled: bool) -> Finished:
        record = running.record
        lines, link = ((), "") if settled else await self._traces(running.task_id)
        await blocking(
            self._doors.journal.finished,
            record.intent.id,
            end.outcome,
            settled=settled,
            fence=self._keeper.fence,
        )
        finished = Finished(record, end.outcome, settled, running.task_id, end.reached)
        if running.is_run:
            del self.running[running.deployment_id]
            what = (record.cell, record.runbook, Moment(record.action), running.task_id)
            self._doors.tell(RunEnded(*what, end.outcome, end.seconds, lines, link))
            return finished
        await self._recorder.receipt(record, end, self._keeper.fence)
        del self.running[running.deployment_id]
        self._doors.tell(
            Ended(
                record.cell,
                record.intent.version,
                running.task_id,
                end.outcome,
                end.seconds,
                lines,
                link,
                settled,
            )
        )
        return finished

    async def _traces(self, task_id: str) -> tuple[tuple[str, ...], str]:
        """Return what a log says of a bad end, and where people see more; nothing waits for it."""
        try:
            log = await self._octopus.task_log(task_id, LOG_TAIL)
            return last_lines(log, LOG_TAIL), await self._octopus.task_page(task_id)
        except OctopusTrouble as error:
            return (f"its log could not be read: {error.message}",), ""


def _judged(intent: Intent, detail: Detail) -> tuple[bool, str, tuple[str, ...] | None]:
    """Tell whether less was done than was asked for, who asked, and which machines it reached."""
    match detail:
        case RunDetail():
            return False, detail.run_by_id, None
        case _:
            partial = detail.is_flawed if intent.machines else detail.is_partial
            return partial, detail.deployed_by_id, detail.reached


def _is_over(task: Task | None) -> bool:
    """Tell whether a task ended; one that Octopus does not show does not run either."""
    return task is None or task.state.is_finished


def outcome_of(task: Task) -> Outcome:
    """Return how a task that has finished ended."""
    if task.state is TaskState.SUCCESS and task.has_warnings:
        return Outcome.SUCCESS_WITH_WARNINGS
    return _OUTCOMES[task.state]


def seen_at(
    cell: CellKey, task_id: str, task: Task | None, seconds: float, silent: datetime | None = None
) -> Seen:
    """Return a task as a look shows it; None: Octopus does not show it now.

    `silent`: since when (UTC) it shows no sign of life, None where it does.
    """
    waits = task is not None and task.has_pending_interruptions
    changes = task is not None and task.has_pending_preconditions and not waits
    words = "Unknown" if task is None else task.state.value
    if waits:
        words = "waits for a person"
    elif changes:
        words = "waits for a change request"
    elif silent is not None:
        words = f"{words}, silent since {silent:%H:%M}Z"
    return Seen(
        cell,
        task_id,
        words,
        seconds,
        is_waiting=waits,
        is_changing=changes,
        is_silent=silent is not None,
    )


def seen_since(cell: CellKey, task_id: str, task: Task | None, now: datetime) -> Seen:
    """Return a task as a look at `now` (UTC) shows it to who did not begin it."""
    seconds = 0.0 if task is None else (now - task.queued).total_seconds()
    return seen_at(cell, task_id, task, max(seconds, 0.0))


async def drain(doors: Doors, watch: Watch, keeper: LeaseKeeper) -> list[Finished]:
    """Watch until nothing of ours runs any more."""
    ended: list[Finished] = []
    while watch.running:
        await keeper.tend()
        ended += await watch.look()
        if watch.running:
            ages = ((age, None) for _, age in watch.ages())
            await doors.clock.sleep(next_look(ages, doors.pace.poll, doors.pace.poll_most))
    return ended
