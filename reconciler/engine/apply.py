"""Apply: carry a plan out, side by side and in order, and record what came of it.

One control loop does everything in turns: tend the lease, look at the pauses, read afresh, launch
what is ready, look at what runs. Nothing here sleeps but through the clock door.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from reconciler.core.cellgate import running_gates
from reconciler.core.cellkey import WHOLE
from reconciler.core.intent import Outcome
from reconciler.core.policy import OnFailure
from reconciler.core.retry import installs_again
from reconciler.core.schedule import in_turn, last_durations, next_look, path_lengths
from reconciler.core.windowgate import window_gate
from reconciler.engine.arrivals import left_out_of
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.errands import Errands, Unchosen
from reconciler.engine.events import Launched, NotStarted, Said
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
from reconciler.engine.lost import LostRequests
from reconciler.engine.others import Others
from reconciler.engine.outcome import Done, Result, blamed, held_results
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

__all__ = ["Done", "Execution", "Result", "held_results"]

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
    results: dict[CellKey, Result] = field(default_factory=dict)
    stale: str = ""  # why the rest of the plan was dropped
    stopping: str = ""  # why nothing new is started
    halted: list[Gate] = field(default_factory=list)  # gates that closed in the middle
    _pending: dict[CellKey, Action] = field(default_factory=dict)
    _others: Others = field(default_factory=Others)
    _errands: Errands = field(init=False)
    _pauses: Pauses = field(init=False)
    _rereading: Rereading = field(init=False)
    _refreshing: Refreshing = field(init=False)
    _lost: LostRequests = field(init=False)
    _lengths: dict[CellKey, timedelta] = field(default_factory=dict)
    _wave: int = 0
    _tries: dict[str, int] = field(default_factory=dict)
    _waiting: int = 0  # changes that wait for a run of somebody else
    _idle_since: float | None = None  # since when others alone are waited for
    _published: float = 0.0
    _told: frozenset[str] = frozenset()  # intents that receipts or the journal know (rule 12)

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
            await self._publish_now_and_then()
        self._give_up()

    async def _begin(self) -> None:
        now = self.doors.clock.monotonic()
        situation = self.planned.situation
        for name, held in held_results(self.planned).items():
            self.results.setdefault(name, held)
        self._pauses = await Pauses.over(self.doors, situation)
        self._errands = Errands(
            self.doors,
            self.octopus,
            self.keeper,
            self.watch,
            self.share,
            self.planned,
            self._pauses,
            self,
        )
        waits_for = self._errands.course.waits_for
        self._pending = {a.cell: waits_for(a) for a in self.planned.runnable}
        if self.replans and self._pending:
            self._others.wait_for(self.planned.in_flight, now)
        for running in self.watch.running.values():
            if running.is_run:
                continue
            self._pending.pop(running.record.cell, None)
            self.results[running.record.cell] = Result(Done.UNKNOWN, "running", running.task_id)
        seen = last_durations(situation.observed, situation.space_state)
        self._lengths = path_lengths(self.planned.plan.changes, {**seen, **self.planned.takes})
        self._told = situation.history.promised
        self._lost = LostRequests(self.doors, self.octopus, self.keeper)
        self._published = now
        self._rereading = Rereading(self.doors, self.octopus, self.planned, self.watch)
        self._refreshing = Refreshing(self.doors, self.octopus, self.keeper, self.planned)
        if situation.space_state is not None:
            self.share.see(situation.space_state)
        for finished in await self.watch.look() if self.watch.running else ():
            self._ended(finished)  # what failed meanwhile stops the rest (rule 18)

    def _is_over(self) -> bool:
        """Tell whether nothing is left to do, or to wait for, under this plan."""
        if self.stale and self.replans and not (self.stopping or self._wave or self._lost):
            return True
        if self._pending or self.watch.running or self._others or self._errands.is_owed:
            return False
        return not self._closes()

    def _closes(self) -> bool:
        """Begin what is owed once, where all that was begun went well; tell whether it is any."""
        bad = {Done.FAILED, Done.REFUSED, Done.UNKNOWN, Done.NOT_STARTED}
        if self.halted or self.stopping or self.stale or self.doors.halted():
            return False
        if any(result.done in bad for result in self.results.values()):
            return False
        return self._errands.course.close()

    @property
    def runs(self) -> tuple[Finished, ...]:
        """The runs of runbooks that ended."""
        return tuple(self._errands.ended)

    def _startable(self) -> list[Action]:
        """Return the pending changes whose turn it is, longest path first."""
        self.stopping = self.stopping or self.doors.halted()
        if self.stopping or self.stale:
            return []
        succeeded = {name for name in self.results if self._succeeded(name)}
        ready = in_turn(self._pending.values(), succeeded, self._lengths, self._wave)
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
        if self.stopping or self.stale or not self._others:
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
            if name not in self._pending:
                self.stale = self.stale or f"what ran in {name} has ended"

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

    def _succeeded(self, cell: CellKey) -> bool:
        result = self.results.get(cell)
        return result is not None and result.done is Done.SUCCEEDED

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
        everything, read_at = self._pending.values(), self._rereading.begun
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
            self.stale = f"Octopus does not show yet what was deployed to {name} before"
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
            self.lost(error)
            return
        await self._note(record, result)

    async def _note(self, record: IntentRecord, result: Asked) -> None:
        """Note what became of a request."""
        name = record.cell
        match result:
            case Taken(deployment_id=deployment_id, task_id=task_id, found=found):
                action = self._pending.pop(name)
                self._rereading.note_young()
                self.watch.add(record, deployment_id, task_id)
                self.results[name] = Result(Done.UNKNOWN, "running", task_id)
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
                    self.fail(name, Result(Done.REFUSED, why))
            case Aged(why=why):
                if self._rereading.begun > float("-inf"):  # once for each reading
                    self._rereading.note_too_old(why)
                    self.stopping = self.stopping or self._rereading.stopping
            case Closed() | Crowded():
                pass  # it stays pending: the gate may open, or the budget grow, while others run
            case Refused(why=why):
                self.fail(name, Result(Done.REFUSED, why))
            case NobodyKnows(why=why):
                self.fail(name, Result(Done.UNKNOWN, why))
                self.stopping = self.stopping or f"{name}: {why}"
            case Taken():
                raise AssertionError("what Octopus has is watched")

    def lost(self, error: LeaseLost) -> None:
        """Ask for nothing more: somebody else may act here now (rule 19)."""
        self.stopping = error.message

    def put_off(self, name: CellKey, why: str, gate: Gate | None = None) -> None:
        """Leave a change, or what is owed after one, to a later pass."""
        self._pending.pop(name, None)
        self.results[name] = Result(Done.HELD, why)
        self.doors.tell(NotStarted(name, why))
        if gate is not None:
            self.halted.append(gate)
        if name == WHOLE:
            self.stopping = self.stopping or why

    def verified(self, name: CellKey, task_id: str | None) -> None:
        """Note that nothing is owed any more after a deployment."""
        if name != WHOLE:
            self.results[name] = Result(Done.SUCCEEDED, "verified", task_id)

    def fail(self, name: CellKey, result: Result) -> None:
        """Note that a change did not work out, and what that means for the others (rule 18)."""
        action = self._pending.pop(name, None)
        self.results[name] = result
        self._errands.course.owed.pop(name, None)
        if name == WHOLE:
            self.stopping = self.stopping or result.why
        if action is not None:
            self.doors.tell(NotStarted(name, result.why))
        policy = self.planned.situation.desired.policy
        match policy.on_failure:
            case OnFailure.STOP:
                said = f"and policy '{policy.name}' says onFailure: stop"
                self.stopping = self.stopping or f"{name} {result.done.value}, {said}"
            case OnFailure.FINISH_STARTED:
                started = [a.wave for a in self.planned.plan.changes if a.cell in self.results]
                self._wave = self._wave or max(started, default=1)
            case OnFailure.CONTINUE:
                pass

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
            self.results[name] = Result(Done.SUCCEEDED, finished.outcome.value, finished.task_id)
            return
        done = Done.UNKNOWN if finished.outcome is Outcome.UNKNOWN else Done.FAILED
        self.fail(name, Result(done, finished.outcome.value, finished.task_id))

    async def _read_afresh(self) -> Situation | None:
        """Return a reading young enough to act on, or None where nothing may start (rule 15)."""
        reading = self._rereading
        judged = {name: a for name, a in self._pending.items() if name not in self._lost}
        situation = await reading.fresh(judged, watching=bool(self.watch.running or self._lost))
        self.stale, self.stopping = self.stale or reading.stale, self.stopping or reading.stopping
        if situation is None:
            return None
        self._others.wait_for(reading.busy(situation, judged), reading.begun)
        if situation.space_state is not None:
            self.share.see(situation.space_state)
        return situation

    def _give_up(self) -> None:
        """Say for every change that is left why it was not started."""
        for name in sorted(self._pending):
            action = self._pending[name]
            behind = [w for w in action.waits_for if not self._succeeded(w)]
            blame = "" if self.stale else blamed(action, self._pending, self.results)
            why = self.stale or blame or self.stopping
            shut = self._shut(name) or self._taken(action)
            done = Done.NOT_STARTED
            if shut is not None and not why:
                self.halted.append(shut)
                done, why = Done.HELD, shut.message
            elif behind and not (self.stale or blame):
                why = f"{behind[0]} was not deployed, or is not verified"
            self.results[name] = Result(done, why or "a change of its wave, or before, failed")
            if not self.watch.running:  # else it is planned anew, and may yet start
                self.doors.tell(NotStarted(name, self.results[name].why))
        self._pending.clear()

    def _taken(self, action: Action) -> Gate | None:
        """Return the gate of a cell in which somebody else's task goes on for too long."""
        seen = self._rereading.last
        if action.cell not in self._others or seen is None:
            return None
        return next(iter(running_gates(action, seen.observed.cells[action.cell])), None)

    async def _publish_now_and_then(self) -> None:
        now = self.doors.clock.monotonic()
        if now - self._published >= self.doors.pace.renew:
            self._published = now
            await self.recorder.publish_receipts()
