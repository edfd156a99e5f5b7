"""Snapshots: the captured observed state of one environment, as kept on the audit branch.

Plain and unsigned; one line per cell in the file, so that one changed component is one changed
line. No time of reading: an unchanged environment gives unchanged bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.cellkey import component_of
from reconciler.core.slug import slug

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cell import ObservedCell
    from reconciler.core.cellkey import CellKey


@dataclass(frozen=True, slots=True)
class Reached:
    """The pin, version and redeploy counter, at which desired last equalled observed."""

    version: str
    redeploy: int = 0


LEFT = "left"
"""The state of a cell whose tenant is not meant, or not connected, any more: its last line."""


@dataclass(frozen=True, slots=True)
class SnapshotCell:
    """One cell. `state` is settled, unsettled, never, unobserved or left.

    `version` is the last full success; ids are Octopus' own; `assembled` is the release's time as
    `YYYY-MM-DDTHH:MM:SSZ`. Everything unknown is None; so is the tenant of a cell that has none.
    `variables` and `libraries` (of library sets: ids with a space between) are the snapshots that
    its deployment ran with.
    """

    state: str
    version: str | None = None
    reached: Reached | None = None
    project: str | None = None
    deployment: str | None = None
    release: str | None = None
    assembled: str | None = None
    process: str | None = None
    variables: str | None = None
    packages: tuple[tuple[str, str], ...] = ()
    tenant: str | None = None
    libraries: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The cells of one environment by their keys, and which Octopus they were seen in (ids).

    `gaps` are what its machines lack that is left so (`core.muster`); None where nobody has looked
    at them.
    """

    name: str
    server: str
    space: str
    environment: str
    cells: Mapping[CellKey, SnapshotCell] = field(default_factory=dict)
    gaps: Mapping[str, Mapping[CellKey, str]] | None = None


def line_of(cells: Mapping[CellKey, SnapshotCell], cell: ObservedCell) -> SnapshotCell | None:
    """Return the line of a cell, of its tenant by its id: tenants are renamed."""
    line = cells.get(cell.key)
    if cell.tenant is None or (line is not None and line.tenant == cell.tenant.id):
        return line
    for key, other in cells.items():
        if other.tenant == cell.tenant.id and component_of(key) == cell.component:
            return other
    return None


def snapshot_path(environment: str) -> str:
    """Return the place of an environment's snapshot on the audit branch."""
    return f"snapshots/{slug(environment)}.yaml"
