"""Deployment freezes, and deployments that override them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import free_name, note
from reconciler.simulator.freezing import Freeze, knows_freezes, status_of, window_at
from reconciler.simulator.paging import DEFAULT_TAKE, by_ids, by_name
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.deployments import create_from, deployment_resource
from reconciler.simulator.times import parse_time, stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes(Scope.SYSTEM)

_SCHEDULE: dict[str, Any] = {
    "Type": None,
    "Unit": 1,
    "EndType": "Never",
    "EndOnDate": None,
    "EndAfterOccurrences": None,
    "MonthlyScheduleType": None,
    "DateOfMonth": None,
    "DayNumberOfMonth": None,
    "DaysOfWeek": [],
    "DayOfWeek": None,
    "UserUtcOffsetInMinutes": 0,
}
_TYPES = ("Daily", "Weekly", "Monthly", "Annually")
_ENDS = {"Never": None, "OnDate": "EndOnDate", "AfterOccurrences": "EndAfterOccurrences"}


def freeze_resource(freeze: Freeze) -> dict[str, object]:
    """Return a freeze as JSON."""
    return {
        "Id": freeze.id,
        "Name": freeze.name,
        "Description": freeze.description,
        "Start": stamp(freeze.start),
        "End": stamp(freeze.end),
        "ProjectEnvironmentScope": freeze.scope,
        "TenantProjectEnvironmentScope": [
            {"TenantId": tenant, "ProjectId": project, "EnvironmentId": environment}
            for tenant, project, environment in freeze.tenants
        ],
        "RecurringSchedule": freeze.schedule,
        "OwnerId": freeze.owner,
        "Links": {"Self": f"/api/deploymentfreezes/{freeze.id}"},
    }


def _known(call: Call) -> None:
    """Answer as a server that has no freezes yet, where it is that old."""
    if not knows_freezes(call.world):
        raise Refused(404, "The resource you requested was not found.")


@routes.get("deploymentfreezes")
def list_freezes(call: Call) -> object:
    """GET /deploymentfreezes: this list has an envelope of its own, `Count` before paging."""
    _known(call)
    query = call.query
    found = by_ids(call, sorted(call.world.freezes.values(), key=by_name))
    part = (query.text("partialName") or "").casefold()
    at = query.text("effectiveDate")
    moment = parse_time(at, name="effectiveDate") if at else call.now
    projects, environments = query.many("projectIds"), query.many("environmentIds")
    tenants, status = query.many("tenantIds"), (query.text("status") or "").casefold()
    kept = [
        each
        for each in found
        if part in each.name.casefold()
        and (projects is None or projects & {*each.scope, *(one[1] for one in each.tenants)})
        and (environments is None or environments & _environments(each))
        and (tenants is None or tenants & {one[0] for one in each.tenants})
        and (query.flag("includeComplete") is not False or status_of(each, moment) != "Complete")
        and (not status or status_of(each, moment).casefold() == status)
        and (at is None or window_at(each, moment) is not None)
    ]
    skip, take = query.number("skip", 0), query.number("take", DEFAULT_TAKE)
    items = [freeze_resource(each) for each in kept[skip : skip + take]]
    return {"DeploymentFreezes": items, "Count": len(kept)}


def _environments(freeze: Freeze) -> set[str]:
    inside = {each for many in freeze.scope.values() for each in many}
    return inside | {one[2] for one in freeze.tenants}


def _freeze_in(call: Call) -> Freeze:
    _known(call)
    found = call.world.freezes.get(call.param("freeze"))
    if found is None:
        raise Refused(404, "The Deployment Freeze doesn't exist.")
    return found


@routes.get("deploymentfreezes/{freeze}")
def one_freeze(call: Call) -> object:
    """GET /deploymentfreezes/{id}."""
    return freeze_resource(_freeze_in(call))


@routes.post("deploymentfreezes")
def create_freeze(call: Call) -> object:
    """POST /deploymentfreezes."""
    _known(call)
    call.demand_system("DeploymentFreezeAdminister")
    body = call.body()
    name = free_name("Deployment freeze", call.world.freezes.values(), body)
    fields = _read(call, body)
    made = Freeze(call.world.new_id("DeploymentFreezes"), name, **fields)
    call.world.freezes[made.id] = made
    note(call, "Created", "Deployment freeze", name, made.id)
    return created(freeze_resource(made))


@routes.put("deploymentfreezes/{freeze}")
def change_freeze(call: Call) -> object:
    """PUT /deploymentfreezes/{id}."""
    freeze = _freeze_in(call)
    call.demand_system("DeploymentFreezeAdminister")
    body = call.body()
    name = free_name("Deployment freeze", call.world.freezes.values(), body, own=freeze)
    for field, value in _read(call, body).items():
        setattr(freeze, field, value)
    freeze.name = name
    note(call, "Modified", "Deployment freeze", name, freeze.id)
    return freeze_resource(freeze)


@routes.on("DELETE", "deploymentfreezes/{freeze}")
def delete_freeze(call: Call) -> object:
    """DELETE /deploymentfreezes/{id}."""
    freeze = _freeze_in(call)
    call.demand_system("DeploymentFreezeAdminister")
    del call.world.freezes[freeze.id]
    note(call, "Deleted", "Deployment freeze", freeze.name, freeze.id)
    return freeze_resource(freeze)


def _read(call: Call, body: Body) -> dict[str, Any]:
    """Return the fields of a written freeze besides its name.

    Raises:
        Refused: 400 for what is missing, of a wrong type, or ends before it begins.
    """
    start = parse_time(body.need("Start"), name="Start")
    end = parse_time(body.need("End"), name="End")
    if end <= start:
        raise _bad("The end of a deployment freeze must be after its start.")
    given = body.get("ProjectEnvironmentScope")
    scope = {} if given is None else given
    if not isinstance(scope, dict):
        raise _bad("The ProjectEnvironmentScope field has the wrong type.")
    projects = {each for space in call.world.spaces.values() for each in space.projects}
    for project in scope:
        if project not in projects:
            raise _bad(f"The project '{project}' does not exist.")
    return {
        "start": start,
        "end": end,
        "description": body.text("Description") or "",
        "scope": {str(name): list(Body(scope).texts(str(name))) for name in scope},
        "tenants": tuple(
            (each.need("TenantId"), each.need("ProjectId"), each.need("EnvironmentId"))
            for each in body.bodies("TenantProjectEnvironmentScope")
        ),
        "schedule": _schedule(body),
        "owner": body.text("OwnerId"),
    }


def _schedule(body: Body) -> dict[str, Any] | None:
    given = body.get("RecurringSchedule")
    if given is None:
        return None
    if not isinstance(given, dict):
        raise _bad("The RecurringSchedule field has the wrong type.")
    part = Body(given)
    made = {
        name: default if part.get(name) is None else part.get(name)
        for name, default in _SCHEDULE.items()
    }
    if made["Type"] not in _TYPES:
        raise _bad(f"A schedule is one of {', '.join(_TYPES)}.")
    if made["EndType"] not in _ENDS:
        raise _bad(f"The end of a schedule is one of {', '.join(_ENDS)}.")
    needed = _ENDS[made["EndType"]]
    if needed is not None and made[needed] is None:
        raise _bad(f"The {needed} field is required.")
    for name in ("Unit", "EndAfterOccurrences"):
        _whole(name, made[name], least=1)
    _whole("UserUtcOffsetInMinutes", made["UserUtcOffsetInMinutes"], least=-1440)
    part.texts("DaysOfWeek")
    for name in ("DateOfMonth", "DayNumberOfMonth", "DayOfWeek", "EndOnDate"):
        part.text(name)
    return made


def _whole(name: str, value: object, *, least: int) -> None:
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= 10_000:
        raise _bad(f"The {name} field must be a whole number from {least} to 10000.")


def _bad(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))


@routes.post("deployments/override", scope=Scope.SPACE)
def override(call: Call) -> object:
    """POST /deployments/override: a deployment in spite of the freezes that it names by id."""
    _known(call)
    call.demand_system("DeploymentFreezeAdminister")
    body = call.body()
    command = body.get("CreateDeploymentCommand")
    if not isinstance(command, dict):
        raise _bad("The CreateDeploymentCommand field is required.")
    reason = body.need("Reason")
    named = body.texts("FreezeIds")
    if not named:
        raise _bad("The FreezeIds field is required.")
    for each in named:
        if each not in call.world.freezes:
            raise Refused(404, "The Deployment Freeze doesn't exist.")
    made = create_from(call, Body(command), lifted=frozenset(named))
    names = ", ".join(call.world.freezes[each].name for each in named)
    note(call, "Modified", "Deployment freeze", f"{names} overridden ({reason})", made.id, *named)
    return created({"Deployment": deployment_resource(call.space, made)})
