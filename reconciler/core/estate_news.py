"""What a space shows that its manifests do not say, and the other way about.

For a second look with `init`: names that manifests gave are kept, and only differences are told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.core.cell import Unobserved
from reconciler.core.cellkey import cell_key
from reconciler.core.estate import Known, LeftOut
from reconciler.core.expand import pin_of
from reconciler.core.manifest import DesiredState
from reconciler.core.sighting import environment_in, observe
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.core.cell import ObservedCell
    from reconciler.core.estate import Estate, FoundEnvironment, FoundPin
    from reconciler.core.manifest import ManifestSet
    from reconciler.core.state import SpaceState


@dataclass(frozen=True, slots=True)
class News:
    """One difference: what it is about (an environment or a project), and a clean line on it.

    `component` and `version` are what could be pinned for it; no version: put into the stack, as
    `project` where its name alone would not do.
    """

    about: str
    says: str
    component: str | None = None
    version: str | None = None
    project: str = ""


def in_this_space(
    environments: Iterable[DesiredState], state: SpaceState
) -> tuple[DesiredState, ...]:
    """Return those environments that name the space that was read, by its name or id."""
    names = (state.space_id, state.space_name)
    return tuple(one for one in environments if one.space.octopus_space in names)


def known_of(ours: Sequence[DesiredState], manifests: ManifestSet, state: SpaceState) -> Known:
    """Return the names that manifests gave to what is in the space that was read."""
    components: dict[str, str] = {}
    for one in ours:
        for component in one.stack.components.values():
            project = state.project_index.find(component.project_in(one.space.name))
            if not isinstance(project, str):
                components.setdefault(project.id, component.name)
    environments: dict[str, str] = {}
    for one in ours:
        if (found := environment_in(one, state)) is not None:
            environments.setdefault(found, one.environment.name)
    return Known(
        space=ours[0].space.name if ours else None,
        stack=ours[0].stack.name if ours else None,
        components=components,
        environments=environments,
        taken=frozenset(manifests.environments),
        spaces=frozenset(
            name
            for one in manifests.environments.values()
            if isinstance(one, DesiredState)
            for name in (one.space.name, one.stack.name)
        ),
    )


def news(estate: Estate, ours: Sequence[DesiredState], state: SpaceState) -> tuple[News, ...]:
    """Return every difference between what runs in a space and what its manifests pin."""
    stacked = {name for one in ours for name in one.stack.components}
    found = [
        News(f"project {one.name}", "it is in no stack", one.name, None, one.project)
        for one in estate.components
        if one.name not in stacked
    ]
    by_id: dict[str, list[DesiredState]] = {}
    for one in ours:
        where = environment_in(one, state)
        if where is None:
            name = clean(one.environment.octopus_environment, 80)
            says = f"Octopus shows no one environment '{name}'"
            found.append(News(f"environment {one.environment.name}", says))
        else:
            by_id.setdefault(where, []).append(one)
    for id_, parts in groupby(estate.environments, lambda one: one.id):
        first, *more = parts
        runs = {**first.runs, **{cell: run for one in more for cell, run in one.runs.items()}}
        if id_ in by_id:
            found += _pins(runs, by_id[id_], stacked, state)
        else:
            says = f"no manifest is about it; cells that run there: {len(runs)}"
            found.append(News(f"environment {first.name}", says))
    return tuple(found)


def _pins(
    runs: Mapping[tuple[str, str | None], str],
    ours: Sequence[DesiredState],
    stacked: set[str],
    state: SpaceState,
) -> Iterator[News]:
    """Compare what runs in one environment, by component and tenant's id, with its manifests."""
    pinned: set[tuple[str, str | None]] = set()
    for one in ours:
        about = f"environment {one.environment.name}"
        for key, cell in sorted(observe(one, state, None).cells.items()):
            pin, where = pin_of(one.environment, cell), (cell.component, _tenant(cell))
            pinned.add(where)
            version = runs.get(where)
            if cell.project is None and isinstance(cell.sighting, Unobserved):
                yield News(about, f"{key} is pinned, and {cell.sighting.why}")
            elif pin is not None and version is not None and version != pin.version:
                says = f"{key} is pinned at {clean(pin.version, 60)} and runs {version}"
                yield News(about, says, cell.component, version)
    about = f"environment {ours[0].environment.name}"
    names = {tenant.id: tenant.key for tenant in state.tenants or ()}
    for component, tenant in sorted(runs.keys() - pinned, key=str):
        if component in stacked:
            key = cell_key(component, names.get(tenant or "", ""))
            version = runs[component, tenant]
            says = f"{key} runs {version}, and is pinned nowhere"
            yield News(about, says, component, version)


def _tenant(cell: ObservedCell) -> str | None:
    return None if cell.tenant is None else cell.tenant.id


def only_new(estate: Estate, ours: Sequence[DesiredState], state: SpaceState) -> Estate:
    """Return of an estate the environments without a manifest, with what their stack has.

    What the stack does not have yet is left without a pin there.
    """
    stacked = ours[0].stack.components.keys()
    known = {environment_in(one, state) for one in ours}
    return replace(
        estate,
        environments=tuple(
            _within(one, stacked) for one in estate.environments if one.id not in known
        ),
    )


def _within(one: FoundEnvironment, stacked: Collection[str]) -> FoundEnvironment:
    """Return a new environment with only those pins that the stack has."""
    pins = {pin.component: pin.version for pin in one.pins}
    pins |= {pin.component: pin.version for ring in one.rings for pin in ring.pins}
    why = "the stack does not have it yet"
    left = (LeftOut(name, why, pins[name]) for name in sorted(pins) if name not in stacked)
    rings = (replace(ring, pins=_of(ring.pins, stacked)) for ring in one.rings)
    return replace(
        one,
        pins=_of(one.pins, stacked),
        rings=tuple(ring for ring in rings if ring.pins),
        left=(*one.left, *left),
    )


def _of(pins: Iterable[FoundPin], stacked: Collection[str]) -> tuple[FoundPin, ...]:
    return tuple(pin for pin in pins if pin.component in stacked)
