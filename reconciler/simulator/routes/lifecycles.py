"""Lifecycles and the progress of releases through them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import (
    changed_fields,
    free_name,
    has_dependants,
    note,
    unless_refused,
)
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.progress import phases_of
from reconciler.simulator.records import Phase
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.routes.projects import visible_projects

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Lifecycle, Space

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
        **phase.more,
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
        **lifecycle.more,
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


@routes.post("lifecycles")
def create_lifecycle(call: Call) -> object:
    """POST /lifecycles."""
    call.demand("LifecycleCreate")
    body = call.body()
    name = free_name("Lifecycle", call.space.lifecycles.values(), body)
    phases = _phases(call, body)
    made = call.world.add_lifecycle(call.space, name, phases)
    with unless_refused(lambda: call.space.lifecycles.pop(made.id)):
        _write(call, made, body)
    note(call, "Created", "Lifecycle", name, made.id)
    return created(_plain(call.space, made))


@routes.put("lifecycles/{lifecycle}")
def change_lifecycle(call: Call) -> object:
    """PUT /lifecycles/{id}: releases follow the new phases from now on."""
    lifecycle = _lifecycle_in(call)
    call.demand("LifecycleEdit")
    body = call.body()
    name = free_name("Lifecycle", call.space.lifecycles.values(), body, own=lifecycle)
    phases = _phases(call, body)
    _write(call, lifecycle, body)
    lifecycle.phases, lifecycle.name = phases, name
    note(call, "Modified", "Lifecycle", name, lifecycle.id)
    return _plain(call.space, lifecycle)


def _write(call: Call, lifecycle: Lifecycle, body: Body) -> None:
    description, shown = body.text("Description") or "", _plain(call.space, lifecycle)
    lifecycle.more = changed_fields(shown, body, "Description", "Phases", kept=lifecycle.more)
    lifecycle.description = description


def _phases(call: Call, body: Body) -> tuple[Phase, ...]:
    phases = tuple(_phase(call, each) for each in body.bodies("Phases"))
    targets = [each for phase in phases for each in (*phase.automatic, *phase.optional_targets)]
    twice = next((each for each in targets if targets.count(each) > 1), None)
    if twice is not None:
        raise Refused(
            400, "Model validation failed.", (f"Environment {twice} is in the phases twice.",)
        )
    return phases


def _phase(call: Call, body: Body) -> Phase:
    name = body.need("Name")
    automatic = body.texts("AutomaticDeploymentTargets")
    optional = body.texts("OptionalDeploymentTargets")
    for target in (*automatic, *optional):
        if target not in call.space.environments:
            raise missing("Environment")
    minimum = body.get("MinimumEnvironmentsBeforePromotion") or 0
    if not isinstance(minimum, int) or isinstance(minimum, bool) or minimum < 0:
        raise Refused(
            400,
            "Model validation failed.",
            ("The MinimumEnvironmentsBeforePromotion field has the wrong type.",),
        )
    phase = Phase(
        body.text("Id") or str(uuid.uuid4()),
        name,
        automatic=automatic,
        optional_targets=optional,
        minimum=minimum,
        is_optional=body.flag("IsOptionalPhase"),
    )
    settled = ("AutomaticDeploymentTargets", "OptionalDeploymentTargets", "IsOptionalPhase")
    minimum_name = "MinimumEnvironmentsBeforePromotion"
    phase.more = changed_fields(phase_resource(phase), body, *settled, minimum_name)
    return phase


@routes.on("DELETE", "lifecycles/{lifecycle}")
def delete_lifecycle(call: Call) -> object:
    """DELETE /lifecycles/{id}: one that no project and no channel follows."""
    lifecycle = _lifecycle_in(call)
    call.demand("LifecycleDelete")
    used = {each.lifecycle_id for each in call.space.projects.values()}
    used |= {each.lifecycle_id or "" for each in call.space.channels.values()}
    if lifecycle.id in used:
        raise has_dependants("Lifecycle")
    del call.space.lifecycles[lifecycle.id]
    note(call, "Deleted", "Lifecycle", lifecycle.name, lifecycle.id)
    return _plain(call.space, lifecycle)
