"""What a plan says of one cell: what is done to it, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.core.cellkey import component_of

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey


class Kind(StrEnum):
    """What is done to a cell."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REDEPLOY = "redeploy"
    IGNORE = "ignore"


class Reason(StrEnum):
    """Why. A closed list; docs/reasons.md says what to do about each."""

    NEW_PIN = "new-pin"
    NOT_DEPLOYED = "not-deployed"
    DRIFT = "drift"
    REDEPLOY = "redeploy"
    UNSETTLED = "unsettled"
    CONFIG_CHANGED = "config-changed"
    NEW_MACHINE = "new-machine"
    IN_SYNC = "in-sync"
    UNMANAGED = "unmanaged"
    HELD = "held"
    HELD_BY_HAND = "held-by-hand"
    DRIFT_LEFT = "drift-left"
    SUSPENDED = "suspended"
    UNOBSERVED = "unobserved"
    UNKNOWN_DIRECTION = "unknown-direction"
    UP_ONLY = "up-only"
    NOT_CONNECTED = "not-connected"
    NEW_TENANT = "new-tenant"
    RING_CONFLICT = "ring-conflict"
    REMOTE = "remote"


class Action(NamedTuple):
    """What is done to one cell, from which version to which, in which wave (0: none), and why.

    A named tuple: a plan makes one for each of a hundred thousand cells. `redeploy` is the pin's
    counter. `waits_for` names the changes that come first. `note` is one clean line for people.
    `machines` are the only machines it goes to, sorted Octopus ids; empty: all.
    `refresh`: the variable snapshot of its release is refreshed first.
    """

    cell: CellKey
    kind: Kind
    reason: Reason
    from_version: str | None
    to_version: str | None
    note: str = ""
    redeploy: int = 0
    wave: int = 0
    waits_for: tuple[CellKey, ...] = ()
    unknown_direction: bool = False
    machines: tuple[str, ...] = ()
    refresh: bool = False

    @property
    def component(self) -> str:
        """The cell's component, as the stack names it."""
        return component_of(self.cell)

    @property
    def is_change(self) -> bool:
        """True for everything but ignore."""
        return self.kind is not Kind.IGNORE
