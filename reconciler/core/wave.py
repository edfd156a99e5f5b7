"""Order: which changes wait for which, and the waves that come of it.

Components that do not change are looked through: if a needs b and b needs c, and only a and c
change, then c goes first. For downgrades the edges are reversed; a path whose ends move in
different directions cannot be ordered and is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.manifest import Component


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


def all_dependencies(components: Mapping[str, Component], name: str) -> frozenset[str]:
    """Return every component that `name` is deployed after, directly or not."""
    seen: set[str] = set()
    todo = [name]
    while todo:
        component = components.get(todo.pop())
        for a in () if component is None else component.after:
            if a not in seen:
                seen.add(a)
                todo.append(a)
    return frozenset(seen)


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
