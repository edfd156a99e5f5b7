"""A receipt has one spelling, says what it says in every field, and is read strictly."""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from receipt_values import EXAMPLE, RECEIPTS, TEXTS, a_receipt

from reconciler.core.intent import Outcome
from reconciler.core.receipt import (
    Receipt,
    parse_receipt,
    payload_bytes,
    payload_digest,
    receipt_id,
    receipt_path,
)
from reconciler.errors import SigningTrouble

GOLDEN = Path(__file__).parent.parent / "golden" / "receipts-1.0"


def test_the_payload_is_the_golden_one() -> None:
    assert payload_bytes(EXAMPLE) == (GOLDEN / "payload.json").read_bytes()


def test_the_payload_has_every_documented_field() -> None:
    assert json.loads(payload_bytes(EXAMPLE)) == {
        "_type": "https://in-toto.io/Statement/v1",
        "predicateType": "urn:reconciler:deployment-receipt:1",
        "subject": [{"name": "intent", "digest": {"sha256": "9c1f" * 16}}],
        "predicate": {
            "schemaVersion": "1.0",
            "critical": [],
            "receiptId": receipt_id(EXAMPLE),
            "sequence": 311,
            "previous": "sha256:" + "1a" * 32,
            "space": {"name": "Prod Space", "certificate": "sha256:" + "2b" * 32},
            "audience": [],
            "server": "11111111-2222-3333-4444-555555555555",
            "project": "acme-web",
            "environment": "Production",
            "tenant": None,
            "version": "2.3.10",
            "replaces": "2.3.9",
            "action": "upgrade",
            "outcome": "Success",
            "deploymentId": "Deployments-902",
            "taskId": "ServerTasks-7712",
            "queuedAt": "2026-11-20T11:31:02Z",
            "completedAt": "2026-11-20T11:34:40Z",
            "requestedBy": "Users-12",
            "intent": {
                "commit": "4f0e" * 10,
                "planDigest": "sha256:" + "3c" * 32,
                "approvals": ["Users-3"],
            },
        },
    }


def test_the_id_is_the_digest_of_what_identifies_the_end_of_a_deployment() -> None:
    identity = {
        "server": EXAMPLE.server,
        "deploymentId": "Deployments-902",
        "queuedAt": "2026-11-20T11:31:02Z",
        "outcome": "Success",
        "corrects": None,
    }

    assert receipt_id(EXAMPLE) == "dr-" + hashlib.sha256(rfc8785.dumps(identity)).hexdigest()[:32]
    assert receipt_id(a_receipt(sequence=5, approvals=None)) == receipt_id(EXAMPLE)
    assert receipt_id(a_receipt(outcome=Outcome.UNKNOWN)) != receipt_id(EXAMPLE)
    assert receipt_id(a_receipt(corrects="dr-" + "0" * 32)) != receipt_id(EXAMPLE)


def test_rule_25_parts_of_a_second_and_zones_do_not_change_the_payload() -> None:
    tokyo = timezone(timedelta(hours=9))
    moment = datetime(2026, 11, 20, 20, 31, 2, 999999, tzinfo=tokyo)

    assert payload_bytes(a_receipt(queued_at=moment)) == payload_bytes(EXAMPLE)


def test_a_time_without_a_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        payload_bytes(a_receipt(queued_at=datetime(2026, 11, 20)))  # noqa: DTZ001


def test_approvals_that_nobody_knows_any_more_are_null() -> None:
    lost = json.loads(payload_bytes(a_receipt(approvals=None)))
    none = json.loads(payload_bytes(a_receipt(approvals=())))

    assert lost["predicate"]["intent"]["approvals"] is None
    assert none["predicate"]["intent"]["approvals"] == []


def test_only_a_correction_says_what_it_corrects() -> None:
    correction = a_receipt(corrects="dr-" + "0" * 32)

    assert "corrects" not in json.loads(payload_bytes(EXAMPLE))["predicate"]
    assert json.loads(payload_bytes(correction))["predicate"]["corrects"] == "dr-" + "0" * 32


@pytest.mark.parametrize(
    ("environment", "project", "folder"),
    [
        ("production-uk", "acme-web", "receipts/production-uk/acme-web/2026/"),
        ("Production UK", "../etc", "receipts/production-uk-22d2b428/etc-f7f9121f/2026/"),
    ],
)
def test_the_path_is_made_of_slugs_and_the_year_of_the_queue(
    environment: str, project: str, folder: str
) -> None:
    late = a_receipt(completed_at=datetime(2027, 1, 1, tzinfo=UTC))

    path = receipt_path(environment, project, late)

    assert path == f"{folder}{receipt_id(late)}.receipt.json"


@given(RECEIPTS)
def test_what_was_written_is_read_back(receipt: Receipt) -> None:
    payload = payload_bytes(receipt)

    assert parse_receipt(payload) == receipt
    assert payload_bytes(parse_receipt(payload)) == payload


@given(RECEIPTS)
def test_the_payload_is_what_another_rfc_8785_writer_writes(receipt: Receipt) -> None:
    payload = payload_bytes(receipt)

    assert rfc8785.dumps(json.loads(payload)) == payload


def test_the_digest_of_a_payload_is_the_one_of_its_bytes() -> None:
    payload = payload_bytes(EXAMPLE)

    assert payload_digest(payload) == "sha256:" + hashlib.sha256(payload).hexdigest()


