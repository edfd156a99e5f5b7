"""Environments of other spaces: placeholders that nothing is ever deployed to from here.

They are deployed where their space is; receipts that come back tell what runs there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
