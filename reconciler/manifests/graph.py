"""The order of a stack: every `after` names a component, and nobody waits for himself."""

from __future__ import annotations

from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from reconciler.manifests.wording import Words, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.manifests.tree import Branch, Mark

_SHOWN_IN_CYCLE = 100
_MAX_CYCLES = 10  # told of one graph: the next ones, when these are mended


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
    for ring in cycles(edges):
        index = components.value[ring[0]]["after"].index(ring[1])
        troubles.append((_after_mark(components, ring[0], index), shown_cycle(ring)))
    return troubles


def cycles(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """Yield cycles, each before what it waits for, with its first member again at its end.

    A member of one that was told is in no other.
    """
    left = dict(edges)
    for _ in range(_MAX_CYCLES):
        try:
            TopologicalSorter(left).prepare()
        except CycleError as error:
            found: list[Any] = error.args[1]
            ring = found[:0:-1]  # graphlib lists it from cause to effect, closed
            start = ring.index(min(ring))
            yield [*ring[start:], *ring[:start], ring[start]]
            left = {name: after for name, after in left.items() if name not in ring}
        else:
            return


def shown_cycle(ring: Sequence[str]) -> str:
    """Word a cycle: all of its members, in order."""
    names = [shown(name) for name in ring[:_SHOWN_IN_CYCLE]]
    more = len(ring) - len(names)
    return f"a cycle: {' -> '.join(names)}" + (f" and {more} more" if more else "")


def _after_mark(components: Branch, name: str, index: int) -> Mark:
    component = components.below(name)
    after = component.below("after") if component is not None else None
    return after.value_mark(index) if after is not None else components.key_mark(name)
