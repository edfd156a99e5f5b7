"""Kind RemoteEnvironment: a placeholder for an environment of another space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.core.manifest import Kind, Place
from reconciler.manifests.kinds.common import Reference, sure
from reconciler.manifests.kinds.pins import build_pins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Pin
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class RemoteEnvironmentDocument:
    """A RemoteEnvironment, its references not yet followed. `place` is its name's."""

    KIND: ClassVar[Kind] = Kind.REMOTE_ENVIRONMENT

    name: str
    place: Place
    space: Reference
    octopus_environment: str
    octopus_place: Place
    stack: Reference
    pins: Mapping[str, Pin]

    @property
    def references(self) -> tuple[tuple[Kind, Reference], ...]:
        """What it refers to."""
        return (Kind.SPACE, self.space), (Kind.STACK, self.stack)


def build_remote(head: Head, spec: Branch) -> RemoteEnvironmentDocument:
    """Build a remote environment.

    Raises:
        Unfit: a version is none.
    """
    octopus = sure(spec.below("octopus"))
    return RemoteEnvironmentDocument(
        name=head.name,
        place=head.place,
        space=head.reference(octopus, "space"),
        octopus_environment=octopus.value["environment"],
        octopus_place=head.value_place(octopus, "environment"),
        stack=head.reference(spec, "stack"),
        pins=build_pins(head, spec.below("components")),
    )
