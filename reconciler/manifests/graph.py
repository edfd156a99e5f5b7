"""The order of a stack: every `after` names a component, and nobody waits for himself."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from reconciler.manifests.wording import Words, shown

if TYPE_CHECKING:
    from reconciler.manifests.tree import Branch, Mark

_SHOWN_IN_CYCLE = 20


def graph_troubles(spec: Branch) -> list[tuple[Mark, str]]:
    """Return what is wrong with the order of a stack, with its marks.

    Looks only at the parts that have the right shape, so that a diagnosis can call it too.
    """
    components = spec.below("components")
    if components is None or not isinstance(components.value, dict):
        return []
    words = Words()
    troubles: list[tuple[Mark, str]] = []
    edges: dict[str, list[str]] = {}
    for name, fields in components.value.items():
        after = fields.get("after") if isinstance(fields, dict) else None
        if not isinstance(after, list):
            continue
        for index, other in enumerate(after):
            if not isinstance(other, str):
                continue
            if other in components.value:
                edges.setdefault(name, []).append(other)
            else:
                meant = words.did_you_mean(other, components.value)
                message = f"unknown component '{shown(other)}'{meant}"
                troubles.append((_after_mark(components, name, index), message))
    if cycle := _cycle(edges):
        whole = [*cycle[:_SHOWN_IN_CYCLE], "..."] if len(cycle) > _SHOWN_IN_CYCLE else cycle
        first, second = cycle[0], cycle[1]
        index = components.value[first]["after"].index(second)
        message = f"a cycle: {' -> '.join(shown(name) for name in whole)}"
        troubles.append((_after_mark(components, first, index), message))
    return troubles


def _cycle(edges: dict[str, list[str]]) -> list[str]:
    """Return a cycle with its first member again at its end, each before what it waits for."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        found: list[Any] = error.args[1]
        ring = found[:0:-1]  # graphlib lists it from cause to effect, closed
        start = ring.index(min(ring))
        return [*ring[start:], *ring[:start], ring[start]]
    return []


def _after_mark(components: Branch, name: str, index: int) -> Mark:
    component = components.below(name)
    after = component.below("after") if component is not None else None
    return after.value_mark(index) if after is not None else components.key_mark(name)
