"""What is known of each cell of an environment: one reading of a space, judged by what git pins.

The values are those of `core.cell`, the judgement of a single square is `core.board`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.board import Board, Memory
from reconciler.core.cell import (
    NeverDeployed,
    ObservedCell,
    ObservedState,
    Settled,
    Sighting,
    Unobserved,
    Unsettled,
)
from reconciler.core.cellkey import cell_key
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.projects import ProjectIndex
    from reconciler.core.snapshot import Snapshot, SnapshotCell
    from reconciler.core.state import SpaceState

__all__ = [
    "NeverDeployed",
    "ObservedCell",
    "ObservedState",
    "Settled",
    "Sighting",
    "Unobserved",
    "Unsettled",
    "environment_in",
    "observe",
]


def observe(
    desired: DesiredState,
    state: SpaceState,
    snapshot: Snapshot | None,
    receipted: frozenset[str] = frozenset(),
) -> ObservedState:
    """Judge every pinned component of one environment from one reading of its space.

    `snapshot` is the last recorded one; `receipted` names the components that receipts know: a
    cell they know and Octopus shows empty is unobserved (retention, restored server).
    """
    environment = _find_environment(desired.environment.octopus_environment, state)
    board = Board(state, environment.id if isinstance(environment, _Found) else None)
    remembered: Mapping[CellKey, SnapshotCell] = {}
    if snapshot is not None and not board.is_elsewhere(snapshot):
        remembered = snapshot.cells
    projects = state.project_index
    cells: dict[CellKey, ObservedCell] = {}
    for name in desired.environment.pins:
        key = cell_key(name)
        before = remembered.get(key)
        reached = None if before is None else before.reached
        project = projects.find(desired.stack.components[name].project_in(desired.space.name))
        if not isinstance(environment, _Found):
            cells[key] = ObservedCell(key, Unobserved(environment), reached=reached)
        elif isinstance(project, str):
            cells[key] = ObservedCell(key, Unobserved(project), reached=reached)
        elif before is not None and before.project not in (None, project.id):
            why = (
                f"project '{clean(project.name)}' was {before.project} and is now {project.id}: "
                f"made anew under the same name, or the stack points elsewhere"
            )
            cells[key] = ObservedCell(key, Unobserved(why), project=project, reached=reached)
        else:
            memory = Memory.of(before, name in receipted)
            judged = board.cell(key, project, memory, desired.policy.on_warning)
            cells[key] = judged if reached is None else replace(judged, reached=reached)
    return ObservedState(
        read_at=state.read_at,
        server=state.server,
        space_id=state.space_id,
        environment_id=environment.id if isinstance(environment, _Found) else None,
        me=state.me.id,
        cells=cells,
        unmanaged=_unmanaged(desired, projects, remembered, board),
    )


def environment_in(desired: DesiredState, state: SpaceState) -> str | None:
    """Return the id of the Octopus environment that is meant, None where that is not clear."""
    found = _find_environment(desired.environment.octopus_environment, state)
    return found.id if isinstance(found, _Found) else None


@dataclass(frozen=True, slots=True)
class _Found:
    id: str


def _find_environment(reference: str, state: SpaceState) -> _Found | str:
    if reference in state.environment_ids:
        return _Found(reference)
    matches = state.environments_by_name.get(reference.casefold(), ())
    if len(matches) == 1:
        return _Found(matches[0])
    if not matches:
        return f"Octopus shows no environment '{clean(reference)}' in this space"
    ids = ", ".join(sorted(matches))
    return f"'{clean(reference)}' could mean any of {ids}; write the environment's id"


def _unmanaged(
    desired: DesiredState,
    projects: ProjectIndex,
    remembered: Mapping[CellKey, SnapshotCell],
    board: Board,
) -> tuple[tuple[CellKey, str], ...]:
    """Return what runs here and is pinned nowhere: it is reported and never touched (rule 5)."""
    pins = desired.environment.pins
    found: dict[CellKey, str] = {}
    for name, component in desired.stack.components.items():
        project = projects.find(component.project_in(desired.space.name))
        if name in pins or isinstance(project, str):
            continue
        item = board.success(project)
        if item is not None:
            found[cell_key(name)] = item.version
    for key, cell in remembered.items():
        if key not in pins and key not in found and cell.version is not None:
            found[key] = cell.version
    return tuple(sorted(found.items()))
