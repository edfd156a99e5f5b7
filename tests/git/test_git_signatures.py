"""Who signed a commit: real keys, real git, and signatures that try to pass for one."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, git

from reconciler.errors import GitTrouble
from reconciler.git.signatures import CommitSignatures

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.git.mirror import Mirror
    from reconciler.git.repository import GitRepository

ALLOWED = "is signed by a key that is not allowed"
NONE = "has no SSH signature"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """A folder with the keys of Ann and Eve, of which `signers` lists Ann's."""
    folder = tmp_path / "keys"
    folder.mkdir()
    for name in ("ann", "eve"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name]
        subprocess.run(command, check=True, capture_output=True)
    (folder / "signers").write_text(f"ann@example.org {(folder / 'ann.pub').read_text()}")
    return folder


@pytest.fixture
def signatures(mirror: Mirror, keys: Path) -> CommitSignatures:
    return CommitSignatures(mirror, keys / "signers")


def signed(remote: Remote, key: Path | None, *more: str) -> str:
    """Commit with a key, or with none, and push; return the hash."""
    options = [] if key is None else ["-c", "gpg.format=ssh", "-c", f"user.signingkey={key}"]
    sign = [] if key is None else ["-S"]
    git(remote.clone, *options, "commit", "-q", "--allow-empty", "-m", "change", *sign, *more)
    git(remote.clone, "push", "-q", "--force", "origin", "HEAD:main")
    return git(remote.clone, "rev-parse", "HEAD")


