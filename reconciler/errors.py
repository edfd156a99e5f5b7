"""Every failure an operator may read, as one tree.

    ReconcilerError
    ├── UsageError               the command line asks for the impossible (exit 64)
    ├── ManifestsInvalid         the manifests of an environment are broken (exit 3)
    ├── EditRefused              a manifest cannot be edited by just what was asked (exit 1)
    ├── GateClosed               something a person or time must open first (exit 4)
    │   └── LeaseHeld            another writer works on this environment
    ├── StalePlan                the world is not the one that was reviewed (exit 6)
    ├── GitTrouble               git said no; nothing was applied (exit 1)
    │   ├── RemoteUnreachable    the remote did not answer, or not in time
    │   ├── BranchRewritten      the watched branch lost its accepted commit
    │   ├── PushRejected         somebody else pushed first; fetch, rebuild, push again
    │   ├── RecordStands         another writer's record has that name, with other bytes
    │   └── LeaseLost            our claim on the environment was taken or ran out
    ├── OctopusTrouble           Octopus did not give a usable answer (exit 1)
    │   ├── Unreachable          no connection, no answer in time, or a 5xx
    │   ├── RateLimited          429 after every permitted repetition
    │   │   └── OverBudget       our own request budget has no room soon enough; nothing was sent
    │   ├── BadAnswer            not the JSON we were promised
    │   ├── NotAllowed           401 or 403; never repeated with another identity
    │   │   └── CredentialRefused  our key is refused as such; not asked with again until it changes
    │   ├── RemoteRejected       understood and refused (other 4xx)
    │   └── OutcomeUnknown       a change was asked for and may or may not have happened
    ├── StoreTrouble             the journal cannot be written or read
    └── SigningTrouble           a key, certificate or signature is not as it must be

A message names the thing and the fact and says what changed; the hint is a next step that works
when pasted (rule 51).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class Disposition(StrEnum):
    """What the queue does after a failure."""

    RETRY = "retry"  # repeat soon, bounded and jittered
    WAIT = "wait"  # look again later; repeating at once could do harm or cannot help
    STALL = "stall"  # a person has to change something first


class ReconcilerError(Exception):
    """Base of every failure an operator may read: what happened, and one way out."""

    disposition: ClassVar[Disposition] = Disposition.STALL
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(ReconcilerError):
    """The command line or a setting asks for something that cannot be done."""

    exit_code = 64


class ManifestsInvalid(ReconcilerError):
    """Manifests are broken; `lines` holds every problem as `file:line:column: message`."""

    exit_code = 3

    def __init__(self, message: str, *, lines: Sequence[str], hint: str) -> None:
        super().__init__(message, hint=hint)
        self.lines = tuple(lines)


class EditRefused(ReconcilerError):
    """A manifest cannot be edited so that only what was asked for changes (rule 24)."""


class GateClosed(ReconcilerError):
    """Something a person, or time, must open before anything may start."""

    disposition = Disposition.WAIT
    exit_code = 4


class LeaseHeld(GateClosed):
    """Another writer holds the lease of this environment; the message names it."""


class StalePlan(ReconcilerError):
    """The plan that was reviewed is not the plan that would be carried out now."""

    exit_code = 6


class GitTrouble(ReconcilerError):
    """Git refused or failed; the message carries its words, cleaned."""


class RemoteUnreachable(GitTrouble):
    """The git remote did not answer, or not in time."""

    disposition = Disposition.RETRY


class BranchRewritten(GitTrouble):
    """The last accepted commit is no longer an ancestor of the watched branch (rule 27)."""


class PushRejected(GitTrouble):
    """Somebody else pushed first; the answer is fetch, rebuild, push again (rule 25)."""

    disposition = Disposition.RETRY


class RecordStands(GitTrouble):
    """A record is on the audit branch with other bytes, and stays as it is (rule 24)."""


class LeaseLost(GitTrouble):
    """The lease was taken by another writer or ran out; no new request may be sent (rule 19)."""

    disposition = Disposition.WAIT


class OctopusTrouble(ReconcilerError):
    """Octopus did not give a usable answer."""


class Unreachable(OctopusTrouble):
    """No connection, no answer in time, or a server error after every permitted repetition."""

    disposition = Disposition.RETRY


class RateLimited(OctopusTrouble):
    """429 after every permitted repetition; `retry_after` is in seconds, if the server said."""

    disposition = Disposition.RETRY

    def __init__(self, message: str, *, hint: str, retry_after: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class OverBudget(RateLimited):
    """Our own request budget of the server has no room soon enough; nothing was sent."""


class BadAnswer(OctopusTrouble):
    """An answer that is not the JSON we were promised: type, field, length, redirect (rule 48)."""


class NotAllowed(OctopusTrouble):
    """401 or 403: ends that action at once, never retried with another identity (rule 31)."""


class CredentialRefused(NotAllowed):
    """Octopus refuses our key, or its user may not look: no further request with that key."""


class RemoteRejected(OctopusTrouble):
    """Octopus understood and refused; repeating cannot help. `status` is the HTTP status."""

    def __init__(self, message: str, *, hint: str, status: int) -> None:
        super().__init__(message, hint=hint)
        self.status = status


class OutcomeUnknown(OctopusTrouble):
    """A request may or may not have taken effect; search before acting again (rules 13, 14)."""

    disposition = Disposition.WAIT


class StoreTrouble(ReconcilerError):
    """The journal cannot be written or read; applying stops first (rule 50)."""


class SigningTrouble(ReconcilerError):
    """A key, certificate or signature is not as it must be."""
