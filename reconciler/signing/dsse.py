"""Signing: a payload in, the bytes of an envelope file out (DSSE 1.0).

The signature is over the exact bytes of the payload and its type; nothing in the file can choose
another algorithm. RSA: RSASSA-PKCS1-v1_5 with SHA-256. EC P-256: ECDSA with SHA-256 and a nonce
made from the message (RFC 6979) where OpenSSL offers it, so that equal payloads give equal files.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from securesystemslib.dsse import Envelope
from securesystemslib.signer import Signature  # type: ignore[attr-defined]  # no __all__

from reconciler.signing.certificates import fingerprint

if TYPE_CHECKING:
    from reconciler.signing.keys import SigningKey


class SpaceSigner:
    """`ports.Signer`: the signing key of one space, with its certificate. Safe between threads."""

    def __init__(self, key: SigningKey) -> None:
        self._private = key.private
        self._pem = key.certificate.public_bytes(Encoding.PEM)
        self._fingerprint = fingerprint(key.certificate)

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self._pem

    @property
    def fingerprint(self) -> str:
        """`sha256:<hex of the certificate's DER>`."""
        return self._fingerprint

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """Return the bytes of the envelope file: compact JSON in a fixed order, and one LF."""
        envelope = Envelope(payload, payload_type, {})
        signature = self._signature(envelope.pae())
        envelope.signatures[self._fingerprint] = Signature(self._fingerprint, signature.hex())
        text = json.dumps(envelope.to_dict(), separators=(",", ":"), ensure_ascii=True)
        return text.encode("ascii") + b"\n"

    def _signature(self, message: bytes) -> bytes:
        if isinstance(self._private, rsa.RSAPrivateKey):
            return self._private.sign(message, padding.PKCS1v15(), hashes.SHA256())
        try:
            scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        except UnsupportedAlgorithm:
            scheme = ec.ECDSA(hashes.SHA256())
        return self._private.sign(message, scheme)
