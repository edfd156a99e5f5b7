"""One lease per environment, in a ref that all writers share (rule 19).

The ref points to a commit without parents or files whose message is one line of JSON. It is only
ever replaced by compare-and-swap and never deleted, so that its fence grows for ever.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.text import clean
from reconciler.errors import LeaseHeld, LeaseLost
from reconciler.git.names import is_hash, lease_ref
from reconciler.git.push import RefUpdate, Verdict, push
from reconciler.git.run import MIB
from reconciler.git.trouble import remote_trouble
from reconciler.ports import Lease

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.git.mirror import Mirror
    from reconciler.git.run import Answer
    from reconciler.ports import Clock

VALIDITY: Final = timedelta(seconds=120)
PROOF: Final = timedelta(seconds=40)  # a living holder renews every 30
SKEW: Final = timedelta(seconds=5)  # how far two writers' clocks may differ
COMMITTER: Final = "Reconciler <reconciler@localhost>"

_LARGEST_FENCE: Final = 2**53 - 1
_LONGEST_WORD: Final = 200


@dataclass(frozen=True, slots=True)
class Holder:
    """A writer: the id of its store, and where a person finds it.

    The store's id, because a later process of the same store and machine can prove by a lock that
    this one is dead.
    """

    id: str
    host: str
    pid: int
    store: str


@dataclass(frozen=True, slots=True)
class LeaseNote:
    """What the lease ref says."""

    environment: str
    fence: int
    holder: Holder
    expires: datetime
    released: bool = False

    def in_force(self, now: datetime) -> bool:
        """True while nobody else may take the lease."""
        return not self.released and now <= self.expires + SKEW

    def is_of(self, lease: Lease) -> bool:
        """True where this is the given lease, perhaps renewed since."""
        return (
            self.environment == lease.environment
            and self.holder.id == lease.holder
            and self.fence == lease.fence
            and not self.released
        )

    def encode(self) -> bytes:
        """Return the note as one line of JSON."""
        facts = {
            "environment": self.environment,
            "expires": f"{self.expires:%Y-%m-%dT%H:%M:%SZ}",
            "fence": self.fence,
            "holder": {
                "host": self.holder.host,
                "id": self.holder.id,
                "pid": self.holder.pid,
                "store": self.holder.store,
            },
            "released": self.released,
        }
        return json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, line: bytes) -> LeaseNote | None:
        """Read a note; None where it is anything but what `encode` writes."""
        try:
            facts: Any = json.loads(line)
            holder = Holder(**facts["holder"])
            expires = datetime.strptime(facts["expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
            note = cls(facts["environment"], facts["fence"], holder, expires, facts["released"])
        except (ValueError, TypeError, KeyError, RecursionError):
            return None
        words = (note.environment, holder.id, holder.host, holder.store)
        numbers = (note.fence, holder.pid)
        whole = (
            all(isinstance(word, str) and len(word) <= _LONGEST_WORD for word in words)
            and all(type(number) is int and 0 <= number <= _LARGEST_FENCE for number in numbers)
            and isinstance(note.released, bool)
        )
        return note if whole else None


@dataclass(frozen=True, slots=True)
class Claim:
    """The lease ref as the remote has it: its value, and its note unless that is unreadable."""

    value: str
    note: LeaseNote | None


@dataclass(frozen=True, slots=True)
class Draft:
    """A lease to be written. `deadline` is the monotonic time from which it no longer counts."""

    note: LeaseNote
    deadline: float
    seconds: int  # since 1970, of its commit

    def message(self) -> bytes:
        """Return the message of its commit, which has no parent and no file."""
        return self.note.encode() + b"\n"

    def lease(self, value: str) -> Lease:
        """Return the lease once its object is written; it counts when the remote's ref has it."""
        note = self.note
        return Lease(
            note.environment, note.fence, note.holder.id, value, note.expires, self.deadline
        )


