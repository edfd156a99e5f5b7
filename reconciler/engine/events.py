"""What a pass tells while it runs: facts, in the past tense, for whoever listens.

All text in an event is already clean (rule 52): one line, bounded, no control characters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.intent import Outcome
    from reconciler.core.interruption import Interruption
    from reconciler.core.logtree import Path, TaskLog, Told
    from reconciler.core.plan import Action, Plan
    from reconciler.core.runbook import Moment


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A plan was made, with the gates that are closed on it.

    `takes`: how long a cell is likely to take, of those that were deployed before. `at_once`: how
    many of its changes may run together. `closes`: when the window that is open now closes, None
    where that is not within a day.
    """

    plan: Plan
    gates: tuple[Gate, ...]
    takes: Mapping[CellKey, timedelta] = field(default_factory=dict)
    at_once: int = 1
    closes: datetime | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    """A deployment was asked for and Octopus took it (or it was found to have taken it)."""

    action: Action
    task_id: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A deployment was found whose log is looked at, whoever asked for it, and in which wave."""

    cell: CellKey
    task_id: str
    from_version: str | None
    to_version: str
    wave: int


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """One running task at a look: its state in words, and seconds since it was asked for.

    `is_waiting`: for a person; `Asked` tells for whom and since when. `is_changing`: for a change
    request, or another condition outside of Octopus. `is_silent`: `Silent` tells since when.
    """

    cell: CellKey
    task_id: str
    state: str
    seconds: float
    is_waiting: bool = False
    is_changing: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """Tasks were looked at, sorted by cell."""

    running: tuple[Seen, ...]


@dataclass(frozen=True, slots=True)
class Grown:
    """The log of a task was read: all that is known of it by now, and what of that is new.

    `gaps` are the branches of which lines may have come and gone between two readings.
    """

    cell: CellKey
    log: TaskLog
    new: tuple[Told, ...] = ()
    gaps: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A deployment of ours waits for a person, whom its form asks; told once for each question."""

    cell: CellKey
    task_id: str
    question: Interruption


@dataclass(frozen=True, slots=True)
class Silent:
    """A deployment of ours runs far longer than usual, and its log says nothing new since a time.

    `usual` is None where nobody knows; `can_be_read`: whether its log may be read at all.
    """

    cell: CellKey
    task_id: str
    since: datetime
    usual: timedelta | None
    can_be_read: bool = True


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment of ours ended; `settled`: as a whole success.

    Where it is not, `lines` are the last errors of its log, and `link` is the address of
    its task's page in Octopus.
    """

    cell: CellKey
    version: str
    task_id: str
    outcome: Outcome
    seconds: float
    lines: tuple[str, ...] = ()
    link: str = ""
    settled: bool = True


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run of a runbook around a cell (empty: around all changes) was asked for, or found."""

    cell: CellKey
    runbook: str
    moment: Moment
    task_id: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run of ours ended; `lines` and `link` as for a deployment."""

    cell: CellKey
    runbook: str
    moment: Moment
    task_id: str
    outcome: Outcome
    seconds: float
    lines: tuple[str, ...] = ()
    link: str = ""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """A change was not started (or refused by Octopus), and why."""

    cell: CellKey
    why: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """Work of an earlier, interrupted pass was found: (cell, task id or empty)."""

    found: tuple[tuple[CellKey, str], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """The audit branch has it: its new tip, how many receipts, whether the snapshot changed."""

    tip: str
    receipts: int
    snapshot_changed: bool


@dataclass(frozen=True, slots=True)
class Said:
    """Anything else worth a line."""

    text: str


Event = (
    PlanMade
    | Launched
    | Found
    | Watched
    | Grown
    | Asked
    | Silent
    | Ended
    | RunStarted
    | RunEnded
    | NotStarted
    | Resumed
    | Recorded
    | Said
)
