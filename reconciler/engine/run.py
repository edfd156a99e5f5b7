"""One whole pass by command: survey, recover, plan, gate, apply, record."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.capture import capture
from reconciler.core.sighting import Unobserved
from reconciler.engine.apply import Done, Execution, Result
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.events import PlanMade, Said
from reconciler.engine.keeper import LeaseKeeper
from reconciler.engine.planning import Planned, judge_situation
from reconciler.engine.record import PassRecord, Recorder
from reconciler.engine.recover import recover, unfinished, untold
from reconciler.engine.survey import survey
from reconciler.engine.watch import Watch, drain
from reconciler.errors import ReconcilerError, StalePlan

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.core.gate import Gate
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished
    from reconciler.ports import AuditBranch

REPLANS = 5
"""Plans made anew in one pass because the world changed under it, before it ends."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass came to. `recorded` False: records are pending in the store.

    `resumed` are the ends of deployments that an interrupted pass had left running. `halted` are
    gates that closed in the middle of the pass (pauses); they are among the plan's gates too.
    """

    planned: Planned
    results: dict[str, Result] = field(default_factory=dict)
    resumed: tuple[Finished, ...] = ()
    recorded: bool = True
    stale: str = ""
    halted: tuple[Gate, ...] = ()

    @property
    def failed(self) -> bool:
        """True if anything that was started, or asked for, did not succeed."""
        bad = {Done.FAILED, Done.REFUSED, Done.UNKNOWN}
        ended_badly = any(not finished.settled for finished in self.resumed)
        return ended_badly or any(result.done in bad for result in self.results.values())

    @property
    def started(self) -> bool:
        """True if Octopus has at least one deployment of this pass."""
        return any(result.task_id for result in self.results.values())


async def apply_environment(
    doors: Doors, name: str, *, expect: str | None = None, retry: bool = False
) -> PassReport:
    """Bring one environment to what the tip of the watched branch pins.

    `expect` is the digest of the plan that was reviewed: that plan is carried out, or nothing.

    Raises: everything `survey` raises; LeaseHeld; StalePlan; LeaseLost; OutcomeUnknown.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name)
        planned = await judge_situation(doors, situation, retry=retry)
        idle = not planned.plan.has_work and not unfinished(situation) and not untold(situation)
        if idle and not await _owes(doors, situation):
            doors.tell(PlanMade(planned.plan, planned.gates))
            _check_digest(planned, expect)
            return PassReport(planned)
        keeper = await take_lease(doors, audit, name)
        try:
            return await _pass(doors, keeper, situation, expect=expect, retry=retry)
        finally:
            await keeper.release()


async def _owes(doors: Doors, situation: Situation) -> bool:
    """Tell whether there is something to record although there is nothing to do."""
    if await blocking(doors.journal.queued, situation.desired.environment.name):
        return True
    return not situation.unchanged_since_accepted or snapshot_differs(doors, situation)


def snapshot_differs(doors: Doors, situation: Situation) -> bool:
    """Tell whether what runs now is other than the last snapshot says."""
    snapshot = capture(
        situation.desired,
        situation.observed,
        situation.space_state,
        situation.audit.snapshot,
        situation.commit,
    )
    return doors.write_snapshot(snapshot) != situation.audit.snapshot_bytes


async def take_lease(doors: Doors, audit: AuditBranch, name: str) -> LeaseKeeper:
    """Take the lease; an earlier process of this store is proved dead by the lock in our hand."""
    store = doors.journal.store_id
    lease = await blocking(audit.take_lease, name, may_take_over=store)
    await blocking(doors.journal.raise_fence, name, lease.fence)
    return LeaseKeeper(doors, audit, lease)


def _check_digest(planned: Planned, expect: str | None) -> None:
    digest = planned.plan.digest
    if expect is None or (len(expect) >= 12 and digest.startswith(expect)):
        return
    raise StalePlan(
        f"the plan is now {digest[:12]}, not {expect[:12]}; nothing was applied",
        hint=f"look again: `reconciler plan {planned.plan.environment}`",
    )


async def _pass(
    doors: Doors, keeper: LeaseKeeper, situation: Situation, *, expect: str | None, retry: bool
) -> PassReport:
    """Do the pass with the lease in hand."""
    name = situation.desired.environment.name
    octopus = doors.octopus(situation.desired.space)
    resumed: tuple[Finished, ...] = ()
    if unfinished(situation) or untold(situation):
        recorder = Recorder(doors, situation, keeper)
        watch = Watch(doors, octopus, keeper, recorder, situation.desired.policy.on_warning)
        await recover(doors, octopus, keeper, situation, watch)
        resumed = tuple(await drain(doors, watch, keeper))
        await recorder.publish_receipts()
    situation = await survey(doors, name)  # read again now that nobody else may act
    results: dict[str, Result] = {}
    started = doors.clock.now()
    for turn in range(REPLANS):
        planned = await judge_situation(doors, situation, retry=retry)
        doors.tell(PlanMade(planned.plan, planned.gates))
        _check_digest(planned, expect)
        recorder = Recorder(doors, situation, keeper)
        watch = Watch(doors, octopus, keeper, recorder, situation.desired.policy.on_warning)
        execution = Execution(doors, octopus, keeper, recorder, watch, planned)
        if not planned.stopped:
            await execution.run()
        results |= execution.results
        if not execution.stale or expect is not None or turn == REPLANS - 1:
            break
        doors.tell(Said(f"{execution.stale}; planning anew"))
        situation = await survey(doors, name)
    halted = tuple(sorted(execution.halted))
    planned = replace(planned, gates=tuple(sorted((*planned.gates, *halted))))
    closing = Closing(doors, keeper, planned, results, started, bool(resumed))
    recorded = await closing.record()
    return PassReport(planned, results, resumed, recorded, execution.stale, halted)


@dataclass(frozen=True, slots=True)
class Closing:
    """The end of a pass: what is recorded of it, and whether its commit is accepted."""

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

        A rewritten branch never accepts itself (rule 27), and what could not be read is not
        "no work".
        """
        planned, situation = self.planned, self.planned.situation
        if planned.stopped or situation.is_rewritten:
            return None
        blind = any(isinstance(c.sighting, Unobserved) for c in situation.observed.cells.values())
        if situation.held is not None and blind:
            return None
        return situation.acceptance()

    def _subject(self, deployed: int) -> str:
        name = self.planned.plan.environment
        if deployed:
            return f"{name}: {deployed} deployment{'' if deployed == 1 else 's'}"
        if self.planned.plan.has_work and self.planned.stopped:
            return f"{name}: held by {self.planned.stopped[0].name.value}"
        return f"{name}: recorded"
