"""The rings of an environment: whom they mean, what they pin, and that no two contradict.

A contradiction by tags shows only when Octopus is read; one by names is found here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.manifest import Problem
from reconciler.core.tenant import Ring
from reconciler.manifests.pinning import on_base, strangers
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.manifest import Pin
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.stack import Stack
    from reconciler.manifests.kinds.environment import EnvironmentDocument, RingDocument
    from reconciler.manifests.wording import Words


def join_rings(
    document: EnvironmentDocument,
    platforms: Mapping[str, PlatformVersion],
    stack: Stack,
    words: Words,
) -> tuple[tuple[Ring, ...], list[Problem]]:
    """Return the rings of an environment, and every problem with them.

    `platforms` are the platform versions they name, by name.
    """
    problems: list[Problem] = []
    rings = []
    for each in document.rings:
        pins: Mapping[str, Pin] = each.pins
        platform = None if each.platform is None else platforms[each.platform.name]
        if platform is not None and each.platform is not None:
            pins = on_base(pins, platform)
            if platform.stack != stack.name:
                said = f"platform version '{platform.name}' is of stack '{platform.stack}'"
                problems.append(
                    Problem(
                        each.platform.place,
                        f"{said}, and this environment of stack '{stack.name}'",
                    )
                )
        problems.extend(strangers(pins, stack, words))
        problems.extend(_whom(document, each, words))
        rings.append(Ring(each.name, each.whom, pins, each.place, platform))
    problems.extend(_contradictions(rings))
    return tuple(rings), problems


def _whom(document: EnvironmentDocument, ring: RingDocument, words: Words) -> Iterator[Problem]:
    if not ring.whom:
        message = f"ring '{ring.name}' means nobody: name its tenants, or their tags"
        yield Problem(ring.place, f"{message}, under 'tenants' or 'tenantTags'")
    if not document.tenants:
        yield Problem(
            ring.place,
            f"ring '{ring.name}' has no tenants to choose from: name those of the environment "
            "under 'octopus.tenants' or 'octopus.tenantTags'",
        )
    elif not document.tenants.tags:
        known = {name.casefold() for name in document.tenants.names}
        for name in ring.whom.names:
            if name.casefold() not in known:
                meant = words.did_you_mean(name, document.tenants.names)
                message = f"tenant '{shown(name)}' is not one of the environment's{meant}"
                yield Problem(ring.place, f"ring '{ring.name}': {message}")


def _contradictions(rings: list[Ring]) -> Iterator[Problem]:
    """Yield a problem for each tenant that two rings name and pin a component for unlike."""
    first: dict[tuple[str, str], Ring] = {}
    for ring in rings:
        for name in ring.whom.names:
            for component, pin in ring.pins.items():
                other = first.setdefault((name.casefold(), component), ring)
                if other is not ring and not other.pins[component].asks_as(pin):
                    place = shown(str(other.pins[component].place))
                    yield Problem(
                        pin.place,
                        f"'{component}' is pinned twice for tenant '{shown(name)}': by ring "
                        f"'{ring.name}', and by ring '{other.name}' at {place}; keep one",
                    )
