"""Apply: carry a plan out, side by side and in order, and record what came of it.

One control loop does everything in turns: tend the lease, look at the pauses, read afresh, launch
what is ready, look at what runs. Nothing here sleeps but through the clock door.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.core.cellgate import running_gates
from reconciler.core.intent import Outcome
from reconciler.core.retry import installs_again
from reconciler.core.schedule import in_turn, last_durations, next_look, path_lengths
from reconciler.core.windowgate import window_gate
from reconciler.engine.arrivals import left_out_of
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.errands import Errands, Unchosen
from reconciler.engine.events import Launched, Said
from reconciler.engine.launch import (
    Absent,
    Aged,
    Closed,
    ClosedNow,
    Crowded,
    Lost,
    Refused,
    Taken,
    launch,
    promise_of,
)
from reconciler.engine.launch import Result as Asked
from reconciler.engine.launch import Unknown as NobodyKnows
from reconciler.engine.ledger import Ledger
from reconciler.engine.lost import LostRequests
from reconciler.engine.others import Others
from reconciler.engine.outcome import Done, Result
from reconciler.engine.pausing import Pauses
from reconciler.engine.refresh import Refreshing
from reconciler.engine.reread import Rereading
from reconciler.engine.slots import LOOK, READING
from reconciler.errors import LeaseLost

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.intent import IntentRecord
    from reconciler.core.plan import Action
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.record import Recorder
    from reconciler.engine.slots import Share
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished, Watch
    from reconciler.ports import Octopus

__all__ = ["Done", "Execution", "Result"]

TRIES = 3
"""Requests for one change that were lost and proved absent, before it is given up."""


@dataclass(slots=True)
class Execution:
    """One plan being carried out."""

    doors: Doors
    octopus: Octopus
    keeper: LeaseKeeper
    recorder: Recorder
    watch: Watch
    share: Share
    planned: Planned
    replans: bool = False  # whether the pass plans anew once this plan is out of date
    ledger: Ledger = field(init=False)
    _others: Others = field(default_factory=Others)
    _errands: Errands = field(init=False)
    _pauses: Pauses = field(init=False)
    _rereading: Rereading = field(init=False)
    _refreshing: Refreshing = field(init=False)
    _lost: LostRequests = field(init=False)
    _lengths: dict[CellKey, timedelta] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)
    _waiting: int = 0  # changes that wait for a run of somebody else
    _idle_since: float | None = None  # since when others alone are waited for
    _told: frozenset[str] = frozenset()  # intents that receipts or the journal know (rule 12)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.planned, self.doors.tell)

    async def run(self) -> None:
        """Carry out every change no gate stands before, in order, as wide as the slots allow.

        What runs already is watched on. With `replans`, it returns as soon as the plan is out of
        date, and what it began still runs.
        """
        await self._begin()
        while not self._is_over():
            await self.keeper.tend()
            await self._pauses.look()
            for record, result in await self._lost.search():
                await self._note(record, result)
            paid = await self._errands.pay()
            tried = await self._start() or paid
            if not (self.watch.running or self._lost):
                if tried:
                    continue
                if not await self._waits():
                    break
            await self._pauses.sleep(self._until_next_look())
            for finished in await self.watch.look(self._others.tasks):
                self._ended(finished)
            self._end_others()
            await self.recorder.publish_now_and_then()
        # what still runs is planned anew, and so is what is left: it may yet start
        self.ledger.give_up(self._stopped_by, quietly=bool(self.watch.running))

    async def _begin(self) -> None:
        now = self.doors.clock.monotonic()
        situation = self.planned.situation
        self._pauses = await Pauses.over(self.doors, situation)
        self._errands = Errands(
            self.doors,
            self.octopus,
            self.keeper,
            self.watch,
            self.share,
            self.planned,
            self._pauses,
            self.ledger,
            self,
        )
        waits_for = self._errands.course.waits_for
        self.ledger.begin(waits_for(action) for action in self.planned.runnable)
        if self.replans and self.ledger.pending:
            self._others.wait_for(self.planned.in_flight, now)
        for running in self.watch.running.values():
            if running.is_run:
                continue
            self.ledger.began(running.record.cell, running.task_id)
        seen = last_durations(situation.observed, situation.space_state)
        self._lengths = path_lengths(self.planned.plan.changes, {**seen, **self.planned.takes})
        self._told = situation.history.promised
        self._lost = LostRequests(self.doors, self.octopus, self.keeper)
        self._rereading = Rereading(self.doors, self.octopus, self.planned, self.watch)
        self._refreshing = Refreshing(self.doors, self.octopus, self.keeper, self.planned)
        if situation.space_state is not None:
            self.share.see(situation.space_state)
        for finished in await self.watch.look() if self.watch.running else ():
            self._ended(finished)  # what failed meanwhile stops the rest (rule 18)

    def _is_over(self) -> bool:
        """Tell whether nothing is left to do, or to wait for, under this plan."""
        if self.ledger.stale and self.replans and not (self.ledger.is_stopped or self._lost):
            return True
        if self.ledger.pending or self.watch.running or self._others or self._errands.is_owed:
            return False
        return not self._closes()

    def _closes(self) -> bool:
        """Begin what is owed once, where all that was begun went well; tell whether it is any."""
        if self.doors.halted() or not self.ledger.went_well:
            return False
        return self._errands.course.close()

    @property
    def runs(self) -> tuple[Finished, ...]:
        """The runs of runbooks that ended."""
        return tuple(self._errands.ended)

    def _startable(self) -> list[Action]:
        """Return the pending changes whose turn it is, longest path first."""
        self.ledger.stop(self.doors.halted())
        if self.ledger.stopping or self.ledger.stale:
            return []
        pending, last = self.ledger.pending.values(), self.ledger.last_wave
        ready = in_turn(pending, self.ledger.succeeded, self._lengths, last)
        held = self._errands.course.busy
        return [
            action
            for action in ready
            if action.cell not in self._others
            and action.cell not in held
            and action.cell not in self._lost
            and self._shut(action.cell) is None
        ]

    async def _waits(self) -> bool:
        """Tell, where nothing of ours runs, whether to wait: for a slot, or for others' tasks.

        While only others are waited for, git and Octopus are read now and then.
        """
        now = self.doors.clock.monotonic()
        if self._startable():
            self._idle_since = None  # another pass has the slots, or runs a runbook
            return True
        if self._errands.is_owed:
            return True
        if self.ledger.stopping or self.ledger.stale or not self._others:
            return False
        self._idle_since = now if self._idle_since is None else self._idle_since
        if now - self._rereading.begun > self.doors.pace.renew:
            await self._read_afresh()
        return now - self._idle_since < self.doors.pace.patience

    def _until_next_look(self) -> float:
        """Return the seconds until tasks are looked at again."""
        pace, takes = self.doors.pace, self.planned.takes
        ages: list[tuple[float, float | None]] = [
            (age, takes[cell].total_seconds() if cell in takes else None)
            for cell, age in self.watch.ages()
        ]
        ages += [(age, None) for age in self._others.ages(self.doors.clock.monotonic())]
        least = max(pace.poll, self.octopus.room().apart(LOOK))
        most = least if self.share.waits else max(pace.poll_most, least)
        return min([next_look(ages, least, most), *self._lost.seconds()])

    def _end_others(self) -> None:
        """Read anew where somebody else's task has ended; what was held by it is planned anew."""
        for name in self._others.end(self.watch.over):
            self._rereading.forget()
            if name not in self.ledger.pending:
                self.ledger.stale = self.ledger.stale or f"what ran in {name} has ended"

    def _shut(self, name: CellKey) -> Gate | None:
        """Return the gate that closed before a cell since the plan was made, if any did."""
        policy, now = self.planned.situation.desired.policy, self.doors.clock.now()
        paused = self._pauses.before(name)
        return paused or window_gate(name, policy, self.planned.takes, now)

    async def check(self, name: CellKey) -> None:
        """Return only if a request for a cell may leave now. Raises: ClosedNow."""
        await self._pauses.look()
        gate = self._shut(name)
        if gate is not None:
            raise ClosedNow(gate)

    async def _start(self) -> bool:
        """Start what may start; return False where nothing was tried."""
        self.share.hold([*self.watch.at_work(), *self._lost.intents])
        ready = self._startable()
        if ready:
            await self.share.refresh(self.octopus)
        limit = self.planned.situation.desired.policy.limits.parallel
        if limit is not None:
            ready = ready[: max(limit - len(self.watch.running) - len(self._lost), 0)]
        reading = 0 if self._rereading.is_young else READING
        ready = ready[: self.octopus.room().allows(len(ready), reading)]
        ready = ready[: self.share.reserve(len(ready))]
        if not ready:
            return False
        situation = await self._read_afresh()
        went_on = True
        if situation is not None:
            free = [action for action in ready if action.cell not in self._others]
            went_on = await self._launch_all(situation, free)
        self.share.hold([*self.watch.at_work(), *self._lost.intents])
        return went_on

    async def _launch_all(self, situation: Situation, actions: list[Action]) -> bool:
        """Ask for what comes next for each of these; False: all of it waits for somebody else."""
        everything, read_at = self.ledger.pending.values(), self._rereading.begun
        opened = await self._errands.opened(situation, everything, read_at)
        if not opened:
            return opened is not None
        self._waiting = 0
        await side_by_side(self._launch(situation, action) for action in actions)
        return not actions or self._waiting < len(actions)

    async def _launch(self, situation: Situation, action: Action) -> None:
        name = action.cell
        ready = await self._errands.ready(situation, action, self._rereading.begun)
        if not ready:
            self._waiting += ready is None
            return
        record = promise_of(self.planned, situation, action, self.doors)
        try:
            named = await self._errands.machines(situation, action)
        except Unchosen:
            self._waiting += 1
            return
        if named is not None:
            intent = replace(record.intent, machines=named.machines)
            record = replace(record, intent=intent, runbook=named.runbook)
        if record.intent.id in self._told:
            self.ledger.stale = f"Octopus does not show yet what was deployed to {name} before"
            return
        release = self.planned.releases[name]
        check = partial(self.check, name)
        prepare = partial(self._refreshing.prepare, action, situation, check)
        try:
            result = await launch(
                self.doors,
                self.octopus,
                self.keeper,
                check,
                record,
                release,
                self._rereading.begun,
                self.planned.forms.get(name, ()),
                self.planned.situation.desired.policy.guided_failure.wanted,
                installs_again(action, situation.observed.cells[name]),
                prepare if action.refresh else None,
            )
        except LeaseLost as error:
            self.ledger.lost(error)
            return
        await self._note(record, result)

    async def _note(self, record: IntentRecord, result: Asked) -> None:
        """Note what became of a request."""
        name = record.cell
        match result:
            case Taken(deployment_id=deployment_id, task_id=task_id, found=found):
                action = self.ledger.pending[name]
                self._rereading.note_young()
                self.watch.add(record, deployment_id, task_id)
                self.ledger.began(name, task_id)
                self.doors.tell(Launched(action, task_id, found))
            case Lost():
                self._lost.add(record, result)  # it stays pending: a second search tells
            case _:
                await self.not_taken(record, result)

    async def not_taken(self, record: IntentRecord, result: Asked) -> None:
        """Note that a deployment, or a run, was asked for and Octopus does not have it."""
        name = record.cell
        match result:
            case Absent(why=why):
                tried = self._tries[record.intent.id] = self._tries.get(record.intent.id, 0) + 1
                self._rereading.forget()  # whatever lost it may have changed more
                if tried >= TRIES:
                    why = f"lost {TRIES} times: {why}"
                    intent, fence = record.intent.id, self.keeper.fence
                    await blocking(self.doors.journal.refuse, intent, why, fence)
                    self._fail(name, Result(Done.REFUSED, why))
            case Aged(why=why):
                if self._rereading.begun > float("-inf"):  # once for each reading
                    self._rereading.note_too_old(why)
                    self.ledger.stop(self._rereading.stopping)
            case Closed() | Crowded():
                pass  # it stays pending: the gate may open, or the budget grow, while others run
            case Refused(why=why):
                self._fail(name, Result(Done.REFUSED, why))
            case NobodyKnows(why=why):
                self._fail(name, Result(Done.UNKNOWN, why))
                self.ledger.stop(f"{name}: {why}")
            case Taken():
                raise AssertionError("what Octopus has is watched")

    def _fail(self, name: CellKey, result: Result) -> None:
        """Note that a change did not work out; nothing is owed after it any more."""
        self._errands.course.owed.pop(name, None)
        self.ledger.fail(name, result)

    def _ended(self, finished: Finished) -> None:
        name = finished.record.cell
        if finished.is_run:
            self._errands.finish(finished)
            return
        if left_out := left_out_of(finished, self.planned.machines.get(name, {})):
            self.doors.tell(Said(left_out))
        if finished.settled and self._errands.course.deployed(finished):
            return
        if finished.settled:
            why = finished.outcome.value
            self.ledger.results[name] = Result(Done.SUCCEEDED, why, finished.task_id)
            return
        done = Done.UNKNOWN if finished.outcome is Outcome.UNKNOWN else Done.FAILED
        self._fail(name, Result(done, finished.outcome.value, finished.task_id))

    async def _read_afresh(self) -> Situation | None:
        """Return a reading young enough to act on, or None where nothing may start (rule 15)."""
        reading = self._rereading
        judged = {name: a for name, a in self.ledger.pending.items() if name not in self._lost}
        situation = await reading.fresh(judged, watching=bool(self.watch.running or self._lost))
        self.ledger.stale = self.ledger.stale or reading.stale
        self.ledger.stop(reading.stopping)
        if situation is None:
            return None
        self._others.wait_for(reading.busy(situation, judged), reading.begun)
        if situation.space_state is not None:
            self.share.see(situation.space_state)
        return situation

    def _stopped_by(self, action: Action) -> Gate | None:
        """Return the gate before a change now: one that closed, or a task that goes on too long."""
        shut = self._shut(action.cell)
        if shut is not None:
            return shut
        seen = self._rereading.last
        if action.cell not in self._others or seen is None:
            return None
        return next(iter(running_gates(action, seen.observed.cells[action.cell])), None)
