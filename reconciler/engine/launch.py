"""One deployment request: promise, ask, and find out what became of it.

At most one deployment per intent, whatever breaks and whenever (rules 12 to 14, 16).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.debt import owed_by
from reconciler.core.intent import RUNBOOK, CommentTag, IntentRecord, intent_of
from reconciler.core.runbook import comments_of
from reconciler.engine.doors import blocking
from reconciler.engine.prompts import revealed
from reconciler.errors import (
    CredentialRefused,
    LeaseLost,
    NotAllowed,
    OctopusTrouble,
    OutcomeUnknown,
    OverBudget,
    RateLimited,
    RemoteRejected,
    Unreachable,
    UsageError,
)
from reconciler.ports import DeploymentOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from reconciler.core.gate import Gate
    from reconciler.core.intent import Intent
    from reconciler.core.plan import Action
    from reconciler.core.runbook import RunDetail
    from reconciler.core.state import DeploymentDetail, ReleaseDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.planning import Planned
    from reconciler.engine.prompts import Form
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

SEARCHED = 100
"""How many of the newest deployments of a cell a search for an intent looks through."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Octopus has the deployment, or the run; `found` if a search had to tell."""

    deployment_id: str
    task_id: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """Octopus refused, and nothing happened there."""

    why: str


@dataclass(frozen=True, slots=True)
class Absent:
    """The request was lost, and a repeated search proved that it had no effect (rule 14)."""

    why: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The answer was lost, a first search found nothing: one after `until` (monotonic) tells."""

    why: str
    until: float


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody knows yet; the promise stays in the journal and the next pass searches again."""

    why: str


@dataclass(frozen=True, slots=True)
class Aged:
    """When the request could leave, its reading was too old (rule 15); nothing was sent."""

    why: str


@dataclass(frozen=True, slots=True)
class Crowded:
    """The request budget had no room in time (rule 20): nothing was sent, it is tried later."""

    why: str


@dataclass(frozen=True, slots=True)
class Closed:
    """A gate closed first: nothing was sent, and the promise is void (rules 15, 21)."""

    gate: Gate


class ClosedNow(Exception):
    """Not a failure but an answer on its way up: a gate closed before the request left."""

    def __init__(self, gate: Gate) -> None:
        super().__init__(gate.message)
        self.gate = gate


Result = Taken | Refused | Absent | Lost | Unknown | Aged | Crowded | Closed


def promise_of(planned: Planned, situation: Situation, action: Action, at: Doors) -> IntentRecord:
    """Return the promise for one change, as the freshest reading has its cell."""
    project = situation.observed.cells[action.cell].project
    intent = intent_of(situation.observed, action)
    if project is None or intent is None:
        raise AssertionError("a change is planned only for a cell that was read")
    return IntentRecord(
        intent=intent,
        environment=planned.plan.environment,
        cell=action.cell,
        project_slug=project.slug,
        commit=planned.plan.commit,
        plan_digest=planned.plan.digest,
        action=action.kind.value,
        replaces=action.from_version,
        redeploy=action.redeploy,
        promised_at=at.clock.now(),
        approvals=planned.approvers,
        owes=owed_by(planned.situation.desired.stack, action.component),
    )


async def launch(
    doors: Doors,
    octopus: Octopus,
    keeper: LeaseKeeper,
    before: Callable[[], Awaitable[None]],
    record: IntentRecord,
    release: ReleaseDetail,
    read_at: float,
    form: Form = (),
    guided: bool | None = None,
    forced: bool = False,
    prepare: Callable[[float], Awaitable[Form | Result]] | None = None,
) -> Result:
    """Promise one deployment durably, ask Octopus for it once, and tell what became of it.

    `form` are the values of prompted variables: secrets among them are read now. `read_at`: when,
    by the monotonic clock, the reading it rests on was begun. `before` is awaited when nothing is
    left to wait for before the request: it looks at pauses and windows once more, and raises
    ClosedNow where it may not leave (rules 15, 21). `guided`: whether Octopus asks a person about a
    failing step; None: as is set there. `forced`: what is installed is installed once more.
    `prepare` is awaited first, once all is promised: it has so many seconds, and returns the values
    to deploy with, or what stopped it.

    Raises: LeaseLost, StoreTrouble: before anything was sent.
    """
    try:
        values = revealed(form, doors.value)
    except UsageError as error:
        return Refused(error.message)

    async def first(within: float) -> Result | None:
        nonlocal values
        ready = form if prepare is None else await prepare(within)
        if not isinstance(ready, tuple):
            return ready
        values = revealed(ready, doors.value)
        return None

    async def request(within: float) -> tuple[str, str]:
        order = DeploymentOrder(
            release_id=release.id,
            environment_id=record.intent.environment,
            comments=comments_of(record),
            form_values=values,
            tenant_id=record.intent.tenant,
            machine_ids=record.intent.machines,
            guided=guided,
            forced=forced,
        )
        return await octopus.deploy(order, within, before)

    before_it = None if prepare is None else first
    return await ask(doors, octopus, keeper, record, read_at, request, before_it)


