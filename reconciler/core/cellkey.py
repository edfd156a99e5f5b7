"""The key of a cell: a component in an environment, or `component@tenant` where it is per tenant.

A text, so that it is the same in a plan's digest, in snapshots, passes, journals and commands, and
an environment without tenants knows nothing of it. The first `@` ends the component, whose name
holds none; the tenant goes by its name in Octopus, its id stands beside where it matters.
"""

from __future__ import annotations

from typing import NewType

CellKey = NewType("CellKey", str)
"""Ordered as text: the tenants of one component stand together."""

WHOLE = CellKey("")
"""Of a gate: no single cell, but the whole plan."""


def cell_key(component: str, tenant: str = "") -> CellKey:
    """Return the key of a component, for one tenant where it is deployed per tenant."""
    return CellKey(f"{component}@{tenant}" if tenant else component)


def component_of(cell: str) -> str:
    """Return the component of a cell."""
    return cell.partition("@")[0]


def tenant_of(cell: str) -> str:
    """Return the name of a cell's tenant, empty where it has none."""
    return cell.partition("@")[2]
