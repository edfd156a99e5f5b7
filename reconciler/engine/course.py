"""Course: what is asked for around the deployments of a plan, and in which order.

Before a change its runbooks, one after the other; after it those it promised, then a wait until
what depends on it may begin. Around all changes, those of the stack. A run serves deployments by
the ids of their intents, which no later deployment has again: what succeeded for one is not run for
it again, whatever was interrupted, and what was promised is not skipped.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE, component_of
from reconciler.core.chosen import chosen, named_in
from reconciler.core.debt import Debt, debt_after, is_done, run_of, stack_debt
from reconciler.core.intent import IntentRecord, Outcome, Progress, intent_of
from reconciler.core.logtree import MOST_LINES
from reconciler.core.runbook import Moment, Runbook
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.launch import SEARCHED
from reconciler.engine.runstep import Errand, RunSteps, Step, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished, Watch
    from reconciler.ports import Octopus


@dataclass(frozen=True, slots=True)
class Chosen:
    """The machines a deployment goes to (sorted ids), and the runbook that named them."""

    machines: tuple[str, ...]
    runbook: str


@dataclass(frozen=True, slots=True)
class NotChosen:
    """Why a runbook named no machines that can be deployed to."""

    why: str


@dataclass(slots=True)
class Owed:
    """A debt that is being paid; `until`: when dependants may begin, by the monotonic clock."""

    debt: Debt
    task_id: str | None
    until: float | None = None


class Course:
    """The runs around the changes of one plan."""

    def __init__(
        self,
        doors: Doors,
        octopus: Octopus,
        keeper: LeaseKeeper,
        watch: Watch,
        planned: Planned,
    ) -> None:
        self._doors = doors
        self._octopus = octopus
        self._keeper = keeper
        self._watch = watch
        self._planned = planned
        situation = planned.situation
        self._stack = situation.desired.stack
        intents = situation.history.intents
        self._runs = {i: r for i, r in intents.items() if r.is_run}
        self.owed: dict[CellKey, Owed] = {}
        self._deployed: dict[CellKey, IntentRecord] = {}
        self._steps = RunSteps(doors, octopus, keeper, watch, planned, self._runs)
        closed = {gate.cell for gate in planned.gates if gate.cell}
        left = [debt.cell for debt in planned.around.debts if debt.runbooks]
        self._is_held = not closed.isdisjoint(left)  # something owed cannot be run in this pass
        for debt in planned.around.debts:
            if debt.cell == WHOLE:
                self._deployed |= {record.cell: record for record in debt.deployments}
            elif debt.cell not in closed and (debt.runbooks or self._is_waited_for(debt)):
                self.owed[debt.cell] = Owed(debt, None)

    @property
    def busy(self) -> frozenset[CellKey]:
        """The cells with a run of ours that is not over; WHOLE: one around all changes."""
        running = self._watch.running.values()
        return frozenset(r.record.cell for r in running if r.record.is_run)

    def waits_for(self, action: Action) -> Action:
        """Return a change with the debts it rests on among what it waits for."""
        behind = self._planned.around.behind
        debtors = {cell for cell in self.owed if action.cell in behind.get(cell, ())}
        return action._replace(waits_for=tuple(sorted({*action.waits_for, *debtors})))

    async def opening(self, situation: Situation, actions: Iterable[Action]) -> Step | Turn:
        """Return what is run before the first change of all."""
        if not self._stack.runbooks.before:
            return Turn.GO
        meant = (intent_of(situation.observed, action) for action in actions)
        serves = tuple(sorted(intent.id for intent in meant if intent is not None))
        before = self._stack.runbooks.before
        return await self._next(situation, WHOLE, Moment.BEFORE, before, serves, 0)

    async def before(self, situation: Situation, action: Action) -> Step | Turn:
        """Return what is run before a change."""
        before = self._stack.components[action.component].runbooks.before
        intent = intent_of(situation.observed, action) if before else None
        if intent is None:
            return Turn.GO
        return await self._next(
            situation, action.cell, Moment.BEFORE, before, (intent.id,), action.redeploy
        )

    async def machines(self, situation: Situation, action: Action) -> Chosen | NotChosen | None:
        """Return the machines that runs before a change name; None: they are to name none.

        A run that names none, or one that is not there, is taken for failed.
        """
        before = self._stack.components[action.component].runbooks.before
        naming = [(each, each.machines) for each in before if each.machines]
        intent = intent_of(situation.observed, action) if naming else None
        if intent is None:
            return None
        fleet = await self._octopus.registry().fleet([intent.environment])
        names = {one.id: one.name for one in fleet.of(intent.environment)}
        machines = set[str]()
        for runbook, variable in naming:
            runs = tuple(self._runs.values())
            run = run_of(runs, action.cell, Moment.BEFORE, runbook, [intent.id])
            if run is None or run.task_id is None:
                raise AssertionError("machines are asked for once every run before it is done")
            log = await self._octopus.task_log(run.task_id, MOST_LINES)
            named = named_in(log, variable or "")
            if not named:
                why = f"its log names no machines: no line begins with `{clean(variable or '')} =`"
                return await self._not_chosen(run, why)
            found = chosen(named, names)
            if isinstance(found, str):
                return await self._not_chosen(run, found)
            machines |= set(found)
        return Chosen(tuple(sorted(machines)), naming[-1][0].key)

    async def _not_chosen(self, run: IntentRecord, why: str) -> NotChosen:
        """Take a run for failed, durably: a person looks, and it is run again on their word."""
        outcome = run.outcome or Outcome.UNKNOWN
        await blocking(
            self._doors.journal.finished,
            run.intent.id,
            outcome,
            settled=False,
            fence=self._keeper.fence,
        )
        self._runs[run.intent.id] = replace(run, settled=False)
        return NotChosen(f"runbook {clean(run.runbook)}: {why}")

    async def after(self, cell: CellKey) -> Step | Turn:
        """Return what is run next for a debt; GO: nothing any more, OVER: nobody owes it now."""
        owed = self.owed[cell]
        if not owed.debt.runbooks:
            return self._soak(owed)
        if cell != WHOLE and not await self._is_newest(owed.debt.deployments[-1]):
            return Turn.OVER
        redeploy = max(record.redeploy for record in owed.debt.deployments)
        step = await self._next(
            self._planned.situation,
            cell,
            Moment.AFTER,
            owed.debt.runbooks[:1],
            owed.debt.serves,
            redeploy,
        )
        if step is Turn.GO:
            self._settle(cell, None)
            return Turn.WAIT
        return step

    def deployed(self, finished: Finished) -> bool:
        """Note a deployment that settled its cell; tell whether something comes after it."""
        record, cell = finished.record, finished.record.cell
        self._deployed[cell] = record
        component = self._stack.components[component_of(cell)]
        after = component.runbooks.after
        debt = debt_after(cell, (record,), after, tuple(self._runs.values()), component.soak)
        if not debt.runbooks and not (debt.soak and self._is_waited_for(debt)):
            return False
        self.owed[cell] = Owed(debt, finished.task_id)
        return True

    def began(self, record: IntentRecord) -> None:
        """Note a run that was asked for."""
        self._runs[record.intent.id] = record

    def ended(self, finished: Finished) -> None:
        """Note how a run ended; one that failed after a deployment ends its debt here."""
        record = replace(
            finished.record,
            progress=Progress.FINISHED,
            outcome=finished.outcome,
            settled=finished.settled,
            ended=self._doors.clock.now(),
        )
        self._runs[record.intent.id] = record
        if record.action == Moment.AFTER and record.cell in self.owed:
            if finished.settled:
                self._settle(record.cell, record)
            else:
                del self.owed[record.cell]

    def close(self) -> bool:
        """Begin what is owed once after all changes; tell whether there is anything."""
        if self._is_held:
            return False
        debt = stack_debt(self._stack, tuple(self._deployed.values()), tuple(self._runs.values()))
        self._deployed = {}
        found = self._planned.around.found
        if not debt.runbooks or any((WHOLE, r.key) not in found for r in debt.runbooks):
            return False
        self.owed[WHOLE] = Owed(debt, None)
        return True

    def _settle(self, cell: CellKey, run: IntentRecord | None) -> None:
        """Take the first runbook of a debt for done."""
        owed = self.owed[cell]
        since = owed.debt.since if run is None else run.ended
        left = owed.debt.runbooks[1:]
        debt = replace(owed.debt, runbooks=left, failed=None, since=since)
        self.owed[cell] = replace(owed, debt=debt)

    def _soak(self, owed: Owed) -> Turn:
        clock = self._doors.clock
        if owed.until is None:
            waits = self._is_waited_for(owed.debt)
            left = owed.debt.soak_left(clock.now()).total_seconds() if waits else 0.0
            owed.until = clock.monotonic() + left
        return Turn.GO if clock.monotonic() >= owed.until else Turn.SOAK

    def _is_waited_for(self, debt: Debt) -> bool:
        """Tell whether a change of this plan rests on a cell."""
        return any(debt.cell in action.waits_for for action in self._planned.runnable) or bool(
            self._planned.around.behind.get(debt.cell)
        )

    async def _is_newest(self, record: IntentRecord) -> bool:
        """Tell whether a deployment is still the newest in its cell (rule 15)."""
        intent = record.intent
        take = SEARCHED if intent.tenant is None else 1  # those of tenants come with the others
        newest = await self._octopus.deployments_of(
            intent.project, intent.environment, take, intent.tenant
        )
        mine = [one.id for one in newest if one.tenant_id == intent.tenant]
        return mine[:1] == [record.deployment_id]

    async def _next(
        self,
        situation: Situation,
        cell: CellKey,
        moment: Moment,
        runbooks: tuple[Runbook, ...],
        serves: tuple[str, ...],
        redeploy: int,
    ) -> Step | Turn:
        """Return the first run that did not succeed yet for all that it serves."""
        if cell in self.busy:
            return Turn.WAIT
        for runbook in runbooks:
            runs = tuple(self._runs.values())
            if not is_done(run_of(runs, cell, moment, runbook, serves)):
                errand = Errand(cell, moment, runbook, serves, redeploy)
                return await self._steps.next(situation, errand)
        return Turn.GO

    def asked(self, step: Step) -> None:
        """Note that what came of a step is known: the same runbook may be asked for again."""
        self._steps.asked(step)
