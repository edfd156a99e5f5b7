"""For whom a component is deployed: the cells of an environment that names tenants.

A project that is never deployed per tenant has one cell. Any other has one for each tenant that is
meant, and none beside: what such an environment deploys of it, it deploys for somebody. A tenant
that comes to be meant without a commit (a tag, a connection) is held until somebody asks for it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.action import Reason
from reconciler.core.cell import Excluded, Unobserved
from reconciler.core.cellkey import cell_key, component_of, tenant_of
from reconciler.core.expand import pin_for, ring_conflict
from reconciler.core.snapshot import LEFT
from reconciler.core.tenant import Tenant
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import Environment
    from reconciler.core.snapshot import SnapshotCell
    from reconciler.core.state import Project, SpaceState


@dataclass(frozen=True, slots=True)
class Part:
    """One cell of a component: for whom, what the snapshot has of it, and why it is not judged.

    `apart` None: it is judged by what Octopus shows.
    """

    tenant: Tenant | None
    before: SnapshotCell | None = None
    apart: Unobserved | Excluded | None = None


class Tenancy:
    """The tenants of one environment, ready to be asked component by component."""

    def __init__(
        self,
        environment: Environment,
        environment_id: str | None,
        state: SpaceState,
        remembered: Mapping[CellKey, SnapshotCell],
        *,
        joinable: bool,
    ) -> None:
        self._environment = environment
        self._environment_id = environment_id
        self._state = state
        self._joinable = joinable
        self._remembered = remembered
        self._lines: dict[str, dict[str, tuple[str, SnapshotCell]]] = {}
        for key, line in remembered.items():
            if line.tenant is not None:
                of_component = self._lines.setdefault(component_of(key), {})
                of_component[line.tenant] = (tenant_of(key), line)
        known = state.tenants or ()
        means = environment.tenants.means
        self._members = sorted((one for one in known if means(one)), key=lambda one: one.key)
        self._ids = {one.id for one in known}
        self._often = Counter(one.key.casefold() for one in known)
        named = {one.name.casefold() for one in known} | self._ids
        self._unknown = [
            name
            for name in environment.tenants.names
            if name.casefold() not in named and name not in named
        ]
        self._sees_all = state.permissions.allows("TenantView", state.space_id, None, None)

    def parts(self, component: str, project: Project | str) -> Iterator[Part]:
        """Return the cells of a pinned component; `project` is a text where it cannot be told."""
        environment = self._environment
        if isinstance(project, str):
            yield from self._blind(component, project)
        elif project.tenanted_mode == "Untenanted":
            own = [r for r in environment.rings if component in r.pins and r.pins[component].is_own]
            before = self._remembered.get(cell_key(component))
            if own:
                why = f"ring '{own[0].name}' pins it, and its project is deployed without tenants"
                yield Part(None, before, Excluded(Reason.RING_CONFLICT, why))
            elif component in environment.pins:
                yield Part(None, before)
        elif self._state.tenants is None:
            why = f"the tenants could not be read: {self._state.tenants_unread}"
            yield from self._blind(component, why)
        else:
            yield from self._each(component, project)

    def _each(self, component: str, project: Project) -> Iterator[Part]:
        lines = self._lines.get(component, {})
        for tenant in self._members:
            if pin_for(self._environment, component, tenant) is not None:
                before = lines.get(tenant.id, ("", None))[1]
                if self._often[tenant.key.casefold()] > 1:  # an id can be another one's name
                    why = f"more than one tenant goes by '{tenant.key}': rename one in Octopus"
                    yield Part(tenant, before, Unobserved(why))
                    continue
                yield Part(tenant, before, self._apart(component, project, tenant, before))
        for name in self._unknown:
            tenant = Tenant("", clean(name, 150), frozenset(), {})
            if pin_for(self._environment, component, tenant) is not None:
                yield Part(tenant, None, Unobserved(self._missing(name)))
        for id_, (name, before) in lines.items():
            if id_ not in self._ids and before.state != LEFT and not self._sees_all:
                why = "the observing key may not see all tenants, and it does not see this one"
                yield Part(Tenant(id_, name, frozenset(), {}), before, Unobserved(why))

    def _apart(
        self, component: str, project: Project, tenant: Tenant, before: SnapshotCell | None
    ) -> Excluded | None:
        """Return why a tenant's cell is left out of the plan, None where it is not."""
        environment = self._environment
        if conflict := ring_conflict(environment, component, tenant):
            return Excluded(Reason.RING_CONFLICT, conflict)
        if tenant.is_disabled:
            return Excluded(Reason.NOT_CONNECTED, "the tenant is disabled in Octopus")
        if self._environment_id not in tenant.connected.get(project.id, ()):
            where = f"'{clean(project.name)}' in {clean(environment.octopus_environment, 60)}"
            return Excluded(Reason.NOT_CONNECTED, f"the tenant is not connected to {where}")
        if not self._joinable and (before is None or before.state == LEFT):
            return Excluded(Reason.NEW_TENANT, "no commit asked for it: it was not meant before")
        return None

    def _blind(self, component: str, why: str) -> Iterator[Part]:
        """Return the cells as they were last known, none of which can be read now."""
        lines = self._lines.get(component, {})
        here = [(id_, name, line) for id_, (name, line) in lines.items() if line.state != LEFT]
        for id_, name, line in here:
            yield Part(Tenant(id_, name, frozenset(), {}), line, Unobserved(why))
        if not here:
            yield Part(None, self._remembered.get(cell_key(component)), Unobserved(why))

    def _missing(self, name: str) -> str:
        """Say that a tenant is not there, and what it is called now where that is known."""
        said = f"Octopus shows no tenant '{clean(name, 100)}'"
        for lines in self._lines.values():
            for id_, (known, _) in lines.items():
                if known.casefold() == name.casefold():
                    now = next((t.key for t in self._state.tenants or () if t.id == id_), None)
                    return said if now is None else f"{said}: {id_} is called '{now}' now"
        return said
