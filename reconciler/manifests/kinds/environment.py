"""Kind Environment: where one environment is, and which version of every component runs there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.core.manifest import Kind, Place, Until
from reconciler.core.tenant import Selection
from reconciler.core.variables import Given
from reconciler.manifests.kinds.common import Reference, sure, until_of
from reconciler.manifests.kinds.pins import build_pins
from reconciler.manifests.templates import given_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Pin
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class RingDocument:
    """A ring of an environment, its platform version not yet followed."""

    name: str
    place: Place
    whom: Selection
    platform: Reference | None
    pins: Mapping[str, Pin]


@dataclass(frozen=True, slots=True)
class EnvironmentDocument:
    """An Environment manifest, its references not yet followed. `place` is its name's."""

    KIND: ClassVar[Kind] = Kind.ENVIRONMENT

    name: str
    place: Place
    space: Reference
    octopus_environment: str
    stack: Reference
    policy: Reference | None
    platform: Reference | None
    pins: Mapping[str, Pin]
    suspend: Until | None
    also_deployed_by: tuple[str, ...]
    variables: Mapping[str, Given]
    tenants: Selection
    rings: tuple[RingDocument, ...]
    change: str
    formerly: Reference | None


def build_environment(head: Head, spec: Branch) -> EnvironmentDocument:
    """Build an environment."""
    octopus = sure(spec.below("octopus"))
    return EnvironmentDocument(
        name=head.name,
        place=head.place,
        space=head.reference(octopus, "space"),
        octopus_environment=octopus.value["environment"],
        stack=head.reference(spec, "stack"),
        policy=head.optional(spec, "policy"),
        platform=head.optional(spec, "platformVersion"),
        pins=build_pins(head, spec.below("components")),
        suspend=until_of(spec.value.get("suspend")),
        also_deployed_by=tuple(spec.value.get("alsoDeployedBy", ())),
        variables=_variables(head, spec.below("variables")),
        tenants=_selection(octopus),
        rings=_rings(head, spec.below("rings")),
        change=spec.value.get("change", ""),
        formerly=head.optional(spec, "formerly"),
    )


def _variables(head: Head, branch: Branch | None) -> dict[str, Given]:
    if branch is None:
        return {}
    return {
        name: Given(given_of(value), head.value_place(branch, name))
        for name, value in branch.value.items()
    }


def _rings(head: Head, rings: Branch | None) -> tuple[RingDocument, ...]:
    if rings is None:
        return ()
    return tuple(
        RingDocument(
            name,
            head.key_place(rings, name),
            _selection(ring),
            head.optional(ring, "platformVersion"),
            build_pins(head, ring.below("components")),
        )
        for name in rings.value
        for ring in [sure(rings.below(name))]
    )


def _selection(said: Branch) -> Selection:
    return Selection(tuple(said.value.get("tenants", ())), tuple(said.value.get("tenantTags", ())))
