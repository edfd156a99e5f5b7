"""From pins to cells: which squares of an environment are pinned, and what comes before what."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState, Environment, Pin
    from reconciler.core.sighting import ObservedCell


def pin_of(environment: Environment, cell: ObservedCell) -> Pin | None:
    """Return what an environment, at any commit, pins in a cell; None: nothing."""
    return environment.pins.get(cell.component)


def cell_pins(desired: DesiredState) -> Mapping[CellKey, Pin]:
    """Return the pin of every pinned cell of an environment."""
    return cast("Mapping[CellKey, Pin]", desired.environment.pins)


def cell_order(desired: DesiredState) -> Mapping[CellKey, tuple[CellKey, ...]]:
    """Return the cells each cell is deployed after; cells that are not pinned are in it too."""
    components = desired.stack.components.items()
    return cast(
        "Mapping[CellKey, tuple[CellKey, ...]]", {name: one.after for name, one in components}
    )
