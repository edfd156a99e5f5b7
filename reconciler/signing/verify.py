"""Reading envelopes: the signature first, against pinned certificates, and nothing before it.

The order of the checks is the order of the functions below; the first failure ends the reading.
The payload is decoded once, and the bytes that were verified are the bytes that are handed out
(rule 37). Every refusal begins with its code: E_SIZE, E_ENVELOPE, E_TYPE, E_CERT, E_SIGNATURE.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from cryptography.hazmat.primitives.asymmetric import rsa
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import UnverifiedSignatureError
from securesystemslib.signer import (  # type: ignore[attr-defined]  # no __all__
    ECDSA_SHA2_NISTP256,
    RSA_PKCS1V15_SHA256,
    Signature,
    SSlibKey,
)

from reconciler.core.receipt import PAYLOAD_TYPE
from reconciler.core.strictjson import JsonValue, NotStrictJson, read_json
from reconciler.core.text import clean
from reconciler.errors import SigningTrouble
from reconciler.signing.certificates import fingerprint, public_key, read_certificate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

MAX_RECEIPT = 1024 * 1024  # bytes of a receipt's file
MAX_SIGNATURES = 8
MAX_TRIES = 32  # certificates per signature
_MAX_SIGNATURE_TEXT = 2048  # Base64 of the 1024 bytes of RSA 8192, and some room

_Claim: TypeAlias = tuple[str, bytes]  # keyid (a hint, "" if absent) and signature


@dataclass(frozen=True, slots=True)
class VerifiedPayload:
    """The signed bytes, and the certificate (`sha256:<hex>`) whose key signed them."""

    payload: bytes
    fingerprint: str


def verify_envelope(
    data: bytes,
    certificates: Sequence[bytes],
    payload_type: str = PAYLOAD_TYPE,
    *,
    name: str = "the envelope",
    at: datetime | None = None,
) -> VerifiedPayload:
    """Return the payload of an envelope file that one of the pinned certificates signed.

    `certificates`: PEM, one each. `name` is how messages call the file. `at`: the aware time at
    which a certificate must be valid; None for records of the past, which outlive certificates.

    Raises:
        SigningTrouble: the message begins with the code of the first check that failed.
    """
    if len(data) > MAX_RECEIPT:
        raise _refused("E_SIZE", name, f"is larger than {MAX_RECEIPT} bytes")
    outer = _outer(data, name)
    if outer["payloadType"] != payload_type:
        shown = clean(repr(outer["payloadType"]), 80)
        raise _refused("E_TYPE", name, f"holds a payload of type {shown}, not {payload_type}")
    payload = _base64(outer["payload"], name)
    claims = _claims(outer["signatures"], name)
    keys = _keys(certificates, at)
    message = Envelope(payload, payload_type, {}).pae()
    for hint, signature in claims:
        # The hint only decides which pins are tried first.
        for key in sorted(keys, key=lambda key: key.keyid != hint)[:MAX_TRIES]:
            if _verifies(key, signature, message):
                return VerifiedPayload(payload, key.keyid)
    raise _refused(
        "E_SIGNATURE", name, f"was not signed by any trusted certificate ({len(keys)} tried)"
    )


def _outer(data: bytes, name: str) -> dict[str, JsonValue]:
    try:
        outer = read_json(data)
    except NotStrictJson as error:
        raise _refused("E_ENVELOPE", name, f"is no envelope: {error}") from error
    if not isinstance(outer, dict):
        raise _refused("E_ENVELOPE", name, "is no JSON object")
    for key in ("payload", "payloadType", "signatures"):
        if key not in outer:
            raise _refused("E_ENVELOPE", name, f"has no {key}")
    return outer


def _claims(signatures: JsonValue, name: str) -> list[_Claim]:
    if not isinstance(signatures, list) or not 1 <= len(signatures) <= MAX_SIGNATURES:
        raise _refused("E_ENVELOPE", name, f"has not between 1 and {MAX_SIGNATURES} signatures")
    claims = []
    for signature in signatures:
        if not isinstance(signature, dict) or not isinstance(signature.get("keyid", ""), str):
            raise _refused("E_ENVELOPE", name, "has a signature that is none")
        text = signature.get("sig")
        if isinstance(text, str) and len(text) > _MAX_SIGNATURE_TEXT:
            raise _refused("E_ENVELOPE", name, "has a signature that is too long")
        claims.append((str(signature.get("keyid", "")), _base64(text, name)))
    return claims


def _base64(text: JsonValue, name: str) -> bytes:
    """Decode standard or URL-safe Base64 (never both in one text), padded, in its one spelling."""
    if not isinstance(text, str) or not text.isascii():
        raise _refused("E_TYPE", name, "holds something that is not Base64")
    url_safe = "-" in text or "_" in text
    alphabet = b"-_" if url_safe else b"+/"
    try:
        data = base64.b64decode(text, altchars=alphabet, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _refused("E_TYPE", name, "holds something that is not Base64") from error
    if base64.b64encode(data, altchars=alphabet).decode("ascii") != text:
        raise _refused("E_TYPE", name, "holds Base64 in more than one spelling")
    return data


def _keys(certificates: Sequence[bytes], at: datetime | None) -> list[SSlibKey]:
    """Return the keys of the fit certificates; one that is not fit spoils none of the others.

    Raises:
        SigningTrouble: there are certificates, and none of them is fit.
    """
    keys, refusals = [], []
    for pem in certificates:
        try:
            certificate = read_certificate(pem, at=at)
        except SigningTrouble as refusal:
            refusals.append(refusal)
            continue
        key = public_key(certificate)
        scheme = RSA_PKCS1V15_SHA256 if isinstance(key, rsa.RSAPublicKey) else ECDSA_SHA2_NISTP256
        keys.append(SSlibKey.from_crypto(key, keyid=fingerprint(certificate), scheme=scheme))
    if refusals and not keys:
        raise refusals[0]
    return keys


def _verifies(key: SSlibKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify_signature(Signature(key.keyid, signature.hex()), message)
    except UnverifiedSignatureError:
        return False
    return True


def _refused(code: str, name: str, fact: str) -> SigningTrouble:
    return SigningTrouble(
        f"{code}: {clean(name)} {fact}. Nothing was taken from it.",
        hint="compare the certificate's fingerprint with the one you trust: "
        "openssl x509 -in CERTIFICATE -noout -fingerprint -sha256",
    )
