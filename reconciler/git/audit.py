"""The audit branch: records and snapshots as commits, each pushed together with its lease."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, PushRejected, UsageError
from reconciler.git import blame, objects, upkeep
from reconciler.git.lease import LeaseKeeper
from reconciler.git.names import AUDIT, checked_branch, checked_path, is_hash, own_ref
from reconciler.git.publication import Publication
from reconciler.git.push import Refused, rehearse
from reconciler.git.trouble import remote_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.manifest import SourceFile
    from reconciler.errors import ReconcilerError
    from reconciler.git.lease import Claim, Holder
    from reconciler.git.mirror import Mirror
    from reconciler.git.run import Answer
    from reconciler.ports import Clock, Entry, Lease, Published

TRIES: Final = 8  # pushes of one change, before other writers are called too fast
_LONGEST_PAUSE: Final = 2.0
_ALONE: Final = 3
_CONTENTS: Final = 4  # files that are kept in memory: what all environments share, and one's own
_ABSENT: Final = "couldn't find remote ref"
_REWOUND: Final = "non-fast-forward"
_REVISION: Final = re.compile(r"([0-9a-f]{4,64})?((?:~[0-9]{0,6})*)")


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
        self._contents: dict[str, bytes] = {}  # by commit and path: what that holds never changes
        self._tip: str | None = None
        self._looked = False

    def fetch(self) -> str | None:
        """Bring the audit branch up to date; return its tip, or None while it does not exist.

        Records are never deleted (rule 24): a branch that lost what it once held is an error, and
        this mirror keeps what it had.

        Raises: RemoteUnreachable, GitTrouble.
        """
        answer, known = self._look()
        if known is not None and _lost(answer):  # or a push of ours was faster: then not again
            answer, known = self._look()
        is_gone = _ABSENT in answer.err
        if known is not None and _lost(answer):
            raise self._rewound(known, is_gone=is_gone)
        if answer.status == 0 or is_gone:
            self._tip = known
        else:
            raise remote_trouble(
                "the audit branch could not be fetched", self._mirror.address, answer
            )
        self._looked = True
        return self._tip

    def _look(self) -> tuple[Answer, str | None]:
        """Fetch; return what git said, and the tip that we know after it."""
        answer = self._mirror.fetch(self._remote_ref, self._own_ref, forward_only=True)
        return answer, self._mirror.value(self._own_ref)

    def _rewound(self, known: str, *, is_gone: bool) -> GitTrouble:
        what = "is gone" if is_gone else "was rewritten"
        where, address = self._mirror.path, self._mirror.address
        return GitTrouble(
            f"the audit branch {self._branch} of {address} {what}: it does not hold {known[:12]}"
            " any more, where records are; nothing was applied, they are kept on this machine",
            hint=f"put it back: git -C {where} push {address} {known}:{self._remote_ref} (after a"
            f" look at what it holds now); or let go: git -C {where} update-ref -d {self._own_ref}",
        )

    def read(self, path: str) -> bytes | None:
        """Return a file of the last fetched or published tip, or None."""
        tip = self._known_tip()
        if tip is None:
            return None
        name = f"{tip}:{checked_path(path)}"
        found = self._contents.get(name)
        if found is None:
            found = self._read(name)
        if found is not None:
            if len(self._contents) >= _CONTENTS:
                self._contents.clear()
            self._contents[name] = found
        return found

    def _read(self, name: str) -> bytes | None:
        return objects.read_named(self._mirror, [name], objects.LARGEST_RECORD)[name]

    def written_at(self, path: str) -> datetime | None:
        """Tell when a file of that tip was last changed, None where there is none."""
        tip = self._known_tip()
        return None if tip is None else blame.changed_at(self._mirror, tip, checked_path(path))

    def read_at(self, revision: str, path: str) -> tuple[str, bytes | None]:
        """Return the commit that words name, and a file of it, or None.

        Words are a hash of at least four digits, or nothing for the fetched tip, and `~N` behind
        either. Raises: UsageError where they name no commit here.
        """
        found = _REVISION.fullmatch(revision)
        tip = self._known_tip()
        commit = ""
        if found is not None and (found[1] or tip is not None):
            words = f"{found[1] or tip}{found[2]}^{{commit}}"
            arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", words)
            commit = self._mirror.local(*arguments, ok=(0, 1, 128)).text()
        if not is_hash(commit):
            raise UsageError(
                f"'{clean(revision, 80)}' names no commit of the audit branch {self._branch}",
                hint="give a hash of its history, ~N for the Nth commit before its tip, or nothing",
            )
        return commit, self._read(f"{commit}:{checked_path(path)}")

    def past(self, path: str, most: int) -> tuple[tuple[str, bytes], ...]:
        """Return (commit, bytes) of a file in the newest commits that changed it, newest first."""
        tip, checked = self._known_tip(), checked_path(path)
        commits = () if tip is None else blame.changes(self._mirror, tip, checked, most)
        names = [f"{commit}:{checked}" for commit in commits]
        found = objects.read_named(self._mirror, names, objects.LARGEST_RECORD) if names else {}
        pairs = ((commit, found[f"{commit}:{checked}"]) for commit in commits)
        return tuple((commit, content) for commit, content in pairs if content is not None)

    def list(self, folder: str) -> tuple[SourceFile, ...]:
        """List all files below `folder` at that tip, sorted by path."""
        tip = self._known_tip()
        if tip is None:
            return ()
        return objects.list_files(self._mirror, tip, checked_path(folder.rstrip("/")))

    def read_blobs(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of blobs by their ids, in one batch. Raises: GitTrouble."""
        return objects.read_blobs(self._mirror, blobs, objects.LARGEST_RECORD, {})

    def pack(self, now: datetime, halted: Callable[[], bool]) -> bool:
        """Pack the mirror if nobody has for a day and it is worth it. Raises: GitTrouble."""
        return upkeep.pack(self._mirror, now, halted)

    def publish(self, entries: Sequence[Entry]) -> tuple[Published | ReconcilerError, ...]:
        """Push entries as one commit together with a renewal of each lease, atomically.

        A rejection because the branch moved is answered by fetch, rebuild on the new tip and push
        again; records keep their bytes (rule 25). The branch is never forced (rule 24). Nothing
        was written of an entry whose outcome is an error:

        - LeaseLost: another writer has its lease.
        - RecordStands: a record of its would change (rule 24).
        - RemoteUnreachable: no answer; nothing is on the remote.
        - PushRejected: other writers were faster every time.
        - GitTrouble: the remote refuses it, or its text or paths may not be written.
        """
        publication = Publication(
            self._mirror, self._leases, self._branch, self._clock, dict(enumerate(entries))
        )
        publication.check()
        try:
            self._push(publication)
        except GitTrouble as error:
            for number in publication.waiting:
                publication.outcomes[number] = error
            if isinstance(error, Refused) and len(publication.waiting) > 1:
                publication.outcomes |= self._alone(publication.waiting)
        return tuple(publication.outcomes[number] for number in range(len(entries)))

    def _alone(self, entries: Mapping[int, Entry]) -> dict[int, Published | ReconcilerError]:
        """Push entries that were refused together one by one: a hook may dislike one of them.

        Where the first few are refused alone too, the remote takes nothing; no more are tried.
        """
        outcomes = {}
        refused = 0
        for number, entry in entries.items():
            (outcomes[number],) = self.publish([entry])
            refused += isinstance(outcomes[number], Refused)
            if refused == len(outcomes) == _ALONE:
                break
        return outcomes

    def _push(self, publication: Publication) -> None:
        tip = self._known_tip()
        for number in range(TRIES):
            if number:
                longest = min(_LONGEST_PAUSE, 0.05 * 2**number)
                self._pause(secrets.SystemRandom().uniform(0, longest))
                tip = self.fetch()
            if publication.attempt(tip):
                if publication.commit:
                    self._arrived(publication.commit)
                return
            publication.look_at_leases()
            if not publication.waiting:
                return
        raise PushRejected(
            f"{TRIES} pushes to {self._branch} of {self._mirror.address} were each overtaken by"
            " another; nothing was written, the records wait here",
            hint="they are pushed with the next pass; see who else writes to that branch",
        )

    def rehearse(self) -> None:
        """Ask the remote whether it would take a push to the audit branch; writes nothing there.

        A dry run goes as far as the remote's welcome, which checks the right to push, and no hook.

        Raises: RemoteUnreachable, GitTrouble.
        """
        rehearse(self._mirror, self._remote_ref, self.fetch())

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


def _lost(answer: Answer) -> bool:
    """Tell whether the remote's branch did not hold what ours holds."""
    return _ABSENT in answer.err or _REWOUND in answer.err
