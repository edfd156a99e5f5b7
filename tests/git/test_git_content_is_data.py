"""Nothing inside a repository, ours or the manifests', ever runs (rule 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from git_world import Remote, Writers, change, git, mirror_of, publish

from reconciler.errors import GitTrouble, UsageError
from reconciler.git.repository import GitRepository
from reconciler.git.source import locate

if TYPE_CHECKING:
    from pathlib import Path

HOOKS = [
    "post-checkout",
    "post-merge",
    "post-update",
    "pre-push",
    "pre-receive",
    "reference-transaction",
    "update",
    "post-receive",
    "fsmonitor-watchman",
    "post-index-change",
    "pre-auto-gc",
    "push-to-checkout",
    "proc-receive",
]


def trapped(folder: Path, marker: Path) -> None:
    """Fill a git directory with everything that could start a program."""
    (folder / "hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        (folder / "hooks" / name).write_text(f"#!/bin/sh\necho {name} >>{marker}\n")
        (folder / "hooks" / name).chmod(0o755)
    touch = f"touch {marker}"
    for key in (
        "core.fsmonitor",
        "core.sshCommand",
        "core.askPass",
        "core.gitProxy",
        "core.pager",
        "core.editor",
        "core.alternateRefsCommand",
        "credential.helper",
        "diff.external",
        "filter.evil.smudge",
        "filter.evil.clean",
        "filter.lfs.process",
        "uploadpack.packObjectsHook",
        "gpg.program",
        "alias.fetch",
        "remote.origin.uploadpack",
        "remote.origin.receivepack",
    ):
        git(folder, "config", key, f"!{touch}" if key.startswith(("alias", "cred")) else touch)
    git(folder, "config", "core.hooksPath", str(folder / "hooks"))
    git(folder, "config", "extensions.partialClone", "origin")
    git(folder, "config", "core.repositoryFormatVersion", "1")
    git(folder, "config", "remote.origin.promisor", "true")


@pytest.fixture
def hostile(remote: Remote) -> Remote:
    """A remote whose content asks for filters, LFS, submodules, links and attributes."""
    remote.commit(
        {
            ".gitattributes": "* filter=evil diff=evil\n*.yaml filter=lfs export-subst\n",
            ".gitmodules": '[submodule "m"]\n\tpath = m\n\turl = ext::sh -c touch% /tmp/never\n'
            "\tupdate = !touch /tmp/never\n",
            ".lfsconfig": "[lfs]\n\turl = https://never.example/lfs\n",
            "big.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            ".githooks/post-checkout": "#!/bin/sh\ntouch /tmp/never\n",
        }
    )
    (remote.clone / "link.yaml").symlink_to("/etc/passwd")
    head = git(remote.clone, "rev-parse", "HEAD")
    git(remote.clone, "add", "link.yaml")
    git(remote.clone, "update-index", "--add", "--cacheinfo", f"160000,{head},m")
    git(remote.clone, "commit", "-q", "-m", "links")
    git(remote.clone, "push", "-q", "origin", "HEAD:main")
    return remote


def test_rule_22_content_is_read_as_the_bytes_it_is(hostile: Remote, tmp_path: Path) -> None:
    mirror = mirror_of(hostile.bare, tmp_path / "state")
    repository = GitRepository(mirror, "main")

    files = {file.path: file for file in repository.files(repository.fetch())}
    plain = {path: file.blob for path, file in files.items() if file.mode != "160000"}
    content = repository.read(plain.values())

    assert (files["m"].mode, files["m"].size) == ("160000", 0)
    assert files["link.yaml"].mode == "120000"
    assert content[plain["link.yaml"]] == b"/etc/passwd"
    assert content[plain["big.yaml"]].startswith(b"version https://git-lfs")
    assert not (mirror.path / "modules").exists()
    assert not (mirror.path / "lfs").exists()


def test_rule_22_nothing_runs_while_a_trapped_mirror_fetches_and_pushes(
    remote: Remote, writers: Writers, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    audit = writers("one")
    audit.fetch()
    (folder,) = (tmp_path / "writers" / "one").iterdir()
    trapped(folder, marker)

    lease = audit.take_lease("qa", may_take_over=None)
    tip, lease = publish(audit, change({"receipts/qa/a/2026/1.json": b"{}"}), lease)
    assert audit.fetch() == tip
    audit.release_lease(lease)

    assert not marker.exists()


def test_rule_22_nothing_runs_while_a_trapped_clone_is_read(remote: Remote, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    head = git(remote.clone, "rev-parse", "HEAD")
    trapped(remote.clone / ".git", marker)

    source = locate(str(remote.clone), None, tmp_path, allow_local=False)
    repository = GitRepository(mirror_of(remote.clone, tmp_path / "state"), None)

    assert source.shared().path == remote.bare
    assert repository.fetch() == repository.resolve("HEAD") == head
    assert len(repository.files(head)) == 2
    with pytest.raises(UsageError):
        repository.resolve("1" * 40)  # a promisor would be asked for it
    assert not marker.exists()


def test_rule_22_hooks_are_not_copied_from_a_template(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (template / "reference-transaction").write_text("#!/bin/sh\n")
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(template.parent))
    mirror = mirror_of(remote.bare, tmp_path / "state")

    GitRepository(mirror, None).fetch()

    assert not (mirror.path / "hooks").exists()


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-x", "+main:refs/heads/main", "a:b"])
def test_rule_23_a_branch_that_looks_like_an_option_is_refused(
    remote: Remote, tmp_path: Path, name: str
) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a branch"):
        GitRepository(mirror_of(remote.bare, tmp_path / "state"), name)


def test_rule_23_option_like_branches_of_a_remote_do_no_harm(
    remote: Remote, tmp_path: Path
) -> None:
    tip = remote.refs()["refs/heads/main"]
    for ref in ("refs/heads/-x", "refs/heads/--exec=touch", "refs/heads/HEAD"):
        git(remote.bare, "update-ref", ref, tip)
    repository = GitRepository(mirror_of(remote.bare, tmp_path / "state"), None)

    assert repository.fetch() == repository.tip() == tip
    with pytest.raises(GitTrouble, match="no branch 'nope'"):
        GitRepository(mirror_of(remote.bare, tmp_path / "state"), "nope").fetch()
