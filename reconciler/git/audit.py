"""The audit branch: records and snapshots as commits, each pushed together with its lease."""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import time
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, PushRejected
from reconciler.git import objects
from reconciler.git.lease import COMMITTER, LeaseKeeper
from reconciler.git.names import (
    AUDIT,
    TRANSACTIONS,
    checked_branch,
    checked_path,
    lease_ref,
    own_ref,
)
from reconciler.git.push import RefUpdate, Verdict, push
from reconciler.git.trouble import remote_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from reconciler.core.manifest import SourceFile
    from reconciler.git.lease import Claim, Holder
    from reconciler.git.mirror import Mirror
    from reconciler.ports import AuditChange, Clock, Lease

TRIES: Final = 8  # pushes of one change, before other writers are called too fast
SKIP_CI: Final = "[skip ci]"
_SHA1_DIGITS: Final = 40
_LONGEST_PAUSE: Final = 2.0
_TRAILER_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


class GitAudit:
    """The audit branch and the leases on one remote: implements the door `AuditBranch`."""

    def __init__(
        self,
        mirror: Mirror,
        branch: str,
        holder: Holder,
        clock: Clock,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Check the branch's name. `pause` waits between tries. Raises: UsageError."""
        self._mirror = mirror
        self._branch = checked_branch(branch)
        self._clock = clock
        self._pause = pause
        self._leases = LeaseKeeper(mirror, holder, clock, pause)
        self._remote_ref = f"refs/heads/{branch}"
        self._own_ref = own_ref(AUDIT, branch)
        self._tip: str | None = None
        self._looked = False

    def fetch(self) -> str | None:
        """Bring the audit branch up to date; return its tip, or None while it does not exist.

        Raises: RemoteUnreachable, GitTrouble.
        """
        answer = self._mirror.fetch(self._remote_ref, self._own_ref)
        if answer.status == 0:
            self._tip = self._mirror.value(self._own_ref)
        elif "couldn't find remote ref" in answer.err:
            self._mirror.local("update-ref", "-d", self._own_ref)
            self._tip = None
        else:
            raise remote_trouble(
                "the audit branch could not be fetched", self._mirror.address, answer
            )
        self._looked = True
        return self._tip

    def read(self, path: str) -> bytes | None:
        """Return a file of the last fetched or published tip, or None."""
        tip = self._known_tip()
        if tip is None:
            return None
        name = f"{tip}:{checked_path(path)}"
        return objects.read_named(self._mirror, [name], objects.LARGEST_RECORD)[name]

    def list(self, folder: str) -> tuple[SourceFile, ...]:
        """List all files below `folder` at that tip, sorted by path."""
        tip = self._known_tip()
        if tip is None:
            return ()
        return objects.list_files(self._mirror, tip, checked_path(folder.rstrip("/")))

    def read_blobs(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of blobs by their ids, in one batch. Raises: GitTrouble."""
        return objects.read_blobs(self._mirror, blobs, objects.LARGEST_RECORD, {})

    def publish(self, change: AuditChange, lease: Lease) -> tuple[str | None, Lease]:
        """Commit and push `change` together with a renewal of `lease`, atomically.

        A rejection because the branch moved is answered by fetch, rebuild on the new tip and
        push again; records keep their bytes (rule 25). The branch is never forced (rule 24).

        Raises:
            LeaseLost: another writer has the lease; nothing was written.
            RemoteUnreachable: no answer; the change is not on the remote.
            PushRejected: other writers were faster every time; nothing was written.
            GitTrouble: the remote refuses, or a record would change (rule 24).
        """
        message = _message(change, lease)
        for path in (*change.records, *change.edits):
            checked_path(path)
        tip = self._known_tip()
        for number in range(TRIES):
            if number:
                longest = min(_LONGEST_PAUSE, 0.05 * 2**number)
                self._pause(secrets.SystemRandom().uniform(0, longest))
                tip = self.fetch()
            commit = self._commit(change, message, tip)
            renewed = self._leases.prepared(lease.environment, lease.fence)
            updates = [
                RefUpdate(lease_ref(lease.environment), renewed.ref_value, lease.ref_value),
                *([RefUpdate(self._remote_ref, commit)] if commit is not None else []),
            ]
            if push(self._mirror, updates) is Verdict.DONE:
                if commit is not None:
                    self._arrived(commit)
                return commit, renewed
            lease = self._leases.still_ours(lease)
        raise PushRejected(
            f"{TRIES} pushes to {self._branch} of {self._mirror.address} were each overtaken by"
            " another; nothing was written, the records wait here",
            hint="they are pushed with the next pass; see who else writes to that branch",
        )

    def take_lease(self, environment: str, *, may_take_over: str | None, above: int = 0) -> Lease:
        """Take the lease of an environment by compare-and-swap on its ref.

        Raises: LeaseHeld, RemoteUnreachable, GitTrouble, UsageError.
        """
        return self._leases.take(environment, may_take_over=may_take_over, above=above)

    def renew_lease(self, lease: Lease) -> Lease:
        """Extend the lease. Raises: LeaseLost, RemoteUnreachable, GitTrouble."""
        return self._leases.renew(lease)

    def release_lease(self, lease: Lease) -> None:
        """Give the lease back, keeping its fence. Losing it meanwhile is no error."""
        self._leases.release(lease)

    def claim(self, environment: str) -> Claim | None:
        """Read who holds the lease of an environment; None: it was never taken.

        Raises: RemoteUnreachable, GitTrouble, UsageError.
        """
        return self._leases.current(environment)

    def _known_tip(self) -> str | None:
        if not self._looked:
            self._tip = self._mirror.value(self._own_ref)
            self._looked = True
        return self._tip

    def _arrived(self, commit: str) -> None:
        self._tip = commit
        with contextlib.suppress(GitTrouble):  # the remote has it; our ref follows at a fetch
            self._mirror.local("update-ref", self._own_ref, commit)

    def _commit(self, change: AuditChange, message: bytes, tip: str | None) -> str | None:
        """Make the commit on `tip` with only the files that change; None where none does."""
        files = {**self._new_records(change.records, tip), **self._edited(change.edits, tip)}
        if not files:
            return None
        seconds = int(self._clock.now().timestamp())
        ref = own_ref(TRANSACTIONS, self._branch)
        script = [
            f"commit {ref}\nmark :1\ncommitter {COMMITTER} {seconds} +0000\n".encode(),
            b"data %d\n%b\n" % (len(message), message),
            *([f"from {tip}\n".encode()] if tip else []),
        ]
        for path, content in sorted(files.items()):
            head = f"M 100644 inline {path}\ndata {len(content)}\n".encode("ascii")
            script += [head, content, b"\n"]
        script.append(b"\nget-mark :1\ndone\n")
        arguments = ("fast-import", "--quiet", "--done", "--force", "--date-format=raw")
        return self._mirror.local(*arguments, stdin=b"".join(script)).text()

    def _new_records(self, records: Mapping[str, bytes], tip: str | None) -> dict[str, bytes]:
        """Return the records the tip lacks.

        Raises:
            GitTrouble: the tip has other bytes there, or a file where a folder must be (rule 24).
        """
        if tip is None or not records:
            return dict(records)
        folders = {folder for path in records for folder in _folders(path)}
        found = objects.identities(self._mirror, tip, [*records, *sorted(folders)])
        for folder in folders:
            there = found[folder]
            if there is not None and there[0] != "tree":
                raise _would_change(folder)
        new = {}
        for path, content in records.items():
            there = found[path]
            if there is None:
                new[path] = content
            elif there != ("blob", _blob_id(content, len(tip))):
                raise _would_change(path)
        return new

    def _edited(
        self, edits: Mapping[str, Callable[[bytes | None], bytes | None]], tip: str | None
    ) -> dict[str, bytes]:
        """Compute the edits on the files of this tip; what stays equal is left out."""
        names = {path: f"{tip}:{path}" for path in edits}
        found = (
            objects.read_named(self._mirror, list(names.values()), objects.LARGEST_RECORD)
            if tip is not None
            else {}
        )
        edited = {}
        for path, edit in edits.items():
            before = found.get(names[path])
            after = edit(before)
            if after is not None and after != before:
                edited[path] = after
        return edited


def _message(change: AuditChange, lease: Lease) -> bytes:
    """Return the commit message: one subject line, the body, the trailers as last paragraph."""
    fence = ("Reconciler-Lease", f"{lease.environment}/{lease.fence}")
    trailers = [*change.trailers]
    if fence[0] not in dict(trailers):
        trailers.append(fence)
    lines = [change.subject, *change.body.split("\n"), *(value for _, value in trailers)]
    keys = [key for key, _ in trailers]
    if (
        not all(line.isprintable() for line in lines)
        or not all(_TRAILER_KEY.fullmatch(key) for key in keys)
        or not change.subject.strip()
    ):
        raise GitTrouble(
            f"the audit commit '{clean(change.subject, 80)}' has text that may not be in its"
            " message; nothing was written",
            hint="this is a fault of Reconciler: please report it with this line",
        )
    subject = change.subject if SKIP_CI in change.subject else f"{change.subject} {SKIP_CI}"
    body = f"{change.body.strip()}\n\n" if change.body.strip() else ""
    tail = "".join(f"{key}: {value}\n" for key, value in trailers)
    return f"{subject}\n\n{body}{tail}".encode()


def _folders(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: length + 1]) for length in range(len(parts))]


def _blob_id(content: bytes, digits: int) -> str:
    algorithm = "sha1" if digits == _SHA1_DIGITS else "sha256"
    head = b"blob %d\0" % len(content)
    return hashlib.new(algorithm, head + content, usedforsecurity=False).hexdigest()


def _would_change(path: str) -> GitTrouble:
    return GitTrouble(
        f"{clean(path, 120)} is on the audit branch with other content, and a record is never"
        " edited or deleted (rule 24); nothing was written",
        hint=f"compare it: git log -- {clean(path, 120)}",
    )
