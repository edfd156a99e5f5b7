"""`reconciler receipts`: what is listed, shown and verified, and every way in which it is not."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from cli_shop import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_shop import Shop


@pytest.fixture(scope="module")
def deployed_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a shop in which orders was deployed twice and payments once."""
    with opened(tmp_path_factory.mktemp("shop")) as shop:
        assert shop.run("accept", "--all").exit_code == 0
        shop.pin(orders="2.4.0", payments="3.1.0")
        assert shop.run("apply", "production").exit_code == 0
        shop.simulator.deploy("Orders API", "2.4.1", "Test")  # the lifecycle's phase before
        shop.simulator.advance(60)
        shop.pin(orders="2.4.1", payments="3.1.0")
        assert shop.run("apply", "production").exit_code == 0
        yield shop


@pytest.fixture
def deployed(deployed_once: Shop, tmp_path: Path) -> Shop:
    """Return a copy of that shop, to be changed at will."""
    folder = tmp_path / "shop"
    shutil.copytree(deployed_once.folder, folder)
    return replace(deployed_once, folder=folder)


def listed(shop: Shop, *arguments: str) -> list[dict[str, object]]:
    result = shop.run("receipts", "list", "production", *arguments, "-o", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert isinstance(found, list)
    return found


def rewrite_audit(shop: Shop, change: str) -> None:
    """Change the audit branch behind the reconciler's back, as somebody who may push could."""
    work = shop.folder / "tamper"
    shop.git("clone", "-q", "-b", "audit", str(shop.remote), str(work), at=shop.folder)
    subprocess.run(["sh", "-euc", change], cwd=work, check=True, capture_output=True)
    shop.git("add", "--all", at=work)
    shop.git("commit", "-q", "-m", "tampered", at=work)
    shop.git("push", "-q", "origin", "audit", at=work)


def test_receipts_are_listed_by_project_in_order(deployed: Shop) -> None:
    rows = listed(deployed)
    table = deployed.run("receipts", "list", "production").stdout.splitlines()

    assert [(r["project"], r["sequence"], r["version"]) for r in rows] == [
        ("orders-api", 1, "2.4.0"),
        ("orders-api", 2, "2.4.1"),
        ("payments-api", 1, "3.1.0"),
    ]
    assert table[0].split()[:3] == ["project", "number", "version"]
    assert [line.split()[5] for line in table[1:]] == ["yes", "yes", "yes"]


def test_a_new_machine_lists_the_same(deployed: Shop) -> None:
    before = listed(deployed)
    shutil.rmtree(deployed.folder / "state")

    assert listed(deployed) == before


@pytest.mark.parametrize("name", ["orders", "orders-api"])
def test_a_component_or_a_project_narrows_the_list(deployed: Shop, name: str) -> None:
    assert [row["version"] for row in listed(deployed, name)] == ["2.4.0", "2.4.1"]


def test_no_receipts_and_no_such_environment_are_told_apart(deployed: Shop) -> None:
    none = deployed.run("receipts", "list", "qa")
    unknown = deployed.run("receipts", "list", "production-uk")

    assert (none.exit_code, none.stdout) == (0, "no receipts\n")
    assert unknown.exit_code == 64
    assert "environments: production, qa" in unknown.stderr


@pytest.mark.parametrize("key", ["receiptId", "path"])
def test_show_prints_the_payload_and_says_who_signed(deployed: Shop, key: str) -> None:
    row = listed(deployed)[1]
    result = deployed.run("receipts", "show", str(row[key]))

    assert result.exit_code == 0
    payload = json.loads(result.stdout)
    assert payload["predicate"]["receiptId"] == row["receiptId"]
    assert payload["predicate"]["version"] == "2.4.1"
    envelope, signed = result.stderr.splitlines()
    assert envelope == f"envelope: {row['path']}, on the audit branch"
    assert signed.startswith("signed by: sha256:")
    assert signed.endswith("the key of Space shop on this machine")


@pytest.mark.parametrize("name", ["dr-" + "0" * 32, "../x", "receipts/production/x", "\x1b[2J"])
def test_a_receipt_that_is_not_there_is_64(deployed: Shop, name: str) -> None:
    result = deployed.run("receipts", "show", name)

    assert result.exit_code == 64
    assert "\x1b" not in result.output


def test_a_receipt_is_pending_while_the_remote_refuses_it(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0")
    hook = shop.remote / "hooks" / "update"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text('#!/bin/sh\ncase "$1" in refs/heads/audit) exit 1;; esac\n')
    hook.chmod(0o755)

    applied = shop.run("apply", "production")
    assert applied.exit_code == 1, applied.output
    assert "records pending on this machine" in applied.stdout
    assert "records wait on this machine" in applied.stderr
    (row,) = listed(shop)
    assert row["pending"] is True
    shown = shop.run("receipts", "show", str(row["receiptId"]))
    assert "pending on this machine" in shown.stderr
    verified = shop.run("receipts", "verify", "production")
    assert verified.exit_code == 0, verified.output
    assert "0 receipts, 1 pending on this machine, all verified" in verified.stdout

    hook.unlink()
    assert shop.run("apply", "production").exit_code == 0
    assert [r["pending"] for r in listed(shop)] == [False]


def test_verify_tells_whose_key_signed(deployed: Shop) -> None:
    here = deployed.run("receipts", "verify", "production")
    shutil.rmtree(deployed.folder / "state")
    elsewhere = deployed.run("receipts", "verify")

    assert here.exit_code == elsewhere.exit_code == 0
    assert "production: 3 receipts, all verified" in here.stdout
    assert "3 signed by sha256:" in here.stdout
    assert "the key of Space shop on this machine" in here.stdout
    assert "on the audit branch" in elsewhere.stdout
    assert "certificates/shop/" in elsewhere.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("for f in receipts/*/orders-api/*/*; do sed -i s/ey/fy/ $f; done", "E_SIGNATURE"),
        ("rm -r receipts/production/orders-api", "missing: receipts/production/orders-api/"),
        (
            "f=$(ls receipts/production/payments-api/*/*); mv $f "
            "${f%/*}/dr-00000000000000000000000000000000.receipt.json",
            "E_BINDING",
        ),
        (
            "mkdir -p receipts/production/other/2026 && "
            "cp receipts/production/payments-api/*/* receipts/production/other/2026",
            "E_BINDING",
        ),
        ("rm -r certificates", "all verified"),
        ("for f in receipts/*/*/*/*; do echo > $f; done", "E_ENVELOPE"),
    ],
)
def test_rule_24_what_was_done_to_the_audit_branch_is_found(
    deployed: Shop, change: str, told: str
) -> None:
    rewrite_audit(deployed, change)

    result = deployed.run("receipts", "verify", "production")

    assert told in result.stdout
    assert result.exit_code == (0 if told == "all verified" else 1)


