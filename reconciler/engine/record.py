"""Record: receipts, the snapshot and the pass, as one audit commit.

A receipt is signed and durable in the store before anything is pushed; until the remote has it, it
is pending, and pending blocks nothing but the claim "recorded" (rule 26).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.acceptance import PATH
from reconciler.core.canonical import digest_hex
from reconciler.core.cellkey import component_of, tenant_of
from reconciler.core.receipt import (
    PAYLOAD_TYPE,
    Receipt,
    payload_bytes,
    payload_digest,
    receipt_path,
)
from reconciler.core.slug import slug
from reconciler.core.snapshot import snapshot_path
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.events import Recorded, Said
from reconciler.engine.ground import parse_state
from reconciler.engine.history import read_history
from reconciler.engine.platforms import recorded_digests
from reconciler.errors import GitTrouble, RecordStands
from reconciler.ports import AuditChange, ChainLink, QueuedRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.intent import IntentRecord, Outcome
    from reconciler.core.plan import Plan
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.survey import Situation
    from reconciler.engine.watch import Finished


@dataclass(frozen=True, slots=True)
class End:
    """How a deployment ended, for its receipt. `requested_by`: a user's id, empty if unknown.

    `reached`: the machines it went to, which no receipt tells; None where Octopus does not.
    """

    outcome: Outcome
    deployment_id: str
    task_id: str
    queued_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    requested_by: str
    reached: tuple[str, ...] | None = None

    @property
    def seconds(self) -> float:
        """How long it ran; 0 where that is not known."""
        ended = self.completed_at
        return (
            0.0 if ended is None else (ended - (self.started_at or self.queued_at)).total_seconds()
        )


@dataclass(frozen=True, slots=True)
class Ran:
    """A run of a runbook, as a pass tells of it; `cell` WHOLE: around all changes."""

    cell: CellKey
    moment: str
    runbook: str
    outcome: Outcome
    task_id: str

    @classmethod
    def of(cls, finished: Finished) -> Ran:
        """Return what is told of a run that ended."""
        record = finished.record
        return cls(record.cell, record.action, record.runbook, finished.outcome, finished.task_id)


@dataclass(frozen=True, slots=True)
class PassRecord:
    """What one pass did or was refused, for `passes/`."""

    started: datetime
    ended: datetime
    plan: Plan
    gates: tuple[Gate, ...]
    outcomes: Mapping[CellKey, str]
    tasks: Mapping[CellKey, str]
    fence: int
    runs: tuple[Ran, ...] = ()

    def content(self) -> bytes:
        """Return the file's stable bytes."""
        root = {
            "apiVersion": "reconciler/v1",
            "kind": "Pass",
            "metadata": {"name": self.id},
            "spec": {
                "environment": self.plan.environment,
                "commit": self.plan.commit,
                "planDigest": f"sha256:{self.plan.digest}",
                "readAt": _time(self.plan.read_at),
                "startedAt": _time(self.started),
                "endedAt": _time(self.ended),
                "gates": [
                    {
                        **_cell(g.cell),
                        "gate": g.name.value,
                        "message": g.message,
                        "opener": g.opener,
                    }
                    for g in self.gates
                ],
                "changes": [
                    {
                        **_cell(a.cell),
                        "action": a.kind.value,
                        "reason": a.reason.value,
                        "from": a.from_version,
                        "to": a.to_version,
                        "outcome": self.outcomes.get(a.cell, "not-started"),
                        "task": self.tasks.get(a.cell),
                    }
                    for a in self.plan.changes
                ],
            }
            | self._told_runs(),
        }
        return (json.dumps(root, indent=1, ensure_ascii=True) + "\n").encode()

    def _told_runs(self) -> dict[str, object]:
        """Return the runs of runbooks that ended; nothing where there was none."""
        runs = [
            {
                **_cell(ran.cell),
                "moment": ran.moment,
                "runbook": ran.runbook,
                "outcome": ran.outcome.value,
                "task": ran.task_id,
            }
            for ran in self.runs
        ]
        return {"runbooks": runs} if runs else {}

    @property
    def id(self) -> str:
        """A name that sorts by time; the fence differs between passes of an environment."""
        return f"{self.started:%Y%m%dT%H%M%SZ}-{self.fence}"

    @property
    def path(self) -> str:
        """Where it goes on the audit branch."""
        return f"passes/{slug(self.plan.environment)}/{self.started:%Y/%m}/{self.id}.json"


