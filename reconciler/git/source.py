"""Which repository a command means: where commits are read, and where may be written.

From the argument, else the setting, else the repository around the current directory. Reading
takes any local commit. Writing goes to what all writers share: the remote of a clone, or the
repository itself where it is bare.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.errors import UsageError
from reconciler.git.address import parse_address
from reconciler.git.run import Call, run_git

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.git.address import Address

_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|-|[^/.~][^/]*:")
_FILE = re.compile(r"file:", re.IGNORECASE)
_PATIENCE = 20.0  # seconds for a question to a repository on this machine


@dataclass(frozen=True, slots=True)
class Source:
    """A repository: `read` for commands that only read, `write` for those that record.

    `clone` is the top of the work tree where `read` is a clone. `refusal` says why there is no
    `write`.
    """

    read: Address
    write: Address | None
    clone: Path | None = None
    refusal: UsageError | None = None

    def shared(self) -> Address:
        """Return the remote all writers share. Raises: UsageError (there is none)."""
        if self.write is not None:
            return self.write
        raise self.refusal or UsageError(
            f"{self.read} has no remote to write to; nothing was changed",
            hint="name a bare repository or a URL with --repo",
        )

    def branch_to_read(self, watched: str | None) -> str | None:
        """Return the branch for reading: of a clone what is checked out, else the watched one."""
        return None if self.clone is not None else watched


def locate(repo: str | None, setting: str | None, cwd: Path, *, allow_local: bool) -> Source:
    """Find the repository a command means.

    `repo` is the argument `--repo`, which may always name a place on this machine; `setting` and
    an `origin` found around `cwd` may only with `allow_local` (rule 23).

    Raises:
        UsageError: no repository there, or an address that is not allowed.
        GitTrouble: git is missing or too old.
    """
    if repo is not None:
        local = not _REMOTE.match(repo) or _FILE.match(repo) is not None
        address = parse_address(repo, allow_local=allow_local or local, base=cwd)
        return _at(address, allow_local=True)
    if setting is not None:
        return _at(parse_address(setting, allow_local=allow_local, base=cwd), allow_local=True)
    top = _ask(cwd, "rev-parse", "--show-toplevel")
    if top is None:
        bare = _ask(cwd, "rev-parse", "--is-bare-repository") == "true"
        found = _ask(cwd, "rev-parse", "--absolute-git-dir") if bare else None
        if found is None:
            raise _nothing_at(str(cwd), "go into a clone of the manifest repository, or")
        top = found
    return _at(parse_address(top, allow_local=True), allow_local=allow_local)


def _at(address: Address, *, allow_local: bool) -> Source:
    """Look at a repository on this machine; one elsewhere is read and written where it is."""
    path = address.path
    if path is None:
        return Source(read=address, write=address)
    question = ("rev-parse", "--is-bare-repository", "--absolute-git-dir")
    found = _ask(path, *question) if path.is_dir() else None
    if found is None:
        raise _nothing_at(str(path), "check the path, or")
    bare, _, folder = found.partition("\n")
    if bare == "true":
        whole = parse_address(folder, allow_local=True)
        return Source(read=whole, write=whole)
    top = _ask(path, "rev-parse", "--show-toplevel")
    if top is None:
        raise _nothing_at(str(path), "name the folder above .git, or")
    read = parse_address(top, allow_local=True)
    origin = _ask(path, "config", "--get", "remote.origin.url")
    if not origin:
        refusal = UsageError(
            f"the clone {read} has no remote 'origin', which this command works on;"
            " nothing was changed",
            hint="add it (git remote add origin URL), or name a bare repository or URL with --repo",
        )
        return Source(read=read, write=None, clone=read.path, refusal=refusal)
    try:
        write = parse_address(origin, allow_local=allow_local, base=read.path)
    except UsageError as error:
        return Source(read=read, write=None, clone=read.path, refusal=error)
    return Source(read=read, write=write, clone=read.path)


def _ask(path: Path, *arguments: str) -> str | None:
    """Ask the repository around a directory; None where there is none, or it says nothing."""
    answer = run_git(Call(where=path, timeout=_PATIENCE), *arguments)
    if "dubious ownership" in answer.err:
        raise UsageError(
            f"the repository around {clean(str(path))} belongs to another user of this machine;"
            " nothing was read",
            hint="run as its owner, or name the address of its remote with --repo URL",
        )
    return answer.text() or None if answer.status == 0 else None


def _nothing_at(path: str, first: str) -> UsageError:
    return UsageError(
        f"{clean(path)} is in no git repository; nothing was read",
        hint=f"{first} name the repository with --repo PATH or --repo URL",
    )
