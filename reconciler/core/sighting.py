"""What is known of each cell of an environment: one reading of a space, judged by what git pins.

The values are those of `core.cell`, the judgement of a single square is `core.board`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.board import Board, Memory, is_elsewhere
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
from reconciler.core.expand import pinned_components
from reconciler.core.tenancy import Part, Tenancy
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.snapshot import Snapshot, SnapshotCell
    from reconciler.core.state import Project, SpaceState
    from reconciler.core.tenant import Tenant

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
    receipted: Mapping[tuple[str, str | None], str] | None = None,
    *,
    joinable: bool = True,
) -> ObservedState:
    """Judge every pinned cell of one environment from one reading of its space.

    `snapshot` is the last recorded one; `receipted` has the last success that receipts know of in
    each cell, by component and tenant's id: a cell they know and Octopus shows empty is unobserved
    (retention, restored server). `joinable`: a commit, or a person, asks for what is to run now, so
    that tenants may join it; else one that the snapshot does not know is held.
    """
    environment = _find_environment(desired.environment.octopus_environment, state)
    place = environment.id if isinstance(environment, _Found) else None
    board = Board(state, place)
    remembered: Mapping[CellKey, SnapshotCell] = {}
    if snapshot is not None and not is_elsewhere(snapshot, state, place):
        remembered = snapshot.cells
    judge = _Judge(desired, state, environment, board, receipted or {})
    cells: dict[CellKey, ObservedCell] = {}
    if desired.environment.tenants:
        tenancy = Tenancy(desired.environment, judge.place, state, remembered, joinable=joinable)
        for name in pinned_components(desired.environment):
            for part in tenancy.parts(name, judge.project(name)):
                key = cell_key(name, "" if part.tenant is None else part.tenant.key)
                cells[key] = judge.cell(key, name, part)
    else:
        for name in desired.environment.pins:
            key = cell_key(name)
            cells[key] = judge.cell(key, name, Part(None, remembered.get(key)))
    return ObservedState(
        read_at=state.read_at,
        server=state.server,
        space_id=state.space_id,
        environment_id=judge.place,
        me=state.me.id,
        cells=cells,
        unmanaged=_unmanaged(judge, remembered, cells),
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


class _Judge:
    """One reading of one environment, ready to be asked cell by cell."""

    def __init__(
        self,
        desired: DesiredState,
        state: SpaceState,
        environment: _Found | str,
        board: Board,
        receipted: Mapping[tuple[str, str | None], str],
    ) -> None:
        self.desired = desired
        self.state = state
        self.place = environment.id if isinstance(environment, _Found) else None
        self._environment = environment
        self._receipted = receipted
        self._boards: dict[str | None, Board] = {None: board}

    def board(self, tenant: Tenant | None) -> Board:
        """Return the board of a tenant, or the untenanted one."""
        id_ = None if tenant is None else tenant.id
        found = self._boards.get(id_)
        if found is None:
            found = self._boards[id_] = Board(self.state, self.place, tenant)
        return found

    def project(self, component: str) -> Project | str:
        """Return the project of a component, or why it cannot be told."""
        if isinstance(self._environment, str):
            return self._environment
        reference = self.desired.stack.components[component].project_in(self.desired.space.name)
        return self.state.project_index.find(reference)

    def cell(self, key: CellKey, component: str, part: Part) -> ObservedCell:
        """Judge one cell."""
        before, tenant, apart = part.before, part.tenant, part.apart
        reached = None if before is None else before.reached
        project = self.project(component)
        if isinstance(project, str):
            return ObservedCell(key, Unobserved(project), reached=reached, tenant=tenant)
        if apart is None and before is not None and before.project not in (None, project.id):
            apart = Unobserved(
                f"project '{clean(project.name)}' was {before.project} and is now {project.id}: "
                f"made anew under the same name, or the stack points elsewhere"
            )
        if apart is not None:
            return ObservedCell(key, apart, project=project, reached=reached, tenant=tenant)
        known = self._receipted.get((component, None if tenant is None else tenant.id))
        memory = Memory.of(before, known)
        judged = self.board(tenant).cell(key, project, memory, self.desired.policy.on_warning)
        return judged if reached is None else replace(judged, reached=reached)


def _unmanaged(
    judge: _Judge,
    remembered: Mapping[CellKey, SnapshotCell],
    cells: Mapping[CellKey, ObservedCell],
) -> tuple[tuple[CellKey, str], ...]:
    """Return what runs here and is pinned nowhere: it is reported and never touched (rule 5)."""
    pins = set(pinned_components(judge.desired.environment))
    found: dict[CellKey, str] = {}
    for name in judge.desired.stack.components:
        project = "" if name in pins else judge.project(name)
        item = None if isinstance(project, str) else judge.board(None).success(project)
        if item is not None:
            found[cell_key(name)] = item.version
    for key, cell in remembered.items():
        if key not in cells and key not in found and cell.version is not None:
            found[key] = cell.version
    return tuple(sorted(found.items()))
