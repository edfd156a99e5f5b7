"""What was done before: receipts on the audit branch, and the journal's own intents.

Truth is git; the store only keeps an index of it. A receipt is opened by its signature before one
byte of its payload is read (rule 37); one that does not verify is an alarm, never an instruction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.changeset import earlier
from reconciler.core.decide import made_by_us
from reconciler.core.estimate import usual_duration
from reconciler.core.expand import pin_of, pinned_components
from reconciler.core.intent import SUCCEEDED, CommentTag, Progress, intent_of
from reconciler.core.jsonfields import refused
from reconciler.core.manifest import DesiredState
from reconciler.core.receipt import parse_receipt, payload_digest, receipt_path
from reconciler.core.retry import Attempt, next_by_rule
from reconciler.core.sighting import Settled
from reconciler.core.slug import slug
from reconciler.core.snapshot import Reached
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction
from reconciler.engine.doors import blocking
from reconciler.errors import ReconcilerError
from reconciler.ports import ChainLink

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.plan import Plan
    from reconciler.core.refusal import Refusal
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.state import SpaceState
    from reconciler.engine.doors import Doors
    from reconciler.ports import AuditBranch

LARGEST = 1024 * 1024  # bytes of a receipt's file
MOST_CERTIFICATES = 1000
AT_ONCE = 500  # receipts in memory while the history is read


@dataclass(frozen=True, slots=True)
class History:
    """Receipts of one environment in chain order, the journal's intents, and what looked wrong.

    `refusals` are those of intents that Octopus never carried out, by intent.
    """

    links: tuple[ChainLink, ...]
    intents: Mapping[str, IntentRecord]
    refusals: Mapping[str, Refusal] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()

    @property
    def promised(self) -> frozenset[str]:
        """The intents of which a receipt or the journal knows a deployment (rule 12)."""
        known = {i for i, record in self.intents.items() if record.progress is not Progress.VOID}
        return frozenset(known | {link.intent for link in self.links})


async def read_history(
    doors: Doors, environment: str, space: str, formers: tuple[str, ...] = ()
) -> History:
    """Read the history of one environment; receipts not yet indexed are opened and indexed.

    `formers` are the names it had before: its history begins under them.
    """

    def read() -> History:
        journal, names = doors.journal, (*formers[::-1], environment)
        known = {link.path for name in names for link in journal.links(name)}
        alarms: tuple[str, ...] = ()
        if doors.audit is not None:
            for name in names:
                alarms += _index(doors, doors.audit, name, space, known)
        intents = {r.intent.id: r for name in names for r in journal.intents(name)}
        refusals = {i: r for name in names for i, r in journal.refusals(name).items()}
        links = tuple(link for name in names for link in journal.links(name))
        if formers:
            links = tuple(sorted(links, key=lambda k: (k.project, k.tenant or "", k.sequence)))
        return History(links, intents, refusals, alarms)

    return await blocking(read)


def _index(
    doors: Doors, audit: AuditBranch, environment: str, space: str, known: Collection[str]
) -> tuple[str, ...]:
    files = [f for f in audit.list(f"receipts/{slug(environment)}") if f.path not in known]
    if not files:
        return ()
    folder = [f for f in audit.list(f"certificates/{slug(space)}") if f.size <= LARGEST]
    kept = audit.read_blobs([f.blob for f in folder[:MOST_CERTIFICATES]])
    certificates = tuple(kept.values())
    alarms = [
        f"{clean(file.path)} is no receipt: it is larger than {LARGEST} bytes"
        for file in files
        if file.size > LARGEST
    ]
    readable = [file for file in files if file.size <= LARGEST]
    for start in range(0, len(readable), AT_ONCE):
        some = readable[start : start + AT_ONCE]
        blobs = audit.read_blobs([file.blob for file in some])
        links = []
        for file in some:
            try:
                payload = doors.open_receipt(blobs[file.blob], certificates)
                links.append(link_of(environment, file.path, payload))
            except ReconcilerError as error:
                alarms.append(f"{clean(file.path)} is no receipt of this space: {error.message}")
        doors.journal.index_receipts(links)
    return tuple(alarms)


def link_of(environment: str, path: str, payload: bytes) -> ChainLink:
    """Return the place of a receipt in its chain.

    Raises: SigningTrouble: E_SCHEMA and its kin on a malformed payload; E_BINDING where its path
    names another receipt.
    """
    receipt = parse_receipt(payload)
    if receipt_path(environment, receipt.project, receipt) != path:
        raise refused("E_BINDING", "is not of the receipt that its path names")
    return ChainLink(
        environment=environment,
        project=receipt.project,
        tenant=receipt.tenant,
        sequence=receipt.sequence,
        digest=payload_digest(payload),
        path=path,
        intent=receipt.intent,
        deployment_id=receipt.deployment_id,
        version=receipt.version,
        outcome=receipt.outcome,
        commit=receipt.commit,
        took=receipt.took,
    )


def project_slugs(desired: DesiredState, state: SpaceState) -> dict[str, str]:
    """Return the Octopus slug of every pinned component whose project can be told."""
    found = {}
    for name in pinned_components(desired.environment):
        component = desired.stack.components[name]
        project = state.project_index.find(component.project_in(desired.space.name))
        if not isinstance(project, str):
            found[name] = project.slug
    return found


def receipted(history: History, slugs: Mapping[str, str]) -> dict[tuple[str, str | None], str]:
    """Return the last success that a receipt tells of in each cell: a deployment's id.

    By component and tenant's id.
    """
    names = {slug: name for name, slug in slugs.items()}
    return {
        (names[link.project], link.tenant): link.deployment_id
        for link in history.links  # in chain order
        if link.outcome in SUCCEEDED and link.project in names
    }


def usual_durations(observed: ObservedState, history: History) -> dict[CellKey, timedelta]:
    """Return how long each cell is likely to take, of projects deployed here with success."""
    took: dict[str, list[timedelta]] = {}
    for link in history.links:  # in chain order
        if link.outcome in SUCCEEDED and link.took is not None:
            took.setdefault(link.project, []).append(timedelta(seconds=link.took))
    usual = {project: usual_duration(durations) for project, durations in took.items()}
    return {
        name: duration
        for name, cell in observed.cells.items()
        if cell.project is not None and (duration := usual.get(cell.project.slug)) is not None
    }


async def failed_attempts(
    doors: Doors, asked: DesiredState, observed: ObservedState, history: History
) -> dict[CellKey, Attempt]:
    """Return our newest attempt at each pinned version that did not settle its cell (rule 12).

    `asked` is what the commit says, under its own policy.
    """
    newest: dict[CellKey, ChainLink] = {}
    pinned: dict[tuple[str, str | None], tuple[CellKey, str]] = {}
    for name, cell in observed.cells.items():
        pin = pin_of(asked.environment, cell)
        if cell.project is not None and pin is not None:
            pinned[cell.project.slug, cell.tenant_id] = name, pin.version
    for link in history.links:
        name, version = pinned.get((link.project, link.tenant), (WHOLE, ""))
        if version and direction(link.version, version) is Direction.SAME:
            newest[name] = link
    attempts = {}
    for name, link in newest.items():
        record = history.intents.get(link.intent)
        settled = link.outcome in SUCCEEDED if record is None else record.settled
        if settled:
            continue
        then = await asked_at(doors, link.commit, asked)
        redeploy = _counter(then, observed.cells[name]) if record is None else record.redeploy
        again = None
        if record is not None:
            rule = asked.stack.retry_of(observed.cells[name].component)
            again = next_by_rule(rule, record, history.intents.values(), link.took)
        attempts[name] = Attempt(
            link.version,
            link.outcome.value,
            redeploy,
            f"intent:{link.intent}",
            then == asked,
            next_try=again,
        )
    return attempts


async def refused_attempts(
    doors: Doors, asked: DesiredState, observed: ObservedState, history: History, plan: Plan
) -> dict[CellKey, Attempt]:
    """Return the changes that Octopus refused and that are not to be asked for now (rule 20)."""
    attempts = {}
    for action in plan.changes:
        intent = intent_of(observed, action)
        refusal = None if intent is None else history.refusals.get(intent.id)
        if intent is None or refusal is None:
            continue
        if refusal.forbids(plan.read_at, doors.pace.refused):
            record = history.intents[intent.id]
            then = await asked_at(doors, record.commit, asked)
            attempts[action.cell] = Attempt(
                intent.version,
                "refused",
                refusal.redeploy,
                f"refused:{intent.id}:{refusal.times}:{refusal.last:%Y%m%dT%H%M%S.%f}",
                then == asked,
                refusal,
                refusal.next_try(doors.pace.refused),
            )
    return attempts


async def reached_now(
    doors: Doors, desired: DesiredState, observed: ObservedState, history: History
) -> dict[CellKey, Reached]:
    """Return pins that a settled deployment of ours reached and no snapshot has told yet.

    The deployment's own comments lead to the commit it was made for, so this holds without the
    store too.
    """
    found = {}
    for name, cell in observed.cells.items():
        tag = CommentTag.find(cell.comment)
        sighting = cell.sighting
        if not isinstance(sighting, Settled) or tag is None or not made_by_us(cell, observed.me):
            continue
        reached, pin = cell.reached, pin_of(desired.environment, cell)
        if (
            reached is not None
            and direction(reached.version, sighting.version) is Direction.SAME
            and (pin is None or pin.redeploy <= reached.redeploy)
        ):
            continue
        record = history.intents.get(tag.intent)
        redeploy = (
            record.redeploy
            if record is not None and record.progress is not Progress.VOID
            else _counter(await asked_at(doors, tag.commit, desired), cell)
        )
        if redeploy is not None and (
            reached is None
            or direction(reached.version, sighting.version) is not Direction.SAME
            or redeploy > reached.redeploy
        ):
            found[name] = Reached(sighting.version, redeploy)
    return found


async def asked_at(doors: Doors, commit: str, asked: DesiredState) -> DesiredState | None:
    """Return what a commit asked of an environment, None where nobody can tell any more."""
    from reconciler.engine.ground import load_manifests

    if not await blocking(doors.repository.contains, commit):
        return None
    found = earlier(await load_manifests(doors, commit), asked)
    return found if isinstance(found, DesiredState) else None


def _counter(asked: DesiredState | None, cell: ObservedCell) -> int | None:
    """Return the redeploy counter of a cell's pin, None where there is none."""
    pin = None if asked is None else pin_of(asked.environment, cell)
    return None if pin is None else pin.redeploy
