"""A receipt of the documented example, and any receipt at all."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from reconciler.core.canonical import MAX_INTEGER
from reconciler.core.intent import Outcome
from reconciler.core.receipt import Receipt

EXAMPLE = Receipt(
    sequence=311,
    previous="sha256:" + "1a" * 32,
    space="Prod Space",
    certificate="sha256:" + "2b" * 32,
    server="11111111-2222-3333-4444-555555555555",
    project="acme-web",
    environment="Production",
    tenant=None,
    version="2.3.10",
    replaces="2.3.9",
    action="upgrade",
    outcome=Outcome.SUCCESS,
    deployment_id="Deployments-902",
    task_id="ServerTasks-7712",
    queued_at=datetime(2026, 11, 20, 11, 31, 2, tzinfo=UTC),
    completed_at=datetime(2026, 11, 20, 11, 34, 40, tzinfo=UTC),
    requested_by="Users-12",
    intent="9c1f" * 16,
    commit="4f0e" * 10,
    plan_digest="3c" * 32,
    approvals=("Users-3",),
)


def a_receipt(**fields: Any) -> Receipt:
    """The example with other fields."""
    return replace(EXAMPLE, **fields)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
HEX = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
DIGESTS = HEX.map(lambda digits: f"sha256:{digits}")
TIMES = st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0))

RECEIPTS = st.builds(
    Receipt,
    sequence=st.integers(1, MAX_INTEGER),
    previous=st.none() | DIGESTS,
    space=TEXTS,
    certificate=DIGESTS,
    server=TEXTS,
    project=TEXTS,
    environment=TEXTS,
    tenant=st.none() | TEXTS,
    version=TEXTS,
    replaces=st.none() | TEXTS,
    action=TEXTS,
    outcome=st.sampled_from(Outcome),
    deployment_id=TEXTS,
    task_id=TEXTS,
    queued_at=TIMES,
    completed_at=st.none() | TIMES,
    requested_by=TEXTS,
    intent=HEX,
    commit=HEX.map(lambda digits: digits[:40]) | HEX,
    plan_digest=HEX,
    approvals=st.none() | st.lists(TEXTS).map(lambda ids: tuple(sorted(ids))),
    corrects=st.none() | HEX.map(lambda digits: f"dr-{digits[:32]}"),
    audience=st.lists(DIGESTS, max_size=3).map(lambda ids: tuple(sorted(ids))),
    bundle=st.none() | HEX,
    not_understood=st.just(()),
)
