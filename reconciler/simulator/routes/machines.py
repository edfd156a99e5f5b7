"""Deployment targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants
from reconciler.simulator.chores import queue_chore
from reconciler.simulator.machinery import add_machine, happened
from reconciler.simulator.paging import page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import Routes
from reconciler.simulator.routes import machineparts as parts
from reconciler.simulator.routes.environments import environment_in
from reconciler.simulator.routes.machinetasks import tasks_on
from reconciler.simulator.routes.scopevalues import scoped_only_to

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.fleet import Machine
    from reconciler.simulator.permissions import Access

__all__ = ["machine_resource", "routes", "visible_machines"]

routes = Routes()

_TEMPLATE = (
    "{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,commStyles,tenantIds,"
    "tenantTags,environmentIds,thumbprint,deploymentId,shellNames,deploymentTargetTypes}"
)
_MODES = ("Untenanted", "TenantedOrUntenanted", "Tenanted")


def machine_resource(call: Call, machine: Machine) -> dict[str, Any]:
    """Return a deployment target as JSON."""
    made = parts.common_fields(call.world, call.space, machine)
    own = made["Links"]["Self"]
    return {
        **made,
        "EnvironmentIds": list(machine.environments),
        "Roles": list(machine.roles),
        "TenantedDeploymentParticipation": machine.participation,
        "TenantIds": list(machine.tenants),
        "TenantTags": list(machine.tenant_tags),
        "Links": {
            **made["Links"],
            "SinglyScopedVariableDetails": f"{own}/singlyScopedVariableDetails",
        },
    }


def _may(held: Access, machine: Machine) -> bool:
    tenants = machine.tenants or (None,)
    return any(
        held.allows(environment=environment, tenant=tenant)
        for environment in machine.environments
        for tenant in tenants
    )


def visible_machines(call: Call) -> list[Machine]:
    """Return the deployment targets the caller may view."""
    held = call.demand_anywhere("MachineView")
    return [each for each in call.space.machines.values() if _may(held, each)]


def _page(call: Call, found: list[Machine], template: str = _TEMPLATE) -> object:
    return page(
        call,
        "DeploymentTarget",
        parts.chosen(call, found),
        lambda each: machine_resource(call, each),
        template,
    )


@routes.get("machines")
def list_machines(call: Call) -> object:
    """GET /machines."""
    return _page(call, visible_machines(call))


@routes.get("machines/all")
def all_machines(call: Call) -> object:
    """GET /machines/all."""
    return [machine_resource(call, each) for each in parts.chosen(call, visible_machines(call))]


@routes.get("environments/{environment}/machines")
def machines_of_environment(call: Call) -> object:
    """GET /environments/{id}/machines."""
    environment = environment_in(call)
    found = [each for each in visible_machines(call) if environment.id in each.environments]
    return _page(call, found, "{?skip,take,partialName,roles,isDisabled,healthStatuses,commStyles}")


@routes.get("machineroles/all")
def machine_roles(call: Call) -> object:
    """GET /machineroles/all: every role that a target has."""
    found = {role for each in visible_machines(call) for role in each.roles}
    return sorted(found, key=lambda role: (role.casefold(), role))


@routes.get("machines/discover")
def discover_machine(call: Call) -> object:
    """GET /machines/discover: what answers at a host and port."""
    call.demand_anywhere("MachineCreate")
    return parts.discover(call)


@routes.get("machines/hosted")
def hosted(call: Call) -> object:
    """GET /machines/hosted: no target is Octopus' own."""
    call.demand_anywhere("MachineView")
    return []


@routes.get("machines/operatingsystem/names/all")
def systems(call: Call) -> object:
    """GET /machines/operatingsystem/names/all: of targets that were checked."""
    return ["Linux"] if any(each.last_checked for each in visible_machines(call)) else []


@routes.get("machines/operatingsystem/shells/all")
def shells(call: Call) -> object:
    """GET /machines/operatingsystem/shells/all: of targets that were checked."""
    return ["Bash"] if any(each.last_checked for each in visible_machines(call)) else []


def _machine_in(call: Call, permission: str = "MachineView") -> Machine:
    wanted = call.param("machine")
    machine = call.space.machines.get(wanted) or next(
        (each for each in call.space.machines.values() if each.slug == wanted.casefold()), None
    )
    if machine is None:
        raise missing("Machine")
    if not _may(call.access(permission), machine):
        raise refuse(permission, machine.id)
    return machine


