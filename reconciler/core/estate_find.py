"""One reading of a space, and of what deploys by itself there, turned into an estate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.estate import Estate, FoundComponent, Known, is_text
from reconciler.core.estate_cells import EstateCells
from reconciler.core.naming import key_variable, unique_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.core.deployers import Automation
    from reconciler.core.state import OctopusEnvironment, Project, SpaceState


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
    found = EstateCells(state, automation, server, space, components)
    places = _environment_names(state.environments, known)
    apart = unique_names(
        [(one.id, f"{places[one.id]}-tenants") for one in state.environments],
        known.taken | set(places.values()),
    )
    return Estate(
        space=space,
        space_id=state.space_id,
        octopus_space=state.space_name if is_text(state.space_name) else state.space_id,
        server=server,
        key_variable=key_variable(space),
        stack=known.stack or space,
        components=tuple(sorted(components, key=lambda one: (one.group.casefold(), one.name))),
        environments=tuple(
            manifest
            for one in state.environments
            for manifest in found.environments(one, places[one.id], apart[one.id], protected)
        ),
        left=tuple((one.name, "it is disabled in Octopus") for one in disabled),
        remarks=(*state.gaps, *circles),
    )


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