def _cell(cell: CellKey) -> dict[str, str | None]:
    """Return a cell in the words of a record; there is a tenant only where a cell has one."""
    tenant = tenant_of(cell)
    return {"component": component_of(cell) or None} | ({"tenant": tenant} if tenant else {})


def refusal_of(plan: Plan, gates: tuple[Gate, ...]) -> str:
    """Return a digest of what is refused and why: the same refusal is recorded once."""
    return digest_hex([plan.digest, [[g.cell, g.name.value, g.message] for g in gates]])


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@dataclass(slots=True)
class Recorder:
    """Makes and publishes the records of one pass over one environment."""

    doors: Doors
    situation: Situation
    keeper: LeaseKeeper
    _published: float = field(init=False)

    def __post_init__(self) -> None:
        self._published = self.doors.clock.monotonic()

    async def receipt(self, record: IntentRecord, end: End, fence: int) -> None:
        """Sign the receipt of a finished deployment and keep it, durably."""
        await blocking(self._receipt, record, end, fence)

    def _receipt(self, record: IntentRecord, end: End, fence: int) -> None:
        desired, state = self.situation.desired, self.situation.space_state
        if state is None:
            raise AssertionError("a deployment of ours was watched without reading its space")
        signer = self.doors.signer(desired.space.name)
        last = self.doors.journal.last_link(
            record.environment, record.project_slug, record.intent.tenant
        )
        names = {e.id: e.name for e in state.environments}
        receipt = Receipt(
            sequence=1 if last is None else last.sequence + 1,
            previous=None if last is None else last.digest,
            space=state.space_name,
            certificate=signer.fingerprint,
            server=record.intent.server,
            project=record.project_slug,
            environment=names.get(record.intent.environment, record.intent.environment),
            tenant=record.intent.tenant,
            version=record.intent.version,
            replaces=record.replaces,
            action=record.action,
            outcome=end.outcome,
            deployment_id=end.deployment_id,
            task_id=end.task_id,
            queued_at=end.queued_at,
            completed_at=end.completed_at,
            requested_by=end.requested_by or self.situation.observed.me,
            intent=record.intent.id,
            commit=record.commit,
            plan_digest=record.plan_digest,
            approvals=None if record.adopted else record.approvals,
        )
        payload = payload_bytes(receipt)
        path = receipt_path(record.environment, record.project_slug, receipt)
        link = ChainLink(
            environment=record.environment,
            project=record.project_slug,
            tenant=record.intent.tenant,
            sequence=receipt.sequence,
            digest=payload_digest(payload),
            path=path,
            intent=record.intent.id,
            deployment_id=end.deployment_id,
            version=receipt.version,
            outcome=end.outcome,
            commit=record.commit,
            took=receipt.took,
        )
        envelope = signer.sign(PAYLOAD_TYPE, payload)
        self.doors.journal.queue_receipt(
            QueuedRecord(record.environment, path, envelope), link, fence
        )

    async def publish(
        self,
        situation: Situation,
        passed: PassRecord | None = None,
        *,
        accepted: AcceptedEnvironment | None = None,
        subject: str,
    ) -> bool:
        """Push everything there is to record; return False where it stays pending.

        `situation` is the newest survey: its observation becomes the snapshot. `passed` is a pass
        to keep. `accepted` moves the environment's accepted commit.
        """
        doors, journal = self.doors, self.doors.journal
        name = situation.desired.environment.name
        if passed is not None:
            record = QueuedRecord(name, passed.path, passed.content())
            await blocking(journal.queue_record, record, self.keeper.fence)
        snapshot = situation.captured()
        written = doors.write_snapshot(snapshot)
        changed = written != situation.audit.snapshot_bytes
        platforms = (
            {} if accepted is None else recorded_digests(situation.tip_state, accepted.commit)
        )
        acted = passed is not None and (passed.tasks or passed.runs)
        refused = None if passed is None or acted else refusal_of(passed.plan, passed.gates)

        def state(old: bytes | None) -> bytes:
            new = parse_state(old)
            before = new.writers.get(journal.store_id, 0)
            # drawn now that what it follows is known: others of this store may be there before us
            writes = journal.next_write()
            # an older store stays behind the count until a person accepts it (rule 10)
            older = writes <= before
            if older and accepted is not None:
                journal.doubt_accepted()  # for this environment only: the others wait for theirs
            count = before + 1 if older and accepted is None else writes
            new = new.written_by(journal.store_id, count).refusing(name, refused)
            return (new if accepted is None else new.accepting(accepted)).render()

        def change(queued: Sequence[QueuedRecord]) -> AuditChange:
            return AuditChange(
                subject=subject,
                body="",
                trailers=self._trailers(situation, passed),
                records=self._records(situation, queued),
                edits={snapshot_path(name): lambda _: written, PATH: state, **platforms},
            )

        try:
            tip, queued = await self._push(change)
        except GitTrouble as error:
            count = await blocking(journal.pending, name)
            doors.tell(Said(f"pending, {count} records not yet on the remote: {error.message}"))
            return False
        if accepted is not None:
            await blocking(journal.accept, accepted)
        receipts = sum(q.path.startswith("receipts/") for q in queued)
        doors.tell(Recorded(tip or "", receipts, changed))
        return True

    async def publish_now_and_then(self) -> None:
        """Push receipts made so far, as often as a lease is renewed."""
        now = self.doors.clock.monotonic()
        if now - self._published >= self.doors.pace.renew:
            self._published = now
            await self.publish_receipts()

    async def publish_receipts(self) -> None:
        """Push receipts made so far, so that little is pending while a long pass runs."""
        name = self.situation.desired.environment.name
        count = await blocking(self.doors.journal.pending, name)
        if not count:
            return

        def change(queued: Sequence[QueuedRecord]) -> AuditChange:
            return AuditChange(
                subject=f"{name}: {len(queued)} receipts",
                body="",
                trailers=self._trailers(self.situation, None),
                records=self._records(self.situation, queued),
                edits={},
            )

        try:
            await self._push(change)
        except GitTrouble as error:
            self.doors.tell(Said(f"pending, {count} records: {error.message}"))

    async def _push(
        self, change: Callable[[Sequence[QueuedRecord]], AuditChange]
    ) -> tuple[str | None, tuple[QueuedRecord, ...]]:
        """Push a change with all that is queued; return the commit and what the remote now has.

        Raises: LeaseLost, GitTrouble and its kin; the records stay queued then.
        """
        journal, name = self.doors.journal, self.situation.desired.environment.name
        queued = await blocking(journal.queued, name)
        try:
            tip = await self.keeper.publish(change(queued))
        except RecordStands:
            queued = await self._untold(queued)
            tip = await self.keeper.publish(change(queued))
        await blocking(journal.recorded, [q.path for q in queued])
        return tip, queued

    async def _untold(self, queued: tuple[QueuedRecord, ...]) -> tuple[QueuedRecord, ...]:
        """Return what is queued, less what another writer has told in other bytes.

        That writer took the lease over while we watched, and found the same deployment; its
        receipt stands, because receipts are never replaced (rule 24).
        """
        audit, desired = shared_audit(self.doors), self.situation.desired

        def told() -> list[str]:
            there = [(q, audit.read(q.path)) for q in queued]
            return [q.path for q, content in there if content not in (None, q.content)]

        others = await blocking(told)
        if others:
            await blocking(self.doors.journal.superseded, others)
            # theirs takes its place in the chain
            name, space = desired.environment.name, desired.space.name
            await read_history(self.doors, name, space, self.situation.formers)
            self.doors.tell(Said(f"{len(others)} records stand as another writer made them"))
        return tuple(q for q in queued if q.path not in others)

    def _records(self, situation: Situation, queued: Sequence[QueuedRecord]) -> Mapping[str, bytes]:
        """Return what is queued, and the certificate that it is checked with."""
        if not queued:
            return {}
        return {q.path: q.content for q in queued} | self._certificate(situation)

    def _certificate(self, situation: Situation) -> dict[str, bytes]:
        space = situation.desired.space.name
        signer = self.doors.signer(space)
        short = signer.fingerprint.removeprefix("sha256:")[:8]
        return {f"certificates/{slug(space)}/{short}.crt.pem": signer.certificate_pem}

    def _trailers(
        self, situation: Situation, passed: PassRecord | None
    ) -> tuple[tuple[str, str], ...]:
        trailers = [("Reconciler-Environment", situation.desired.environment.name)]
        if passed is not None:
            trailers.append(("Reconciler-Pass", passed.id))
        trailers.append(("Manifest-Commit", situation.commit))
        if passed is not None:
            trailers.append(("Plan-Digest", f"sha256:{passed.plan.digest}"))
        return tuple(trailers)
