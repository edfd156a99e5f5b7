"""Tenants and their tags: who is deployed to where, and which tags mean whom.

Source: Octopus' public documentation, "Tenants" and "Tenant tags".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.records import Channel, Environment, Project, Space

__all__ = [
    "Tag",
    "TagSet",
    "Tenant",
    "TenantValue",
    "check_tags",
    "missing_tags",
    "mode_of",
    "refuse_tenancy",
    "rename_tags",
    "tags_in_use",
    "tenants_meant",
]


@dataclass(slots=True, eq=False)
class Tag:
    """One tag of a set; its canonical name is `Set/Tag`."""

    id: str
    name: str
    color: str = "#333333"
    description: str = ""


@dataclass(slots=True, eq=False)
class TagSet:
    """Tags of one kind, in order."""

    id: str
    name: str
    sort_order: int
    description: str = ""
    tags: list[Tag] = field(default_factory=list)

    def canonical(self, tag: Tag) -> str:
        """Return a tag's canonical name."""
        return f"{self.name}/{tag.name}"


@dataclass(frozen=True, slots=True)
class TenantValue:
    """A tenant's value of a template, in some environments; none of them: in all."""

    id: str
    owner_id: str
    """The project or the library variable set whose template it is."""
    template_id: str
    environments: tuple[str, ...]
    value: Any


@dataclass(slots=True, eq=False)
class Tenant:
    """A customer of projects: where each project may be deployed for it."""

    id: str
    name: str
    slug: str
    description: str = ""
    tags: tuple[str, ...] = ()
    """Canonical names."""
    environments: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Environments by project: what the tenant is connected to."""
    values: tuple[TenantValue, ...] = ()
    values_version: int = 0
    """Grows with every change of the values."""
    cloned_from: str | None = None
    is_disabled: bool = False

    def is_connected(self, project: Project, environment: str) -> bool:
        """Tell whether the project may be deployed to the environment for this tenant."""
        return environment in self.environments.get(project.id, ())


def missing_tags(own: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return the wanted tags that keep a tenant with its own tags from being meant.

    Tags of one set are alternatives, each set must be met. Nothing wanted means everybody.
    """
    held = {each.casefold() for each in own}
    sets: dict[str, list[str]] = {}
    for each in wanted:
        sets.setdefault(each.split("/")[0].casefold(), []).append(each)
    unmet = [tags for tags in sets.values() if not any(tag.casefold() in held for tag in tags)]
    return [tag for tags in unmet for tag in tags]


def check_tags(space: Space, tags: Iterable[str]) -> tuple[str, ...]:
    """Return tags by their canonical names as their sets spell them, each once.

    Raises:
        Refused: 400 for a tag that no set has.
    """
    known = {
        found.canonical(tag).casefold(): found.canonical(tag)
        for found in space.tag_sets.values()
        for tag in found.tags
    }
    made: dict[str, None] = {}
    for each in tags:
        if each.casefold() not in known:
            sentence = f"The tag '{each}' does not exist."
            raise Refused(400, "There was a problem with your request.", (sentence,))
        made[known[each.casefold()]] = None
    return tuple(made)


def tags_in_use(space: Space) -> set[str]:
    """Return the canonical names of tags that tenants, machines and channels have."""
    own = [tag for each in space.tenants.values() for tag in each.tags]
    machines = [tag for each in space.machines.values() for tag in each.tenant_tags]
    channels = [tag for each in space.channels.values() for tag in each.more.get("TenantTags", [])]
    return {*own, *machines, *channels}


def rename_tags(space: Space, names: dict[str, str]) -> None:
    """Give what bears a renamed tag its new canonical name."""

    def renamed(tags: Iterable[str]) -> tuple[str, ...]:
        return tuple(names.get(each, each) for each in tags)

    for tenant in space.tenants.values():
        tenant.tags = renamed(tenant.tags)
    for machine in space.machines.values():
        machine.tenant_tags = renamed(machine.tenant_tags)
    for channel in space.channels.values():
        if "TenantTags" in channel.more:
            channel.more["TenantTags"] = [*renamed(channel.more["TenantTags"])]


def mode_of(project: Project) -> str:
    """Return how a project is deployed: Untenanted, TenantedOrUntenanted or Tenanted."""
    return str(project.more.get("TenantedDeploymentMode") or "Untenanted")


def tenants_meant(
    space: Space, project: Project, environment: str, names: Iterable[str], tags: Iterable[str]
) -> list[Tenant]:
    """Return the tenants connected to a cell that ids or tags mean, by name."""
    ids, wanted = set(names), list(tags)
    found = [
        each
        for each in space.tenants.values()
        if each.is_connected(project, environment)
        and (each.id in ids or (wanted and not missing_tags(each.tags, wanted)))
    ]
    return sorted(found, key=lambda each: (each.name.casefold(), each.id))


def refuse_tenancy(
    project: Project, channel: Channel | None, environment: Environment, tenant: Tenant | None
) -> None:
    """Refuse a deployment that the project's mode, or the tenant's connections, forbid.

    Raises:
        Refused: 400 saying which.
    """
    mode = mode_of(project)
    if tenant is None:
        if mode == "Tenanted":
            raise _refusal(
                f"{project.name} can only be deployed to tenants. Either deploy this release to a "
                "tenant, or configure this project to allow un-tenanted deployments."
            )
        return
    if mode == "Untenanted":
        raise _refusal(
            f"{project.name} cannot be deployed to tenants. Either deploy this release without a "
            "tenant, or configure this project to allow tenanted deployments."
        )
    if tenant.is_disabled:
        raise _refusal(f"Tenant {tenant.name} is disabled, so nothing can be deployed to it.")
    if not tenant.is_connected(project, environment.id):
        raise _refusal(
            f"Tenant {tenant.name} is not connected to {environment.name} for project "
            f"{project.name}"
        )
    wanted = channel.more.get("TenantTags", []) if channel else []
    if missing_tags(tenant.tags, wanted):
        where = channel.name if channel else ""
        raise _refusal(f"Tenant {tenant.name} has not the tags that channel {where} asks for.")


def _refusal(sentence: str) -> Refused:
    return Refused(400, "Deployment creation failed.", (sentence,))
