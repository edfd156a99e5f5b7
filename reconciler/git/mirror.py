"""A bare repository of our own beside a remote: fetch, ask, push. No configuration, no work tree.

It is a cache. Everything in it can be fetched again, so a damaged one may be removed. Our refs are
`refs/reconciler/...` and `refs/tx/...`; it has no branches and no tags.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.slug import slug
from reconciler.core.text import clean
from reconciler.errors import GitTrouble, RemoteUnreachable
from reconciler.git.names import is_hash
from reconciler.git.run import OUTPUT_LIMIT, Answer, Call, GitTimeout, run_git
from reconciler.git.trouble import local_trouble, remote_trouble

if TYPE_CHECKING:
    from collections.abc import Container

    from reconciler.git.address import Address, HttpsCredential

_WIDE = 64  # hex digits of a SHA-256 object name
_SKIPPED = "shallow roots are not allowed"
_LOCKED = "cannot lock ref"
_OLD_LOCK_SECONDS = 60.0
_REF_LINE = re.compile(r"([0-9a-f]+)\t(\S+)")


@dataclass(frozen=True, slots=True)
class GitOptions:
    """How git is used: patience, the credential of the remote, the key our commits are signed with.

    `timeout` covers one question or one push; `fetch_timeout` a fetch, whose first one brings
    the whole history.
    """

    timeout: timedelta = timedelta(seconds=60)
    fetch_timeout: timedelta = timedelta(minutes=10)
    credential: HttpsCredential | None = None
    signing_key: Path | None = None


class Mirror:
    """The bare mirror of one remote. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, address: Address, options: GitOptions) -> None:
        """Name the mirror of `address` inside `folder`; nothing is made before it is needed."""
        digest = hashlib.sha256(address.url.encode()).hexdigest()[:12]
        name = re.split(r"[/:]", address.url.rstrip("/"))[-1].removesuffix(".git")
        self.path = folder / f"{slug(name)[:40]}-{digest}.git"
        self.address = address
        self._options = options

    @property
    def signing_key(self) -> Path | None:
        """The SSH key that commits made here are signed with."""
        return self._options.signing_key

    def local(
        self,
        *arguments: str,
        stdin: bytes = b"",
        ok: Container[int] = (0,),
        limit: int = OUTPUT_LIMIT,
        config: tuple[tuple[str, str], ...] = (),
        variables: tuple[tuple[str, str], ...] = (),
        timeout: timedelta | None = None,
    ) -> Answer:
        """Run git on the mirror's own objects and refs; no remote is asked.

        Raises:
            GitTimeout: it took longer than `timeout` (None: than a fetch may).
            GitTrouble: it ended with a status that is not in `ok`.
        """
        self.prepare()
        call = Call(
            where=self.path,
            git_dir=self.path,
            timeout=(timeout or self._options.fetch_timeout).total_seconds(),
            stdin=stdin,
            limit=limit,
            config=config,
            variables=variables,
        )
        answer = run_git(call, *arguments)
        self._check(answer)
        if answer.status not in ok:
            raise local_trouble(f"git {arguments[0]} failed in the mirror {self.path}", answer)
        return answer

    def remote_refs(self, *names: str) -> dict[str, str]:
        """Ask the remote for exactly these refs (none: all branches); absent ones are left out.

        Raises: RemoteUnreachable, GitTrouble.
        """
        asked = names or ("refs/heads/*",)
        arguments = ("ls-remote", "--quiet", "--end-of-options", self.address.url, *asked)
        answer = self.remote(*arguments)
        if answer.status != 0:
            raise remote_trouble("the branches could not be read", self.address, answer)
        found = {
            line[2]: line[1]
            for line in map(_REF_LINE.fullmatch, answer.out.decode("utf-8", "replace").split("\n"))
            if line is not None and is_hash(line[1])
        }
        return {ref: value for ref, value in found.items() if not names or ref in names}

    def fetch(self, source: str, target: str, *, forward_only: bool = False) -> Answer:
        """Fetch one ref or commit of the remote, with all it needs, into one ref of ours.

        The ref moves only when everything is there; with `forward_only`, only to a descendant, and
        what git says of any other holds `non-fast-forward`. The caller reads the status: 0 is
        success.
        """
        self.prepare(ask_remote=True)
        how = ("--no-progress", "--show-forced-updates")
        arguments = (
            "fetch",
            *(how if forward_only else ("--quiet", "--no-show-forced-updates")),
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            "--no-auto-maintenance",
            "--end-of-options",
            self.address.url,
            f"{source}:{target}" if forward_only else f"+{source}:{target}",
        )
        answer = self.remote(*arguments, timeout=self._options.fetch_timeout)
        if answer.status != 0 and _LOCKED in answer.err:  # another process was at the same ref
            self._remove_old_lock(target)
            answer = self.remote(*arguments, timeout=self._options.fetch_timeout)
        # Git skips the ref of a shallow clone with a warning and calls that success.
        return replace(answer, status=1) if _SKIPPED in answer.err else answer

    def remote(self, *arguments: str, timeout: timedelta | None = None) -> Answer:
        """Run git with the remote's transport open, and nothing else.

        Raises:
            RemoteUnreachable: it took longer than `timeout`.
            GitTrouble: a local remote is not there, or our own mirror is damaged.
        """
        inside = self.path if self.path.is_dir() else None
        credential = self._options.credential
        call = Call(
            where=inside or Path("/"),
            git_dir=inside,
            timeout=(timeout or self._options.timeout).total_seconds(),
            transport=self.address.transport.value,
            config=credential.config(self.address) if credential else (),
        )
        if self.address.path is not None and not self.address.path.is_dir():
            raise GitTrouble(
                f"there is no directory {clean(str(self.address.path))}; nothing was read",
                hint="check the path; it must be a git repository on this machine",
            )
        try:
            answer = run_git(call, *arguments)
        except GitTimeout as error:
            raise RemoteUnreachable(f"{self.address}: {error}", hint=error.hint) from error
        self._check(answer)
        return answer

    def value(self, ref: str) -> str | None:
        """Return what one of our refs points to, or None.

        Most refs here have just been written, each as a file with a hash, which goes before every
        other form of it; only where there is no such file git is asked.
        """
        if ref.startswith("refs/"):
            with contextlib.suppress(OSError, ValueError):
                value = (self.path / ref).read_text("ascii").removesuffix("\n")
                if is_hash(value):
                    return value
        answer = self.local("rev-parse", "--verify", "--quiet", "--end-of-options", ref, ok=(0, 1))
        return answer.text() if answer.status == 0 else None

    def contains(self, commit: str) -> bool:
        """Tell whether the mirror holds this commit, named by its full hash."""
        if not is_hash(commit):
            return False
        return self.local("cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128)).status == 0

    def prepare(self, *, ask_remote: bool = False) -> None:
        """Make the mirror where there is none, whole or not at all.

        `ask_remote` lets it find out first whether the remote uses SHA-256 object names.
        """
        if self.path.is_dir():
            return
        wide = ask_remote and self._remote_is_wide()
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = Path(tempfile.mkdtemp(prefix=".new-", dir=self.path.parent))
        except OSError as error:
            raise _unwritable(self.path.parent, error) from error
        try:
            call = Call(where=unfinished, timeout=self._options.timeout.total_seconds())
            answer = run_git(
                call,
                "init",
                "--quiet",
                "--bare",
                "--template=",
                f"--object-format={'sha256' if wide else 'sha1'}",
                str(unfinished),
            )
            if answer.status != 0:
                raise local_trouble(f"the mirror {self.path} could not be made", answer)
            unfinished.rename(self.path)
        except OSError as error:
            if not self.path.is_dir():  # else another process was faster
                raise _unwritable(self.path.parent, error) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)

    def _check(self, answer: Answer) -> None:
        """Tell a damaged mirror from every other failure, which a caller may expect."""
        if answer.status != 0 and f"not a git repository: '{self.path}'" in answer.err:
            raise local_trouble(f"the mirror {self.path} is damaged", answer)

    def _remove_old_lock(self, ref: str) -> None:
        """Remove the lock of one of our refs where its git was killed while holding it.

        Git holds such a lock for milliseconds; one that is a minute old has no owner.
        """
        lock = self.path / f"{ref}.lock"
        with contextlib.suppress(OSError):
            if time.time() - lock.stat().st_mtime > _OLD_LOCK_SECONDS:
                lock.unlink()

    def _remote_is_wide(self) -> bool:
        refs = self.remote_refs("HEAD") or self.remote_refs()
        return any(len(value) == _WIDE for value in refs.values())


def _unwritable(folder: Path, error: OSError) -> GitTrouble:
    reason = clean(error.strerror or str(error))
    return GitTrouble(
        f"the state directory {folder} cannot be written: {reason}; nothing was read or changed",
        hint="make it writable, or set state_dir to another directory",
    )
