"""What `doctor` finds: one line for each thing looked at, with what to do where something is wrong.

What could not be looked at is told as unknown, with what stood in the way; it is never "fine".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.state import Permissions, Server, User


class Verdict(StrEnum):
    """How one thing stands."""

    OK = "ok"
    WARNING = "warning"  # it works today; somebody should look
    FAILED = "failed"  # something that is needed does not work
    UNKNOWN = "unknown"  # it could not be looked at


class Check(StrEnum):
    """What is looked at (docs/adopting.md)."""

    SETTINGS = "settings"
    STATE = "state"
    DISK = "disk"
    GIT = "git"
    SIGNATURES = "signatures"
    AUDIT = "audit"
    MANIFESTS = "manifests"
    SERVER = "server"
    CLOCK = "clock"
    FEATURES = "features"
    LOGINS = "logins"
    KEY = "key"
    EXPIRY = "expiry"
    PERMISSIONS = "permissions"
    DEPLOYERS = "deployers"
    RETENTION = "retention"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `about` is the thing (a space, an environment, a folder), "" for this machine.

    `says` and `to_do` are clean lines; `to_do` is empty only where everything is well.
    """

    check: Check
    about: str
    verdict: Verdict
    says: str
    to_do: str = ""

    def __post_init__(self) -> None:
        if (self.verdict is Verdict.OK) == bool(self.to_do):
            raise ValueError(f"{self.check}: what to do is said exactly where something is wrong")


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """A server as its own answers tell it; None: it did not say.

    `ahead` is by how many seconds its clock is ahead of ours (within about a second). `logins` are
    the ways to sign in: (name, whether it takes a password). `has_freezes` False: it knows none.
    """

    server: Server
    ahead: float | None = None
    in_maintenance: bool | None = None
    logins: tuple[tuple[str, bool], ...] | None = None
    has_freezes: bool | None = None


@dataclass(frozen=True, slots=True)
class KeySeen:
    """An accepted key: whose it is, what it may, and when it expires.

    `expires` None: never, or that was not told, as `expiry_told` says.
    """

    user: User
    permissions: Permissions
    expires: datetime | None = None
    expiry_told: bool = False


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long a lifecycle keeps releases that run nowhere; None: for ever."""

    lifecycle: str
    name: str
    keeps: str | None
