"""Outcome: what became of one change of a plan that was carried out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action
    from reconciler.engine.planning import Planned


class Done(StrEnum):
    """What became of one change."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it ran and did not settle the cell, or a runbook around it failed
    REFUSED = "refused"  # Octopus said no; nothing happened
    UNKNOWN = "unknown"  # asked for, and nobody knows yet
    HELD = "held"  # a gate stood before it
    NOT_STARTED = "not-started"


BAD = frozenset({Done.FAILED, Done.REFUSED, Done.UNKNOWN})
"""What keeps everything behind it from being started."""

_ENDED = {
    Done.FAILED: "failed",
    Done.REFUSED: "was refused",
    Done.UNKNOWN: "has an unknown end",
}


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


def blamed(
    action: Action, pending: Mapping[CellKey, Action], results: Mapping[CellKey, Result]
) -> str:
    """Say behind which failure a change waits, be it through others that wait; empty: behind none.

    Rule 18: what depends on a failure is not started, and says so.
    """
    first = {name: name for name in action.waits_for}
    ahead = list(first)
    for name in ahead:  # grows: what a change waits for waits in turn
        result = results.get(name)
        if result is not None and result.done in BAD:
            through = "" if first[name] == name else f"{first[name]}, and so for "
            how = f": {result.why}" if result.why else ""
            return f"waits for {through}{name}, which {_ENDED[result.done]}{how}"
        further = pending[name].waits_for if name in pending else ()
        for each in further:
            if each not in first:
                first[each] = first[name]
                ahead.append(each)
    return ""
