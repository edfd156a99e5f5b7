"""Order: which changes wait for which, and the waves that come of it.

Components that do not change are looked through: if a needs b and b needs c, and only a and c
change, then c goes first. For downgrades the edges are reversed; a path whose ends move in
different directions cannot be ordered and is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.core.stack import Component


def needed_changes(
    components: Mapping[str, Component], changing: Collection[str]
) -> dict[str, frozenset[str]]:
    """Return for each changing component the nearest changing components it is deployed after.

    "Nearest": reached by `after` through components that do not change. The graph is acyclic.
    """
    changing = frozenset(changing)
    nearest: dict[str, frozenset[str]] = {}

    def behind(name: str) -> frozenset[str]:
        """Return the nearest changing components before `name`; depth first, no recursion."""
        stack = [name]
        while stack:
            top = stack[-1]
            if top in nearest:
                stack.pop()
                continue
            component = components.get(top)
            after = () if component is None else component.after
            waiting = [a for a in after if a not in nearest]
            if waiting:
                stack.extend(waiting)
                continue
            found: set[str] = set()
            for a in after:
                found |= {a} if a in changing else nearest[a]
            nearest[top] = frozenset(found)
            stack.pop()
        return nearest[name]

    return {name: behind(name) for name in changing}


def dependants(components: Mapping[str, Component], sources: Collection[str]) -> dict[str, str]:
    """Return what is deployed after one of `sources`, directly or not, with the first such source.

    First: by name. A source is in it only if it is deployed after another one.
    """
    later: dict[str, list[str]] = {}
    for name, component in components.items():
        for before in component.after:
            later.setdefault(before, []).append(name)
    return _reached(later, sources)


def dependencies(components: Mapping[str, Component], sources: Collection[str]) -> dict[str, str]:
    """Return what one of `sources` is deployed after, directly or not, with the first such source.

    First: by name.
    """
    return _reached({name: component.after for name, component in components.items()}, sources)


def _reached(edges: Mapping[str, Sequence[str]], sources: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in sorted(sources):
        todo = [source]
        while todo:
            for name in edges.get(todo.pop(), ()):
                if name not in found:
                    found[name] = source
                    todo.append(name)
    return found


def order(
    needed: Mapping[str, frozenset[str]], downwards: Collection[str]
) -> tuple[dict[str, frozenset[str]], frozenset[str]]:
    """Turn the edges of downgrades round.

    Returns (what each change waits for, the changes that sit on an edge of mixed directions).
    """
    waits: dict[str, set[str]] = {name: set() for name in needed}
    mixed: set[str] = set()
    for name, before in needed.items():
        for other in before:
            if (name in downwards) != (other in downwards):
                mixed |= {name, other}
            elif name in downwards:
                waits[other].add(name)
            else:
                waits[name].add(other)
    return {name: frozenset(found) for name, found in waits.items()}, frozenset(mixed)


def waves(waits: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """Number the waves from 1: a change's wave is one more than the latest it waits for."""
    number: dict[str, int] = {}
    stack = list(waits)
    while stack:
        name = stack[-1]
        if name in number:
            stack.pop()
            continue
        missing = [w for w in waits[name] if w not in number]
        if missing:
            stack.extend(missing)
            continue
        number[name] = 1 + max((number[w] for w in waits[name]), default=0)
        stack.pop()
    return number
