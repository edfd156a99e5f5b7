"""What a pass tells while it runs: facts, in the past tense, for whoever listens.

All text in an event is already clean (rule 52): one line, bounded, no control characters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.intent import Outcome
    from reconciler.core.interruption import Interruption
    from reconciler.core.plan import Action, Plan


@dataclass(frozen=True, slots=True)
class PlanMade:
    """A plan was made, with the gates that are closed on it."""

    plan: Plan
    gates: tuple[Gate, ...]


@dataclass(frozen=True, slots=True)
class Launched:
    """A deployment was asked for and Octopus took it (or it was found to have taken it)."""

    action: Action
    task_id: str
    found: bool = False


@dataclass(frozen=True, slots=True)
class Watched:
    """Tasks were looked at: (cell, task id, state, seconds since it was launched)."""

    running: tuple[tuple[CellKey, str, str, float], ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A deployment of ours waits for a person, whom its form asks; told once for each question."""

    cell: CellKey
    task_id: str
    question: Interruption


@dataclass(frozen=True, slots=True)
class Ended:
    """A deployment of ours ended.

    Where it did not succeed, `lines` are the last errors of its log, and `link` is the address of
    its task's page in Octopus.
    """

    cell: CellKey
    version: str
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


Event = PlanMade | Launched | Watched | Asked | Ended | NotStarted | Resumed | Recorded | Said
