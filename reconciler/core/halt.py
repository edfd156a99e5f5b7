"""What keeps a server from deploying for now: maintenance, a stopped queue, deployment freezes.

Octopus would refuse, or take the deployment and not begin. Nothing of this is ever overridden from
here; it is told, with who or what ends it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.text import clean

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Plan
    from reconciler.core.sighting import ObservedState


@dataclass(frozen=True, slots=True)
class Freeze:
    """A deployment freeze that is in force. `until` None: it comes again and again.

    `cells` are ids of (project, environment, tenant); the tenant None: all of a project there.
    """

    name: str
    until: datetime | None
    cells: frozenset[tuple[str, str, str | None]]

    def covers(self, project: str, environment: str, tenant: str | None) -> bool:
        """Tell whether a cell is frozen."""
        return not self.cells.isdisjoint(
            {(project, environment, None), (project, environment, tenant)}
        )


@dataclass(frozen=True, slots=True)
class Halts:
    """What one server says, as far as one environment of a space is concerned.

    `freezes` is empty too where the server is too old to have any. `unread` says why freezes could
    not be read, which holds (rule 11). Maintenance that cannot be read does not: Octopus refuses
    every deployment under it.
    """

    in_maintenance: bool = False
    queue_stopped: bool = False
    freezes: tuple[Freeze, ...] = ()
    unread: str = ""


def halt_gates(plan: Plan, observed: ObservedState, halts: Halts) -> tuple[Gate, ...]:
    """Return the closed gates `maintenance` and `freeze` before a plan's changes."""
    if not plan.has_work:
        return ()
    gates = []
    if halts.in_maintenance:
        opener = "by itself, once an administrator ends it"
        gates.append(Gate(WHOLE, GateName.MAINTENANCE, "Octopus is in maintenance mode", opener))
    if halts.queue_stopped:
        message = "the task queue of the space is stopped: a deployment would wait and not begin"
        opener = "by itself, once a manager of the space starts the queue again"
        gates.append(Gate(WHOLE, GateName.MAINTENANCE, message, opener))
    if halts.unread:
        message = f"whether it is frozen cannot be read: {halts.unread}"
        opener = "the observing credential may read deployment freezes"
        gates.append(Gate(WHOLE, GateName.FREEZE, message, opener))
    for action in plan.changes:
        cell = observed.cells[action.cell]
        if cell.project is None or observed.environment_id is None:
            continue
        tenant = None if cell.tenant is None else cell.tenant.id
        for freeze in halts.freezes:
            if freeze.covers(cell.project.id, observed.environment_id, tenant):
                gates.append(_frozen(action.cell, freeze))
                break
    return tuple(gates)


def _frozen(cell: CellKey, freeze: Freeze) -> Gate:
    name = clean(freeze.name, 80)
    if freeze.until is None:
        message, ends = f"deployment freeze '{name}' is in force, and comes again", "when it ends"
    else:
        when = f"{freeze.until:%Y-%m-%d %H:%M}Z"
        message, ends = f"deployment freeze '{name}' is in force until {when}", f"at {when}"
    return Gate(
        cell, GateName.FREEZE, message, f"by itself, {ends}; or a person ends it in Octopus"
    )
