"""Tenants: who a component of an environment is deployed for, and whom a manifest means by that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.manifest import Pin, Place
    from reconciler.core.platform import PlatformVersion


@dataclass(frozen=True, slots=True)
class Tenant:
    """A tenant as Octopus knows it.

    `tags` are canonical (`Set/Tag`); `connected` are the ids of the environments it is connected
    to, by project id.
    """

    id: str
    name: str
    tags: frozenset[str]
    connected: Mapping[str, frozenset[str]]
    is_disabled: bool = False

    @property
    def key(self) -> str:
        """What its cells are called by: its name, or its id where that is no clean line."""
        return self.name if self.name and clean(self.name, 150) == self.name else self.id


@dataclass(frozen=True, slots=True)
class Selection:
    """Whom a manifest means: tenants by name or id, and those that have the tags.

    Tags of one set are alternatives, and each set must be met (Octopus' documentation, "Tenant
    tags"). Octopus compares names and tags without regard to case.
    """

    names: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.names or self.tags)

    def names_it(self, tenant: Tenant) -> bool:
        """Tell whether the tenant is meant by its name or id."""
        named = {name.casefold() for name in self.names}
        return tenant.name.casefold() in named or tenant.id in self.names

    def tags_it(self, tenant: Tenant) -> bool:
        """Tell whether the tenant is meant by its tags."""
        own = {tag.casefold() for tag in tenant.tags}
        sets: dict[str, bool] = {}
        for tag in map(str.casefold, self.tags):
            group = tag.partition("/")[0]
            sets[group] = sets.get(group, False) or tag in own
        return bool(sets) and all(sets.values())

    def means(self, tenant: Tenant) -> bool:
        """Tell whether the tenant is meant at all."""
        return self.names_it(tenant) or self.tags_it(tenant)


NOBODY = Selection()
"""Of an environment that serves all tenants, or none, at once."""


@dataclass(frozen=True, slots=True)
class Ring:
    """Tenants of an environment that run other versions than the rest: `pins` by component.

    The pins of a ring's platform version stand in `pins` where the ring itself has none; that one
    is `platform`.
    """

    name: str
    whom: Selection
    pins: Mapping[str, Pin]
    place: Place
    platform: PlatformVersion | None = None
