"""Certificates that may sign: pinned by their SHA-256, checked each time they are used.

No chain is built, no name is compared and no network is asked: a certificate counts because its
exact bytes are the ones somebody decided to trust.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID

from reconciler.core.text import clean
from reconciler.errors import SigningTrouble

if TYPE_CHECKING:
    from datetime import datetime

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey

CLOCK_SKEW = timedelta(minutes=5)
RSA_BITS = range(2048, 8193)
RSA_EXPONENT = 65537
MAX_PEM = 64 * 1024  # a certificate is 1 to 4 kB; more is no certificate
_WEAK = (hashes.MD5, hashes.SHA1)
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
    }
)


def read_certificate(pem: bytes, *, at: datetime | None = None) -> x509.Certificate:
    """Return the one certificate of a PEM file, fit to verify signatures.

    `at`: the aware time at which it must be valid, give or take five minutes; None: at any time.

    Raises:
        SigningTrouble: `E_CERT: ...`, with the first thing that is wrong.
    """
    if len(pem) > MAX_PEM:
        raise _refused(f"the file is larger than {MAX_PEM} bytes")
    try:
        found = x509.load_pem_x509_certificates(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _refused(f"this is no PEM certificate ({clean(str(error), 80)})") from error
    if len(found) != 1:
        raise _refused(f"the file holds {len(found)} certificates, not one")
    certificate = found[0]
    try:
        _check(certificate, at)
    except (ValueError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise _refused(f"it cannot be understood ({clean(str(error), 80)})") from error
    return certificate


def fingerprint(certificate: x509.Certificate) -> str:
    """Return `sha256:<hex of the DER>`, as `openssl x509 -fingerprint -sha256` shows it."""
    return f"sha256:{hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()}"


def public_key(certificate: x509.Certificate) -> PublicKey:
    """Return the key of a certificate. Raises: SigningTrouble for a type or size not allowed."""
    key = certificate.public_key()
    match key:
        case rsa.RSAPublicKey():
            if key.key_size not in RSA_BITS or key.public_numbers().e != RSA_EXPONENT:
                raise _refused(f"its RSA key of {key.key_size} bits is not 2048 to 8192, e=65537")
            return key
        case ec.EllipticCurvePublicKey():
            if not isinstance(key.curve, ec.SECP256R1):
                raise _refused(f"its key is on the curve {key.curve.name}, not P-256")
            return key
        case _:
            raise _refused("its key is neither RSA nor EC P-256")


def _check(certificate: x509.Certificate, at: datetime | None) -> None:
    if certificate.version is not x509.Version.v3:
        raise _refused(f"it is of X.509 {certificate.version.name}, not v3")
    public_key(certificate)
    if isinstance(certificate.signature_hash_algorithm, _WEAK):
        raise _refused(f"it is signed with {certificate.signature_hash_algorithm.name}")
    for extension in certificate.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise _refused(f"its critical extension {extension.oid.dotted_string} is not known")
        if isinstance(extension.value, x509.KeyUsage) and not extension.value.digital_signature:
            raise _refused("its key usage does not include digital signatures")
    if at is not None:
        _check_validity(certificate, at)


def _check_validity(certificate: x509.Certificate, at: datetime) -> None:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at < begin - CLOCK_SKEW:
        raise _refused(f"it is valid from {begin:%Y-%m-%dT%H:%M:%SZ} on, which is later than now")
    if at > end + CLOCK_SKEW:
        raise _refused(f"it expired {end:%Y-%m-%dT%H:%M:%SZ}")


def _refused(fact: str) -> SigningTrouble:
    return SigningTrouble(
        f"E_CERT: a certificate is not fit for signatures: {fact}; nothing was changed",
        hint="look at it with: openssl x509 -in CERTIFICATE -noout -text",
    )
