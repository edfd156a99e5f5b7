"""A stack: components, their Octopus projects, and the order among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Place


@dataclass(frozen=True, slots=True)
class Component:
    """A deployable part of a stack.

    `project` is the id, slug or name of its Octopus project; `project_by_space` overrides it for
    the named Space manifests. `after` names components that are deployed before this one.
    """

    name: str
    project: str
    place: Place
    after: tuple[str, ...] = ()
    up_only: bool = False
    project_by_space: tuple[tuple[str, str], ...] = ()

    def project_in(self, space: str) -> str:
        """Return the project reference that applies in the Space manifest named `space`."""
        return dict(self.project_by_space).get(space, self.project)


@dataclass(frozen=True, slots=True)
class Stack:
    """A set of components and their order. The graph of `after` has no cycle: checked on load."""

    name: str
    components: Mapping[str, Component]
    place: Place
    owners: tuple[str, ...] = ()
