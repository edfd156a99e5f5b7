"""A signing key is made once, for its owner only, and refused when it is not fit."""

import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from signing_values import write_key

from reconciler.errors import SigningTrouble
from reconciler.ports import Clock
from reconciler.signing import SigningKey, SpaceSigner, load_key, load_or_make_key
from reconciler.signing.certificates import read_certificate

NOW = datetime(2026, 11, 20, 11, 31, 2, 123456, tzinfo=UTC)

STARTER = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from conftest import StillClock
from reconciler.signing import SpaceSigner, load_or_make_key
print(SpaceSigner(load_or_make_key(Path(sys.argv[1]), "prod", StillClock())).fingerprint)
"""


def a_certificate(
    private: Any,
    *,
    signs: bool = True,
    critical: x509.ExtensionType | None = None,
    begin: datetime = NOW,
) -> bytes:
    """A certificate of `private`, self-signed, a little wrong where asked."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    usage = x509.KeyUsage(signs, False, True, False, False, False, False, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=10))
        .add_extension(usage, critical=True)
    )
    if critical is not None:
        builder = builder.add_extension(critical, critical=True)
    algorithm = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(private, algorithm).public_bytes(Encoding.PEM)


def test_the_first_start_makes_a_key_and_a_certificate(tmp_path: Path, clock: Clock) -> None:
    key = load_or_make_key(tmp_path, "Prod Space", clock)

    folder = tmp_path / "keys"
    (key_path,) = folder.glob("prod-space-*.key.pem")
    (certificate_path,) = folder.glob("prod-space-*.crt.pem")
    assert sorted(folder.iterdir()) == sorted([key_path, certificate_path])
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(key_path.stat().st_mode) == 0o600
    certificate = key.certificate
    assert isinstance(key.private, rsa.RSAPrivateKey)
    assert key.private.key_size == 3072
    assert key.private.public_key().public_numbers().e == 65537
    assert certificate.version is x509.Version.v3
    assert certificate.subject == certificate.issuer
    assert certificate.subject.rfc4514_string() == "CN=Reconciler Prod Space"
    assert certificate.not_valid_before_utc == datetime(2026, 11, 20, 11, 26, 2, tzinfo=UTC)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(1825)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_the_second_start_finds_the_same_key(tmp_path: Path, clock: Clock) -> None:
    first = SpaceSigner(load_or_make_key(tmp_path, "prod", clock))
    again = SpaceSigner(load_or_make_key(tmp_path, "prod", clock))
    other = SpaceSigner(load_or_make_key(tmp_path, "dev", clock))

    assert again.fingerprint == first.fingerprint
    assert again.certificate_pem == first.certificate_pem
    assert other.fingerprint != first.fingerprint


def test_processes_that_start_at_once_end_with_one_key(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STARTER, str(tmp_path), str(Path(__file__).parent)]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]

    found = [child.communicate(timeout=100)[0] for child in children]

    assert len(set(found)) == 1
    assert found[0].startswith("sha256:")
    assert len(list((tmp_path / "keys").iterdir())) == 2


def test_a_lost_certificate_is_made_anew_for_the_same_key(tmp_path: Path, clock: Clock) -> None:
    first = load_or_make_key(tmp_path, "prod", clock)
    (tmp_path / "keys" / "prod.crt.pem").unlink()

    again = load_or_make_key(tmp_path, "prod", clock)

    assert again.certificate.public_key() == first.certificate.public_key()


def test_a_lost_key_is_a_question_for_a_person(
    tmp_path: Path, clock: Clock, rsa_key: SigningKey
) -> None:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    (folder / "prod.crt.pem").write_bytes(rsa_key.certificate.public_bytes(Encoding.PEM))

    with pytest.raises(SigningTrouble, match="is gone, while its certificate is there") as caught:
        load_or_make_key(tmp_path, "prod", clock)

    assert "backup" in caught.value.hint
    assert not (folder / "prod.key.pem").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_rule_30_a_key_that_others_can_read_is_refused(
    tmp_path: Path, clock: Clock, mode: int
) -> None:
    write_key(tmp_path / "keys" / "prod.key.pem", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "keys" / "prod.key.pem").chmod(mode)

    with pytest.raises(SigningTrouble, match=f"mode {mode:04o}") as caught:
        load_or_make_key(tmp_path, "prod", clock)

    assert caught.value.hint == f"chmod 600 {tmp_path}/keys/prod.key.pem"


def test_rule_30_a_key_is_never_shown(tmp_path: Path, clock: Clock) -> None:
    key = load_or_make_key(tmp_path, "prod", clock)
    path = tmp_path / "keys" / "prod.key.pem"
    secret_line = path.read_text().splitlines()[5]
    path.write_text(path.read_text().replace("-----END", "-----ENT"))

    with pytest.raises(SigningTrouble) as caught:
        load_or_make_key(tmp_path, "prod", clock)

    for shown in (repr(key), caught.value.message, caught.value.hint, repr(caught.value)):
        assert secret_line not in shown
        assert "PrivateKey" not in shown
    assert caught.value.__cause__ is None


def test_a_configured_pair_is_used(tmp_path: Path, clock: Clock) -> None:
    private = rsa.generate_private_key(65537, 2048)
    write_key(tmp_path / "own.pem", private)
    (tmp_path / "own.crt").write_bytes(a_certificate(private))

    key = load_key(tmp_path / "own.pem", tmp_path / "own.crt", clock)

    assert SpaceSigner(key).certificate_pem == (tmp_path / "own.crt").read_bytes()