@routes.get("machines/{machine}")
def one_machine(call: Call) -> object:
    """GET /machines/{idOrSlug}."""
    return machine_resource(call, _machine_in(call))


@routes.get("machines/{machine}/connection")
def connection(call: Call) -> object:
    """GET /machines/{id}/connection: how the last health check went."""
    return parts.connection_of(_machine_in(call))


@routes.get("machines/{machine}/tasks")
def tasks_of_machine(call: Call) -> object:
    """GET /machines/{id}/tasks: newest first, of one kind with `type`."""
    return tasks_on(call, _machine_in(call))


@routes.get("machines/{machine}/singlyScopedVariableDetails")
def scoped_variables(call: Call) -> object:
    """GET /machines/{id}/singlyScopedVariableDetails: variables for this one alone."""
    machine = _machine_in(call)
    return scoped_only_to(call, "Machine", machine.id)


def _places(call: Call, body: Body) -> dict[str, Any]:
    """Return where a written target belongs, checked."""
    environments, roles = body.texts("EnvironmentIds"), body.texts("Roles")
    for each in environments:
        if each not in call.space.environments:
            raise missing("Environment")
    if not environments:
        raise Refused(400, "Model validation failed.", ("Please select at least one environment.",))
    if not any(each.strip() for each in roles):
        raise Refused(400, "Model validation failed.", ("Please enter at least one role.",))
    mode = body.text("TenantedDeploymentParticipation") or "Untenanted"
    if mode not in _MODES:
        raise Refused(400, "Model validation failed.", (f"'{mode}' is no way to take part.",))
    return {
        "environments": tuple(dict.fromkeys(environments)),
        "roles": tuple(dict.fromkeys(roles)),
        "participation": mode,
        "tenants": body.texts("TenantIds"),
        "tenant_tags": body.texts("TenantTags"),
    }


@routes.post("machines")
def create_machine(call: Call) -> object:
    """POST /machines: and a health check of it, unless `SkipInitialHealthCheck` says no."""
    call.demand_anywhere("MachineCreate")
    body = call.body()
    space = call.space
    name = free_name("Machine", space.machines.values(), body)
    places, endpoint = _places(call, body), parts.read_endpoint(body)
    policy, is_checked = parts.policy_of(space, body), not body.flag("SkipInitialHealthCheck")
    for environment in places["environments"]:
        call.demand("MachineCreate", environment=environment)
    made = add_machine(call.world, space, name, endpoint=endpoint, user=call.user, **places)
    parts.write_common(made, machine_resource(call, made), body, policy)
    reachable = endpoint["CommunicationStyle"] != "OfflineDrop"
    if reachable and is_checked:
        arguments = {"MachineIds": [made.id]}
        queue_chore(call.world, space, "Health", f"Check health of {name}", arguments)
    return created(machine_resource(call, made))


@routes.put("machines/{machine}")
def change_machine(call: Call) -> object:
    """PUT /machines/{id}: a changed place or role is an event, and so is enabling it."""
    machine = _machine_in(call, "MachineEdit")
    body = call.body()
    name = free_name("Machine", call.space.machines.values(), body, own=machine)
    places, endpoint = _places(call, body), parts.read_endpoint(body)
    policy = parts.policy_of(call.space, body)
    moved, was_disabled = parts.has_changed(machine, places), machine.is_disabled
    machine.name, machine.endpoint = name, endpoint
    for field, value in places.items():
        setattr(machine, field, value)
    parts.write_common(machine, machine_resource(call, machine), body, policy)
    category = "MachineDeploymentRelatedPropertyWasUpdated" if moved else "Modified"
    happened(call.world, call.space, machine, category, call.user)
    if machine.is_disabled is not was_disabled:
        category = "MachineDisabled" if machine.is_disabled else "MachineEnabled"
        happened(call.world, call.space, machine, category, call.user)
    return machine_resource(call, machine)


@routes.on("DELETE", "machines/{machine}")
def delete_machine(call: Call) -> object:
    """DELETE /machines/{id}: not while something is deployed to it; there is no task for it."""
    machine = _machine_in(call, "MachineDelete")
    shown = machine_resource(call, machine)
    if parts.is_deployed_to(call.world, machine):
        raise has_dependants("Machine")
    del call.space.machines[machine.id]
    happened(call.world, call.space, machine, "MachineDeleted", call.user)
    return shown
