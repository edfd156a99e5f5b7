"""The receipt of one deployment: what was asked for, by whom, and how it ended.

An in-toto Statement whose bytes are the same whoever writes it: every field comes from the Octopus
task, the stored intent or the previous receipt, never from the clock, so that a lost receipt can
be made again and is the same. Receipts are never edited or deleted (rule 24).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reconciler.core.canonical import canonical_bytes, digest_hex
from reconciler.core.intent import Outcome
from reconciler.core.jsonfields import HEX_DIGEST, NAMED_DIGEST, Fields, refused
from reconciler.core.slug import slug
from reconciler.core.strictjson import NotStrictJson, read_json

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
RECEIPT_TYPE = "urn:reconciler:deployment-receipt:1"
SCHEMA_VERSION = "1.0"

_VERSION_READ = re.compile(r"1\.(?:0|[1-9][0-9]{0,5})")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RECEIPT_ID = re.compile(r"dr-[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt, in the words of its payload. Times are aware UTC, to the second.

    `space` and `environment` are Octopus' names, `project` its slug, `server` the installation id,
    `tenant` an id. `certificate` and `previous` (the payload of the receipt before in the same
    chain; None in the first) are `sha256:<hex>`; `intent` and `plan_digest` are hex alone.
    `requested_by` and `approvals` are ids of users; `approvals` is None where the store that knew
    them is lost. `completed_at` is None where Octopus could not tell. `corrects` names the receipt
    with outcome `Unknown` that this one corrects. `audience` and `bundle` belong to receipts for
    another space. `not_understood` are places of fields that a newer minor version added.
    """

    sequence: int
    previous: str | None
    space: str
    certificate: str
    server: str
    project: str
    environment: str
    tenant: str | None
    version: str
    replaces: str | None
    action: str
    outcome: Outcome
    deployment_id: str
    task_id: str
    queued_at: datetime
    completed_at: datetime | None
    requested_by: str
    intent: str
    commit: str
    plan_digest: str
    approvals: tuple[str, ...] | None
    corrects: str | None = None
    audience: tuple[str, ...] = ()
    bundle: str | None = None
    not_understood: tuple[str, ...] = field(default=(), compare=False)

    @property
    def took(self) -> int | None:
        """Whole seconds from queued to completed; None where Octopus could not tell."""
        if self.completed_at is None or self.completed_at < self.queued_at:
            return None
        return int((self.completed_at - self.queued_at).total_seconds())


def receipt_id(receipt: Receipt) -> str:
    """Return `dr-` and 32 hex digits: the same for the same end of the same deployment."""
    identity = {
        "server": receipt.server,
        "deploymentId": receipt.deployment_id,
        "queuedAt": _time(receipt.queued_at),
        "outcome": receipt.outcome.value,
        "corrects": receipt.corrects,
    }
    return f"dr-{digest_hex(identity)[:32]}"


def payload_bytes(receipt: Receipt) -> bytes:
    """Return the canonical bytes (RFC 8785) of the in-toto Statement, without a final newline.

    Raises:
        ValueError: a time without a zone, or a text with an unpaired surrogate.
    """
    subject = {"intent": receipt.intent} | ({"bundle": receipt.bundle} if receipt.bundle else {})
    predicate = {
        "schemaVersion": SCHEMA_VERSION,
        "critical": [],
        "receiptId": receipt_id(receipt),
        "sequence": receipt.sequence,
        "previous": receipt.previous,
        "space": {"name": receipt.space, "certificate": receipt.certificate},
        "audience": sorted(receipt.audience),
        "server": receipt.server,
        "project": receipt.project,
        "environment": receipt.environment,
        "tenant": receipt.tenant,
        "version": receipt.version,
        "replaces": receipt.replaces,
        "action": receipt.action,
        "outcome": receipt.outcome.value,
        "deploymentId": receipt.deployment_id,
        "taskId": receipt.task_id,
        "queuedAt": _time(receipt.queued_at),
        "completedAt": None if receipt.completed_at is None else _time(receipt.completed_at),
        "requestedBy": receipt.requested_by,
        "intent": {
            "commit": receipt.commit,
            "planDigest": f"sha256:{receipt.plan_digest}",
            "approvals": None if receipt.approvals is None else sorted(receipt.approvals),
        },
    }
    if receipt.corrects is not None:
        predicate["corrects"] = receipt.corrects
    return canonical_bytes(
        {
            "_type": STATEMENT_TYPE,
            "predicateType": RECEIPT_TYPE,
            "subject": [
                {"name": name, "digest": {"sha256": subject[name]}} for name in sorted(subject)
            ],
            "predicate": predicate,
        }
    )


