"""Project triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import created, missing
from reconciler.simulator.changes import free_name, note
from reconciler.simulator.firing import add_trigger, arm
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.triggers import SCHEDULES, category_of, read_parts

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Project, Space, Trigger

routes = Routes()

_ONE = ("projecttriggers/{trigger}", "projects/{project}/triggers/{trigger}")


def trigger_resource(space: Space, trigger: Trigger) -> dict[str, object]:
    """Return a trigger as JSON."""
    home = f"/api/{space.id}"
    return {
        "Id": trigger.id,
        "SpaceId": space.id,
        "ProjectId": trigger.project_id,
        "Name": trigger.name,
        "Description": trigger.description,
        "IsDisabled": trigger.is_disabled,
        "Filter": trigger.filter,
        "Action": trigger.action,
        "Links": {
            "Self": f"{home}/projecttriggers/{trigger.id}",
            "Project": f"{home}/projects/{trigger.project_id}",
        },
    }


def _page(call: Call, found: list[Trigger], template: str) -> object:
    return page(
        call, "ProjectTrigger", found, lambda each: trigger_resource(call.space, each), template
    )


@routes.get("projecttriggers")
def list_triggers(call: Call) -> object:
    """GET /projecttriggers: of every project the caller may."""
    held = call.demand_anywhere("TriggerView")
    projects = call.space.projects
    seen = [each for each in call.space.triggers.values() if held.allows(projects[each.project_id])]
    runbooks = call.query.many("runbooks")
    if runbooks is not None:
        seen = [each for each in seen if each.action.get("RunbookId") in runbooks]
    return _page(call, matching(call, sorted(seen, key=by_name)), "{/id}{?skip,take,ids,runbooks}")


def _of_project(call: Call) -> list[Trigger]:
    project = project_in(call)
    call.demand("TriggerView", project)
    query = call.query
    kind = query.text("triggerActionType")
    category = query.text("triggerActionCategory")
    runbooks = query.many("runbooks")
    found = [each for each in call.space.triggers.values() if each.project_id == project.id]
    return [
        each
        for each in matching(call, sorted(found, key=by_name))
        if (kind is None or each.action["ActionType"].casefold() == kind.casefold())
        and (category is None or category_of(each).casefold() == category.casefold())
        and (runbooks is None or each.action.get("RunbookId") in runbooks)
    ]


@routes.get("projects/{project}/triggers")
def triggers_of_project(call: Call) -> object:
    """GET /projects/{id}/triggers: filtered by name, action, category and runbook."""
    template = "{/id}{?skip,take,partialName,triggerActionType,triggerActionCategory,runbooks}"
    return _page(call, _of_project(call), template)


@routes.get("projects/{project}/triggers/scheduled")
def scheduled_of_project(call: Call) -> object:
    """GET /projects/{id}/triggers/scheduled: those with a schedule."""
    found = [each for each in _of_project(call) if each.filter["FilterType"] in SCHEDULES]
    return _page(call, found, "{?skip,take,partialName}")


@routes.get("scheduledprojecttriggers")
def all_scheduled(call: Call) -> object:
    """GET /scheduledprojecttriggers: of every project that the caller sees, by name."""
    held, projects = call.demand_anywhere("TriggerView"), call.space.projects
    found = [
        each
        for each in sorted(call.space.triggers.values(), key=by_name)
        if each.filter["FilterType"] in SCHEDULES and held.allows(projects[each.project_id])
    ]
    return _page(call, matching(call, found), "{/id}{?skip,take,ids}")


@routes.get("scheduledprojecttriggers/{trigger}")
def one_scheduled(call: Call) -> object:
    """GET /scheduledprojecttriggers/{id}."""
    trigger = _trigger_in(call, "TriggerView")
    if trigger.filter["FilterType"] not in SCHEDULES:
        raise missing("Project Trigger")
    return trigger_resource(call.space, trigger)


def _trigger_in(call: Call, permission: str) -> Trigger:
    trigger = call.space.triggers.get(call.param("trigger"))
    inside = project_in(call).id if "project" in (call.params or {}) else None
    if trigger is None or inside not in (None, trigger.project_id):
        raise missing("Project Trigger")
    call.demand(permission, call.space.projects[trigger.project_id])
    return trigger


@routes.get(*_ONE)
def one_trigger(call: Call) -> object:
    """GET /projecttriggers/{id}."""
    return trigger_resource(call.space, _trigger_in(call, "TriggerView"))


@routes.post("projecttriggers", "projects/{project}/triggers")
def create_trigger(call: Call) -> object:
    """POST /projecttriggers."""
    body = call.body()
    if "project" in (call.params or {}):
        project = project_in(call)
    else:
        found = call.space.projects.get(body.need("ProjectId"))
        if found is None:
            raise missing("Project")
        project = found
    call.demand("TriggerCreate", project)
    name = free_name("Trigger", _others(call, project), body)
    parts = read_parts(call.space, project, body)
    made = add_trigger(call.world, call.space, project, name, parts)
    _settle(call, made, body)
    note(call, "Created", "Trigger", name, made.id, project.id)
    return created(trigger_resource(call.space, made))


@routes.put(*_ONE)
def change_trigger(call: Call) -> object:
    """PUT /projecttriggers/{id}: its schedule begins anew."""
    trigger = _trigger_in(call, "TriggerEdit")
    project = call.space.projects[trigger.project_id]
    body = call.body()
    name = free_name("Trigger", _others(call, project), body, own=trigger)
    trigger.filter, trigger.action = read_parts(call.space, project, body)
    trigger.name = name
    _settle(call, trigger, body)
    note(call, "Modified", "Trigger", name, trigger.id, project.id)
    return trigger_resource(call.space, trigger)


@routes.on("DELETE", *_ONE)
def delete_trigger(call: Call) -> object:
    """DELETE /projecttriggers/{id}."""
    trigger = _trigger_in(call, "TriggerDelete")
    del call.space.triggers[trigger.id]
    note(call, "Deleted", "Trigger", trigger.name, trigger.id, trigger.project_id)
    return trigger_resource(call.space, trigger)


def _others(call: Call, project: Project) -> list[Trigger]:
    return [each for each in call.space.triggers.values() if each.project_id == project.id]


def _settle(call: Call, trigger: Trigger, body: Body) -> None:
    trigger.description = body.text("Description") or ""
    trigger.is_disabled = body.flag("IsDisabled")
    arm(call.world, call.space, trigger)
