"""Only the exact bytes that a pinned certificate signed come out of an envelope."""

import base64
import json
from datetime import datetime, timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.receipt import PAYLOAD_TYPE
from reconciler.errors import SigningTrouble
from reconciler.ports import Clock, Signer
from reconciler.signing import (
    SigningKey,
    SpaceSigner,
    VerifiedPayload,
    verify_envelope,
)
from reconciler.signing.verify import MAX_RECEIPT

PAYLOAD = b'{"a":"b?>~\xc3\xbf"}'  # both of the letters in which the two Base64 alphabets differ


def test_what_was_signed_comes_out(signer: SpaceSigner) -> None:
    door: Signer = signer
    data = door.sign(PAYLOAD_TYPE, PAYLOAD)

    found = verify_envelope(data, [signer.certificate_pem], PAYLOAD_TYPE)

    assert found == VerifiedPayload(PAYLOAD, signer.fingerprint)


def test_the_file_is_compact_json_in_a_fixed_order_and_one_line_feed(signer: SpaceSigner) -> None:
    data = signer.sign(PAYLOAD_TYPE, PAYLOAD)
    outer = json.loads(data)

    assert list(outer) == ["payload", "payloadType", "signatures"]
    assert list(outer["signatures"][0]) == ["keyid", "sig"]
    assert outer["signatures"][0]["keyid"] == signer.fingerprint
    assert base64.b64decode(outer["payload"]) == PAYLOAD
    assert data == json.dumps(outer, separators=(",", ":")).encode() + b"\n"


def test_equal_payloads_give_equal_files(signer: SpaceSigner) -> None:
    assert signer.sign(PAYLOAD_TYPE, PAYLOAD) == signer.sign(PAYLOAD_TYPE, PAYLOAD)


def test_no_changed_byte_ever_changes_what_comes_out(ec_key: SigningKey) -> None:
    signer = SpaceSigner(ec_key)
    data = signer.sign(PAYLOAD_TYPE, PAYLOAD)
    signed = VerifiedPayload(PAYLOAD, signer.fingerprint)
    hint = data.index(b"sha256:")
    harmless = []
    for place in range(len(data)):
        for change in (data[place] ^ 0x01, data[place] ^ 0x20, ord("A")):
            tampered = data[:place] + bytes([change]) + data[place + 1 :]
            found = outcome(tampered, signer)
            assert found in {signed, None}
            if found is not None and tampered != data:
                harmless.append(place)

    # Changed and still good: the hint, its name, the space at the end. Nothing that was signed.
    outside = {*range(hint - 9, hint + 71), len(data) - 1}
    assert harmless
    assert set(harmless) <= outside


def outcome(data: bytes, *signers: SpaceSigner) -> VerifiedPayload | None:
    try:
        return verify_envelope(data, [signer.certificate_pem for signer in signers])
    except SigningTrouble:
        return None


def test_every_shorter_file_is_refused(ec_key: SigningKey) -> None:
    signer = SpaceSigner(ec_key)
    data = signer.sign(PAYLOAD_TYPE, PAYLOAD)

    assert {outcome(data[:size], signer) for size in range(len(data) - 1)} == {None}


def test_a_signature_by_somebody_else_does_not_count(
    rsa_key: SigningKey, ec_key: SigningKey
) -> None:
    data = SpaceSigner(rsa_key).sign(PAYLOAD_TYPE, PAYLOAD)

    with pytest.raises(SigningTrouble, match=r"^E_SIGNATURE: r\.json was not signed .*\(1 tried\)"):
        verify_envelope(data, [SpaceSigner(ec_key).certificate_pem], name="r.json")
    with pytest.raises(SigningTrouble, match="E_SIGNATURE"):
        verify_envelope(data, [])


def test_the_key_id_is_only_a_hint(rsa_key: SigningKey, ec_key: SigningKey) -> None:
    one, other = SpaceSigner(rsa_key), SpaceSigner(ec_key)
    outer = json.loads(one.sign(PAYLOAD_TYPE, PAYLOAD))
    for hint in (other.fingerprint, "", "something else"):
        outer["signatures"][0]["keyid"] = hint
        found = outcome(json.dumps(outer).encode(), other, one)
        assert found == VerifiedPayload(PAYLOAD, one.fingerprint)
    del outer["signatures"][0]["keyid"]

    assert outcome(json.dumps(outer).encode(), other, one) is not None


def test_one_good_signature_among_eight_is_enough_and_nine_are_too_many(
    ec_key: SigningKey,
) -> None:
    signer = SpaceSigner(ec_key)
    outer = json.loads(signer.sign(PAYLOAD_TYPE, PAYLOAD))
    bad = {"keyid": signer.fingerprint, "sig": "AAAA"}
    outer["signatures"] = [bad] * 7 + outer["signatures"]
    assert outcome(json.dumps(outer).encode(), signer) is not None
    outer["signatures"].append(bad)

    with pytest.raises(SigningTrouble, match="E_ENVELOPE"):
        verify_envelope(json.dumps(outer).encode(), [signer.certificate_pem])


def test_the_url_safe_alphabet_is_read_and_a_mixture_is_not(ec_key: SigningKey) -> None:
    signer = SpaceSigner(ec_key)
    payload = b"\xfb\xef\xbe\xff\xff\xff"  # "++++////" in Base64
    outer = json.loads(signer.sign(PAYLOAD_TYPE, payload))
    assert outer["payload"] == "++++////"
    outer["payload"] = "----____"
    assert outcome(json.dumps(outer).encode(), signer) == VerifiedPayload(
        payload, signer.fingerprint
    )

    outer["payload"] = "++++____"
    with pytest.raises(SigningTrouble, match="E_TYPE"):
        verify_envelope(json.dumps(outer).encode(), [signer.certificate_pem])


