"""The end of a pass: what is recorded of it, and whether its commit is accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.plan import Reason
from reconciler.core.sighting import Settled
from reconciler.engine.events import Said
from reconciler.engine.record import PassRecord, Recorder
from reconciler.engine.survey import survey
from reconciler.errors import ReconcilerError

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.engine.apply import Result
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned


@dataclass(frozen=True, slots=True)
class Closing:
    """A pass that has done what it could. `resumed`: it ended deployments of an earlier one."""

    doors: Doors
    keeper: LeaseKeeper
    planned: Planned
    results: dict[str, Result]
    started: datetime
    resumed: bool

    async def record(self) -> bool:
        """Record the pass; return False where records stay pending on this machine."""
        plan = self.planned.plan
        situation = self.planned.situation
        tasks = {n: r.task_id for n, r in self.results.items() if r.task_id is not None}
        if tasks or self.resumed:
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
        )
        refused_before = situation.audit.state.gates.get(plan.environment)
        worth_keeping = bool(tasks) or (plan.has_work and passed.refusal != refused_before)
        recorder = Recorder(self.doors, situation, self.keeper)
        return await recorder.publish(
            situation,
            passed if worth_keeping else None,
            accepted=self._acceptance(),
            subject=self._subject(len(tasks)),
        )

    def _acceptance(self) -> AcceptedEnvironment | None:
        """Accept the commit if its plan passed every gate on the whole plan, or had no work.

        A rewritten branch never accepts itself (rule 27), and what is held or could not be read
        is not "no work".
        """
        planned, situation = self.planned, self.planned.situation
        if planned.stopped or situation.is_rewritten:
            return None
        changes_rules = situation.tip_state.policy != situation.desired.policy
        if (situation.held is not None or changes_rules) and self._is_open():
            if changes_rules:
                why = "some of its pins are on hold or could not be read"
                self.doors.tell(Said(f"the commit's new policy is not in force yet: {why}"))
            return None
        return situation.acceptance()

    def _is_open(self) -> bool:
        """Tell whether a pin may become work later that the gates have not judged now.

        It must not meet then, as accepted, the policy that came with it.
        """
        cells = self.planned.situation.observed.cells
        return any(
            action.reason is Reason.UNOBSERVED
            or (
                action.reason in {Reason.HELD, Reason.SUSPENDED}
                and not (
                    isinstance(cells[action.component].sighting, Settled)
                    and action.from_version == action.to_version
                )
            )
            for action in self.planned.plan.actions
        )

    def _subject(self, deployed: int) -> str:
        name = self.planned.plan.environment
        if deployed:
            return f"{name}: {deployed} deployment{'' if deployed == 1 else 's'}"
        if self.planned.plan.has_work and self.planned.stopped:
            return f"{name}: held by {self.planned.stopped[0].name.value}"
        return f"{name}: recorded"
