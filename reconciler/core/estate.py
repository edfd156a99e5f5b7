"""What runs in a space today, as the manifests that would say so: git begins where Octopus stands.

Pure: one reading of a space and of what deploys by itself there, turned into components, pins and
remarks. A cell that is settled is pinned at what it runs, so a plan of these pins changes nothing;
any other is left without a pin, and says why. Other deployers are named, and none is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.deployers import who_else
from reconciler.core.manifest import (
    DesiredState,
    Environment,
    Pin,
    Place,
    Space,
)
from reconciler.core.naming import key_variable, unique_names
from reconciler.core.policy import Policy
from reconciler.core.sighting import observe
from reconciler.core.stack import Component, Stack
from reconciler.core.text import clean
from reconciler.core.version import MAX_LENGTH, OctopusVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.core.cell import ObservedCell
    from reconciler.core.deployers import Automation, Deployer
    from reconciler.core.state import OctopusEnvironment, Project, SpaceState

MOST_VERSIONS = 3
"""Versions of one component's tenants that are named."""

_NOWHERE = Place("", 0, 0)


@dataclass(frozen=True, slots=True)
class FoundComponent:
    """A project as a component; `project` is how the stack names it, "" where its name will do.

    `after` are the components that it deploys itself, where that is no circle.
    """

    name: str
    project_id: str
    project: str
    group: str
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPin:
    """What one cell runs today: `version`, to be pinned; `remark` says what stands out, or ""."""

    component: str
    version: str
    remark: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A cell without a pin: `why`, and the version that may be meant, where one is known."""

    component: str
    why: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class FoundEnvironment:
    """One Octopus environment; `reference` is how the manifest names it.

    `never` are the components that were never deployed there. `deployers` are others who deploy
    there, each with its components; `unread` says why these may not be all.
    """

    name: str
    id: str
    reference: str
    title: str
    is_protected: bool
    pins: tuple[FoundPin, ...]
    left: tuple[LeftOut, ...]
    never: tuple[str, ...]
    deployers: tuple[tuple[Deployer, tuple[str, ...]], ...] = ()
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What the manifests of a folder say of the space already: those names are kept.

    `components` has the component of each project id; `environments` the manifest of each
    environment id; `taken` the names of other environments, `spaces` those of other spaces.
    """

    space: str | None = None
    stack: str | None = None
    components: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    taken: frozenset[str] = frozenset()
    spaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Estate:
    """A whole space as it could stand in git. `left` are projects that make no component."""

    space: str
    space_id: str
    octopus_space: str
    server: str
    key_variable: str
    stack: str
    components: tuple[FoundComponent, ...]
    environments: tuple[FoundEnvironment, ...]
    left: tuple[tuple[str, str], ...] = ()
    remarks: tuple[str, ...] = ()


def find_estate(
    server: str,
    state: SpaceState,
    automation: Automation,
    groups: Mapping[str, str],
    *,
    protected: Callable[[str], bool],
    known: Known | None = None,
) -> Estate:
    """Return the estate that one reading of a space shows.

    `groups` are project groups by id; `protected` tells by its name whether an environment is.
    """
    known = known or Known()
    enabled = [one for one in state.projects if not one.is_disabled]
    disabled = [one for one in state.projects if one.is_disabled]
    names = _component_names(enabled, known)
    after, circles = _order(state, automation, names)
    components = tuple(
        FoundComponent(
            name=names[one.id],
            project_id=one.id,
            project=_reference(one, names[one.id], state),
            group=groups.get(one.group_id, ""),
            after=after.get(one.id, ()),
        )
        for one in enabled
    )
    named = unique_names([(state.space_id, state.space_name)], known.spaces)[state.space_id]
    space = known.space or named
    found = _Found(state, automation, server, space, components)
    places = _environment_names(state.environments, known)
    return Estate(
        space=space,
        space_id=state.space_id,
        octopus_space=state.space_name if is_text(state.space_name) else state.space_id,
        server=server,
        key_variable=key_variable(space),
        stack=known.stack or space,
        components=tuple(sorted(components, key=lambda one: (one.group.casefold(), one.name))),
        environments=tuple(
            found.environment(one, places[one.id], protected) for one in state.environments
        ),
        left=tuple((one.name, "it is disabled in Octopus") for one in disabled),
        remarks=(*state.gaps, *circles),
    )


def is_text(text: str) -> bool:
    """Tell whether manifests take a foreign name as it is: one plain line of 200 at most."""
    return 0 < len(text) <= 200 and text == text.strip() and clean(text) == text


def is_pin(version: str) -> bool:
    """Tell whether a release's version can be pinned (rule 6)."""
    if not version.isascii() or len(version) > MAX_LENGTH or any(map(str.isspace, version)):
        return False
    try:
        OctopusVersion.parse(version)
    except ValueError:
        return False
    return True


def _component_names(projects: Iterable[Project], known: Known) -> dict[str, str]:
    kept = known.components
    new = [(one.id, one.slug) for one in projects if one.id not in kept]
    made = unique_names(new, set(kept.values()))
    return {one.id: kept.get(one.id) or made[one.id] for one in projects}


def _environment_names(environments: Iterable[OctopusEnvironment], known: Known) -> dict[str, str]:
    kept = known.environments
    new = [(one.id, one.name) for one in environments if one.id not in kept]
    made = unique_names(new, known.taken | set(kept.values()))
    return {**made, **kept}


def _reference(project: Project, name: str, state: SpaceState) -> str:
    """Return how a stack names a project: not at all, by its slug or name, else by its id."""
    for text in (name, project.slug, project.name):
        if is_text(text) and state.project_index.find(text) is project:
            return "" if text == name else text
    return project.id


