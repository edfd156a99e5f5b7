"""The end of a pass: what is recorded of it, and whether its commit is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.gate import OF_POLICY, GateName
from reconciler.core.plan import Reason
from reconciler.core.sighting import Settled
from reconciler.engine.apply import Done
from reconciler.engine.events import Said
from reconciler.engine.record import PassRecord, Ran, Recorder, refusal_of
from reconciler.engine.survey import survey
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.core.cellkey import CellKey
    from reconciler.engine.apply import Result
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.watch import Finished


@dataclass(frozen=True, slots=True)
class Closing:
    """A pass that has done what it could. `resumed`: it ended deployments of an earlier one."""

    doors: Doors
    keeper: LeaseKeeper
    planned: Planned
    results: dict[CellKey, Result]
    started: datetime
    resumed: bool
    runs: tuple[Finished, ...] = ()

    async def record(self) -> bool:
        """Record the pass; return False where records stay pending on this machine."""
        plan = self.planned.plan
        situation = self.planned.situation
        tasks = {n: r.task_id for n, r in self.results.items() if r.task_id is not None}
        if tasks or self.runs or self.resumed:
            try:  # the snapshot tells what runs now, at the commit that was carried out
                situation = await survey(self.doors, plan.environment, commit=plan.commit)
            except ReconcilerError as error:
                self.doors.tell(Said(f"no fresh snapshot: {error.message}"))
        passed = PassRecord(
            started=self.started,
            ended=self.doors.clock.now(),
            plan=plan,
            gates=self.planned.gates,
            outcomes={n: r.done.value for n, r in self.results.items()},
            tasks=tasks,
            fence=self.keeper.fence,
            runs=tuple(Ran.of(finished) for finished in self.runs),
        )
        refused_before = situation.audit.state.gates.get(plan.environment)
        worth_keeping = bool(tasks or self.runs) or (
            plan.has_work and refusal_of(plan, self.planned.gates) != refused_before
        )
        recorder = Recorder(self.doors, situation, self.keeper)
        return await recorder.publish(
            situation,
            passed if worth_keeping else None,
            accepted=self._accepted(),
            subject=self._subject(len(tasks)),
        )

    def _accepted(self) -> AcceptedEnvironment | None:
        """Accept the commit if it may be, and say so where its new policy has to wait."""
        situation = self.planned.situation
        accepted = acceptance_of(self.planned)
        dropped = any(result.done is Done.NOT_STARTED for result in self.results.values())
        if dropped and situation.tip_state.policy != situation.desired.policy:
            accepted = None  # what was not begun is still to be judged by the policy before
        waits = accepted is None and not self.planned.stopped and not situation.is_rewritten
        if waits and situation.tip_state.policy != situation.desired.policy:
            why = "some of its pins are held, unread, not begun, or wait for the policy before"
            self.doors.tell(Said(f"the commit's new policy is not in force yet: {why}"))
        return accepted

    def _subject(self, deployed: int) -> str:
        name = self.planned.plan.environment
        if deployed:
            return f"{name}: {deployed} deployment{'' if deployed == 1 else 's'}"
        if self.planned.plan.has_work and self.planned.stopped:
            return f"{name}: held by {self.planned.stopped[0].name.value}"
        return f"{name}: recorded"


def acceptance_of(planned: Planned) -> AcceptedEnvironment | None:
    """Return the acceptance of a commit whose plan passed the gates on it all, or had no work.

    A rewritten branch never accepts itself (rule 27), and what is held or could not be read is not
    "no work".
    """
    situation = planned.situation
    if planned.stopped or situation.is_rewritten:
        return None
    closed = {gate.name for gate in planned.gates}
    changes_policy = situation.tip_state.policy != situation.desired.policy
    changes_phases = situation.tip_state.earlier_phases != situation.desired.earlier_phases
    if changes_policy and closed & OF_POLICY:
        return None
    if changes_phases and GateName.LIFECYCLE in closed:
        return None
    if (situation.held is not None or changes_policy or changes_phases) and _is_open(planned):
        return None
    return situation.acceptance()


def _is_open(planned: Planned) -> bool:
    """Tell whether a pin may become work later that the gates have not judged now.

    It must not meet then, as accepted, the policy that came with it.
    """
    cells = planned.situation.observed.cells
    return any(
        action.reason in {Reason.UNOBSERVED, Reason.NEW_TENANT, Reason.RING_CONFLICT}
        or (
            action.reason in {Reason.HELD, Reason.SUSPENDED}
            and not (
                isinstance(cells[action.cell].sighting, Settled)
                and action.from_version == action.to_version
            )
        )
        for action in planned.plan.actions
    )
