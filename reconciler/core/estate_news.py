"""What a space shows that its manifests do not say, and the other way about.

For a second look with `init`: names that manifests gave are kept, and only differences are told.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.estate import Known, LeftOut
from reconciler.core.manifest import DesiredState
from reconciler.core.sighting import environment_in
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.core.estate import Estate, FoundEnvironment
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
    for environment in estate.environments:
        if environment.id in by_id:
            found += _pins(environment, by_id[environment.id], stacked, state)
        else:
            says = f"no manifest is about it; components that run there: {len(environment.pins)}"
            found.append(News(f"environment {environment.name}", says))
    return tuple(found)


def _pins(
    environment: FoundEnvironment,
    ours: Sequence[DesiredState],
    stacked: set[str],
    state: SpaceState,
) -> Iterator[News]:
    runs = {pin.component: pin.version for pin in environment.pins}
    pinned: set[str] = set()
    for one in ours:
        about = f"environment {one.environment.name}"
        pinned |= one.environment.pins.keys()
        for name, pin in sorted(one.environment.pins.items()):
            project = state.project_index.find(
                one.stack.components[name].project_in(one.space.name)
            )
            version = runs.get(name)
            if isinstance(project, str):
                yield News(about, f"{name} is pinned, and {project}")
            elif version is not None and version != pin.version:
                says = f"{name} is pinned at {clean(pin.version, 60)} and runs {version}"
                yield News(about, says, name, version)
    about = f"environment {ours[0].environment.name}"
    for name in sorted((runs.keys() & stacked) - pinned):
        says = f"{name} runs {runs[name]}, and is pinned nowhere"
        yield News(about, says, name, runs[name])


def only_new(estate: Estate, ours: Sequence[DesiredState]) -> Estate:
    """Return of an estate the environments without a manifest, with what their stack has.

    What the stack does not have yet is left without a pin there.
    """
    stacked = ours[0].stack.components.keys()
    known = {one.environment.name for one in ours}
    environments = []
    for one in estate.environments:
        if one.name in known:
            continue
        why = "the stack does not have it yet"
        left = (
            LeftOut(pin.component, why, pin.version)
            for pin in one.pins
            if pin.component not in stacked
        )
        environments.append(
            replace(
                one,
                pins=tuple(pin for pin in one.pins if pin.component in stacked),
                left=(*one.left, *left),
            )
        )
    return replace(estate, environments=tuple(environments))