def changed(change: Callable[[dict[str, Any], dict[str, Any]], object]) -> bytes:
    statement = json.loads(payload_bytes(EXAMPLE))
    change(statement, statement["predicate"])
    return json.dumps(statement).encode()


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda s, p: s.update(_type="x"), "E_VERSION", "not of type"),
        (lambda s, p: s.update(predicateType=s["predicateType"] + "2"), "E_VERSION", "not a urn"),
        (lambda s, p: p.update(schemaVersion="2.0"), "E_VERSION", "not 1.x"),
        (lambda s, p: p.update(schemaVersion="1.00"), "E_VERSION", "not 1.x"),
        (lambda s, p: p.update(critical=["quorum"]), "E_VERSION", "critical field"),
        (lambda s, p: p.update(critical="quorum"), "E_SCHEMA", "critical"),
        (lambda s, p: s.update(subject=[]), "E_DIGEST", "does not name its intent"),
        (lambda s, p: s["subject"].append(s["subject"][0]), "E_DIGEST", "neither"),
        (lambda s, p: s["subject"][0].update(name="process"), "E_DIGEST", "neither"),
        (lambda s, p: s["subject"][0].update(digest={"sha256": "AB"}), "E_SCHEMA", "sha256"),
        (lambda s, p: s["subject"].append("x"), "E_SCHEMA", "subject"),
        (lambda s, p: p.update(receiptId="dr-" + "0" * 32), "E_BINDING", "receiptId"),
        (lambda s, p: p.update(deploymentId="Deployments-1"), "E_BINDING", "receiptId"),
        (lambda s, p: p.update(sequence=0), "E_SCHEMA", "predicate.sequence"),
        (lambda s, p: p.update(sequence=True), "E_SCHEMA", "predicate.sequence"),
        (lambda s, p: p.update(sequence="1"), "E_SCHEMA", "predicate.sequence"),
        (lambda s, p: p.update(previous="1a" * 32), "E_SCHEMA", "predicate.previous"),
        (lambda s, p: p.update(tenant=5), "E_SCHEMA", "predicate.tenant"),
        (lambda s, p: p.update(version=None), "E_SCHEMA", "predicate.version"),
        (lambda s, p: p.update(outcome="Great"), "E_SCHEMA", "predicate.outcome"),
        (lambda s, p: p.update(queuedAt="2026-02-30T00:00:00Z"), "E_SCHEMA", "queuedAt"),
        (lambda s, p: p.update(queuedAt="2026-11-20 11:31:02"), "E_SCHEMA", "queuedAt"),
        (lambda s, p: p.update(queuedAt="٢٠٢٦-11-20T11:31:02Z"), "E_SCHEMA", "queuedAt"),
        (lambda s, p: p.update(corrects=None), "E_SCHEMA", "predicate.corrects"),
        (lambda s, p: p.update(audience=["x"]), "E_SCHEMA", "predicate.audience"),
        (lambda s, p: p["intent"].update(commit="HEAD"), "E_SCHEMA", "predicate.intent.commit"),
        (lambda s, p: p["intent"].pop("approvals"), "E_SCHEMA", "predicate.intent.approvals"),
        (lambda s, p: p["intent"].update(approvals=[5]), "E_SCHEMA", "approvals"),
        (lambda s, p: p.update(space="Prod"), "E_SCHEMA", "predicate.space"),
        (lambda s, p: s.pop("predicate"), "E_SCHEMA", "nothing at predicate"),
    ],
)
def test_a_payload_of_another_shape_is_refused(change: Any, code: str, words: str) -> None:
    with pytest.raises(SigningTrouble, match=f"^{code}: the payload") as caught:
        parse_receipt(changed(change))

    assert words in caught.value.message
    assert caught.value.message.isprintable()


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[]", b"\xff", b'{"_type":1,"_type":2}', b"1.5", b"{} "]
)
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(SigningTrouble, match=r"^E_SCHEMA: "):
        parse_receipt(payload)


def test_fields_of_a_newer_minor_version_are_named_and_kept() -> None:
    def add(statement: dict[str, Any], predicate: dict[str, Any]) -> None:
        predicate.update(schemaVersion="1.7", critical=["corrects"], weather={"sky": "blue"})
        predicate["space"]["region"] = "eu"
        statement["extra"] = 1

    found = parse_receipt(changed(add))

    assert found == EXAMPLE
    assert found.not_understood == ("extra", "predicate.weather", "predicate.space.region")


def test_rule_52_a_hostile_field_name_is_shown_safely() -> None:
    found = parse_receipt(changed(lambda s, p: p.update({"\x1b[2J" + "x" * 500: 1})))

    assert all(place.isprintable() and len(place) <= 200 for place in found.not_understood)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def reading(payload: bytes) -> object:
    """What comes of reading: the receipt, or the refusal."""
    try:
        return parse_receipt(payload)
    except SigningTrouble as refusal:
        return refusal


FIELDS = sorted(json.loads(payload_bytes(EXAMPLE))["predicate"])


@given(st.sampled_from(FIELDS), JSON)
def test_rule_47_any_value_in_any_field_is_read_or_refused(name: str, value: object) -> None:
    payload = changed(lambda s, p: p.update({name: value}))

    assert isinstance(reading(payload), (Receipt, SigningTrouble))


@given(st.binary())
def test_rule_47_hostile_bytes_never_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(SigningTrouble):
        parse_receipt(payload)