def test_a_key_whose_numbers_are_damaged_is_refused_before_it_signs(
    rsa_key: SigningKey, tmp_path: Path, clock: Clock
) -> None:
    assert isinstance(rsa_key.private, rsa.RSAPrivateKey)
    whole = rsa_key.private.private_numbers()
    damaged = rsa.RSAPrivateNumbers(
        p=whole.p,
        q=whole.q,
        d=whole.d ^ 2,
        dmp1=whole.dmp1 ^ 2,
        dmq1=whole.dmq1,
        iqmp=whole.iqmp,
        public_numbers=whole.public_numbers,
    ).private_key(unsafe_skip_rsa_key_validation=True)
    key = tmp_path / "key.pem"
    write_key(key, damaged)
    certificate = tmp_path / "crt.pem"
    certificate.write_bytes(rsa_key.certificate.public_bytes(Encoding.PEM))

    with pytest.raises(SigningTrouble, match="is damaged") as caught:
        load_key(key, certificate, clock)
    assert str(key) in caught.value.message


def test_a_certificate_of_another_key_is_refused(tmp_path: Path, clock: Clock) -> None:
    write_key(tmp_path / "own.pem", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / "own.crt").write_bytes(a_certificate(ec.generate_private_key(ec.SECP256R1())))

    with pytest.raises(SigningTrouble, match="is not the certificate of the key"):
        load_key(tmp_path / "own.pem", tmp_path / "own.crt", clock)


UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
P256 = ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize(
    ("private", "options", "reason"),
    [
        (rsa.generate_private_key(65537, 1024), {}, "RSA key of 1024 bits"),
        (rsa.generate_private_key(3, 2048), {}, "e=65537"),
        (ec.generate_private_key(ec.SECP384R1()), {}, "secp384r1, not P-256"),
        (ed25519.Ed25519PrivateKey.generate(), {}, "neither RSA nor EC P-256"),
        (P256, {"signs": False}, "does not include digital signatures"),
        (P256, {"critical": UNKNOWN_EXTENSION}, "critical extension 1.2.3.4 is not known"),
        (P256, {"begin": NOW + timedelta(minutes=6)}, "later than now"),
        (P256, {"begin": NOW - timedelta(days=10, minutes=6)}, "it expired"),
    ],
)
def test_a_certificate_that_is_not_fit_is_refused(
    private: Any, options: dict[str, Any], reason: str
) -> None:
    pem = a_certificate(private, **options)

    with pytest.raises(SigningTrouble, match="E_CERT") as caught:
        read_certificate(pem, at=NOW)

    assert reason in caught.value.message


def test_validity_forgives_five_minutes_of_clock() -> None:
    early = a_certificate(P256, begin=NOW + timedelta(minutes=4))
    late = a_certificate(P256, begin=NOW - timedelta(days=10, minutes=4))

    assert read_certificate(early, at=NOW) == read_certificate(early)
    assert read_certificate(late, at=NOW) == read_certificate(late)


def test_a_certificate_signed_with_sha_1_is_refused(tmp_path: Path) -> None:
    pem = openssl_certificate(tmp_path, "-sha1")

    with pytest.raises(SigningTrouble, match="signed with sha1"):
        read_certificate(pem)


def openssl_certificate(folder: Path, digest: str) -> bytes:
    write_key(folder / "k.pem", rsa.generate_private_key(65537, 2048))
    command = f"openssl req -x509 -new -key k.pem -out c.pem -subj /CN=x -days 9 {digest}"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return (folder / "c.pem").read_bytes()


@pytest.mark.parametrize(
    ("pem", "reason"),
    [
        (b"", "no PEM certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no PEM certificate"),
        (a_certificate(P256) * 2, "holds 2 certificates"),
        (b"x" * 70_000, "larger than"),
    ],
)
def test_a_file_that_is_not_one_certificate_is_refused(pem: bytes, reason: str) -> None:
    with pytest.raises(SigningTrouble, match=reason):
        read_certificate(pem)


def test_an_encrypted_key_is_refused_in_words(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "keys" / "prod.key.pem"
    write_key(path, P256)
    locked = P256.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x"))
    path.write_bytes(locked)

    with pytest.raises(SigningTrouble, match="no unencrypted PEM private key"):
        load_or_make_key(tmp_path, "prod", clock)
    with pytest.raises(TypeError):
        load_pem_private_key(locked, None)


def test_a_place_that_cannot_hold_keys_is_told(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file" / "x").mkdir(parents=True)
    (tmp_path / "file" / "keys").write_text("in the way")
    (tmp_path / "folder" / "keys" / "prod.key.pem").mkdir(parents=True)
    (tmp_path / "folder" / "keys" / "prod.crt.pem").touch()

    for state_dir in (tmp_path / "file", tmp_path / "folder"):
        with pytest.raises(SigningTrouble, match="nothing was signed") as caught:
            load_or_make_key(state_dir, "prod", clock)
        assert "\n" not in caught.value.message


def test_a_configured_key_that_is_not_there_is_told(tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(SigningTrouble, match=r"none\.pem: No such file"):
        load_key(tmp_path / "none.pem", tmp_path / "none.crt", clock)
