"""Machines: Octopus' deployment targets, and which of them a release's steps go to.

Octopus compares roles and tags without regard to case; what is compared here is in small letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.tenant import Selection
from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.core.tenant import Tenant

READY = frozenset({"Healthy", "HasWarnings"})
"""What Octopus' health check found of a machine that can be deployed to."""

_UNTENANTED = frozenset({"Untenanted", "TenantedOrUntenanted"})
_TENANTED = frozenset({"Tenanted", "TenantedOrUntenanted"})


@dataclass(frozen=True, slots=True)
class Machine:
    """A deployment target; `health` is Octopus' own word.

    `participation` is Untenanted, TenantedOrUntenanted or Tenanted; `tenants` are ids and
    `tenant_tags` canonical, of whom it serves.
    """

    id: str
    name: str
    environments: frozenset[str]
    roles: frozenset[str]
    is_disabled: bool
    health: str
    participation: str = "Untenanted"
    tenants: frozenset[str] = frozenset()
    tenant_tags: tuple[str, ...] = ()

    @property
    def is_ready(self) -> bool:
        """True where it may be deployed to; what is not known to be well is not (rule 11)."""
        return not self.is_disabled and self.health in READY

    @property
    def state(self) -> str:
        """One clean word for people: ready, disabled, or what Octopus found."""
        if self.is_disabled:
            return "disabled"
        return "ready" if self.is_ready else clean(self.health, 40).lower()

    @property
    def label(self) -> str:
        """Its name for people, clean and bounded; its id where it has none."""
        return clean(self.name, 80) or clean(self.id, 80)

    def serves(self, tenant: Tenant | None) -> bool:
        """Tell whether deployments for a tenant go to it; None: those for nobody."""
        if tenant is None:
            return self.participation in _UNTENANTED
        if self.participation not in _TENANTED:
            return False
        return tenant.id in self.tenants or Selection(tags=self.tenant_tags).tags_it(tenant)


@dataclass(frozen=True, slots=True)
class StepTargets:
    """Where one step goes; empty: without that limit, but without `roles` to no machine at all."""

    roles: frozenset[str]
    environments: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tenant_tags: tuple[str, ...] = ()

    def goes_to(
        self, machine: Machine, environment: str, channel: str, tenant: Tenant | None
    ) -> bool:
        """Tell whether the step runs on a machine of an environment."""
        tags = Selection(tags=self.tenant_tags)
        return (
            not self.roles.isdisjoint(machine.roles)
            and (not self.environments or environment in self.environments)
            and environment not in self.excluded
            and (not self.channels or channel in self.channels)
            and (not self.tenant_tags or (tenant is not None and tags.tags_it(tenant)))
        )


@dataclass(frozen=True, slots=True)
class ProcessTargets:
    """Where the steps of one frozen process go; `doubt` says why that is not known, or is empty."""

    steps: tuple[StepTargets, ...] = ()
    doubt: str = ""

    def goes_to(
        self, machine: Machine, environment: str, channel: str, tenant: Tenant | None
    ) -> bool:
        """Tell whether a deployment in an environment would run on a machine."""
        return any(step.goes_to(machine, environment, channel, tenant) for step in self.steps)