def _order(
    state: SpaceState, automation: Automation, names: Mapping[str, str]
) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Return by project id what each parent deploys, and a remark for each circle cut open."""
    edges: dict[str, set[str]] = {}
    circles: list[str] = []
    pairs = set()
    for parent in automation.parents:
        child = None if parent.child is None else state.project_index.find(parent.child)
        if child is None or isinstance(child, str) or child.id == parent.project_id:
            continue
        if child.id in names and parent.project_id in names:
            pairs.add((parent.project_id, child.id))
    for parent_id, child_id in sorted(pairs):
        if _reaches(edges, child_id, parent_id):
            circles.append(
                f"{names[parent_id]} deploys {names[child_id]}, which deploys it in turn: no order"
            )
        else:
            edges.setdefault(parent_id, set()).add(child_id)
    order = {one: tuple(sorted(names[child] for child in below)) for one, below in edges.items()}
    return order, tuple(circles)


def _reaches(edges: Mapping[str, Collection[str]], start: str, goal: str) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        for one in edges.get(waiting.pop(), ()):
            if one == goal:
                return True
            if one not in seen:
                seen.add(one)
                waiting.append(one)
    return False


class _Found:
    """One reading of a space, asked environment by environment."""

    def __init__(
        self,
        state: SpaceState,
        automation: Automation,
        server: str,
        space: str,
        components: Sequence[FoundComponent],
    ) -> None:
        self._state = state
        self._automation = automation
        self._space = Space(space, server, state.space_id, None, None, _NOWHERE)
        whole = {one.name: Component(one.name, one.project_id, _NOWHERE) for one in components}
        self._stack = Stack(space, whole, _NOWHERE)
        self._pins = {name: Pin("", _NOWHERE) for name in whole}
        self._tenanted = _versions_of_tenants(state)

    def environment(
        self, one: OctopusEnvironment, name: str, protected: Callable[[str], bool]
    ) -> FoundEnvironment:
        """Judge every component there, and who else deploys it."""
        place = Environment(name, self._space.name, one.id, "", None, self._pins, _NOWHERE)
        desired = DesiredState(place, self._space, self._stack, Policy())
        observed = observe(desired, self._state, None)
        cells = sorted(observed.cells.items())
        judged = {component: self._judged(component, cell, one.id) for component, cell in cells}
        others = who_else(observed, self._state, self._automation)
        by_deployer: dict[Deployer, list[str]] = {}
        for component in sorted(others):
            for who in others[component].deployers:
                by_deployer.setdefault(who, []).append(component)
        return FoundEnvironment(
            name=name,
            id=one.id,
            reference=self._named(one),
            title=one.name,
            is_protected=protected(one.name),
            pins=tuple(pin for pin in judged.values() if isinstance(pin, FoundPin)),
            left=tuple(out for out in judged.values() if isinstance(out, LeftOut)),
            never=tuple(name for name, found in judged.items() if found is None),
            deployers=tuple((who, tuple(names)) for who, names in sorted(by_deployer.items())),
            unread=tuple(sorted({words for one in others.values() for words in one.unread})),
        )

    def _named(self, one: OctopusEnvironment) -> str:
        alike = self._state.environments_by_name.get(one.name.casefold(), ())
        return one.name if is_text(one.name) and len(alike) == 1 else one.id

    def _judged(
        self, component: str, cell: ObservedCell, environment: str
    ) -> FoundPin | LeftOut | None:
        """Return the pin of a cell, why it has none, or None where nothing was ever deployed."""
        project = cell.project
        tenants = self._tenanted.get((project.id, environment), "") if project else ""
        match cell.sighting:
            case Settled(version=version):
                if not is_pin(version):
                    return LeftOut(component, f"it runs {_quoted(version)}, which is no version")
                remarks = (
                    "a prerelease" if OctopusVersion.parse(version).prerelease else "",
                    "" if cell.newest_is_judged else "a deployment is under way",
                    f"{tenants}, which are not pinned" if tenants else "",
                )
                return FoundPin(component, version, "; ".join(filter(None, remarks)))
            case Unsettled(version=before, attempted=attempted, why=why):
                told = f"the newest attempt, of {_quoted(attempted)}, ended as {why}"
                known = before is not None and is_pin(before)
                return LeftOut(component, told, before if known else None)
            case NeverDeployed() if tenants or cell.newest is not None:
                return LeftOut(component, tenants or "its first deployment is under way")
            case NeverDeployed():
                return None
            case Unobserved(why=why) | Excluded(why=why):
                return LeftOut(component, tenants or clean(why))


def _versions_of_tenants(state: SpaceState) -> dict[tuple[str, str], str]:
    """Say for each project and environment, by their ids, what its tenants run."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for item in state.items:
        if item.tenant_id is not None and not item.is_previous:
            cell = found.setdefault((item.project_id, item.environment_id), {})
            cell.setdefault(item.version, set()).add(item.tenant_id)
    return {cell: _tenants_words(versions) for cell, versions in found.items()}


def _tenants_words(versions: Mapping[str, Collection[str]]) -> str:
    often = sorted(versions.items(), key=lambda one: (-len(one[1]), one[0]))
    told = [f"{_quoted(version)} for {len(tenants)}" for version, tenants in often[:MOST_VERSIONS]]
    if len(often) > MOST_VERSIONS:
        told.append(f"{len(often) - MOST_VERSIONS} more versions")
    return f"it is deployed to tenants: {', '.join(told)}"


def _quoted(version: str) -> str:
    return f"'{clean(version, 60)}'"
