"""One whole pass by command: survey, recover, plan, gate, apply, record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.capture import capture
from reconciler.core.manifest import OnFailure
from reconciler.core.plan import Reason
from reconciler.core.sighting import Settled
from reconciler.core.text import clean
from reconciler.engine.apply import Done, Execution, Result
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.events import PlanMade, Said
from reconciler.engine.keeper import LeaseKeeper
from reconciler.engine.planning import Planned, judge_situation
from reconciler.engine.record import PassRecord, Recorder, refusal_of
from reconciler.engine.recover import left_elsewhere, recover, unfinished, untold
from reconciler.engine.survey import survey
from reconciler.engine.watch import Watch, drain
from reconciler.errors import ReconcilerError, StalePlan

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished
    from reconciler.ports import AuditBranch

REPLANS = 5
"""Plans made anew in one pass because the world changed under it, before it ends."""
SHOWN = 5
"""Of things that look wrong, each told in a line."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass came to. `recorded` False: records are pending in the store.

    `resumed` are the ends of deployments that an interrupted pass had left running.
    """

    planned: Planned
    results: dict[str, Result] = field(default_factory=dict)
    resumed: tuple[Finished, ...] = ()
    recorded: bool = True
    stale: str = ""

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
        _tell_oddities(doors, situation)
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


def _tell_oddities(doors: Doors, situation: Situation) -> None:
    """Say what looks wrong in the history, and what cannot be finished from here."""
    alarms = situation.history.alarms
    for alarm in alarms[:SHOWN]:
        doors.tell(Said(alarm))
    if len(alarms) > SHOWN:
        doors.tell(Said(f"{len(alarms) - SHOWN} more files are no receipts of this space"))
    for record in left_elsewhere(situation)[:SHOWN]:
        what = f"{record.component} {clean(record.intent.version, 60)}"
        doors.tell(Said(f"{what} was begun on another server or space: its end is not known here"))


async def needs_pass(doors: Doors, planned: Planned) -> bool:
    """Tell whether a pass would do or record anything that was not done or recorded before.

    A plan that is refused as it was refused before needs none: an idle environment takes no lease.
    """
    situation, plan = planned.situation, planned.plan
    if planned.runnable or unfinished(situation) or untold(situation):
        return True
    if await blocking(doors.journal.queued, plan.environment):
        return True
    refused = situation.audit.state.gates.get(plan.environment)
    if plan.has_work and refusal_of(plan, planned.gates) != refused:
        return True
    accepts = not planned.stopped and not situation.is_rewritten
    moves = accepts and situation.held is None and not situation.unchanged_since_accepted
    first = situation.held is not None and not plan.has_work and accepts
    return moves or first or snapshot_differs(doors, situation)


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
    seen = await blocking(doors.journal.fence, name)
    lease = await blocking(audit.take_lease, name, may_take_over=store, above=seen)
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
    recorder = Recorder(doors, situation, keeper)
    if unfinished(situation) or untold(situation):
        watch = Watch(doors, octopus, keeper, recorder, situation.desired.policy.on_warning)
        await recover(doors, octopus, keeper, situation, watch)
        resumed = tuple(await drain(doors, watch, keeper))
    await recorder.publish_receipts()  # the next receipts follow those that then stand
    situation = await survey(doors, name)  # read again now that nobody else may act
    results: dict[str, Result] = {}
    started = doors.clock.now()
    broken = [finished.record.component for finished in resumed if not finished.settled]
    for turn in range(REPLANS):
        # a person's word for a retry was given before what failed in this pass
        planned = await judge_situation(doors, situation, retry=retry and not broken)
        doors.tell(PlanMade(planned.plan, planned.gates))
        _check_digest(planned, expect)
        recorder = Recorder(doors, situation, keeper)
        watch = Watch(doors, octopus, keeper, recorder, situation.desired.policy.on_warning)
        execution = Execution(doors, octopus, keeper, recorder, watch, planned)
        may_go_on = situation.desired.policy.on_failure is OnFailure.CONTINUE
        if broken and not may_go_on:  # rule 18, for what an interrupted pass began too
            execution.stopping = f"{broken[0]} did not succeed"
        if not planned.stopped:
            await execution.run()
        results |= execution.results
        broken += [name for name, r in execution.results.items() if r.done is Done.FAILED]
        over = execution.stopping or (broken and not may_go_on)
        if not execution.stale or over or expect is not None or turn == REPLANS - 1:
            break
        doors.tell(Said(f"{execution.stale}; planning anew"))
        situation = await survey(doors, name)
    closing = Closing(doors, keeper, planned, results, started, bool(resumed))
    recorded = await closing.record()
    return PassReport(planned, results, resumed, recorded, execution.stale)


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
        worth_keeping = bool(tasks) or (
            plan.has_work and refusal_of(plan, self.planned.gates) != refused_before
        )
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
