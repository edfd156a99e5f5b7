"""The gates of pauses (rule 21)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.pause import every_covering

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from reconciler.core.cellkey import CellKey
    from reconciler.core.pause import Pause
    from reconciler.core.plan import Plan


def paused_gate(cell: CellKey, pause: Pause) -> Gate:
    """Return the gate of one pause, on a cell or (`WHOLE`) on the whole plan."""
    return Gate(cell, GateName.PAUSED, pause.words, pause.opener)


def pause_gates(plan: Plan, pauses: Sequence[Pause], servers: Collection[str]) -> tuple[Gate, ...]:
    """Return a closed gate for every pause that stands before changes of this plan (rule 21).

    `servers` are the names of the environment's server (`core.pause.server_names`).
    """
    if not (plan.has_work and pauses):
        return ()
    whole = every_covering(pauses, plan.environment, WHOLE, servers)
    gates = [paused_gate(WHOLE, pause) for pause in whole]
    cells = {action.cell.casefold() for action in plan.actions}
    for action in plan.changes:
        inside = every_covering(pauses, plan.environment, action.cell, servers, cells)
        gates += [paused_gate(action.cell, pause) for pause in inside if pause not in whole]
    return tuple(gates)
