"""Apply: carry a plan out, side by side and in order, and record what came of it.

One control loop does everything in turns: tend the lease, look at the pauses, read afresh, launch
what is ready, look at what runs. Nothing here sleeps but through the clock door.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from reconciler.core.intent import Outcome, Progress
from reconciler.core.policy import OnFailure
from reconciler.core.retry import installs_again
from reconciler.core.schedule import in_turn
from reconciler.core.windowgate import window_gate
from reconciler.engine.arrivals import left_out_of
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.events import Launched, NotStarted, Said
from reconciler.engine.launch import (
    Absent,
    Aged,
    Closed,
    ClosedNow,
    Refused,
    Taken,
    launch,
    promise_of,
)
from reconciler.engine.launch import Unknown as NobodyKnows
from reconciler.engine.pausing import Pauses
from reconciler.engine.refresh import Refreshing
from reconciler.engine.reread import Rereading
from reconciler.errors import GitTrouble, LeaseLost, OctopusTrouble, ReconcilerError

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action
    from reconciler.engine.doors import Doors
    from reconciler.engine.history import History
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.record import Recorder
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished, Watch
    from reconciler.ports import Octopus

TRIES = 3
"""Requests for one change that were lost and proved absent, before it is given up; and readings
in a row that were too old to act on."""


class Done(StrEnum):
    """What became of one change."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it ran and did not settle the cell
    REFUSED = "refused"  # Octopus said no; nothing happened
    UNKNOWN = "unknown"  # asked for, and nobody knows yet
    HELD = "held"  # a gate stood before it
    NOT_STARTED = "not-started"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change, in words where it is not plain."""

    done: Done
    why: str = ""
    task_id: str | None = None

    @property
    def is_doubtful(self) -> bool:
        """True where it was asked for, and nobody knows whether it began."""
        return self.done is Done.UNKNOWN and self.task_id is None


def held_results(planned: Planned) -> dict[CellKey, Result]:
    """Return the changes that a gate of their own stands before."""
    found: dict[CellKey, Result] = {}
    for gate in planned.gates:
        if gate.cell:
            found.setdefault(gate.cell, Result(Done.HELD, gate.message))
    return found


@dataclass(slots=True)
class Execution:
    """One plan being carried out."""

    doors: Doors
    octopus: Octopus
    keeper: LeaseKeeper
    recorder: Recorder
    watch: Watch
    planned: Planned
    results: dict[CellKey, Result] = field(default_factory=dict)
    stale: str = ""  # why the rest of the plan was dropped
    stopping: str = ""  # why nothing new is started
    halted: list[Gate] = field(default_factory=list)  # gates that closed in the middle
    _pending: dict[CellKey, Action] = field(default_factory=dict)
    _pauses: Pauses = field(init=False)
    _rereading: Rereading = field(init=False)
    _refreshing: Refreshing = field(init=False)
    _wave: int = 0
    _tries: dict[CellKey, int] = field(default_factory=dict)
    _aged: int = 0
    _unread: str = ""  # why git or Octopus could not be read last
    _read_at: float = float("-inf")
    _fresh: Situation | None = None
    _published: float = 0.0
    _told: frozenset[str] = frozenset()  # intents that receipts or the journal know (rule 12)

    async def run(self) -> None:
        """Carry out every change no gate stands before, in order, as wide as the slots allow."""
        for name, held in held_results(self.planned).items():
            self.results.setdefault(name, held)
        self._pending = {a.cell: a for a in self.planned.runnable}
        self._told = _told(self.planned.situation.history)
        self._published = self.doors.clock.monotonic()
        self._rereading = Rereading(self.doors, self.octopus, self.planned)
        self._refreshing = Refreshing(self.doors, self.octopus, self.keeper, self.planned)
        self._pauses = await Pauses.over(self.doors, self.planned.situation)
        while self._pending or self.watch.running:
            await self.keeper.tend()
            await self._pauses.look()
            await self._start()
            if not self.watch.running:
                if self._pending and not self._startable():
                    self._give_up()
                continue
            await self._pauses.sleep(self.doors.pace.poll)
            for finished in await self.watch.look():
                self._ended(finished)
            await self._publish_now_and_then()

    def _startable(self) -> list[Action]:
        """Return the pending changes whose turn it is, longest wait first: by wave, by name."""
        self.stopping = self.stopping or self.doors.halted()
        if self.stopping or self.stale:
            return []
        succeeded = {name for name in self.results if self._succeeded(name)}
        ready = in_turn(self._pending.values(), succeeded, self._wave)
        free = max(self._slots() - len(self.watch.running), 0)
        return [action for action in ready if self._shut(action.cell) is None][:free]

    def _shut(self, name: CellKey) -> Gate | None:
        """Return the gate that closed before a cell since the plan was made, if any did."""
        policy, now = self.planned.situation.desired.policy, self.doors.clock.now()
        paused = self._pauses.before(name)
        return paused or window_gate(name, policy, self.planned.takes, now)

    async def _check(self, name: CellKey) -> None:
        """Return only if a request for a cell may leave now. Raises: ClosedNow."""
        await self._pauses.look()
        gate = self._shut(name)
        if gate is not None:
            raise ClosedNow(gate)

    def _slots(self) -> int:
        limit = self.planned.situation.desired.policy.limits.parallel
        slots = self.doors.pace.slots
        return slots if limit is None else min(slots, limit)

    def _succeeded(self, cell: CellKey) -> bool:
        result = self.results.get(cell)
        return result is not None and result.done is Done.SUCCEEDED

    async def _start(self) -> None:
        ready = self._startable()
        if not ready:
            return
        situation = await self._read_afresh()
        if situation is None:
            return
        await side_by_side(self._launch(situation, action) for action in ready)

    async def _launch(self, situation: Situation, action: Action) -> None:
        name = action.cell
        record = promise_of(self.planned, situation, action, self.doors)
        if record.intent.id in self._told:
            self.stale = f"Octopus does not show yet what was deployed to {name} before"
            return
        release = self.planned.releases[name]
        check = partial(self._check, name)
        prepare = partial(self._refreshing.prepare, action, situation, check)
        try:
            result = await launch(
                self.doors,
                self.octopus,
                self.keeper,
                check,
                record,
                release,
                self._read_at,
                self.planned.forms.get(name, ()),
                self.planned.situation.desired.policy.guided_failure.wanted,
                installs_again(action, situation.observed.cells[name]),
                prepare if action.refresh else None,
            )
        except LeaseLost as error:
            self.stopping = error.message
            return
        match result:
            case Taken(deployment_id=deployment_id, task_id=task_id, found=found):
                del self._pending[name]
                self._aged = 0
                self.watch.add(record, deployment_id, task_id)
                self.results[name] = Result(Done.UNKNOWN, "running", task_id)
                self.doors.tell(Launched(action, task_id, found))
            case Absent(why=why):
                self._tries[name] = self._tries.get(name, 0) + 1
                self._read_at = float("-inf")  # whatever lost it may have changed more
                if self._tries[name] >= TRIES:
                    why = f"lost {TRIES} times: {why}"
                    intent, fence = record.intent.id, self.keeper.fence
                    await blocking(self.doors.journal.refuse, intent, why, fence)
                    self._fail(name, Result(Done.REFUSED, why))
            case Aged(why=why):
                if self._read_at > float("-inf"):  # once for each reading
                    self._too_old(why)
            case Closed():
                pass  # it stays pending: the gate may open while others run
            case Refused(why=why):
                self._fail(name, Result(Done.REFUSED, why))
            case NobodyKnows(why=why):
                self._fail(name, Result(Done.UNKNOWN, why))
                self.stopping = self.stopping or f"{name}: {why}"

    def _fail(self, name: CellKey, result: Result) -> None:
        """Note that a change did not work out, and what that means for the others (rule 18)."""
        action = self._pending.pop(name, None)
        self.results[name] = result
        if action is not None:
            self.doors.tell(NotStarted(name, result.why))
        match self.planned.situation.desired.policy.on_failure:
            case OnFailure.STOP:
                self.stopping = self.stopping or f"{name} {result.done.value}"
            case OnFailure.FINISH_STARTED:
                started = [a.wave for a in self.planned.plan.changes if a.cell in self.results]
                self._wave = self._wave or max(started, default=1)
            case OnFailure.CONTINUE:
                pass

    def _ended(self, finished: Finished) -> None:
        name = finished.record.cell
        if left_out := left_out_of(finished, self.planned.machines.get(name, {})):
            self.doors.tell(Said(left_out))
        if finished.settled:
            self.results[name] = Result(Done.SUCCEEDED, finished.outcome.value, finished.task_id)
            return
        done = Done.UNKNOWN if finished.outcome is Outcome.UNKNOWN else Done.FAILED
        self._fail(name, Result(done, finished.outcome.value, finished.task_id))

    async def _read_afresh(self) -> Situation | None:
        """Return a reading young enough to act on, or None where nothing may start (rule 15).

        Any difference from what was planned drops the rest of the plan.
        """
        now = self.doors.clock.monotonic()
        # 0.8: a request must leave before the reading is `fresh` seconds old
        if self._fresh is not None and now - self._read_at < 0.8 * self.doors.pace.fresh:
            return self._fresh
        begun = now
        try:
            situation = await self._rereading.read(self._fresh)
            stale = await self._rereading.difference(situation, self._pending)
        except (OctopusTrouble, GitTrouble) as error:
            if self.watch.running:
                if error.message != self._unread:  # once, and again when it is another
                    self.doors.tell(Said(f"nothing new is started for now: {error.message}"))
                self._unread = error.message
            else:
                self.stopping = error.message
            return None
        except ReconcilerError as error:
            self.stale = error.message
            return None
        self._unread = ""
        self.stale = stale
        if self.stale:
            return None
        took = self.doors.clock.monotonic() - begun
        if took >= self.doors.pace.fresh:
            self._too_old(f"reading git and Octopus took {took:.0f} s")
            return None
        self._fresh, self._read_at = situation, begun
        return situation

    def _too_old(self, why: str) -> None:
        """Read again, a few times: a request rests on a young reading or is not sent (rule 15)."""
        self._read_at = float("-inf")
        self._aged += 1
        if self._aged >= TRIES:
            limit = self.doors.pace.fresh
            self.stopping = f"no request rests on a reading older than {limit:.0f} s: {why}"

    def _give_up(self) -> None:
        """Nothing runs and nothing may start: say so for every change that is left."""
        for name in sorted(self._pending):
            action = self._pending[name]
            behind = [w for w in action.waits_for if not self._succeeded(w)]
            why = self.stale or self.stopping
            shut = self._shut(name)
            done = Done.NOT_STARTED
            if shut is not None and not why:
                self.halted.append(shut)
                done, why = Done.HELD, shut.message
            elif behind and not self.stale:
                why = f"{behind[0]} was not deployed"
            self.results[name] = Result(done, why or "an earlier wave failed")
            self.doors.tell(NotStarted(name, self.results[name].why))
        self._pending.clear()

    async def _publish_now_and_then(self) -> None:
        now = self.doors.clock.monotonic()
        if now - self._published >= self.doors.pace.renew:
            self._published = now
            await self.recorder.publish_receipts()


def _told(history: History) -> frozenset[str]:
    """Return the intents of which a receipt or the journal knows a deployment."""
    promised = {i for i, r in history.intents.items() if r.progress is not Progress.VOID}
    return frozenset(promised | {link.intent for link in history.links})
