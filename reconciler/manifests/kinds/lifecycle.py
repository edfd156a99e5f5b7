"""Kind Lifecycle: phases whose environments are in several spaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.core.manifest import Kind, Place
from reconciler.manifests.kinds.common import Reference, sure

if TYPE_CHECKING:
    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class PhaseDraft:
    """A phase as it is written: Space manifests with the Octopus environments in them.

    `minimum` None: all of them.
    """

    name: str
    place: Place
    environments: tuple[tuple[Reference, Reference], ...]
    minimum: int | None
    is_optional: bool


@dataclass(frozen=True, slots=True)
class LifecycleDocument:
    """A Lifecycle, its references not yet followed. `place` is its name's."""

    KIND: ClassVar[Kind] = Kind.LIFECYCLE

    name: str
    place: Place
    phases: tuple[PhaseDraft, ...]


def build_lifecycle(head: Head, spec: Branch) -> LifecycleDocument:
    """Build a lifecycle."""
    phases = sure(spec.below("phases"))
    drafts = tuple(_phase(head, sure(phases.below(index))) for index in range(len(phases.value)))
    return LifecycleDocument(head.name, head.place, drafts)


def _phase(head: Head, branch: Branch) -> PhaseDraft:
    listed = sure(branch.below("environments"))
    pairs = []
    for index in range(len(listed.value)):
        entry = sure(listed.below(index))
        (space,) = entry.value
        pairs.append((Reference(space, head.key_place(entry, space)), head.reference(entry, space)))
    return PhaseDraft(
        name=branch.value["name"],
        place=head.value_place(branch, "name"),
        environments=tuple(pairs),
        minimum=branch.value.get("minimum"),
        is_optional=branch.value.get("optional", False),
    )
