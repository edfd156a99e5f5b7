"""What we sign, anybody can check with a shell, jq and openssl; golden files hold for ever."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from reconciler.core.receipt import PAYLOAD_TYPE, parse_receipt, payload_bytes
from reconciler.signing import SpaceSigner, verify_envelope

GOLDEN = Path(__file__).parent.parent / "golden" / "receipts-1.0"

# The commands that the documentation gives to auditors, as they stand there.
PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
(CHECK,) = re.findall(
    r"^```sh\n(f=receipt\.json; cert=signer\.crt\.pem\n.*?)```$", PAGE, re.M | re.S
)

missing = [tool for tool in ("openssl", "jq", "base64") if shutil.which(tool) is None]
by_hand = pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def check(folder: Path, receipt: bytes, certificate: bytes) -> subprocess.CompletedProcess[str]:
    (folder / "receipt.json").write_bytes(receipt)
    (folder / "signer.crt.pem").write_bytes(certificate)
    return subprocess.run(
        ["sh", "-c", "set -eu\n" + CHECK], cwd=folder, capture_output=True, text=True
    )


@by_hand
@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_golden_receipts_are_verified_by_hand(tmp_path: Path, kind: str) -> None:
    receipt = (GOLDEN / f"{kind}.receipt.json").read_bytes()
    certificate = (GOLDEN / f"{kind}.crt.pem").read_bytes()

    done = check(tmp_path, receipt, certificate)

    found = verify_envelope(receipt, [certificate])
    assert (done.returncode, done.stderr) == (0, "")
    assert "Verified OK" in done.stdout
    shown = done.stdout.splitlines()[0].partition("=")[2].replace(":", "").lower()
    assert found.fingerprint == f"sha256:{shown}"
    assert f'"sha256": "{"9c1f" * 16}"' in done.stdout
    assert (tmp_path / "payload.json").read_bytes() == found.payload


@by_hand
def test_a_fresh_receipt_is_verified_by_hand(tmp_path: Path, signer: SpaceSigner) -> None:
    receipt = signer.sign(PAYLOAD_TYPE, (GOLDEN / "payload.json").read_bytes())

    assert "Verified OK" in check(tmp_path, receipt, signer.certificate_pem).stdout


@by_hand
def test_a_changed_receipt_and_another_signer_fail_by_hand(
    tmp_path: Path, signer: SpaceSigner
) -> None:
    changed = signer.sign(PAYLOAD_TYPE, b'{"subject":[]}')
    outer = json.loads(changed)
    outer["payload"] = outer["payload"].replace("J", "K", 1)
    done = check(tmp_path, json.dumps(outer).encode(), signer.certificate_pem)
    assert done.returncode != 0
    assert "Verified OK" not in done.stdout

    done = check(tmp_path, changed, (GOLDEN / "rsa.crt.pem").read_bytes())
    assert done.returncode != 0
    assert "Verified OK" not in done.stdout


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_the_golden_receipts_are_read_for_ever(kind: str) -> None:
    receipt = (GOLDEN / f"{kind}.receipt.json").read_bytes()

    found = verify_envelope(receipt, [(GOLDEN / f"{kind}.crt.pem").read_bytes()])

    assert found.payload == (GOLDEN / "payload.json").read_bytes()
    assert payload_bytes(parse_receipt(found.payload)) == found.payload