def forged(remote: Remote, content: str) -> str:
    """Push a commit object with exactly this content on top of the clone's."""
    made = git(remote.clone, "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.encode())
    git(remote.clone, "reset", "-q", "--soft", made)
    git(remote.clone, "push", "-q", "--force", "origin", "HEAD:main")
    return made


def test_rule_28_the_tip_and_every_commit_since_the_accepted_one_must_be_signed(
    remote: Remote, repository: GitRepository, signatures: CommitSignatures, keys: Path
) -> None:
    accepted = signed(remote, None)
    first = signed(remote, keys / "ann")
    repository.fetch()
    assert signatures.unsigned(first, accepted) == ()

    between = signed(remote, None)
    tip = signed(remote, keys / "ann")
    repository.fetch()
    found = signatures.unsigned(tip, accepted)

    assert [(one.commit, one.why) for one in found] == [(between, NONE)]
    assert signatures.unsigned(tip, None) == ()
    assert [one.commit for one in signatures.unsigned(accepted, accepted)] == [accepted]


def test_rule_28_an_unsigned_merge_of_signed_commits_is_a_failure(
    remote: Remote, repository: GitRepository, signatures: CommitSignatures, keys: Path
) -> None:
    start = signed(remote, keys / "ann")
    git(remote.clone, "checkout", "-q", "-b", "side")
    signed(remote, keys / "ann")
    git(remote.clone, "checkout", "-q", "main")
    git(remote.clone, "merge", "-q", "--no-ff", "--no-edit", "side")
    git(remote.clone, "push", "-q", "origin", "HEAD:main")
    tip = repository.fetch()

    assert [one.commit for one in signatures.unsigned(tip, start)] == [tip]


def test_rule_28_a_merge_brings_the_unsigned_commits_of_its_side_along(
    remote: Remote, repository: GitRepository, signatures: CommitSignatures, keys: Path
) -> None:
    start = signed(remote, keys / "ann")
    git(remote.clone, "checkout", "-q", "-b", "side")
    side = signed(remote, None)
    git(remote.clone, "checkout", "-q", "main")
    ssh = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={keys / 'ann'}")
    git(remote.clone, *ssh, "merge", "-q", "--no-ff", "--no-edit", "-S", "side")
    git(remote.clone, "push", "-q", "--force", "origin", "HEAD:main")
    tip = repository.fetch()

    assert [one.commit for one in signatures.unsigned(tip, start)] == [side]


def test_rule_28_a_key_that_is_not_listed_counts_for_nothing_until_it_is(
    remote: Remote, repository: GitRepository, signatures: CommitSignatures, keys: Path
) -> None:
    tip = signed(remote, keys / "eve")
    repository.fetch()
    assert [one.why for one in signatures.unsigned(tip, None)] == [ALLOWED]

    signers = (keys / "signers").read_text()
    (keys / "signers").write_text(f"{signers}eve@example.org {(keys / 'eve.pub').read_text()}")
    assert signatures.unsigned(tip, None) == ()

    (keys / "signers").write_text(signers)
    assert [one.why for one in signatures.unsigned(tip, None)] == [ALLOWED]


def test_rule_28_a_signature_taken_from_another_commit_does_not_fit(
    remote: Remote, repository: GitRepository, signatures: CommitSignatures, keys: Path
) -> None:
    good = signed(remote, keys / "ann")
    content = git(remote.clone, "cat-file", "commit", good)
    tip = forged(remote, content.replace("change", "another change") + "\n")
    repository.fetch()

    assert [one.why for one in signatures.unsigned(tip, None)] == [
        "has a signature that does not fit it"
    ]


@pytest.mark.parametrize("armour", ["PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE"])
def test_rule_28_no_commit_chooses_another_program_to_be_checked_by(
    remote: Remote,
    repository: GitRepository,
    signatures: CommitSignatures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    armour: str,
) -> None:
    """A gpg that calls everything good stands first on the path, and is never asked."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("gpg", "gpgsm"):
        says = "[GNUPG:] NEWSIG\\n[GNUPG:] GOODSIG 1234567890ABCDEF Ann\\n[GNUPG:] TRUST_ULTIMATE"
        (tools / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nprintf '{says}\\n'\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    tree = git(remote.clone, "write-tree")
    who = "Ann <ann@example.org> 1790000000 +0000"
    tip = forged(
        remote,
        f"tree {tree}\nauthor {who}\ncommitter {who}\n"
        f"gpgsig -----BEGIN {armour}-----\n \n iQ==\n -----END {armour}-----\n\nforged\n",
    )
    repository.fetch()

    assert [one.why for one in signatures.unsigned(tip, None)] == [NONE]
    assert not (tmp_path / "asked").exists()


def test_rule_28_verdicts_are_remembered_while_the_signers_stay_the_same(
    remote: Remote,
    repository: GitRepository,
    signatures: CommitSignatures,
    mirror: Mirror,
    keys: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start = signed(remote, keys / "ann")
    tip = signed(remote, keys / "ann")
    repository.fetch()
    asked: list[str] = []
    local = mirror.local

    def counted(verb: str, *arguments: str, **more: object) -> object:
        asked.append(verb)
        return local(verb, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(mirror, "local", counted)
    assert signatures.unsigned(tip, start) == ()
    assert "log" in asked
    asked.clear()

    assert signatures.unsigned(tip, start) == ()
    assert asked == []

    (keys / "signers").write_text((keys / "signers").read_text() + "# nobody else\n")
    assert signatures.unsigned(tip, start) == ()
    assert asked.count("log") == 1


def test_rule_47_what_is_remembered_of_many_tips_is_bounded(
    remote: Remote,
    repository: GitRepository,
    keys: Path,
    signatures: CommitSignatures,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("reconciler.git.signatures.REMEMBERED", 3)
    first = signed(remote, keys / "ann")
    for _ in range(4):
        tip = signed(remote, keys / "ann")
        repository.fetch()
        assert signatures.unsigned(tip, first) == ()
        assert sum(map(len, signatures._ranges.values())) <= 4


@pytest.mark.parametrize("content", [None, "", "# nobody\n\n", "x" * (1024 * 1024 + 1)])
def test_rule_11_a_file_of_signers_that_is_of_no_use_holds(
    repository: GitRepository, signatures: CommitSignatures, keys: Path, content: str | None
) -> None:
    tip = repository.fetch()
    (keys / "signers").unlink()
    if content is not None:
        (keys / "signers").write_text(content)

    with pytest.raises(GitTrouble, match="allowed signers"):
        signatures.unsigned(tip, None)


def test_rule_11_a_missing_ssh_keygen_holds_and_is_named(
    remote: Remote,
    repository: GitRepository,
    signatures: CommitSignatures,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tip = signed(remote, keys / "ann")
    repository.fetch()
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("git", "env"):
        (tools / name).symlink_to(shutil.which(name) or "")
    with monkeypatch.context() as poor:
        poor.setenv("PATH", str(tools))
        with pytest.raises(GitTrouble, match="ssh-keygen was not found"):
            signatures.unsigned(tip, None)

    assert signatures.unsigned(tip, None) == ()  # nothing wrong was remembered


def test_rule_11_an_ssh_keygen_that_cannot_be_started_is_not_called_unsigned(
    remote: Remote,
    repository: GitRepository,
    signatures: CommitSignatures,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tip = signed(remote, keys / "ann")
    repository.fetch()
    broken = tmp_path / "tools"
    broken.mkdir()
    (broken / "ssh-keygen").write_text("#!/nowhere/at/all\n")
    (broken / "ssh-keygen").chmod(0o755)
    with monkeypatch.context() as poor:
        poor.setenv("PATH", f"{broken}:/usr/bin:/bin")
        with pytest.raises(GitTrouble, match="signatures could not be checked"):
            signatures.unsigned(tip, None)

    assert signatures.unsigned(tip, None) == ()


def test_rule_11_a_commit_that_is_not_there_holds(signatures: CommitSignatures) -> None:
    with pytest.raises(GitTrouble, match="not in the mirror"):
        signatures.unsigned("0" * 40, None)
