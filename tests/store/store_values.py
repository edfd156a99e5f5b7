"""Values of the journal's tests."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from reconciler.core.acceptance import AcceptedEnvironment
from reconciler.core.intent import Intent, IntentRecord, Outcome
from reconciler.core.state import DeploymentDetail, ReleaseDetail
from reconciler.ports import ChainLink, QueuedRecord

ENV = "production-uk"
NOON = datetime(2026, 11, 20, 12, 0, 0, 654321, tzinfo=UTC)

INTENT = Intent(
    server="11111111-2222-3333-4444-555555555555",
    space="Spaces-2",
    environment="Environments-3",
    tenant=None,
    project="Projects-7",
    version="2.4.1",
    machines=(),
    after="Deployments-901",
)


def a_record(after: str | None = "Deployments-901", **fields: Any) -> IntentRecord:
    """A promise, told apart by the deployment it comes after."""
    record = IntentRecord(
        intent=replace(INTENT, after=after),
        environment=ENV,
        cell="wallet-api",
        project_slug="wallet-api",
        commit="4f" * 20,
        plan_digest="ab" * 32,
        action="upgrade",
        replaces="2.4.0",
        redeploy=0,
        promised_at=NOON,
    )
    return replace(record, **fields)


def a_link(intent: str, sequence: int = 1, **fields: Any) -> ChainLink:
    """A place in the chain of wallet-api."""
    link = ChainLink(
        environment=ENV,
        project="wallet-api",
        tenant=None,
        sequence=sequence,
        digest=f"sha256:{sequence:064x}",
        path=f"receipts/{ENV}/wallet-api/2026/dr-{sequence:032x}.receipt.json",
        intent=intent,
        deployment_id=f"Deployments-{901 + sequence}",
        version="2.4.1",
        outcome=Outcome.SUCCESS,
        commit="4f" * 20,
    )
    return replace(link, **fields)


def a_queued(link: ChainLink, content: bytes = b"{}\n") -> QueuedRecord:
    """The receipt of a link, ready to be pushed."""
    return QueuedRecord(link.environment, link.path, content)


ACCEPTED = AcceptedEnvironment(
    environment=ENV,
    commit="4f" * 20,
    server_url="https://octopus.example",
    server=INTENT.server,
    space="Spaces-2",
    octopus_environment="Environments-3",
)


def a_deployment(number: int) -> DeploymentDetail:
    """A deployment as the cache keeps it."""
    return DeploymentDetail(
        id=f"Deployments-{number}",
        project_id="Projects-7",
        environment_id="Environments-3",
        tenant_id=None,
        release_id="Releases-90",
        task_id=f"ServerTasks-{number}",
        created=NOON,
        deployed_by="Ada ☃",
        deployed_by_id="Users-12",
        comments='by hand "quoted"\nsecond line',
        is_partial=True,
        machine_ids=("Machines-1", "Machines-2"),
        reached=("Machines-1",),
        is_flawed=True,
    )


def a_release(number: int) -> ReleaseDetail:
    """A release as the cache keeps it."""
    return ReleaseDetail(
        id=f"Releases-{number}",
        project_id="Projects-7",
        version="2.4.1",
        assembled=NOON,
        channel_id="Channels-1",
        process_snapshot="p-1",
        variable_snapshot="v-1",
        packages=(("Acme.Wallet", "2.4.1"), ("Acme.Web", "1.0")),
    )