def test_rule_37_a_receipt_of_a_stranger_is_not_shown(deployed: Shop, tmp_path: Path) -> None:
    row = listed(deployed)[0]
    rewrite_audit(deployed, "rm -r certificates")
    shutil.rmtree(deployed.folder / "state")

    result = deployed.run("receipts", "show", str(row["receiptId"]))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: E_SIGNATURE")


def test_a_gap_in_a_chain_is_found_by_any_machine(deployed: Shop) -> None:
    first = listed(deployed)[0]
    rewrite_audit(deployed, f"rm {first['path']}")
    shutil.rmtree(deployed.folder / "state")

    result = deployed.run("receipts", "verify", "production")

    assert result.exit_code == 1
    assert "gap: receipt 1 of orders-api in production is missing" in result.stdout


def test_files_are_verified_against_a_certificate_without_any_repository(
    deployed: Shop, tmp_path: Path
) -> None:
    row = listed(deployed)[0]
    receipt, certificate = tmp_path / "r.json", tmp_path / "c.pem"
    receipt.write_text(deployed.audit(str(row["path"])) + "\n")
    (path,) = (deployed.folder / "state" / "keys").glob("*.crt.pem")
    certificate.write_bytes(path.read_bytes())
    other = tmp_path / "other.json"
    other.write_text(receipt.read_text().replace("ey", "fy"))
    nowhere = {"RECONCILER_REPO": None, "RECONCILER_STATE_DIR": "/dev/null"}

    good = deployed.run("receipts", "verify", str(receipt), "--cert", str(certificate), **nowhere)
    assert good.exit_code == 0, good.output
    assert "verified, orders-api 2.4.0 in Production: Success, Deployments-" in good.stdout
    mixed = deployed.run(
        "receipts", "verify", str(receipt), str(other), "--cert", str(certificate), **nowhere
    )
    assert mixed.exit_code == 1
    assert f"{other}: NOT VERIFIED" in mixed.stdout
    assert mixed.stdout.count("verified, ") == 1
    none = deployed.run("receipts", "verify", str(receipt), "--cert", str(receipt), **nowhere)
    assert (none.exit_code, none.stdout) == (64, "")
    assert none.stderr.startswith(f"error: --cert {receipt}: ")
    assert "hint: give it the signer's certificate" in none.stderr
    missing = deployed.run("receipts", "verify", "/nope", "--cert", str(certificate), **nowhere)
    assert missing.exit_code == 64


def test_openssl_verifies_what_was_recorded(deployed: Shop, tmp_path: Path) -> None:
    row = listed(deployed)[0]
    (tmp_path / "receipt.json").write_text(deployed.audit(str(row["path"])) + "\n")
    (path,) = (deployed.folder / "state" / "keys").glob("*.crt.pem")
    shutil.copy(path, tmp_path / "signer.crt.pem")
    by_hand = r"""
    f=receipt.json; cert=signer.crt.pem
    jq -j .payload $f | base64 -d > payload.json
    jq -j '.signatures[0].sig' $f | base64 -d > payload.sig; t=$(jq -j .payloadType $f)
    { printf 'DSSEv1 %d %s %d ' "$(printf %s "$t" | wc -c)" "$t" "$(wc -c < payload.json)"
      cat payload.json; } > payload.pae
    openssl x509 -in $cert -noout -pubkey > signer.pub
    openssl dgst -sha256 -verify signer.pub -signature payload.sig payload.pae
    """
    if shutil.which("jq") is None or shutil.which("openssl") is None:
        pytest.skip("jq or openssl is missing")
    done = subprocess.run(["sh", "-euc", by_hand], cwd=tmp_path, capture_output=True, text=True)

    assert done.stdout == "Verified OK\n"
