"""An environment as its last snapshot has it: what is known of it where Octopus is not asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.cellkey import cell_key, component_of, tenant_of
from reconciler.core.expand import pinned_components
from reconciler.core.sighting import (
    NeverDeployed,
    ObservedCell,
    ObservedState,
    Settled,
    Unobserved,
    Unsettled,
)
from reconciler.core.snapshot import LEFT
from reconciler.core.state import Server
from reconciler.core.tenant import Tenant

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.sighting import Sighting
    from reconciler.core.snapshot import Snapshot, SnapshotCell

_UNTOLD = "no snapshot tells what runs there"
_TAGS = "no snapshot tells the tenant's tags, and so its rings"


def recorded_state(desired: DesiredState, snapshot: Snapshot | None, at: datetime) -> ObservedState:
    """Return what a snapshot says of an environment, as if it were read at `at`.

    A cell that it does not tell of is unobserved (rule 3). Who deployed is not recorded, so drift
    is nobody's, and nothing heals it.
    """
    known = {} if snapshot is None else snapshot.cells
    cells = {
        key: cell
        for name in pinned_components(desired.environment)
        for key, cell in _cells(desired, cell_key(name), known)
    }
    return ObservedState(
        read_at=at,
        server=Server("" if snapshot is None else snapshot.server, ""),
        space_id="" if snapshot is None else snapshot.space,
        environment_id=None if snapshot is None else snapshot.environment,
        me="",
        cells=cells,
        unmanaged=tuple(
            sorted((k, c.version) for k, c in known.items() if k not in cells and c.version)
        ),
    )


def _cells(
    desired: DesiredState, key: CellKey, known: Mapping[CellKey, SnapshotCell]
) -> Iterator[tuple[CellKey, ObservedCell]]:
    """Return the cells of one component: of the tenants it was last known for, or its one."""
    found = False
    for each, line in known.items() if desired.environment.tenants else ():
        if line.tenant is None or line.state == LEFT or component_of(each) != key:
            continue
        found = True
        tenant = Tenant(line.tenant, tenant_of(each), frozenset(), {})
        rings = [ring for ring in desired.environment.rings if key in ring.pins]
        if any(ring.whom.names_it(tenant) for ring in rings) or not any(r.whom.tags for r in rings):
            yield each, replace(_cell(each, line), tenant=tenant)
        else:
            yield each, ObservedCell(each, Unobserved(_TAGS), tenant=tenant)
    if not found:
        yield key, _cell(key, known.get(key))


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
