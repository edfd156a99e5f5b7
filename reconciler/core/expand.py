"""From pins to cells: which squares of an environment are pinned, and what comes before what.

An environment that names no tenants has one cell for each pin. One that does has, for a project
that is or may be deployed per tenant, a cell for each of them, and one cell for any other project.
Pins are looked for with the tenant, then with its rings, then with the environment.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, cast

from reconciler.core.cellkey import cell_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cell import ObservedCell, ObservedState
    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState, Environment, Pin
    from reconciler.core.tenant import Ring, Tenant


def rings_of(environment: Environment, component: str, tenant: Tenant) -> tuple[Ring, ...]:
    """Return the rings that pin a component for a tenant, of the highest rank that has any.

    A ring that names the tenant goes before one that means it by tags.
    """
    pinning = [ring for ring in environment.rings if component in ring.pins]
    named = tuple(ring for ring in pinning if ring.whom.names_it(tenant))
    return named or tuple(ring for ring in pinning if ring.whom.tags_it(tenant))


def ring_conflict(environment: Environment, component: str, tenant: Tenant) -> str:
    """Say which rings of one rank pin a component unlike for a tenant; empty: none do."""
    pinning = rings_of(environment, component, tenant)
    for first, other in pairwise(pinning):
        one, two = first.pins[component], other.pins[component]
        if not one.asks_as(two):
            return (
                f"ring '{first.name}' pins {one.version} ({one.place}), and ring '{other.name}' "
                f"pins {two.version} ({two.place}): {tenant.key} is in both"
            )
    return ""


def pin_of(environment: Environment, cell: ObservedCell) -> Pin | None:
    """Return what an environment, at any commit, pins in a cell; None: nothing."""
    if not environment.rings:
        return environment.pins.get(cell.component)
    return pin_for(environment, cell.component, cell.tenant)


def pin_for(environment: Environment, component: str, tenant: Tenant | None) -> Pin | None:
    """Return what an environment pins a component to, for a tenant where there is one."""
    if tenant is not None:
        for ring in rings_of(environment, component, tenant):
            return ring.pins[component]
    return environment.pins.get(component)


def pinned_components(environment: Environment) -> tuple[str, ...]:
    """Return the components that are pinned for anybody, each once."""
    names = [name for pins in (environment.pins, *_ring_pins(environment)) for name in pins]
    return tuple(dict.fromkeys(names))


def cell_pins(desired: DesiredState, observed: ObservedState) -> Mapping[CellKey, Pin]:
    """Return the pin of every pinned cell of an environment."""
    environment = desired.environment
    if not environment.tenants:
        return cast("Mapping[CellKey, Pin]", environment.pins)
    found = {}
    for key, cell in observed.cells.items():
        pin = pin_of(environment, cell) or _any_pin(environment, cell.component)
        if pin is not None:
            found[key] = pin
    return found


def cell_order(
    desired: DesiredState, observed: ObservedState
) -> Mapping[CellKey, tuple[CellKey, ...]]:
    """Return the cells each cell is deployed after; cells that are not pinned are in it too.

    A cell of a tenant comes after the same tenant's, and after those that serve all tenants; one
    that serves all comes after those of every tenant.
    """
    components = desired.stack.components
    if not desired.environment.tenants:
        return cast(
            "Mapping[CellKey, tuple[CellKey, ...]]",
            {name: component.after for name, component in components.items()},
        )
    tenants = sorted({c.tenant.key for c in observed.cells.values() if c.tenant is not None})
    each = {cell.component for cell in observed.cells.values() if cell.tenant is not None}
    shared = {cell.component for cell in observed.cells.values() if cell.tenant is None}
    order: dict[CellKey, tuple[CellKey, ...]] = {}
    for name, component in components.items():
        if name in shared or name not in each:
            before = [
                key
                for other in component.after
                for key in (
                    [cell_key(other, tenant) for tenant in tenants]
                    if other in each
                    else [cell_key(other)]
                )
            ]
            order[cell_key(name)] = tuple(before)
        if name in each or name not in shared:
            for tenant in tenants:
                order[cell_key(name, tenant)] = tuple(
                    cell_key(other, "" if other in shared else tenant) for other in component.after
                )
    return order


def _any_pin(environment: Environment, component: str) -> Pin | None:
    """Return a pin of a cell of which nothing tells for whom it is."""
    found = (pins[component] for pins in _ring_pins(environment) if component in pins)
    return next(found, None)


def _ring_pins(environment: Environment) -> tuple[Mapping[str, Pin], ...]:
    return tuple(ring.pins for ring in environment.rings)
