"""Certificates as clients upload them: DER, PEM or PKCS#12 in base64, read for what they say."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Upload", "facts", "is_past", "read_upload", "self_signed"]


@dataclass(frozen=True, slots=True)
class Upload:
    """A certificate that could be read: its bytes, their format, whether a key came along."""

    content: bytes
    format: str
    has_key: bool
    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...] = ()


def read_upload(text: str, password: str | None) -> Upload | None:
    """Return what base64 text holds, None when it is no certificate or the password is wrong."""
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    for read in (_pem, _der):
        try:
            return read(content)
        except ValueError:
            continue
    try:
        found = pkcs12.load_pkcs12(content, password.encode() if password else None)
    except ValueError:
        return None
    if found.cert is None:
        return None
    chain = tuple(each.certificate for each in found.additional_certs)
    return Upload(content, "Pkcs12", found.key is not None, found.cert.certificate, chain)


def _pem(content: bytes) -> Upload:
    first, *chain = x509.load_pem_x509_certificates(content)
    return Upload(content, "Pem", b"PRIVATE KEY-----" in content, first, tuple(chain))


def _der(content: bytes) -> Upload:
    return Upload(
        content, "Der", has_key=False, certificate=x509.load_der_x509_certificate(content)
    )


def _part(name: x509.Name, kind: x509.ObjectIdentifier) -> str | None:
    found = name.get_attributes_for_oid(kind)
    return str(found[0].value) if found else None


def _outline(certificate: x509.Certificate) -> dict[str, Any]:
    algorithm = certificate.signature_hash_algorithm
    return {
        "SubjectDistinguishedName": certificate.subject.rfc4514_string(),
        "IssuerDistinguishedName": certificate.issuer.rfc4514_string(),
        "Thumbprint": certificate.fingerprint(hashes.SHA1()).hex().upper(),  # noqa: S303
        "SerialNumber": f"{certificate.serial_number:X}",
        "SignatureAlgorithmName": algorithm.name if algorithm else None,
        "NotBefore": stamp(certificate.not_valid_before_utc),
        "NotAfter": stamp(certificate.not_valid_after_utc),
        "Version": certificate.version.value + 1,
    }


def facts(upload: Upload) -> dict[str, Any]:
    """Return what a certificate says, by the names of the certificate resource."""
    certificate = upload.certificate
    subject, issuer = certificate.subject, certificate.issuer
    return {
        **_outline(certificate),
        "SubjectCommonName": _part(subject, NameOID.COMMON_NAME),
        "SubjectOrganization": _part(subject, NameOID.ORGANIZATION_NAME),
        "SubjectAlternativeNames": _other_names(certificate),
        "IssuerCommonName": _part(issuer, NameOID.COMMON_NAME),
        "IssuerOrganization": _part(issuer, NameOID.ORGANIZATION_NAME),
        "SelfSigned": subject == issuer,
        "HasPrivateKey": upload.has_key,
        "CertificateDataFormat": upload.format,
        "CertificateChain": [_outline(each) for each in upload.chain],
    }


def _other_names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return []
    return list(found.value.get_values_for_type(x509.DNSName))


def is_past(upload: Upload, now: datetime) -> bool:
    """Tell whether the certificate has expired."""
    return upload.certificate.not_valid_after_utc < now


def self_signed(common_name: str | None, organization: str | None, now: datetime) -> bytes:
    """Return a new certificate of a year with its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = ((NameOID.COMMON_NAME, common_name), (NameOID.ORGANIZATION_NAME, organization))
    name = x509.Name([x509.NameAttribute(kind, value) for kind, value in parts if value])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM) + secret
