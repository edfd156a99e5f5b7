"""Errands: the runs of runbooks around the changes of a plan, asked for while it is carried out.

What is run, and in which order, is the course's word; here it is asked for, waited for, and told to
whoever carries the plan out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

from reconciler.core.cellkey import WHOLE
from reconciler.core.intent import Outcome
from reconciler.core.runbook import Moment
from reconciler.core.text import clean
from reconciler.engine.course import Course, NotChosen
from reconciler.engine.events import RunStarted, Said
from reconciler.engine.launch import Closed, ClosedNow, Lost, Taken, ask, resolve
from reconciler.engine.outcome import Done, Result
from reconciler.engine.runstep import Step, Turn
from reconciler.errors import LeaseLost, OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.intent import IntentRecord
    from reconciler.core.plan import Action
    from reconciler.engine.course import Chosen
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.launch import Result as Asked
    from reconciler.engine.ledger import Ledger
    from reconciler.engine.pausing import Pauses
    from reconciler.engine.planning import Planned
    from reconciler.engine.slots import Share
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished, Watch
    from reconciler.ports import Octopus


class Master(Protocol):
    """Who carries the plan out."""

    async def check(self, name: CellKey) -> None:
        """Return only if a request for a cell may leave now. Raises: ClosedNow."""

    async def not_taken(self, record: IntentRecord, result: Asked) -> None:
        """Hear that something was asked for and Octopus does not have it."""


class Unchosen(Exception):
    """Not a failure but an answer on its way up: which machines are meant is not known."""


class Errands:
    """The runs around the changes of one plan. `ended` are those that did, for the record."""

    def __init__(
        self,
        doors: Doors,
        octopus: Octopus,
        keeper: LeaseKeeper,
        watch: Watch,
        share: Share,
        planned: Planned,
        pauses: Pauses,
        ledger: Ledger,
        master: Master,
    ) -> None:
        self._doors = doors
        self._octopus = octopus
        self._keeper = keeper
        self._watch = watch
        self._share = share
        self._pauses = pauses
        self._ledger = ledger
        self._master = master
        self._waiting: dict[CellKey, float] = {}  # for somebody else, and since when
        self.course = Course(doors, octopus, keeper, watch, planned)
        self.ended: list[Finished] = []

    @property
    def is_owed(self) -> bool:
        """True while something is still to be run after deployments, or waited for."""
        return bool(self.course.owed)

    async def opened(
        self, situation: Situation, actions: Iterable[Action], read_at: float
    ) -> bool | None:
        """Tell whether all that is run before the first change is done; None: it is waited for."""
        return await self._is_next(WHOLE, self.course.opening(situation, actions), read_at)

    async def ready(self, situation: Situation, action: Action, read_at: float) -> bool | None:
        """Tell whether all that is run before a change is done; None: it is waited for."""
        return await self._is_next(action.cell, self.course.before(situation, action), read_at)

    async def machines(self, situation: Situation, action: Action) -> Chosen | None:
        """Return the machines a deployment is to go to, none named: all.

        Raises: Unchosen: it cannot be told now; a change that failed for it is told already.
        """
        try:
            found = await self.course.machines(situation, action)
        except OctopusTrouble as error:
            self._doors.tell(Said(f"{action.cell} is not started for now: {error.message}"))
            raise Unchosen from error
        if isinstance(found, NotChosen):
            self.course.owed.pop(action.cell, None)
            self._ledger.fail(action.cell, Result(Done.FAILED, found.why))
            raise Unchosen
        return found

    async def _is_next(
        self, cell: CellKey, asked: Awaitable[Step | Turn], read_at: float
    ) -> bool | None:
        match await self._turn(cell, asked):
            case Step() as step:
                await self._run(step, read_at)
                return False
            case turn:
                return True if turn is Turn.GO else None

    async def pay(self) -> bool:
        """Ask for what deployments owe, also where nothing new is started; a pause stops it.

        Returns whether anything went on.
        """
        went_on = False
        for cell in sorted(self.course.owed.keys() - self.course.busy):
            paused, halted = self._pauses.before(cell), self._doors.halted()
            if halted or paused is not None:
                self._drop(cell, halted if paused is None else paused.message, paused)
                continue
            begun = self._doors.clock.monotonic()
            match await self._turn(cell, self.course.after(cell)):
                case Step() as step:
                    if not self._share.reserve(1):
                        self.course.asked(step)
                        continue
                    await self._run(step, begun)
                    self._share.hold(self._watch.at_work())
                    went_on = True
                case Turn.GO:
                    self._ledger.verified(cell, self.course.owed.pop(cell).task_id)
                    went_on = True
                case Turn.OVER:
                    self._drop(cell, "another deployment came before its runbooks were run")
                case Turn.WAIT | Turn.SOAK:
                    pass
        return went_on

    def finish(self, finished: Finished) -> None:
        """Take note of a run that ended: one that failed is a failure of what it is run for."""
        self.ended.append(finished)
        self.course.ended(finished)
        if not finished.settled:
            how, task = finished.outcome.value, finished.task_id
            why = f"runbook {clean(finished.record.runbook)} ended {how}, {task}"
            done = Done.UNKNOWN if finished.outcome is Outcome.UNKNOWN else Done.FAILED
            self.course.owed.pop(finished.record.cell, None)
            self._ledger.fail(finished.record.cell, Result(done, why))

    async def _turn(self, cell: CellKey, asked: Awaitable[Step | Turn]) -> Step | Turn:
        """Return what the course says; waiting for others has an end, and so has trouble."""
        why = "another run of its runbook is not over"
        try:
            turn = await asked
        except OctopusTrouble as error:
            turn, why = Turn.WAIT, error.message
        if turn is not Turn.WAIT or cell in self.course.busy:
            self._waiting.pop(cell, None)
            return turn
        now = self._doors.clock.monotonic()
        if now - self._waiting.setdefault(cell, now) > self._doors.pace.patience:
            self._drop(cell, why)
        return turn

    def _drop(self, cell: CellKey, why: str, gate: Gate | None = None) -> None:
        self._waiting.pop(cell, None)
        self.course.owed.pop(cell, None)
        self._ledger.put_off(cell, why, gate)

    async def _run(self, step: Step, read_at: float) -> None:
        """Ask for one run."""
        record, cell = step.record, step.record.cell
        check = self._master.check if record.action == Moment.BEFORE else self._check_pauses

        async def request(within: float) -> tuple[str, str]:
            return await self._octopus.run(step.order, within, partial(check, cell))

        doors, octopus, keeper = self._doors, self._octopus, self._keeper
        try:
            result = await ask(doors, octopus, keeper, record, read_at, request)
        except LeaseLost as error:
            self.course.owed.clear()
            self._ledger.lost(error)
            return
        finally:
            self.course.asked(step)
        if isinstance(result, Lost):
            result = await resolve(doors, octopus, keeper, record, result.why)
        match result:
            case Taken(deployment_id=run_id, task_id=task_id, found=found):
                self._watch.add(record, run_id, task_id)
                self.course.began(record)
                moment = Moment(record.action)
                self._doors.tell(RunStarted(cell, record.runbook, moment, task_id, found))
            case Closed(gate=gate) if record.action == Moment.AFTER:
                self._drop(cell, gate.message, gate)
            case _:
                await self._master.not_taken(record, result)

    async def _check_pauses(self, name: CellKey) -> None:
        """Return only if what is owed may leave now: it belongs to what began in time."""
        await self._pauses.look()
        gate = self._pauses.before(name)
        if gate is not None:
            raise ClosedNow(gate)
