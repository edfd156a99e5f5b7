"""One whole pass by command: survey, recover, plan, gate, apply, record."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.policy import OnFailure
from reconciler.core.text import clean
from reconciler.engine.apply import Done, Execution, Result
from reconciler.engine.closing import Closing, acceptance_of
from reconciler.engine.deeds import plan_made
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.events import Said
from reconciler.engine.forgetting import forget_machines
from reconciler.engine.keeper import LeaseKeeper
from reconciler.engine.outcome import held_results
from reconciler.engine.planning import Planned, judge_situation
from reconciler.engine.record import Recorder, refusal_of
from reconciler.engine.recover import left_elsewhere, recover, unfinished, untold
from reconciler.engine.reevaluate import reevaluated
from reconciler.engine.refresh import recover_refreshes
from reconciler.engine.survey import survey
from reconciler.engine.watch import Watch, drain
from reconciler.errors import ReconcilerError, StalePlan

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished
    from reconciler.ports import AuditBranch

REPLANS = 5
"""Plans made anew in one pass because the world changed under it, before it ends."""
_WAITING = frozenset({Done.HELD, Done.NOT_STARTED})
SHOWN = 5
"""Of things that look wrong, each told in a line."""


@dataclass(frozen=True, slots=True)
class PassReport:
    """What one pass came to. `recorded` False: records are pending in the store.

    `resumed` are the ends of deployments that an interrupted pass had left running. `halted` are
    gates that closed in the middle of the pass (pauses); they are among the plan's gates too.
    `forgotten` counts the machines that were deleted.
    """

    planned: Planned
    results: dict[CellKey, Result] = field(default_factory=dict)
    resumed: tuple[Finished, ...] = ()
    recorded: bool = True
    stale: str = ""
    halted: tuple[Gate, ...] = ()
    forgotten: int = 0

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


async def apply_environment(doors: Doors, name: str, *, expect: str | None = None) -> PassReport:
    """Bring one environment to what the tip of the watched branch pins.

    `expect` is the digest of the plan that was reviewed: that plan is carried out, or nothing.

    Raises: everything `survey` raises; LeaseHeld; StalePlan; LeaseLost; OutcomeUnknown.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name)
        planned = await judge_situation(doors, situation)
        _tell_oddities(doors, situation)
        for said in planned.unasked[:SHOWN]:
            doors.tell(Said(said))
        if not await needs_pass(doors, planned):
            doors.tell(plan_made(doors, planned))
            check_digest(planned, expect)
            return PassReport(planned, held_results(planned))
        keeper = await take_lease(doors, audit, name)
        try:
            await _rename(doors, audit, keeper, situation)
            return await _pass(doors, keeper, situation, expect=expect)
        finally:
            await keeper.release()


async def _rename(
    doors: Doors, audit: AuditBranch, keeper: LeaseKeeper, situation: Situation
) -> None:
    """Let this store's records of a renamed environment go on under the new name.

    Until its acceptance is recorded under that, nobody may be at work under the old one.
    """
    formers = situation.formers
    if not formers:
        return
    name = situation.desired.environment.name
    others = []
    try:
        if name not in situation.audit.state.environments:
            others = [await take_lease(doors, audit, former) for former in formers[:1]]
        for former in formers:
            await blocking(doors.journal.rename, former, name, keeper.fence)
    finally:
        for other in others:
            await other.release()


def _tell_oddities(doors: Doors, situation: Situation) -> None:
    """Say what looks wrong in the history, and what cannot be finished from here."""
    alarms = situation.history.alarms
    for alarm in alarms[:SHOWN]:
        doors.tell(Said(alarm))
    if len(alarms) > SHOWN:
        doors.tell(Said(f"{len(alarms) - SHOWN} more files are no receipts of this space"))
    for record in left_elsewhere(situation)[:SHOWN]:
        what = f"{record.cell} {clean(record.intent.version, 60)}"
        doors.tell(Said(f"{what} was begun on another server or space: its end is not known here"))


async def needs_pass(doors: Doors, planned: Planned) -> bool:
    """Tell whether a pass would do or record anything that was not done or recorded before.

    A plan that is refused as it was refused before needs none: who waits takes no lease.
    """
    situation, plan = planned.situation, planned.plan
    if planned.runnable or planned.due or unfinished(situation) or untold(situation):
        return True
    if planned.tending is not None and planned.tending.has_work:
        return True
    if await blocking(doors.journal.pending, plan.environment):
        return True
    refused = situation.audit.state.gates.get(plan.environment)
    tells = plan.has_work and not planned.tries_again  # the pass that was refused is recorded
    if tells and refusal_of(plan, planned.gates) != refused:
        return True
    news = situation.held is not None or not situation.unchanged_since_accepted
    accepts = news and acceptance_of(planned) is not None
    return accepts or snapshot_differs(doors, situation)


def snapshot_differs(doors: Doors, situation: Situation) -> bool:
    """Tell whether what runs now is other than the last snapshot says."""
    snapshot = situation.captured()
    return doors.write_snapshot(snapshot) != situation.audit.snapshot_bytes


async def take_lease(doors: Doors, audit: AuditBranch, name: str) -> LeaseKeeper:
    """Take the lease; an earlier process of this store is proved dead by the lock in our hand."""
    store = doors.journal.store_id
    seen = await blocking(doors.journal.fence, name)
    lease = await blocking(audit.take_lease, name, may_take_over=store, above=seen)
    await blocking(doors.journal.raise_fence, name, lease.fence)
    return LeaseKeeper(doors, audit, lease)


