"""Preconditions: what a stack uses of other stacks must run first, in the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.board import Board, Memory
from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.cellkey import cell_key, component_of, tenant_of
from reconciler.core.gate import Gate, GateName
from reconciler.core.policy import OnWarning
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.state import SpaceState
    from reconciler.core.versionrange import VersionRange


@dataclass(frozen=True, slots=True)
class Precondition:
    """A component may change only while another stack's runs in a version of the range.

    `component` is empty where it holds for the whole stack. `project` is how the other one's
    Octopus project is written for the space.
    """

    component: str
    stack: str
    other: str
    project: str
    range: VersionRange


def precondition_gates(
    changing: Collection[CellKey],
    preconditions: Iterable[Precondition],
    state: SpaceState | None,
    environment_id: str | None,
) -> tuple[Gate, ...]:
    """Return a gate on each changing cell whose precondition is not seen to be met (rule 11).

    The other component is looked at in the same Octopus environment, for the same tenant; what is
    not settled there, or could not be read, meets nothing.
    """
    components = {component_of(cell) for cell in changing}
    wanted = [e for e in preconditions if not e.component or e.component in components]
    if not changing or not wanted:
        return ()
    tenants = {} if state is None else {one.key: one for one in state.tenants or ()}
    boards: dict[str, Board] = {}
    if state is not None:
        for name in {"", *map(tenant_of, changing)}:
            boards[name] = Board(state, environment_id, tenants.get(name))
    gates = []
    for each in wanted:
        opener = f"{each.other} runs here in a version {each.range}"
        inside = [cell for cell in sorted(changing) if each.component in ("", component_of(cell))]
        for cell in inside:
            runs = "could not be read"
            if state is not None:
                runs = _runs(each, boards[""], boards[tenant_of(cell)], state)
            if runs:
                message = f"uses {each.stack}/{each.other} {each.range}, which {runs}"
                gates.append(Gate(cell, GateName.PRECONDITION, message, opener))
    return tuple(gates)


def _runs(each: Precondition, shared: Board, own: Board, state: SpaceState) -> str:
    """Say in words why a precondition is not met; empty: it is.

    A project that may be deployed per tenant is looked for with the tenant of the cell (`own`).
    Where a deployment is under way, what will run is not known; one for later is not yet.
    """
    project = state.project_index.find(each.project)
    if isinstance(project, str):
        return f"could not be read: {project}"
    board = shared if project.tenanted_mode == "Untenanted" else own
    cell = board.cell(cell_key(each.other), project, Memory(), OnWarning.CONTINUE)
    if begun := [task.id for task in cell.running if task.queued_until is None]:
        return f"is not at rest: {begun[0]} is not finished"
    match cell.sighting:
        case Settled(version=version):
            return "" if each.range.admits(version) else f"runs {clean(version, 60)}"
        case Unsettled(attempted=attempted, why=why):
            return f"is unsettled: the last attempt, {clean(attempted, 60)}, ended {why}"
        case NeverDeployed():
            return "was never deployed here"
        case Unobserved(why=why) | Excluded(why=why):
            return f"could not be read: {why}"
