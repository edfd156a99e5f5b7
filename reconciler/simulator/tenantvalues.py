"""Values that tenants give to the variable templates of projects and library sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.simulator.records import LibrarySet, Project
from reconciler.simulator.templates import is_given

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.records import Space
    from reconciler.simulator.tenancy import Tenant

__all__ = ["Gap", "gaps", "owners", "templates_of"]

Owner = Project | LibrarySet


def templates_of(owner: Owner) -> list[dict[str, Any]]:
    """Return the variable templates of a project or a library set."""
    return owner.templates if isinstance(owner, LibrarySet) else owner.more.get("Templates", [])


def owners(space: Space, tenant: Tenant) -> tuple[list[Project], list[LibrarySet]]:
    """Return the projects a tenant is connected to, and the library sets that these include."""
    projects = [space.projects[each] for each in tenant.environments if each in space.projects]
    included = dict.fromkeys(
        each
        for project in projects
        for each in project.more.get("IncludedLibraryVariableSetIds", [])
    )
    return projects, [space.library_sets[each] for each in included if each in space.library_sets]


@dataclass(frozen=True, slots=True)
class Gap:
    """A template that has neither a default value nor one of the tenant, in one environment."""

    owner: Owner
    template: dict[str, Any]
    environment: str


def gaps(space: Space, tenant: Tenant) -> Iterator[Gap]:
    """Yield what a tenant has still to give values for.

    A library set counts in every environment of the projects that include it.
    """
    projects, libraries = owners(space, tenant)
    places: list[tuple[Owner, list[str]]] = [
        (each, list(tenant.environments[each.id])) for each in projects
    ]
    for library in libraries:
        of = [
            environment
            for project in projects
            if library.id in project.more.get("IncludedLibraryVariableSetIds", [])
            for environment in tenant.environments[project.id]
        ]
        places.append((library, list(dict.fromkeys(of))))
    for owner, environments in places:
        for template in templates_of(owner):
            if is_given(template["DefaultValue"]):
                continue
            for environment in environments:
                if not _has_value(tenant, owner, template, environment):
                    yield Gap(owner, template, environment)


def _has_value(tenant: Tenant, owner: Owner, template: dict[str, Any], environment: str) -> bool:
    return any(
        each.owner_id == owner.id
        and each.template_id == template["Id"]
        and (not each.environments or environment in each.environments)
        and is_given(each.value)
        for each in tenant.values
    )
