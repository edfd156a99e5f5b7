"""What stacks use of each other: every `uses` leads to one component of another stack.

And nobody waits for himself round a corner: the graph of all stacks has no cycle either.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from reconciler.core.manifest import Problem
from reconciler.core.precondition import Precondition
from reconciler.manifests.graph import cycles, shown_cycle
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.core.stack import Stack, Use
    from reconciler.manifests.wording import Words


@dataclass(frozen=True, slots=True)
class Link:
    """A use that was followed. `component` is empty where the whole stack uses it."""

    component: str
    use: Use
    stack: Stack

    def precondition(self, space: str) -> Precondition:
        """Return what it means in a Space manifest."""
        other = self.stack.components[self.use.component]
        return Precondition(
            component=self.component,
            stack=self.stack.name,
            other=other.name,
            project=other.project_in(space),
            range=self.use.range,
        )


@dataclass(slots=True)
class Uses:
    """The links of each stack, and the problems of each, by its name."""

    links: dict[str, list[Link]] = field(default_factory=lambda: defaultdict(list))
    problems: dict[str, list[Problem]] = field(default_factory=lambda: defaultdict(list))


def follow_uses(stacks: Mapping[str, Stack], broken: Collection[str], words: Words) -> Uses:
    """Follow every use of every stack; `broken` names stacks that exist and cannot be read."""
    found = Uses()
    for stack in stacks.values():
        for component, use in _uses_of(stack):
            target = _target(stack, use, stacks, broken, words)
            if isinstance(target, str):
                found.problems[stack.name].append(Problem(use.place, target))
            else:
                found.links[stack.name].append(Link(component, use, target))
    if found.links:
        _find_cycles(stacks, found)
    return found


def _uses_of(stack: Stack) -> Iterator[tuple[str, Use]]:
    for use in stack.uses:
        yield "", use
    for name in sorted(stack.components):
        for use in stack.components[name].uses:
            yield name, use


def _target(
    stack: Stack, use: Use, stacks: Mapping[str, Stack], broken: Collection[str], words: Words
) -> Stack | str:
    """Return the stack whose component is meant, else say why there is none."""
    name = use.component
    if use.stack == stack.name or (use.stack is None and name in stack.components):
        return f"'{use.named}' is of this stack: name it in `after`"
    if use.stack is not None:
        there = stacks.get(use.stack)
        if there is None:
            if use.stack in broken:
                return f"Stack '{use.stack}' cannot be read; mend it first"
            meant = words.did_you_mean(use.stack, stacks.keys())
            return f"no Stack is named '{use.stack}'{meant}"
        if name not in there.components:
            meant = words.did_you_mean(name, there.components.keys())
            return f"'{name}' is not a component of stack '{use.stack}'{meant}"
        return there
    holders = [other for other in stacks.values() if name in other.components]
    if len(holders) == 1:
        return holders[0]
    if holders:
        names = sorted(other.name for other in holders)[:5]
        ways = ", ".join(f"'{each}/{name}'" for each in names)
        return f"'{name}' is a component of several stacks: write one of {ways}"
    if broken:
        return f"no stack that can be read has '{name}'; mend Stack '{shown(min(broken))}' first"
    others = (other.components for other in stacks.values() if other is not stack)
    known = {each for components in others for each in components}
    return f"no other stack has a component '{name}'{words.did_you_mean(name, known)}"


def _find_cycles(stacks: Mapping[str, Stack], found: Uses) -> None:
    """Lay each cycle that goes through several stacks at the doors of all of them."""
    edges: dict[str, list[str]] = {}
    for stack in stacks.values():
        for component in stack.components.values():
            if component.after:
                here = f"{stack.name}/{component.name}"
                edges[here] = [f"{stack.name}/{before}" for before in component.after]
    places: dict[tuple[str, str], Use] = {}
    for name, links in found.links.items():
        for link in links:
            there = f"{link.stack.name}/{link.use.component}"
            for user in (link.component,) if link.component else stacks[name].components:
                edges.setdefault(f"{name}/{user}", []).append(there)
                places[f"{name}/{user}", there] = link.use
    for ring in cycles(edges):
        pairs = [pair for pair in pairwise(ring) if pair in places]
        problem = Problem(places[pairs[0]].place, shown_cycle(ring))
        for name in sorted({each.partition("/")[0] for each in ring}):
            found.problems[name].append(problem)
