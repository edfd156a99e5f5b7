"""Entries on their way to the remote: one commit, one atomic push, and each one's own outcome."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.errors import LeaseLost, ReconcilerError
from reconciler.git.lease import COMMITTER
from reconciler.git.message import check_text, message_of
from reconciler.git.names import TRANSACTIONS, checked_path, lease_ref, own_ref
from reconciler.git.overlay import Overlay
from reconciler.git.push import RefUpdate, Verdict, push
from reconciler.git.sign import signed
from reconciler.git.trouble import local_trouble
from reconciler.ports import Entry, Published

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.git.lease import Draft, LeaseKeeper
    from reconciler.git.mirror import Mirror
    from reconciler.ports import Clock


@dataclass(slots=True)
class Publication:
    """Some entries for one branch. Who fails alone leaves `waiting`; the others go on without.

    `commit` is what arrived on the branch, empty before, or where nothing there changed.
    """

    mirror: Mirror
    leases: LeaseKeeper
    branch: str
    clock: Clock
    waiting: dict[int, Entry]
    outcomes: dict[int, Published | ReconcilerError] = field(default_factory=dict)
    commit: str = ""

    def check(self) -> None:
        """Refuse the entries whose text or paths may not be written (rules 23, 52)."""
        for number, entry in list(self.waiting.items()):
            try:
                check_text(entry)
                for path in (*entry.change.records, *entry.change.edits):
                    checked_path(path)
            except ReconcilerError as error:
                self.fail(number, error)

    def attempt(self, tip: str | None) -> bool:
        """Build a commit on `tip` and push it with all leases; False where something has moved.

        Raises: GitTrouble and its kin: about all that wait, of whom nothing was written.
        """
        updates, published = self.prepared(tip)
        if updates and push(self.mirror, updates) is not Verdict.DONE:
            return False
        self.outcomes |= published
        self.waiting = {}
        self.commit = next((p.tip for p in published.values() if p.tip), "")
        return True

    def prepared(self, tip: str | None) -> tuple[list[RefUpdate], dict[int, Published]]:
        """Build a commit on `tip`, and the leases; return what to push, and what that leads to.

        Who fails alone does so here. Raises: GitTrouble: about all that wait.
        """
        overlay, telling = self._laid(tip)
        if not self.waiting:
            return [], {}
        drafts = [self.leases.drafted(e.lease.environment, e.lease.fence) for e in self._entries]
        commit, *values = self._written(tip, overlay, [self.waiting[n] for n in telling], drafts)
        if commit:
            commit = signed(self.mirror, commit)
        updates = [RefUpdate(f"refs/heads/{self.branch}", commit)] if commit else []
        published = {}
        for (number, entry), draft, value in zip(self.waiting.items(), drafts, values, strict=True):
            ref = lease_ref(entry.lease.environment)
            updates.append(RefUpdate(ref, value, entry.lease.ref_value))
            told = commit if number in telling else None
            published[number] = Published(told, draft.lease(value))
        return updates, published

    def look_at_leases(self) -> None:
        """After a push that did not go: who has lost the lease fails alone (rule 19).

        Raises: RemoteUnreachable, GitTrouble.
        """
        found = self.mirror.remote_refs(*(lease_ref(e.lease.environment) for e in self._entries))
        for number, entry in list(self.waiting.items()):
            if found.get(lease_ref(entry.lease.environment)) == entry.lease.ref_value:
                continue
            try:
                lease = self.leases.still_ours(entry.lease)
            except LeaseLost as error:
                self.fail(number, error)
            else:
                self.waiting[number] = replace(entry, lease=lease)

    def fail(self, number: int, error: ReconcilerError) -> None:
        """Take one entry out, with its error."""
        del self.waiting[number]
        self.outcomes[number] = error

    @property
    def _entries(self) -> Sequence[Entry]:
        return list(self.waiting.values())

    def _laid(self, tip: str | None) -> tuple[Overlay, list[int]]:
        """Lay the changes on the tip; return who of them changes anything."""
        overlay = Overlay(self.mirror, tip, [entry.change for entry in self._entries])
        telling = []
        for number, entry in list(self.waiting.items()):
            try:
                if overlay.add(entry.change):
                    telling.append(number)
            except ReconcilerError as error:
                self.fail(number, error)
        return overlay, telling

    def _written(
        self, tip: str | None, overlay: Overlay, told: Sequence[Entry], drafts: Sequence[Draft]
    ) -> list[str]:
        """Write the commit ("" where nothing changes) and the leases in one go; return the hashes.

        All objects are in the mirror then; they count once the remote's refs have them.
        """
        script: list[bytes] = []
        if told:
            script += self._commit(tip, overlay, message_of(told))
        scratch = own_ref(TRANSACTIONS, "leases")
        for mark, draft in enumerate(drafts, 2):
            note = draft.message()
            who = f"{COMMITTER} {draft.seconds} +0000"
            head = f"reset {scratch}\ncommit {scratch}\nmark :{mark}\ncommitter {who}\n"
            script += [head.encode(), b"data %d\n%b\n" % (len(note), note)]
        marks = [*([1] if told else []), *range(2, len(drafts) + 2)]
        script += [f"get-mark :{mark}\n".encode() for mark in marks]
        arguments = ("fast-import", "--quiet", "--done", "--force", "--date-format=raw")
        # Status 1: another process was at a scratch ref, or one died there. The objects are whole.
        answer = self.mirror.local(*arguments, stdin=b"".join([*script, b"done\n"]), ok=(0, 1))
        hashes = answer.text().split()
        if len(hashes) != len(marks):
            raise local_trouble("git fast-import failed in the mirror", answer)
        return hashes if told else ["", *hashes]

    def _commit(self, tip: str | None, overlay: Overlay, message: bytes) -> list[bytes]:
        ref = own_ref(TRANSACTIONS, self.branch)
        seconds = int(self.clock.now().timestamp())
        script = [
            f"commit {ref}\nmark :1\ncommitter {COMMITTER} {seconds} +0000\n".encode(),
            b"data %d\n%b\n" % (len(message), message),
            *([f"from {tip}\n".encode()] if tip else []),
        ]
        # In the order of the entries: sorted by path, fast-import takes twice the time, because it
        # tries each file as a change of the one before.
        for path, content in overlay.files.items():
            head = f"M 100644 inline {path}\ndata {len(content)}\n".encode("ascii")
            script += [head, content, b"\n"]
        return [*script, b"\n"]
