"""Outcome: what became of one change of a plan that was carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.engine.planning import Planned


class Done(StrEnum):
    """What became of one change."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it ran and did not settle the cell, or a runbook around it failed
    REFUSED = "refused"  # Octopus said no; nothing happened
    UNKNOWN = "unknown"  # asked for, and nobody knows yet
    HELD = "held"  # a gate stood before it
    NOT_STARTED = "not-started"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one change, in words where it is not plain."""

    done: Done
    why: str = ""
    task_id: str | None = None

    @property
    def is_doubtful(self) -> bool:
        """True where it was asked for, and nobody knows whether it began."""
        return self.done is Done.UNKNOWN and self.task_id is None


def held_results(planned: Planned) -> dict[CellKey, Result]:
    """Return the changes that a gate of their own stands before."""
    found: dict[CellKey, Result] = {}
    for gate in planned.gates:
        if gate.cell:
            found.setdefault(gate.cell, Result(Done.HELD, gate.message))
    return found