def check_digest(planned: Planned, expect: str | None, done: str = "applied") -> None:
    """Return if the plan is the one that was looked at, or none was named. Raises: StalePlan."""
    digest = planned.plan.digest
    if expect is None or (len(expect) >= 12 and digest.startswith(expect)):
        return
    raise StalePlan(
        f"the plan is now {digest[:12]}, not {expect[:12]}; nothing was {done}",
        hint=f"look again: `reconciler plan {planned.plan.environment}`",
    )


async def _pass(
    doors: Doors, keeper: LeaseKeeper, situation: Situation, *, expect: str | None
) -> PassReport:
    """Do the pass with the lease in hand."""
    name = situation.desired.environment.name
    if situation.formers:
        situation = await survey(doors, name)  # what was begun under another name is this one's
    resumed = await _resume(doors, keeper, situation)
    situation = await survey(doors, name)  # read again now that nobody else may act
    results: dict[CellKey, Result] = {}
    started = doors.clock.now()
    first = situation.observed
    broken = [finished.record.cell for finished in resumed if not finished.settled]
    runs = [finished for finished in resumed if finished.is_run]
    watch = _watch(doors, keeper, situation)
    with doors.slots.of(situation.observed.server.installation_id).join() as share:
        for turn in range(REPLANS):
            async with _watching(doors, watch, keeper):
                planned = await judge_situation(doors, situation, ours=watch.tasks)
            octopus = doors.octopus(situation.desired.space)
            if planned.runnable:  # how wide it goes belongs to what is told of the plan
                await share.refresh(octopus)
            doors.tell(plan_made(doors, planned))
            check_digest(planned, expect)
            policy = situation.desired.policy
            recorder = Recorder(doors, situation, keeper)
            watch.go_on(recorder, policy.on_warning, planned.takes)
            replans = expect is None and turn < REPLANS - 1
            execution = Execution(
                doors, octopus, keeper, recorder, watch, share, planned, replans=replans
            )
            may_go_on = policy.on_failure is OnFailure.CONTINUE
            if broken and not may_go_on:  # rule 18, for what an interrupted pass began too
                execution.ledger.stopping = f"{broken[0]} did not succeed"
            if watch.running or not planned.stopped:
                await execution.run()
                runs += execution.runs
            ledger = execution.ledger
            results |= {n: r for n, r in ledger.results.items() if not _is_less(r, results.get(n))}
            bad = {Done.FAILED, Done.REFUSED}
            broken += [name for name, r in ledger.results.items() if r.done in bad]
            over = ledger.stopping or (broken and not may_go_on)
            if over or not replans:
                break
            if not ledger.stale:
                served = [name for name, r in results.items() if r.done is Done.SUCCEEDED]
                later = await reevaluated(doors, first, situation, served)
                if later is None:
                    break
                situation = later
                continue
            doors.tell(Said(f"{ledger.stale}; planning anew"))
            async with _watching(doors, watch, keeper):
                before, situation = situation, await survey(doors, name, late=situation.late)
            if situation.desired.space != before.desired.space:  # what runs is of the other one
                resumed += tuple(await drain(doors, watch, keeper))
                watch = _watch(doors, keeper, situation)
    halted = tuple(sorted(ledger.halted))
    planned = replace(planned, gates=tuple(sorted((*planned.gates, *halted))))
    closing = Closing(doors, keeper, planned, results, started, bool(resumed), tuple(runs))
    recorded = await closing.record()
    forgotten = 0
    asked_for = expect is None and not broken and not ledger.stale  # nobody reviewed removals
    if asked_for and planned.tending is not None and planned.tending.has_work:
        forgotten = await forget_machines(doors, keeper, name, planned.plan.commit)
    return PassReport(planned, results, resumed, recorded, ledger.stale, halted, forgotten)


def _is_less(result: Result, known: Result | None) -> bool:
    """Tell whether a result says less than what is known: a latecomer waits, all others have it."""
    return known is not None and known.done is Done.SUCCEEDED and result.done in _WAITING


def _watch(doors: Doors, keeper: LeaseKeeper, situation: Situation) -> Watch:
    """Return what watches deployments to the space an environment was surveyed in."""
    octopus = doors.octopus(situation.desired.space)
    recorder = Recorder(doors, situation, keeper)
    return Watch(doors, octopus, keeper, recorder, situation.desired.policy.on_warning)


@asynccontextmanager
async def _watching(doors: Doors, watch: Watch, keeper: LeaseKeeper) -> AsyncIterator[None]:
    """Watch what runs to its end, and write its receipts, before a failure of the block leaves."""
    try:
        yield
    except ReconcilerError:
        await drain(doors, watch, keeper)
        raise


async def _resume(doors: Doors, keeper: LeaseKeeper, situation: Situation) -> tuple[Finished, ...]:
    """Finish what an interrupted pass began, and publish what is not on the remote yet.

    The receipts of this pass follow those that then stand, another writer's included.
    """
    recorder = Recorder(doors, situation, keeper)
    ended: list[Finished] = []
    await recover_refreshes(doors, keeper, situation)
    if unfinished(situation) or untold(situation):
        watch = _watch(doors, keeper, situation)
        await recover(doors, doors.octopus(situation.desired.space), keeper, situation, watch)
        ended = await drain(doors, watch, keeper)
    await recorder.publish_receipts()
    return tuple(ended)
