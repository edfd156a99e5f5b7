"""Commits of ours under a signature: the same commits, and ones that pass our own rule."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, git, mirror_of, publish
from git_world import change as a_change

from reconciler.core.edit import Person
from reconciler.errors import GitTrouble
from reconciler.git.edits import GitEdits
from reconciler.git.mirror import GitOptions
from reconciler.git.signatures import CommitSignatures
from reconciler.ports import ManifestCommit

if TYPE_CHECKING:
    from pathlib import Path

ANN = Person("Ann Ödegård", "ann@example.org")


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The reconciler's own key, the only one that `signers` beside it lists."""
    return make_key(tmp_path, "")


def make_key(folder: Path, passphrase: str) -> Path:
    key = folder / "own key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", key]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "signers").write_text(f"reconciler {key.with_suffix('.pub').read_text()}")
    return key


def edits_with(remote: Remote, state: Path, clock: TurnedClock, key: Path | None) -> GitEdits:
    mirror = mirror_of(remote.bare, state, GitOptions(signing_key=key))
    mirror.fetch("refs/heads/main", "refs/reconciler/watched/main")
    return GitEdits(mirror, "main", clock)


def change(remote: Remote) -> ManifestCommit:
    return ManifestCommit(
        parent=git(remote.bare, "rev-parse", "main"),
        files={"manifests/qa.yaml": b"kind: Environment\n# held\n"},
        author=ANN,
        subject="Hold wallet-api in qa",
        body="Because.\n\nOf CHG-1.",
        trailers=(("Reconciler-Edit", "hold"),),
    )


def test_rule_28_an_edit_of_ours_passes_our_own_rule(
    remote: Remote, tmp_path: Path, clock: TurnedClock, key: Path
) -> None:
    edits = edits_with(remote, tmp_path / "state", clock, key)
    asked = change(remote)

    commit = edits.commit(asked)
    edits.advance(commit, asked.parent)

    reader = mirror_of(remote.bare, tmp_path / "reader")
    reader.fetch("refs/heads/main", "refs/reconciler/watched/main")
    assert CommitSignatures(reader, tmp_path / "signers").unsigned(commit, asked.parent) == ()


def test_a_signed_edit_is_the_unsigned_one_but_for_its_signature(
    remote: Remote, tmp_path: Path, clock: TurnedClock, key: Path
) -> None:
    plain, other = (
        edits_with(remote, tmp_path / name, clock, given)
        for name, given in (("plain", None), ("signed", key))
    )
    said = []
    for edits in (plain, other):
        edits.advance(edits.commit(change(remote)), git(remote.bare, "rev-parse", "main"))
        content = git(remote.bare, "cat-file", "commit", "main")
        said.append(content)
        git(remote.bare, "update-ref", "refs/heads/main", "main^")

    head, _, signature = said[1].partition("\ngpgsig ")
    armour, _, rest = signature.partition("-----END SSH SIGNATURE-----\n")
    assert armour.startswith("-----BEGIN SSH SIGNATURE-----")
    assert f"{head}\n{rest}" == said[0]
    assert "author Ann Ödegård <ann@example.org>" in said[0]


def test_a_record_is_signed_and_its_lease_goes_along(
    remote: Remote, tmp_path: Path, clock: TurnedClock, key: Path, writers: Writers
) -> None:
    writers.options = GitOptions(signing_key=key)
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None, above=0)

    tip, renewed = publish(audit, a_change({"receipts/qa/x/1.receipt.json": b"{}\n"}), lease)

    assert tip is not None
    assert remote.refs()["refs/reconciler/lease/qa"] == renewed.ref_value
    assert remote.refs()["refs/heads/audit"] == tip
    reader = mirror_of(remote.bare, tmp_path / "reader")
    reader.fetch("refs/heads/audit", "refs/reconciler/audit/audit")
    assert CommitSignatures(reader, tmp_path / "signers").unsigned(tip, None) == ()


@pytest.mark.parametrize("fault", ["missing", "passphrase"])
def test_a_key_that_cannot_be_used_stops_the_edit_before_anything_is_pushed(
    remote: Remote, tmp_path: Path, clock: TurnedClock, fault: str
) -> None:
    key = tmp_path / "none" if fault == "missing" else make_key(tmp_path, "a passphrase")
    edits = edits_with(remote, tmp_path / "state", clock, key)
    before = remote.refs()

    with pytest.raises(GitTrouble, match="could not be signed"):
        edits.commit(change(remote))

    assert remote.refs() == before
