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


def pause_gates(
    plan: Plan, pauses: Sequence[Pause], servers: Collection[str], owing: Collection[CellKey] = ()
) -> tuple[Gate, ...]:
    """Return a closed gate for every pause that stands before changes of this plan (rule 21).

    `servers` are the names of the environment's server (`core.pause.server_names`), `owing` the
    cells that runbooks are to be run for although they are not to change.
    """
    if not ((plan.has_work or owing) and pauses):
        return ()
    whole = every_covering(pauses, plan.environment, WHOLE, servers)
    gates = [paused_gate(WHOLE, pause) for pause in whole]
    cells = {action.cell.casefold() for action in plan.actions}
    for cell in dict.fromkeys((*(action.cell for action in plan.changes), *owing)):
        inside = every_covering(pauses, plan.environment, cell, servers, cells) if cell else ()
        gates += [paused_gate(cell, pause) for pause in inside if pause not in whole]
    return tuple(gates)
