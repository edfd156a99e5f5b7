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
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    remembered: Mapping[str, SnapshotCell] = {}
    if snapshot is not None and not board.is_elsewhere(snapshot):
        remembered = snapshot.cells
    projects = state.project_index
    cells: dict[str, ObservedCell] = {}
    for name in desired.environment.pins:
        before = remembered.get(name)
        reached = None if before is None else before.reached
        project = projects.find(desired.stack.components[name].project_in(desired.space.name))
        if not isinstance(environment, _Found):
            cells[name] = ObservedCell(name, Unobserved(environment), reached=reached)
        elif isinstance(project, str):
            cells[name] = ObservedCell(name, Unobserved(project), reached=reached)
        elif before is not None and before.project not in (None, project.id):
            why = (
                f"project '{clean(project.name)}' was {before.project} and is now {project.id}: "
                f"made anew under the same name, or the stack points elsewhere"
            )
            cells[name] = ObservedCell(name, Unobserved(why), project=project, reached=reached)
        else:
            memory = Memory.of(before, name in receipted)
            judged = board.cell(name, project, memory, desired.policy.on_warning)
            cells[name] = judged if reached is None else replace(judged, reached=reached)
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
    remembered: Mapping[str, SnapshotCell],
    board: Board,
) -> tuple[tuple[str, str], ...]:
    """Return what runs here and is pinned nowhere: it is reported and never touched (rule 5)."""
    pins = desired.environment.pins
    found: dict[str, str] = {}
    for name, component in desired.stack.components.items():
        project = projects.find(component.project_in(desired.space.name))
        if name in pins or isinstance(project, str):
            continue
        item = board.success(project)
        if item is not None:
            found[name] = item.version
    for name, cell in remembered.items():
        if name not in pins and name not in found and cell.version is not None:
            found[name] = cell.version
    return tuple(sorted(found.items()))
