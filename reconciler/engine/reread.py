"""Reading again: the world as it is now, beside the one that a plan was made for (rule 15)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.cellgate import under_way
from reconciler.core.halt import halt_gates
from reconciler.core.plan import make_plan
from reconciler.core.precondition import precondition_gates
from reconciler.engine.approving import judge_approvals
from reconciler.engine.arrivals import with_arrivals
from reconciler.engine.doors import blocking
from reconciler.engine.events import Said
from reconciler.engine.survey import judge, look, survey, with_config_of, with_reached
from reconciler.errors import GitTrouble, OctopusTrouble, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.action import Kind
    from reconciler.core.cell import ObservedCell
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.plan import Action
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Watch
    from reconciler.ports import Octopus

TRIES = 3
"""Readings in a row that were too old to act on, before nothing more is started."""


class Rereading:
    """What a plan rests on, read again while it is carried out.

    `last` is the last reading, and `begun` when it was begun, by the monotonic clock. `stale` says
    why the rest of the plan is out of date, `stopping` why nothing may rest on readings any more.
    """

    def __init__(self, doors: Doors, octopus: Octopus, planned: Planned, watch: Watch) -> None:
        self._watch = watch
        self._own = watch.tasks  # that were ours at any time
        self._doors = doors
        self._octopus = octopus
        self._planned = planned
        self._tip = planned.plan.commit
        self._times_too_old = 0
        self._unread = ""  # why git or Octopus could not be read last
        self.last: Situation | None = None
        self.begun = float("-inf")
        self.stale = ""
        self.stopping = ""

    @property
    def is_young(self) -> bool:
        """True while a request may rest on the last reading."""
        age = self._doors.clock.monotonic() - self.begun
        # 0.8: a request must leave before the reading is `fresh` seconds old
        return self.last is not None and age < 0.8 * self._doors.pace.fresh

    async def fresh(self, pending: Mapping[CellKey, Action], *, watching: bool) -> Situation | None:
        """Return a reading young enough to act on, or None where nothing may start (rule 15).

        Any difference from what was planned drops the rest of the plan. Trouble is outlasted while
        `watching` what runs.
        """
        if self.is_young:
            return self.last
        begun, limit = self._doors.clock.monotonic(), self._doors.pace.fresh
        try:
            situation = await self._read()
            self.stale = await self._difference(situation, pending)
        except (OctopusTrouble, GitTrouble) as error:
            if not watching:
                self.stopping = error.message
            elif error.message != self._unread:  # once, and again when it is another
                self._doors.tell(Said(f"nothing new is started for now: {error.message}"))
            self._unread = error.message
            return None
        except ReconcilerError as error:
            self.stale = error.message
            return None
        self._unread = ""
        if self.stale:
            return None
        took = self._doors.clock.monotonic() - begun
        if took >= limit:
            self.note_too_old(f"reading git and Octopus took {took:.0f} s")
            return None
        self.last, self.begun = situation, begun
        return situation

    def forget(self) -> None:
        """Read again before anything else is started."""
        self.begun = float("-inf")

    def note_too_old(self, why: str) -> None:
        """Read again, a few times: a request rests on a young reading or is not sent (rule 15)."""
        self.forget()
        self._times_too_old += 1
        if self._times_too_old >= TRIES:
            limit = self._doors.pace.fresh
            self.stopping = f"no request rests on a reading older than {limit:.0f} s: {why}"

    def note_young(self) -> None:
        """Note that a request left in time."""
        self._times_too_old = 0

    async def _read(self) -> Situation:
        """Read the space again, and git where the watched branch moved."""
        before = self._planned.situation
        self._own |= self._watch.tasks
        if await blocking(self._doors.repository.tip) != self._tip:
            name = self._planned.plan.environment
            situation = await survey(self._doors, name, late=before.late)
            self._tip = situation.commit
            return situation
        desired = before.desired
        state = await look(
            self._doors,
            self._octopus,
            tenants=bool(desired.environment.tenants),
            machines=desired.policy.machines.serves,
        )
        observed = judge(
            desired,
            state,
            before.audit.snapshot,
            before.history,
            joinable=not before.unchanged_since_accepted,
        )
        observed = with_reached(replace(observed, me=before.observed.me), before.reached)
        observed = with_config_of(observed, before.observed)
        observed = await with_arrivals(
            self._octopus, desired, observed, state, before.audit.snapshot, before.late
        )
        return replace(self.last or before, observed=observed, space_state=state)

    def busy(
        self, now: Situation, pending: Mapping[CellKey, Action]
    ) -> dict[CellKey, frozenset[str]]:
        """Return the pending cells in which others' tasks are under way, with those (rule 16)."""
        seen = {name: now.observed.cells.get(name) for name in pending}
        found = {name: under_way(cell) - self._own for name, cell in seen.items() if cell}
        return {name: tasks for name, tasks in found.items() if tasks}

    async def _difference(self, now: Situation, pending: Mapping[CellKey, Action]) -> str:
        """Say why the rest of the plan is out of date; empty: it is not.

        `pending` are the changes not asked for yet.
        """
        return self._moved(now, pending) or await self._closed(now, pending)

    def _shown(self, cell: ObservedCell) -> tuple[object, ...]:
        """Return what must stay as it is in a cell; runs of ours around it may come and go."""
        tasks = tuple(task for task in cell.running if task.id not in self._own)
        return cell.sighting, cell.newest, tasks

    def _moved(self, now: Situation, pending: Mapping[CellKey, Action]) -> str:
        """Say in which way the world is not the one the plan was made for, or nothing."""
        before = self._planned.situation
        if now.tip_state != before.tip_state:
            return f"commit {now.commit[:12]} changes this environment"
        if now.held is not None and now.held != before.held:
            return now.held
        if now.distrust is not None and now.distrust != before.distrust:
            return now.distrust.message
        cells = now.observed.cells
        for action in self._planned.plan.changes:  # those that are done are judged by gates too
            there = cells.get(action.cell)
            if there is None or there.tenant_id != before.observed.cells[action.cell].tenant_id:
                return f"{action.cell} is not for the same tenant any more"
        busy = self.busy(now, pending)
        for name in pending:
            seen, then = cells[name], before.observed.cells[name]
            if name not in busy and self._shown(seen) != self._shown(then):
                return f"{name} changed in Octopus since the plan was made"
        changes = {a.cell: a for a in make_plan(now.desired, now.observed, now.commit).changes}
        for name, action in pending.items():
            new = changes.get(name)
            if name in busy:
                continue  # judged when what runs there has ended
            if new is None or _asked(new) != _asked(action):
                return f"{name} is planned otherwise now"  # a hold ended, a neighbour went blind
        unmet = precondition_gates(
            pending,
            now.desired.preconditions,
            now.space_state,
            now.observed.environment_id,
        )
        return f"{unmet[0].cell} {unmet[0].message}" if unmet else ""

    async def _closed(self, now: Situation, pending: Mapping[CellKey, Action]) -> str:
        """Say which gate on the plan, or on a change that is left, closed meanwhile.

        An approval that the plan rests on may be void; Octopus may be frozen or in maintenance.
        """
        gates: tuple[Gate, ...] = ()
        if self._planned.approvers:
            plan = self._planned.plan
            gates, _ = await judge_approvals(self._doors, self._octopus, now, plan)
        if now.observed.environment_id is not None:
            halts = await self._octopus.halts(now.observed.environment_id)
            halted = halt_gates(self._planned.plan, now.observed, halts)
            gates += tuple(gate for gate in halted if not gate.cell or gate.cell in pending)
        return f"{gates[0].name.value}: {gates[0].message}" if gates else ""


def _asked(action: Action) -> tuple[Kind, str | None, tuple[str, ...]]:
    return action.kind, action.to_version, action.machines
