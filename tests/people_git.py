"""Git as people use it in tests: a bare remote and a clone beside it, in few processes.

Both are real, and whatever else a test does there is git's own doing. Only the push of a commit
that nobody was faster with is cheap: they share one folder of objects, so it is one ref that moves,
by compare-and-swap. Any other push is a push.
"""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

WHO = ("-c", "user.name=Ann Author", "-c", "user.email=ann@example.org")
ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/local/bin", "GIT_CONFIG_GLOBAL": "/dev/null"}

_CLONE = """\
[maintenance]
	auto = false
[remote "origin"]
	url = {remote}
	fetch = +refs/heads/*:refs/remotes/origin/*
"""
_REMOTE = "[receive]\n\tautogc = false\n"


def git(where: Path, *arguments: str, stdin: bytes = b"") -> str:
    """Run git as a person would, without anyone's configuration."""
    done = subprocess.run(
        ["git", *WHO, *arguments],
        cwd=where,
        input=stdin,
        check=True,
        capture_output=True,
        env=ENVIRONMENT,
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip()


def begin(remote: Path, clone: Path, *options: str) -> None:
    """Make an empty bare remote whose branch is `main`, and its clone, in which a person works."""
    init = ("init", "-q", "--template=", "-b", "main", *options)
    git(remote.parent, *init, "--bare", str(remote))
    git(clone.parent, *init, str(clone))
    (remote / "hooks").mkdir()
    with (remote / "config").open("a") as config:
        config.write(_REMOTE)
    with (clone / ".git/config").open("a") as config:
        config.write(_CLONE.format(remote=remote))
    shutil.rmtree(clone / ".git/objects")
    (clone / ".git/objects").symlink_to(remote / "objects")


def share(
    remote: Path, clone: Path, *options: str, branch: str = "main", force: bool = False
) -> str:
    """Commit all that is in the clone (`options` of git commit), push it; return its hash."""
    before = _head(clone)
    git(clone, "add", "--all")
    git(clone, "commit", "-q", "--allow-empty", *options)
    commit = _head(clone)
    ref = f"refs/heads/{branch}"
    moved = ("git", "update-ref", ref, commit, before or "0" * len(commit))
    if subprocess.run(moved, cwd=remote, env=ENVIRONMENT, capture_output=True).returncode != 0:
        git(clone, "push", "-q", *(["--force"] if force else []), "origin", f"HEAD:{ref}")
    return commit


def _head(clone: Path) -> str:
    """Return the commit that is checked out; empty before the first."""
    head = (clone / ".git/HEAD").read_text().strip()
    if head.startswith("ref: "):
        ref = clone / ".git" / head.removeprefix("ref: ")
        return ref.read_text().strip() if ref.exists() else ""
    return head
