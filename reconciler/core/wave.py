"""Order: which changes wait for which, and the waves that come of it.

Cells that do not change are looked through: if a needs b and b needs c, and only a and c
change, then c goes first. For downgrades the edges are reversed; a path whose ends move in
different directions cannot be ordered and is held.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Cell = TypeVar("Cell", bound=str)


def needed_changes(
    after: Mapping[Cell, Sequence[Cell]], changing: Collection[Cell]
) -> dict[Cell, frozenset[Cell]]:
    """Return for each changing cell the nearest changing cells it is deployed after.

    "Nearest": reached by `after` through cells that do not change. The graph is acyclic.
    """
    changing = frozenset(changing)
    nearest: dict[Cell, frozenset[Cell]] = {}

    def behind(name: Cell) -> frozenset[Cell]:
        """Return the nearest changing components before `name`; depth first, no recursion."""
        stack = [name]
        while stack:
            top = stack[-1]
            if top in nearest:
                stack.pop()
                continue
            before = after.get(top, ())
            waiting = [a for a in before if a not in nearest]
            if waiting:
                stack.extend(waiting)
                continue
            found: set[Cell] = set()
            for a in before:
                found |= {a} if a in changing else nearest[a]
            nearest[top] = frozenset(found)
            stack.pop()
        return nearest[name]

    return {name: behind(name) for name in changing}


def dependants(after: Mapping[Cell, Sequence[Cell]], sources: Collection[Cell]) -> dict[Cell, Cell]:
    """Return what is deployed after one of `sources`, directly or not, with the first such source.

    First: by name. A source is in it only if it is deployed after another one.
    """
    later: dict[Cell, list[Cell]] = {}
    for name, befores in after.items():
        for before in befores:
            later.setdefault(before, []).append(name)
    return _reached(later, sources)


def dependencies(
    after: Mapping[Cell, Sequence[Cell]], sources: Collection[Cell]
) -> dict[Cell, Cell]:
    """Return what one of `sources` is deployed after, directly or not, with the first such source.

    First: by name.
    """
    return _reached(after, sources)


def _reached(edges: Mapping[Cell, Sequence[Cell]], sources: Collection[Cell]) -> dict[Cell, Cell]:
    found: dict[Cell, Cell] = {}
    for source in sorted(sources):
        todo = [source]
        while todo:
            for name in edges.get(todo.pop(), ()):
                if name not in found:
                    found[name] = source
                    todo.append(name)
    return found


def order(
    needed: Mapping[Cell, frozenset[Cell]], downwards: Collection[Cell]
) -> tuple[dict[Cell, frozenset[Cell]], frozenset[Cell]]:
    """Turn the edges of downgrades round.

    Returns (what each change waits for, the changes that sit on an edge of mixed directions).
    """
    waits: dict[Cell, set[Cell]] = {name: set() for name in needed}
    mixed: set[Cell] = set()
    for name, before in needed.items():
        for other in before:
            if (name in downwards) != (other in downwards):
                mixed |= {name, other}
            elif name in downwards:
                waits[other].add(name)
            else:
                waits[name].add(other)
    return {name: frozenset(found) for name, found in waits.items()}, frozenset(mixed)


def waves(waits: Mapping[Cell, frozenset[Cell]]) -> dict[Cell, int]:
    """Number the waves from 1: a change's wave is one more than the latest it waits for."""
    number: dict[Cell, int] = {}
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
