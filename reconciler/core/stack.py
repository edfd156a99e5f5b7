"""A stack: components, their Octopus projects, and the order among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Place
    from reconciler.core.variables import Template
    from reconciler.core.versionrange import VersionRange


@dataclass(frozen=True, slots=True)
class Use:
    """What a component needs of another stack's: to run in a version of the range, first.

    `stack` is None where only the component is named; the key of the manifest is `named`. A use
    orders and holds; it never pins.
    """

    component: str
    stack: str | None
    range: VersionRange
    place: Place

    @property
    def named(self) -> str:
        """The component as it is written: `identity-server` or `identity/identity-server`."""
        return self.component if self.stack is None else f"{self.stack}/{self.component}"


@dataclass(frozen=True, slots=True)
class Component:
    """A deployable part of a stack.

    `project` is the id, slug or name of its Octopus project; `project_by_space` overrides it for
    the named Space manifests. `after` names components that are deployed before this one, `uses`
    those of other stacks. `channels` are names or ids of the Octopus channels whose releases it is
    deployed from; empty: any. `variables` are values of prompted variables, by name.
    """

    name: str
    project: str
    place: Place
    after: tuple[str, ...] = ()
    up_only: bool = False
    project_by_space: tuple[tuple[str, str], ...] = ()
    channels: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def project_in(self, space: str) -> str:
        """Return the project reference that applies in the Space manifest named `space`."""
        return dict(self.project_by_space).get(space, self.project)


@dataclass(frozen=True, slots=True)
class Stack:
    """A set of components and their order. The graph of `after` has no cycle: checked on load.

    `uses` holds for every component. `templates` are the prompted variables that environments give
    values for, by name.
    """

    name: str
    components: Mapping[str, Component]
    place: Place
    owners: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()
    templates: tuple[Template, ...] = ()
