"""Preconditions: what a stack uses of other stacks must run first, in the same place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.board import Board, Memory
from reconciler.core.cell import NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.cellkey import cell_key, component_of
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

    The other component is looked at in the same Octopus environment; what is not settled there, or
    could not be read, meets nothing.
    """
    components = {component_of(cell) for cell in changing}
    wanted = [e for e in preconditions if not e.component or e.component in components]
    if not changing or not wanted:
        return ()
    board = None if state is None else Board(state, environment_id)
    gates = []
    for each in wanted:
        runs = "could not be read"
        if board is not None and state is not None:
            runs = _runs(each, board, state)
        if not runs:
            continue
        message = f"uses {each.stack}/{each.other} {each.range}, which {runs}"
        opener = f"{each.other} runs here in a version {each.range}"
        gates += [
            Gate(cell, GateName.PRECONDITION, message, opener)
            for cell in sorted(changing)
            if each.component in ("", component_of(cell))
        ]
    return tuple(gates)


def _runs(each: Precondition, board: Board, state: SpaceState) -> str:
    """Say in words why a precondition is not met; empty: it is."""
    project = state.project_index.find(each.project)
    if isinstance(project, str):
        return f"could not be read: {project}"
    match board.cell(cell_key(each.other), project, Memory(), OnWarning.CONTINUE).sighting:
        case Settled(version=version):
            return "" if each.range.admits(version) else f"runs {clean(version, 60)}"
        case Unsettled(attempted=attempted, why=why):
            return f"is unsettled: the last attempt, {clean(attempted, 60)}, ended {why}"
        case NeverDeployed():
            return "was never deployed here"
        case Unobserved(why=why):
            return f"could not be read: {why}"
