"""Cells as they were seen: what one reading of Octopus proves about each, and what runs there.

"Deployed" is never the newest attempt in any state; could-not-read is never not-deployed (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.action import Reason
    from reconciler.core.cellkey import CellKey
    from reconciler.core.interruption import Interruption
    from reconciler.core.muster import Muster
    from reconciler.core.snapshot import Reached
    from reconciler.core.state import ActiveTask, Project, Server
    from reconciler.core.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Unobserved:
    """The cell could not be read in full; nothing is done to it or to what depends on it."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverDeployed:
    """Octopus shows that nothing was ever deployed to the cell."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The newest finished attempt was a full success of `version`."""

    version: str
    deployment_id: str
    release_id: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The newest finished attempt, of `attempted`, was no full success; `why` says what it was.

    `version` is the last full success before it, None if there was none.
    """

    version: str | None
    attempted: str
    deployment_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Excluded:
    """The cell is no part of the plan, whatever runs there: for what `reason`, and why in words."""

    reason: Reason
    why: str


Sighting = Unobserved | NeverDeployed | Settled | Unsettled | Excluded


@dataclass(frozen=True, slots=True)
class Config:
    """What is known of the variables a cell runs with: whether they ask for a deployment, and why.

    `note` is one clean line.
    """

    is_changed: bool
    note: str


@dataclass(frozen=True, slots=True)
class ObservedCell:
    """One component in one environment, and for one tenant, as Octopus shows it.

    `newest` is the id of the newest deployment in any state (an intent's `after`); who made it,
    when and with which comment stands beside it. `config` tells of its variables, where its pin
    asks for fresh ones and Octopus was asked. `running` are tasks of this cell that are not
    finished, whoever started them (rules 16, 17); `waiting` are those that wait for a person, by
    id, and `questions` what they ask. `reached` is the pin at which desired last equalled observed.
    `missed` are the machines, by id, that are to get what runs here, each alone.
    """

    key: CellKey
    sighting: Sighting
    project: Project | None = None
    newest: str | None = None
    running: tuple[ActiveTask, ...] = ()
    waiting: frozenset[str] = frozenset()
    reached: Reached | None = None
    made_by: str = ""
    made_by_id: str = ""
    made_at: datetime | None = None
    comment: str = ""
    tenant: Tenant | None = None
    questions: tuple[Interruption, ...] = ()
    config: Config | None = None
    missed: tuple[str, ...] = ()

    @property
    def component(self) -> str:
        """The cell's component, as the stack names it."""
        return component_of(self.key)

    @property
    def tenant_id(self) -> str | None:
        """The id of its tenant, None where it has none."""
        return None if self.tenant is None else self.tenant.id

    @property
    def version(self) -> str | None:
        """The version of the last full success, None if unknown or none."""
        match self.sighting:
            case Settled(version=version) | Unsettled(version=version):
                return version
            case _:
                return None

    @property
    def newest_is_judged(self) -> bool:
        """True if the sighting speaks of the newest deployment, not of one before it."""
        match self.sighting:
            case Settled(deployment_id=judged) | Unsettled(deployment_id=judged):
                return judged == self.newest
            case _:
                return False


@dataclass(frozen=True, slots=True)
class ObservedState:
    """One environment as Octopus shows it, read at `read_at` (begun, aware UTC).

    `muster` are its machines, None where no policy serves them.
    """

    read_at: datetime
    server: Server
    space_id: str
    environment_id: str | None
    me: str
    cells: Mapping[CellKey, ObservedCell]
    unmanaged: tuple[tuple[CellKey, str], ...] = field(default=())  # (cell, version), by key
    muster: Muster | None = None
