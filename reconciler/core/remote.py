"""Environments of other spaces: placeholders that nothing is ever deployed to from here.

They are deployed where their space is; receipts that come back tell what runs there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.action import Action, Kind, Reason
from reconciler.core.cellkey import CellKey
from reconciler.core.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.manifest import Pin, Place, Space
    from reconciler.core.stack import Stack


@dataclass(frozen=True, slots=True)
class RemoteEnvironment:
    """One RemoteEnvironment manifest, names resolved. `pins` are what is expected to run there."""

    name: str
    space: Space
    octopus_environment: str
    stack: Stack
    pins: Mapping[str, Pin]
    place: Place


def remote_plan(remote: RemoteEnvironment, commit: str, at: datetime) -> Plan:
    """Return the plan of a remote environment at `commit` (full hash): nothing, with its reason.

    Octopus is not asked; `at` (aware UTC) is when it was planned.
    """
    note = f"expected in space {remote.space.name}, and never deployed from here"
    return Plan(
        environment=remote.name,
        commit=commit,
        read_at=at,
        actions=tuple(
            Action(CellKey(name), Kind.IGNORE, Reason.REMOTE, None, pin.version, note)
            for name, pin in sorted(remote.pins.items())
        ),
    )
