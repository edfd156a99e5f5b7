"""What the tenants of one environment run: as everybody's pins where all agree, else by rings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.cellkey import component_of
from reconciler.core.estate import FoundPin, FoundRing, LeftOut, is_pin, is_text
from reconciler.core.naming import unique_names
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from reconciler.core.cell import ObservedCell
    from reconciler.core.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Served:
    """What tenants run; `components` are all that were ever deployed to one of them.

    `pins` hold for every tenant that is named and connected; no tenant is in two rings.
    """

    tenants: tuple[str, ...]
    components: frozenset[str]
    pins: tuple[FoundPin, ...]
    rings: tuple[FoundRing, ...]
    left: tuple[LeftOut, ...]
    runs: Mapping[tuple[str, str | None], str]

    def without(self, pinned: Collection[str], where: str) -> Served:
        """Return the same without the components that the manifest `where` pins for nobody."""
        rings = (
            replace(ring, pins=tuple(p for p in ring.pins if p.component not in pinned))
            for ring in self.rings
        )
        why = f"it runs without a tenant too, and {where} pins that"
        both = sorted(self.components & set(pinned))
        left = (out for out in self.left if component_of(out.component) not in pinned)
        return replace(
            self,
            pins=tuple(pin for pin in self.pins if pin.component not in pinned),
            rings=tuple(ring for ring in rings if ring.pins),
            left=(*left, *(LeftOut(component, why) for component in both)),
            runs={cell: version for cell, version in self.runs.items() if cell[0] not in pinned},
        )


def serve(tenants: Sequence[Tenant], cells: Sequence[ObservedCell]) -> Served:
    """Return what the cells of these tenants show, sorted by component and tenant."""
    settled: dict[str, dict[str, str]] = {}
    doubtful: set[str] = set()
    left: list[LeftOut] = []
    for cell in cells:
        name, tenant = cell.component, cell.tenant
        if tenant is None or isinstance(cell.sighting, Excluded):
            continue
        match cell.sighting:
            case Settled(version=version) if is_pin(version):
                settled.setdefault(name, {})[tenant.id] = version
                continue
            case Settled(version=version):
                left.append(LeftOut(cell.key, no_version(version)))
            case Unsettled(version=before, attempted=attempted, why=why):
                left.append(LeftOut(cell.key, no_success(attempted, why), pinnable(before)))
            case Unobserved(why=why):
                left.append(LeftOut(cell.key, clean(why)))
            case NeverDeployed():
                pass
        doubtful.add(name)
    everybody = {
        name: next(iter(versions.values()))
        for name, versions in settled.items()
        if name not in doubtful and len(set(versions.values())) == 1
    }
    references = _references(tenants)
    return Served(
        tenants=tuple(references[tenant.id] for tenant in tenants),
        components=frozenset({*settled, *(component_of(out.component) for out in left)}),
        pins=tuple(FoundPin(name, version) for name, version in sorted(everybody.items())),
        rings=_rings(tenants, settled, everybody, references),
        left=tuple(left),
        runs={
            (name, tenant): version
            for name, versions in settled.items()
            for tenant, version in versions.items()
        },
    )


def _rings(
    tenants: Sequence[Tenant],
    settled: Mapping[str, Mapping[str, str]],
    everybody: Collection[str],
    references: Mapping[str, str],
) -> tuple[FoundRing, ...]:
    """Return tenants that run the same as one ring; each tenant is in one at most."""
    groups: dict[tuple[tuple[str, str], ...], list[Tenant]] = {}
    for tenant in tenants:
        own = tuple(
            (name, versions[tenant.id])
            for name, versions in sorted(settled.items())
            if name not in everybody and tenant.id in versions
        )
        if own:
            groups.setdefault(own, []).append(tenant)
    wanted = [
        (members[0].id, members[0].name if len(members) == 1 else f"ring-{number}")
        for number, members in enumerate(groups.values(), 1)
    ]
    names = unique_names(wanted)
    return tuple(
        FoundRing(
            name=names[members[0].id],
            tenants=tuple(references[one.id] for one in members),
            pins=tuple(FoundPin(name, version) for name, version in own),
        )
        for own, members in groups.items()
    )


def _references(tenants: Sequence[Tenant]) -> dict[str, str]:
    """Return how manifests name tenants: by name, where that is one plain line and means one."""
    often = Counter(tenant.name.casefold() for tenant in tenants)
    return {
        one.id: one.name if is_text(one.name) and often[one.name.casefold()] == 1 else one.id
        for one in tenants
    }


def quoted(version: str) -> str:
    """Return a version in quotes, as people see it."""
    return f"'{clean(version, 60)}'"


def no_version(text: str) -> str:
    """Say that what runs cannot be pinned."""
    return f"it runs {quoted(text)}, which is no version"


def no_success(attempted: str, why: str) -> str:
    """Say that the newest attempt did not settle the cell."""
    return f"the newest attempt, of {quoted(attempted)}, ended as {why}"


def pinnable(version: str | None) -> str | None:
    """Return a version that can be pinned, else None."""
    return version if version is not None and is_pin(version) else None