def payload_digest(payload: bytes) -> str:
    """Return `sha256:<hex>` of a payload, as the next receipt of the chain names it."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"


def receipt_path(environment_name: str, project_slug: str, receipt: Receipt) -> str:
    """Return the file's place on the audit branch. `environment_name` is the manifest's."""
    year = receipt.queued_at.astimezone(UTC).year
    folder = f"receipts/{slug(environment_name)}/{slug(project_slug)}/{year:04d}"
    return f"{folder}/{receipt_id(receipt)}.receipt.json"


def parse_receipt(payload: bytes) -> Receipt:
    """Return the receipt of a payload whose signature has been verified (rule 37).

    Any minor version of major 1 is read; what it adds is named in `not_understood`.

    Raises:
        SigningTrouble: E_SCHEMA (not JSON of this shape), E_VERSION (a major version or critical
            field we do not know), E_DIGEST (its subjects), E_BINDING (its id is another's).
    """
    try:
        value = read_json(payload)
    except NotStrictJson as error:
        raise refused("E_SCHEMA", f"is no receipt: {error}") from error
    statement = Fields.of(value)
    _check_kind(statement)
    predicate = statement.object("predicate")
    _check_version(predicate)
    subject = _subject(statement)
    space, intent = predicate.object("space"), predicate.object("intent")
    try:
        outcome = Outcome(predicate.text("outcome"))
    except ValueError:
        raise predicate.wrong("outcome") from None
    corrects = "corrects" in predicate.values
    receipt = Receipt(
        sequence=predicate.count("sequence"),
        previous=predicate.text_or_null("previous", NAMED_DIGEST),
        space=space.text("name"),
        certificate=space.text("certificate", NAMED_DIGEST),
        server=predicate.text("server"),
        project=predicate.text("project"),
        environment=predicate.text("environment"),
        tenant=predicate.text_or_null("tenant"),
        version=predicate.text("version"),
        replaces=predicate.text_or_null("replaces"),
        action=predicate.text("action"),
        outcome=outcome,
        deployment_id=predicate.text("deploymentId"),
        task_id=predicate.text("taskId"),
        queued_at=predicate.time("queuedAt"),
        completed_at=predicate.time_or_null("completedAt"),
        requested_by=predicate.text("requestedBy"),
        intent=subject["intent"],
        commit=intent.text("commit", _COMMIT),
        plan_digest=intent.text("planDigest", NAMED_DIGEST).removeprefix("sha256:"),
        approvals=None if intent.values.get("approvals", "") is None else intent.texts("approvals"),
        corrects=predicate.text("corrects", _RECEIPT_ID) if corrects else None,
        audience=predicate.texts("audience", NAMED_DIGEST),
        bundle=subject.get("bundle"),
        not_understood=(
            *statement.others(_STATEMENT),
            *predicate.others(_PREDICATE),
            *space.others(_SPACE),
            *intent.others(_INTENT),
        ),
    )
    if predicate.text("receiptId") != receipt_id(receipt):
        raise refused("E_BINDING", "has a receiptId that is not the one of its content")
    return receipt


_STATEMENT = frozenset({"_type", "predicateType", "subject", "predicate"})
_SPACE = frozenset({"name", "certificate"})
_INTENT = frozenset({"commit", "planDigest", "approvals"})
_PREDICATE = frozenset(
    {
        *("schemaVersion", "critical", "receiptId", "sequence", "previous", "corrects"),
        *("space", "audience", "server", "project", "environment", "tenant", "version"),
        *("replaces", "action", "outcome", "deploymentId", "taskId", "queuedAt", "completedAt"),
        *("requestedBy", "intent"),
    }
)


def _check_kind(statement: Fields) -> None:
    if statement.text("_type") != STATEMENT_TYPE:
        raise refused("E_VERSION", f"is not of type {STATEMENT_TYPE}")
    if statement.text("predicateType") != RECEIPT_TYPE:
        raise refused("E_VERSION", f"is not a {RECEIPT_TYPE}")


def _check_version(predicate: Fields) -> None:
    if not _VERSION_READ.fullmatch(predicate.text("schemaVersion")):
        raise refused("E_VERSION", "has a schemaVersion that is not 1.x")
    if set(predicate.texts("critical")) - _PREDICATE:
        raise refused("E_VERSION", "has a critical field that this program does not know")


def _subject(statement: Fields) -> dict[str, str]:
    """Return the digests of the subjects by name: `intent`, and `bundle` where there is one."""
    found: dict[str, str] = {}
    for value in statement.list("subject"):
        entry = Fields.of(value, "subject")
        name = entry.text("name")
        if name in found or name not in {"intent", "bundle"}:
            raise refused("E_DIGEST", "has a subject that is neither its intent nor its bundle")
        found[name] = entry.object("digest").text("sha256", HEX_DIGEST)
    if "intent" not in found:
        raise refused("E_DIGEST", "does not name its intent as subject")
    return found


def _time(moment: datetime) -> str:
    """Write `YYYY-MM-DDTHH:MM:SSZ`; parts of a second are dropped."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone cannot be written to a receipt")
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
