"""An environment as its last snapshot has it: what is known of it where Octopus is not asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.expand import cell_pins
from reconciler.core.sighting import (
    NeverDeployed,
    ObservedCell,
    ObservedState,
    Settled,
    Unobserved,
    Unsettled,
)
from reconciler.core.state import Server

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.sighting import Sighting
    from reconciler.core.snapshot import Snapshot, SnapshotCell

_UNTOLD = "no snapshot tells what runs there"


def recorded_state(desired: DesiredState, snapshot: Snapshot | None, at: datetime) -> ObservedState:
    """Return what a snapshot says of an environment, as if it were read at `at`.

    A cell that it does not tell of is unobserved (rule 3). Who deployed is not recorded, so drift
    is nobody's, and nothing heals it.
    """
    known = {} if snapshot is None else snapshot.cells
    pins = cell_pins(desired)
    return ObservedState(
        read_at=at,
        server=Server("" if snapshot is None else snapshot.server, ""),
        space_id="" if snapshot is None else snapshot.space,
        environment_id=None if snapshot is None else snapshot.environment,
        me="",
        cells={key: _cell(key, known.get(key)) for key in pins},
        unmanaged=tuple(
            sorted((k, c.version) for k, c in known.items() if k not in pins and c.version)
        ),
    )


def _cell(key: CellKey, cell: SnapshotCell | None) -> ObservedCell:
    if cell is None:
        return ObservedCell(key, Unobserved(_UNTOLD))
    return ObservedCell(key, _sighting(cell), newest=cell.deployment, reached=cell.reached)


def _sighting(cell: SnapshotCell) -> Sighting:
    deployment = cell.deployment or ""
    match cell.state, cell.version:
        case "never", _:
            return NeverDeployed()
        case "settled", str(version):
            return Settled(version, deployment, cell.release or "")
        case "unsettled", version:
            return Unsettled(version, "of a version not recorded", deployment, "without success")
        case _:
            return Unobserved("it could not be read when the snapshot was made")