@pytest.mark.parametrize(
    "payload",
    ["e30", "e30==", "e3 0=", "e30=\n", "e31=", "=e30", "e30=e30=", "é", 5, None, ["e30="]],
)
def test_base_64_has_one_spelling(ec_key: SigningKey, payload: object) -> None:
    signer = SpaceSigner(ec_key)
    outer = json.loads(signer.sign(PAYLOAD_TYPE, b"{}"))
    assert outer["payload"] == "e30="
    outer["payload"] = payload

    with pytest.raises(SigningTrouble, match="E_TYPE"):
        verify_envelope(json.dumps(outer).encode(), [signer.certificate_pem])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda outer: outer.pop("payload"), "E_ENVELOPE"),
        (lambda outer: outer.pop("payloadType"), "E_ENVELOPE"),
        (lambda outer: outer.pop("signatures"), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures=[]), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures={}), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures=["x"]), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures=[{"keyid": 5, "sig": "AAAA"}]), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures=[{"sig": "A" * 2052}]), "E_ENVELOPE"),
        (lambda outer: outer.update(signatures=[{"keyid": "x"}]), "E_TYPE"),
        (lambda outer: outer.update(payloadType="application/json"), "E_TYPE"),
        (lambda outer: outer.update(payloadType=None), "E_TYPE"),
    ],
)
def test_an_envelope_of_another_shape_is_refused(
    ec_key: SigningKey, change: object, code: str
) -> None:
    signer = SpaceSigner(ec_key)
    outer = json.loads(signer.sign(PAYLOAD_TYPE, PAYLOAD))
    change(outer)

    with pytest.raises(SigningTrouble, match=f"^{code}: the envelope .*Nothing was taken"):
        verify_envelope(json.dumps(outer).encode(), [signer.certificate_pem])


def test_unknown_keys_of_the_envelope_are_ignored(ec_key: SigningKey) -> None:
    signer = SpaceSigner(ec_key)
    outer = json.loads(signer.sign(PAYLOAD_TYPE, PAYLOAD)) | {"note": {"alg": "none"}}

    assert outcome(json.dumps(outer).encode(), signer) is not None


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b'{"payload":"","payload":""}', b"NaN", b"\xff", b"[" * 100]
)
def test_something_else_than_an_envelope_is_refused(signer: SpaceSigner, data: bytes) -> None:
    with pytest.raises(SigningTrouble, match=r"^E_ENVELOPE: "):
        verify_envelope(data, [signer.certificate_pem])


def test_rule_47_a_file_over_the_limit_is_not_read(signer: SpaceSigner) -> None:
    with pytest.raises(SigningTrouble, match=r"^E_SIZE: "):
        verify_envelope(b" " * (MAX_RECEIPT + 1), [signer.certificate_pem])


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b'{"a":1,"a":2}', b"[" * 10_000, b"NaN"])
def test_rule_37_nothing_of_the_payload_is_parsed(signer: SpaceSigner, payload: bytes) -> None:
    data = signer.sign(PAYLOAD_TYPE, payload)

    assert verify_envelope(data, [signer.certificate_pem]).payload == payload


def test_a_certificate_outside_of_its_time_is_refused_where_a_time_is_given(
    signer: SpaceSigner, clock: Clock
) -> None:
    data = signer.sign(PAYLOAD_TYPE, PAYLOAD)
    later: datetime = clock.now() + timedelta(days=6 * 365)

    assert verify_envelope(data, [signer.certificate_pem], at=clock.now()).payload == PAYLOAD
    assert verify_envelope(data, [signer.certificate_pem]).payload == PAYLOAD
    with pytest.raises(SigningTrouble, match=r"^E_CERT: .*it expired"):
        verify_envelope(data, [signer.certificate_pem], at=later)


def test_tries_are_bounded_and_the_hint_leads_to_the_right_pin(
    rsa_key: SigningKey, ec_key: SigningKey
) -> None:
    other, pem = (key.certificate.public_bytes(Encoding.PEM) for key in (rsa_key, ec_key))
    data = SpaceSigner(ec_key).sign(PAYLOAD_TYPE, PAYLOAD)
    without_hint = data.replace(b'"keyid"', b'"other"')

    assert verify_envelope(data, [other] * 32 + [pem]).payload == PAYLOAD
    assert verify_envelope(without_hint, [other] * 31 + [pem]).payload == PAYLOAD
    with pytest.raises(SigningTrouble, match=r"^E_SIGNATURE: "):
        verify_envelope(without_hint, [other] * 32 + [pem])


def test_a_pin_that_is_not_fit_spoils_no_other(ec_key: SigningKey) -> None:
    pem = ec_key.certificate.public_bytes(Encoding.PEM)
    data = SpaceSigner(ec_key).sign(PAYLOAD_TYPE, PAYLOAD)

    assert verify_envelope(data, [b"rubbish", pem]).payload == PAYLOAD
    with pytest.raises(SigningTrouble, match=r"^E_CERT: "):
        verify_envelope(data, [b"rubbish"])


def test_rule_52_the_name_of_a_file_is_shown_safely(ec_key: SigningKey) -> None:
    with pytest.raises(SigningTrouble) as caught:
        verify_envelope(b"", [], name="receipts/\x1b[2J\nE_OK.json")

    assert caught.value.message.isprintable()


@given(data=st.binary() | st.text('{}[]",:payloadTypesignaturesig=').map(str.encode))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rule_47_hostile_bytes_never_do_more_than_be_refused(
    ec_key: SigningKey, data: bytes
) -> None:
    assert outcome(data, SpaceSigner(ec_key)) is None
