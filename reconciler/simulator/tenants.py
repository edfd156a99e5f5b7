"""Tenants and tag sets as tests set them up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.slugs import slug_of
from reconciler.simulator.stage import Stage
from reconciler.simulator.tenancy import Tag, TagSet, Tenant, check_tags

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Tenants"]


class Tenants(Stage):
    """Tenants, the projects they are connected to, and their tags."""

    def add_tag_set(self, name: str, tags: Iterable[str], *, space: str | None = None) -> str:
        """Make a tag set; returns its id."""
        with self._playing() as world:
            where = self._space(space)
            made = TagSet(world.new_id("TagSets"), name, len(where.tag_sets))
            made.tags = [Tag(f"{made.id}/{world.new_id('Tags')}", each) for each in tags]
            where.tag_sets[made.id] = made
            return made.id

    def add_tenant(
        self,
        name: str,
        *,
        connected: Mapping[str, Iterable[str]],
        tags: Iterable[str] = (),
        space: str | None = None,
    ) -> str:
        """Make a tenant connected to projects in environments; returns its id.

        A project that could not be deployed to tenants can be from now on.
        """
        with self._playing() as world:
            where = self._space(space)
            made = Tenant(world.new_id("Tenants"), name, slug_of(name))
            made.tags = check_tags(where, tags)
            for project, environments in connected.items():
                found = self._found(where.projects.values(), project, "project")
                found.more.setdefault("TenantedDeploymentMode", "TenantedOrUntenanted")
                made.environments[found.id] = tuple(
                    self._environment(where, each).id for each in environments
                )
            where.tenants[made.id] = made
            return made.id