async def ask(
    doors: Doors,
    octopus: Octopus,
    keeper: LeaseKeeper,
    record: IntentRecord,
    read_at: float,
    request: Callable[[float], Awaitable[tuple[str, str]]],
    prepare: Callable[[float], Awaitable[Result | None]] | None = None,
) -> Result:
    """Promise durably, ask once, and tell what became of it: a deployment, or a run of a runbook.

    `request` is given the seconds within which it has to leave; it returns the ids of what was
    asked for and of its task, and may raise ClosedNow. `prepare` is awaited before it, and returns
    what stopped it, or nothing. `read_at` as for `launch`.

    Raises: LeaseLost, StoreTrouble: before anything was sent.
    """
    intent = record.intent.id
    await blocking(doors.journal.promise, record, keeper.fence)
    try:
        await keeper.check()
    except LeaseLost:
        await blocking(doors.journal.void, intent, keeper.fence)
        raise
    left = doors.pace.fresh - (doors.clock.monotonic() - read_at)
    if prepare is not None and left > 0:
        try:
            stopped = await prepare(left)
            await keeper.check()  # that took its time, and the lease ran on (rule 19)
        except LeaseLost:
            await blocking(doors.journal.void, intent, keeper.fence)
            raise
        except CredentialRefused as error:
            await blocking(doors.journal.void, intent, keeper.fence)
            return Refused(error.message)
        except UsageError as error:
            stopped = Refused(error.message)
        if isinstance(stopped, Refused):
            await blocking(doors.journal.refuse, intent, stopped.why, keeper.fence)
            return stopped
        if stopped is not None:
            await blocking(doors.journal.void, intent, keeper.fence)
            return stopped
        left = doors.pace.fresh - (doors.clock.monotonic() - read_at)
    if left <= 0:
        await blocking(doors.journal.void, intent, keeper.fence)
        return Aged(f"journal and lease took too long: the reading is {-left:.0f} s too old")
    try:
        made_id, task_id = await request(left)
    except ClosedNow as closed:
        await blocking(doors.journal.void, intent, keeper.fence)
        return Closed(closed.gate)
    except CredentialRefused as error:  # says nothing of what was asked: another key may ask
        await blocking(doors.journal.void, intent, keeper.fence)
        return Refused(error.message)
    except OverBudget as error:
        await blocking(doors.journal.void, intent, keeper.fence)
        return Crowded(error.message)
    except (RemoteRejected, NotAllowed, RateLimited, Unreachable) as error:
        await blocking(doors.journal.refuse, intent, error.message, keeper.fence)
        return Refused(error.message)
    except OutcomeUnknown as error:
        return await seek(doors, octopus, keeper, record, error.message)
    await blocking(doors.journal.launched, intent, made_id, task_id, keeper.fence)
    return Taken(made_id, task_id)


async def resolve(
    doors: Doors, octopus: Octopus, keeper: LeaseKeeper, record: IntentRecord, why: str
) -> Result:
    """Find out whether a promise reached Octopus: search, wait the settling time, search again.

    The wait lasts until the server cannot still be working on the request; the lease is kept.
    """
    result = await seek(doors, octopus, keeper, record, why)
    if isinstance(result, Lost):
        await settle(doors, keeper, record.promised_at)
        result = await seek(doors, octopus, keeper, record, why, last=True)
    return result


async def seek(
    doors: Doors,
    octopus: Octopus,
    keeper: LeaseKeeper,
    record: IntentRecord,
    why: str,
    *,
    last: bool = False,
) -> Result:
    """Search once for the effect of a promise; what is not found is Lost, at `last` Absent."""
    try:
        found = await search(octopus, record)
    except OctopusTrouble as error:
        return Unknown(f"{why}; the search failed too: {error.message}")
    if found is not None:
        await blocking(
            doors.journal.launched, record.intent.id, found.id, found.task_id, keeper.fence
        )
        return Taken(found.id, found.task_id, found=True)
    if not last:
        return Lost(why, settled_at(doors, record.promised_at))
    await blocking(doors.journal.void, record.intent.id, keeper.fence)
    return Absent(why)


def settled_at(doors: Doors, promised_at: datetime) -> float:
    """Return when, by the monotonic clock, Octopus shows a request, if it had any effect."""
    pace, clock = doors.pace, doors.clock
    age = max((clock.now() - promised_at).total_seconds(), 0.0)
    return clock.monotonic() + max(pace.lost - age, pace.settling)


async def settle(doors: Doors, keeper: LeaseKeeper, promised_at: datetime) -> None:
    """Wait until Octopus shows the request of a promise, if it had any effect."""
    pace, clock = doors.pace, doors.clock
    until = settled_at(doors, promised_at)
    while (left := until - clock.monotonic()) > 0:
        await keeper.tend()
        await clock.sleep(min(left, pace.poll))


async def search(octopus: Octopus, record: IntentRecord) -> DeploymentDetail | RunDetail | None:
    """Look for the deployment, or the run, that carries this intent; only a full match is ours."""
    intent = record.intent
    if intent.verb == RUNBOOK:
        return await _search_runs(octopus, intent)
    newest = await octopus.deployments_of(
        intent.project, intent.environment, SEARCHED, intent.tenant
    )
    for detail in newest:
        tag = CommentTag.find(detail.comments)
        if (
            tag is not None
            and tag.intent == intent.id
            and detail.project_id == intent.project
            and detail.environment_id == intent.environment
            and detail.tenant_id == intent.tenant
            and tuple(sorted(detail.machine_ids)) == tuple(sorted(intent.machines))
        ):
            return detail
    return None


async def _search_runs(octopus: Octopus, intent: Intent) -> RunDetail | None:
    runs = await octopus.runs_of(intent.version, intent.environment, SEARCHED, intent.tenant)
    for run in runs:
        tag = CommentTag.find(run.comments)
        if tag is not None and tag.intent == intent.id and run.project_id == intent.project:
            return run
    return None