class LeaseKeeper:
    """Takes, renews and gives back leases on one remote, for one holder."""

    def __init__(
        self, mirror: Mirror, holder: Holder, clock: Clock, pause: Callable[[float], None]
    ) -> None:
        self._mirror = mirror
        self._holder = holder
        self._clock = clock
        self._pause = pause

    def current(self, environment: str) -> Claim | None:
        """Read the lease of an environment from the remote; None: it was never taken.

        Raises: RemoteUnreachable, GitTrouble, UsageError (no name for a lease).
        """
        ref = lease_ref(environment)
        value = self._mirror.remote_refs(ref).get(ref)
        if value is None:
            return None
        found = self._read(value)
        if found.status != 0:
            answer = self._mirror.fetch(ref, ref)
            if answer.status != 0:
                raise remote_trouble(
                    f"the lease of {environment} could not be fetched", self._mirror.address, answer
                )
            value = self._mirror.value(ref) or value
            found = self._read(value)
        content = found.out
        note = LeaseNote.decode(content.partition(b"\n\n")[2])
        if note is not None and note.environment != environment:
            note = None
        return Claim(value, note)

    def _read(self, value: str) -> Answer:
        return self._mirror.local("cat-file", "commit", value, ok=(0, 128), limit=MIB)

    def take(self, environment: str, *, may_take_over: str | None, above: int = 0) -> Lease:
        """Take the lease by compare-and-swap. Raises: LeaseHeld and what `current` raises.

        `above`: the highest fence the caller has seen; a ref that was deleted, or a remote from a
        backup, does not let the fence fall.
        """
        claim = self.current(environment)
        fence, before = above, ""
        if claim is not None:
            note = self._free(environment, claim, may_take_over)
            fence, before = max(note.fence, above), claim.value
        lease = self._prepared(environment, fence + 1)
        ref = lease_ref(environment)
        update = RefUpdate(ref, lease.ref_value, before)
        if push(self._mirror, [update]) is Verdict.DONE:
            return lease
        faster = self.current(environment)
        if faster is not None and faster.value == lease.ref_value:
            return lease
        if faster is None or faster.note is None:
            raise _unreadable(environment, faster)
        raise _held(faster.note)

    def _free(self, environment: str, claim: Claim, may_take_over: str | None) -> LeaseNote:
        """Return the note of a claim that may be replaced.

        A lock proves a holder dead on this machine only: a copy of its store elsewhere has its id
        too. One that has run out is watched for a while: clocks may differ by more than `SKEW`, and
        a living holder renews whatever they say.

        Raises: LeaseHeld.
        """
        note = claim.note
        if note is None:
            raise _unreadable(environment, claim)
        is_dead = note.holder.id == may_take_over and note.holder.host == self._holder.host
        if note.released or is_dead:
            return note
        if note.in_force(self._clock.now()):
            raise _held(note)
        self._pause(PROOF.total_seconds())
        again = self.current(environment)
        if again is None or again.value != claim.value:
            raise _held(note if again is None or again.note is None else again.note)
        return note

    def renew(self, lease: Lease) -> Lease:
        """Extend a lease by its whole validity. Raises: LeaseLost, RemoteUnreachable."""
        renewed = self._prepared(lease.environment, lease.fence)
        ref = lease_ref(lease.environment)
        if self._replace(ref, renewed, lease.ref_value):
            return renewed
        if self._replace(ref, renewed, self.still_ours(lease).ref_value):
            return renewed
        raise self._lost(lease, self.current(lease.environment))

    def release(self, lease: Lease) -> None:
        """Write that the lease is free, keeping its fence. Losing it meanwhile is no error."""
        freed = self._prepared(lease.environment, lease.fence, released=True)
        ref = lease_ref(lease.environment)
        if not self._replace(ref, freed, lease.ref_value):
            claim = self.current(lease.environment)
            if claim is not None and claim.note is not None and claim.note.is_of(lease):
                self._replace(ref, freed, claim.value)

    def drafted(self, environment: str, fence: int, *, released: bool = False) -> Draft:
        """Draft a lease of our own, valid from now on; or, `released`, one that is free."""
        deadline = self._clock.monotonic() + VALIDITY.total_seconds()
        now = self._clock.now().astimezone(UTC).replace(microsecond=0)
        expires = now if released else now + VALIDITY
        note = LeaseNote(environment, fence, self._holder, expires, released)
        return Draft(note, deadline, int(now.timestamp()))

    def _prepared(self, environment: str, fence: int, *, released: bool = False) -> Lease:
        """Write a lease's object into the mirror."""
        draft = self.drafted(environment, fence, released=released)
        tree = self._mirror.local("hash-object", "-t", "tree", "-w", "--stdin").text()
        who = f"{COMMITTER} {draft.seconds} +0000"
        head = f"tree {tree}\nauthor {who}\ncommitter {who}\n\n".encode()
        arguments = ("hash-object", "-t", "commit", "-w", "--stdin")
        return draft.lease(self._mirror.local(*arguments, stdin=head + draft.message()).text())

    def still_ours(self, lease: Lease) -> Lease:
        """Return the lease with the value the remote has, where only the answer was lost.

        Raises: LeaseLost: it is another's now, free, or gone.
        """
        claim = self.current(lease.environment)
        if claim is None or claim.note is None or not claim.note.is_of(lease):
            raise self._lost(lease, claim)
        return replace(lease, ref_value=claim.value)

    def _replace(self, ref: str, lease: Lease, expected: str) -> bool:
        if not is_hash(expected):
            return False
        update = RefUpdate(ref, lease.ref_value, expected)
        return push(self._mirror, [update]) is Verdict.DONE

    def _lost(self, lease: Lease, claim: Claim | None) -> LeaseLost:
        if claim is None:
            whose = "its ref is gone"
        elif claim.note is None:
            whose = "its ref now holds something unreadable"
        else:
            whose = f"{_who(claim.note.holder)} has taken it with fence {claim.note.fence}"
        return LeaseLost(
            f"the lease of {clean(lease.environment)} (fence {lease.fence}) is lost: {whose};"
            " no new request is sent",
            hint="let the other writer finish, then run the command again",
        )


def _who(holder: Holder) -> str:
    return f"process {holder.pid} on {clean(holder.host, 80)}"


def _held(note: LeaseNote) -> LeaseHeld:
    until = f"{note.expires + SKEW:%Y-%m-%d %H:%M:%S} UTC"
    return LeaseHeld(
        f"{note.environment} is being worked on by {_who(note.holder)}, whose lease (fence"
        f" {note.fence}) lasts until {until}; nothing was started",
        hint="wait for it to finish; if that process is dead, its lease ends at the time named",
    )


def _unreadable(environment: str, claim: Claim | None) -> LeaseHeld:
    value = f" ({claim.value})" if claim else ""
    ref = lease_ref(environment)
    return LeaseHeld(
        f"the lease of {environment} at {ref}{value} is not one of Reconciler's, so it counts as"
        " held; nothing was started",
        hint=f"find out who wrote {ref} on the audit remote; delete that ref there to start anew",
    )
