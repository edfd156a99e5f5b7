"""The signing key of a space: made once, kept for its owner only, never shown.

The key file is the thing to back up: `state_dir/keys`. A key whose certificate was lost gets a new
certificate; a certificate whose key was lost is a question for a person.
"""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from reconciler.core.slug import slug
from reconciler.core.text import clean
from reconciler.errors import SigningTrouble
from reconciler.signing.certificates import CLOCK_SKEW, MAX_PEM, RSA_EXPONENT, read_certificate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from reconciler.ports import Clock

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

NEW_KEY_BITS = 3072  # as strong as AES-128 (NIST SP 800-57, part 1, table 2)
VALID_FOR = timedelta(days=5 * 365)
_COMMON_NAME = 64  # the upper bound of a common name (RFC 5280, appendix A)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key and its certificate, which belong together and may sign."""

    private: PrivateKey = field(repr=False)
    certificate: x509.Certificate


def load_or_make_key(state_dir: Path, space: str, clock: Clock) -> SigningKey:
    """Return the key of a Space manifest from `state_dir/keys`, made there if there is none.

    Processes that start at once end with one key: the first file in place counts.

    Raises:
        SigningTrouble: files that cannot be written or read, are open to others, do not belong
            together, or a certificate without its key.
    """
    folder = state_dir / "keys"
    key_path = folder / f"{slug(space)}.key.pem"
    certificate_path = folder / f"{slug(space)}.crt.pem"
    with _told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)
        if not key_path.exists():
            # The key is always put in place first, so a second look tells a race from a loss.
            if certificate_path.exists() and not key_path.exists():
                raise _lost_key(key_path, certificate_path)
            _put(key_path, _new_key(), mode=0o600)
        if not certificate_path.exists():
            private = _read_key(key_path)
            _put(certificate_path, _self_signed(private, space, clock.now()), mode=0o644)
    return load_key(key_path, certificate_path, clock)


def load_key(key_path: Path, certificate_path: Path, clock: Clock) -> SigningKey:
    """Return a key and its certificate from two PEM files, checked to be fit for signing now.

    Raises:
        SigningTrouble: the file and what is wrong with it.
    """
    private = _read_key(key_path)
    with _told(certificate_path), certificate_path.open("rb") as file:
        pem = file.read(MAX_PEM + 1)
    try:
        certificate = read_certificate(pem, at=clock.now())
    except SigningTrouble as error:
        raise SigningTrouble(f"{certificate_path}: {error.message}", hint=error.hint) from error
    if certificate.public_key() != private.public_key():
        raise SigningTrouble(
            f"{certificate_path} is not the certificate of the key {key_path}; nothing was signed",
            hint=f"compare: openssl pkey -in {key_path} -pubout; "
            f"openssl x509 -in {certificate_path} -noout -pubkey",
        )
    if not _signs(private, certificate):
        raise SigningTrouble(
            f"the signing key {key_path} is damaged: its certificate does not verify what it signs",
            hint=f"try: openssl pkey -in {key_path} -noout -check",
        )
    return SigningKey(private, certificate)


def _signs(private: PrivateKey, certificate: x509.Certificate) -> bool:
    """Tell whether the certificate verifies what the key signs."""
    public, message = certificate.public_key(), b"Reconciler: does this key sign?"
    try:
        if isinstance(private, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
            rsa_signature = private.sign(message, padding.PKCS1v15(), hashes.SHA256())
            public.verify(rsa_signature, message, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(
            public, ec.EllipticCurvePublicKey
        ):
            signature = private.sign(message, ec.ECDSA(hashes.SHA256()))
            public.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except (InvalidSignature, ValueError):
        return False
    return True


def _read_key(path: Path) -> PrivateKey:
    with _told(path), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SigningTrouble(
                f"the signing key {path} is not a regular file; nothing was signed",
                hint="name a PEM file that belongs to this user",
            )
        if status.st_mode & 0o077:
            raise SigningTrouble(
                f"the signing key {path} can be read by others (mode "
                f"{stat.S_IMODE(status.st_mode):04o}); nothing was signed",
                hint=f"chmod 600 {path}",
            )
        pem = file.read(MAX_PEM)
    try:
        # Testing the primes takes 0.15 s at each start; `load_key` proves that the key signs.
        private = load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The reason is left out: it may quote what is in the file (rule 30).
        raise SigningTrouble(
            f"the signing key {path} is no unencrypted PEM private key; nothing was signed",
            hint=f"try: openssl pkey -in {path} -noout -check",
        ) from None
    if not isinstance(private, PrivateKey):
        raise SigningTrouble(
            f"the signing key {path} is neither RSA nor EC P-256; nothing was signed",
            hint=f"make one: openssl genrsa -out {path} {NEW_KEY_BITS}",
        )
    return private


def _new_key() -> bytes:
    private = rsa.generate_private_key(public_exponent=RSA_EXPONENT, key_size=NEW_KEY_BITS)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _self_signed(private: PrivateKey, space: str, now: datetime) -> bytes:
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, clean(f"Reconciler {space}", _COMMON_NAME))]
    )
    begin = (now - CLOCK_SKEW).replace(microsecond=0)
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(private, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def _put(path: Path, content: bytes, *, mode: int) -> None:
    """Write a whole new file, durable, unless another process was first: then theirs stays."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(unfinished, path)  # unlike a rename, never replaces
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        unfinished.unlink(missing_ok=True)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn a failure of the file system into SigningTrouble."""
    try:
        yield
    except OSError as error:
        where = clean(str(error.filename or path))
        raise SigningTrouble(
            f"cannot use {where}: {clean(error.strerror or str(error), 120)}; nothing was signed",
            hint=f"look at it with: ls -la {path.parent}",
        ) from error


def _lost_key(key_path: Path, certificate_path: Path) -> SigningTrouble:
    return SigningTrouble(
        f"the signing key {key_path} is gone, while its certificate is there; nothing was signed",
        hint=f"put the key back from a backup, or begin with a new one: mv {certificate_path} "
        f"{certificate_path}.old",
    )
