"""Values to rows and back, one pair of functions for each kind of value.

Times are kept as UTC text of fixed width, so that text order is time order.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from reconciler.core.acceptance import AcceptedEnvironment
from reconciler.core.cellkey import CellKey
from reconciler.core.intent import Intent, IntentRecord, Outcome, Progress
from reconciler.core.pause import Pause, Reach, Scope
from reconciler.core.refusal import Refusal
from reconciler.core.state import DeploymentDetail, ReleaseDetail
from reconciler.ports import ChainLink

Row = tuple[Any, ...]

INTENT_COLUMNS = (
    "id, environment, component, project_slug, server, space, octopus_environment, tenant, "
    "project, version, machines, after, verb, commit_hash, plan_digest, action, replaces, "
    "redeploy, promised_at, progress, deployment_id, task_id, outcome, settled, adopted, "
    "approvals, serves, owes, runbook, ended"
)
LINK_COLUMNS = (
    "path, environment, project, tenant, sequence, digest, intent, deployment_id, version, "
    "outcome, commit_hash, took"
)
REFUSAL_COLUMNS = "intent, refusals.redeploy, times, since, last, why"
PAUSE_COLUMNS = "reach, server, environment, component, who, since, reason, lifted_by, lifted_at"
ACCEPTED_COLUMNS = "environment, commit_hash, server_url, server, space, octopus_environment"


def marks(columns: str) -> str:
    """Return as many question marks as there are columns."""
    return ", ".join("?" * (columns.count(",") + 1))


def time_text(moment: datetime) -> str:
    """Return an aware time as UTC text with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def intent_row(record: IntentRecord) -> Row:
    """Return a record in the order of INTENT_COLUMNS."""
    intent = record.intent
    return (
        intent.id,
        record.environment,
        record.cell,
        record.project_slug,
        intent.server,
        intent.space,
        intent.environment,
        intent.tenant,
        intent.project,
        intent.version,
        json.dumps(intent.machines),
        intent.after,
        intent.verb,
        record.commit,
        record.plan_digest,
        record.action,
        record.replaces,
        record.redeploy,
        time_text(record.promised_at),
        record.progress.value,
        record.deployment_id,
        record.task_id,
        record.outcome and record.outcome.value,
        record.settled,
        record.adopted,
        json.dumps(record.approvals),
        json.dumps(record.serves),
        json.dumps(record.owes),
        record.runbook,
        record.ended and time_text(record.ended),
    )


def intent_of(row: Row) -> IntentRecord:
    """Return the record of a row of INTENT_COLUMNS."""
    return IntentRecord(
        intent=Intent(
            server=row[4],
            space=row[5],
            environment=row[6],
            tenant=row[7],
            project=row[8],
            version=row[9],
            machines=tuple(json.loads(row[10])),
            after=row[11],
            verb=row[12],
        ),
        environment=row[1],
        cell=CellKey(row[2]),
        project_slug=row[3],
        commit=row[13],
        plan_digest=row[14],
        action=row[15],
        replaces=row[16],
        redeploy=row[17],
        promised_at=datetime.fromisoformat(row[18]),
        progress=Progress(row[19]),
        deployment_id=row[20],
        task_id=row[21],
        outcome=None if row[22] is None else Outcome(row[22]),
        settled=None if row[23] is None else bool(row[23]),
        adopted=bool(row[24]),
        approvals=tuple(json.loads(row[25])),
        serves=tuple(json.loads(row[26])),
        owes=tuple(json.loads(row[27])),
        runbook=row[28],
        ended=None if row[29] is None else datetime.fromisoformat(row[29]),
    )


def refusal_of(row: Row) -> tuple[str, Refusal]:
    """Return the intent and its refusal, of a row of REFUSAL_COLUMNS."""
    intent, redeploy, times, since, last, why = row
    moments = (datetime.fromisoformat(since), datetime.fromisoformat(last))
    return intent, Refusal(redeploy, times, *moments, why)


def link_row(link: ChainLink) -> Row:
    """Return a link in the order of LINK_COLUMNS."""
    return (
        link.path,
        link.environment,
        link.project,
        link.tenant,
        link.sequence,
        link.digest,
        link.intent,
        link.deployment_id,
        link.version,
        link.outcome.value,
        link.commit,
        link.took,
    )


def link_of(row: Row) -> ChainLink:
    """Return the link of a row of LINK_COLUMNS."""
    return ChainLink(
        path=row[0],
        environment=row[1],
        project=row[2],
        tenant=row[3],
        sequence=row[4],
        digest=row[5],
        intent=row[6],
        deployment_id=row[7],
        version=row[8],
        outcome=Outcome(row[9]),
        commit=row[10],
        took=row[11],
    )


def accepted_of(row: Row) -> AcceptedEnvironment:
    """Return what was accepted, of a row of ACCEPTED_COLUMNS."""
    return AcceptedEnvironment(*row)


def scope_row(scope: Scope) -> Row:
    """Return a scope in the order of its columns."""
    return (scope.reach.value, scope.server, scope.environment, scope.component)


def pause_row(pause: Pause) -> Row:
    """Return a pause in the order of PAUSE_COLUMNS."""
    return (
        *scope_row(pause.scope),
        pause.who,
        time_text(pause.since),
        pause.reason,
        pause.lifted_by,
        pause.lifted_at and time_text(pause.lifted_at),
    )


def pause_of(row: Row) -> Pause:
    """Return the pause of a row of PAUSE_COLUMNS."""
    return Pause(
        scope=Scope(Reach(row[0]), row[1], row[2], row[3]),
        who=row[4],
        since=datetime.fromisoformat(row[5]),
        reason=row[6],
        lifted_by=row[7],
        lifted_at=None if row[8] is None else datetime.fromisoformat(row[8]),
    )


def deployment_text(deployment: DeploymentDetail) -> str:
    """Return a deployment as a JSON list, in the order of its fields."""
    return _list(
        deployment.id,
        deployment.project_id,
        deployment.environment_id,
        deployment.tenant_id,
        deployment.release_id,
        deployment.task_id,
        time_text(deployment.created),
        deployment.deployed_by,
        deployment.deployed_by_id,
        deployment.comments,
        deployment.is_partial,
        deployment.machine_ids,
        deployment.reached,
        deployment.is_flawed,
    )


def deployment_of(text: str) -> DeploymentDetail:
    """Return the deployment of `deployment_text`."""
    values = json.loads(text)
    values[6] = datetime.fromisoformat(values[6])
    values[11] = tuple(values[11])
    values[12] = None if values[12] is None else tuple(values[12])
    return DeploymentDetail(*values)


def release_text(release: ReleaseDetail) -> str:
    """Return a release as a JSON list, in the order of its fields."""
    return _list(
        release.id,
        release.project_id,
        release.version,
        time_text(release.assembled),
        release.channel_id,
        release.process_snapshot,
        release.variable_snapshot,
        release.packages,
        release.library_snapshots,
    )


def release_of(text: str) -> ReleaseDetail:
    """Return the release of `release_text`."""
    values = json.loads(text)
    values[3] = datetime.fromisoformat(values[3])
    values[7] = tuple((reference, version) for reference, version in values[7])
    values[8] = tuple(values[8])
    return ReleaseDetail(*values)


def _list(*values: object) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
