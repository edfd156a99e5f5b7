"""Kind Pins: a team's fragment of one environment; and the pins of every kind that has some."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from reconciler.core.manifest import Kind, Pin, Place
from reconciler.manifests.formats import version_trouble
from reconciler.manifests.kinds.common import Reference, Unfit, sure, until_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.manifests.kinds.common import Head
    from reconciler.manifests.tree import Branch


@dataclass(frozen=True, slots=True)
class PinsDocument:
    """A fragment of one environment's pins. `place` is its name's."""

    KIND: ClassVar[Kind] = Kind.PINS

    name: str
    place: Place
    environment: Reference
    pins: Mapping[str, Pin]


def build_fragment(head: Head, spec: Branch) -> PinsDocument:
    """Build a fragment."""
    environment = head.reference(spec, "environment")
    return PinsDocument(
        head.name, head.place, environment, build_pins(head, spec.below("components"))
    )


def build_pins(head: Head, components: Branch | None) -> dict[str, Pin]:
    """Build the pins: with 100,000 of them, the other place where a cold start is spent.

    Raises:
        Unfit: a version or a time is none.
    """
    if components is None:
        return {}
    path, marks = head.path, components.marks
    pins = {}
    for name, value in components.value.items():
        mark: Any
        at: Any
        at, mark = marks[name]
        if type(value) is str:
            if version_trouble(value) is not None:
                raise Unfit
            if at.line != mark.line:
                at = mark
            pins[name] = Pin(value, Place(path, at.line + 1, at.column + 1))
        else:
            version = value["version"]
            if version_trouble(version) is not None:
                raise Unfit
            mark = sure(components.below(name)).value_mark("version")
            if at.line != mark.line:
                at = mark
            place = Place(path, at.line + 1, at.column + 1)
            hold = until_of(value.get("hold"))
            refresh = value.get("refreshVariables", False)
            redeploy, track = value.get("redeploy", 0), value.get("track", "")
            pins[name] = Pin(version, place, redeploy, hold, refresh=refresh, track=track)
    return pins
