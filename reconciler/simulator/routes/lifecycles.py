"""Lifecycles and the progress of releases through them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.progress import phases_of
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_resource, visible_projects

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Lifecycle, Phase, Space

routes = Routes()


def phase_resource(phase: Phase) -> dict[str, object]:
    """Return a phase as JSON."""
    return {
        "Id": phase.id,
        "Name": phase.name,
        "AutomaticDeploymentTargets": list(phase.automatic),
        "OptionalDeploymentTargets": list(phase.optional_targets),
        "MinimumEnvironmentsBeforePromotion": phase.minimum,
        "IsOptionalPhase": phase.is_optional,
        "IsPriorityPhase": False,
        "ReleaseRetentionPolicy": None,
        "TentacleRetentionPolicy": None,
    }


def lifecycle_resource(
    space: Space, lifecycle: Lifecycle, phases: tuple[Phase, ...]
) -> dict[str, object]:
    """Return a lifecycle as JSON with these phases."""
    own = f"/api/{space.id}/lifecycles/{lifecycle.id}"
    forever = {"Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True}
    return {
        "Id": lifecycle.id,
        "SpaceId": space.id,
        "Name": lifecycle.name,
        "Description": lifecycle.description,
        "ReleaseRetentionPolicy": {"Strategy": "Forever", **forever},
        "TentacleRetentionPolicy": {"Strategy": "Forever", **forever},
        "Phases": [phase_resource(phase) for phase in phases],
        "Links": {
            "Self": own,
            "Preview": f"{own}/preview",
            "Projects": f"{own}/projects",
        },
    }


def _plain(space: Space, lifecycle: Lifecycle) -> dict[str, object]:
    return lifecycle_resource(space, lifecycle, lifecycle.phases)


def _filled(space: Space, lifecycle: Lifecycle) -> dict[str, object]:
    return lifecycle_resource(space, lifecycle, phases_of(space, lifecycle))


def _visible(call: Call) -> list[Lifecycle]:
    call.demand("LifecycleView")
    return matching(call, sorted(call.space.lifecycles.values(), key=by_name))


def _lifecycle_in(call: Call) -> Lifecycle:
    call.demand("LifecycleView")
    lifecycle = call.space.lifecycles.get(call.param("lifecycle"))
    if lifecycle is None:
        raise missing("Lifecycle")
    return lifecycle


@routes.get("lifecycles")
def list_lifecycles(call: Call) -> object:
    """GET /lifecycles."""
    return page(call, "Lifecycle", _visible(call), lambda each: _plain(call.space, each))


@routes.get("lifecycles/all")
def all_lifecycles(call: Call) -> object:
    """GET /lifecycles/all."""
    return [_plain(call.space, each) for each in _visible(call)]


@routes.get("lifecycles/previews")
def lifecycle_previews(call: Call) -> object:
    """GET /lifecycles/previews: every lifecycle with its phases filled in."""
    return [_filled(call.space, each) for each in _visible(call)]


@routes.get("lifecycles/{lifecycle}")
def one_lifecycle(call: Call) -> object:
    """GET /lifecycles/{id}."""
    return _plain(call.space, _lifecycle_in(call))


@routes.get("lifecycles/{lifecycle}/preview")
def lifecycle_preview(call: Call) -> object:
    """GET /lifecycles/{id}/preview: phases filled in."""
    return _filled(call.space, _lifecycle_in(call))


@routes.get("lifecycles/{lifecycle}/projects")
def projects_of_lifecycle(call: Call) -> object:
    """GET /lifecycles/{id}/projects."""
    lifecycle = _lifecycle_in(call)
    return [
        project_resource(call.space, each)
        for each in visible_projects(call)
        if each.lifecycle_id == lifecycle.id
    ]
