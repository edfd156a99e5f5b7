"""Environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import (
    changed_fields,
    free_name,
    has_dependants,
    note,
    unless_refused,
)
from reconciler.simulator.paging import matching, page
from reconciler.simulator.progress import phases_of
from reconciler.simulator.records import Channel
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.ephemeralenvironments import EPHEMERAL, PARENTS, shown_in_v2
from reconciler.simulator.routes.scopevalues import scoped_only_to

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Environment, Project, Space

routes = Routes()


def environment_resource(space: Space, environment: Environment) -> dict[str, object]:
    """Return an environment as JSON."""
    own = f"/api/{space.id}/environments/{environment.id}"
    return {
        "Id": environment.id,
        "SpaceId": space.id,
        "Slug": environment.slug,
        "Name": environment.name,
        "Description": environment.description,
        "SortOrder": environment.sort_order,
        "UseGuidedFailure": environment.use_guided_failure,
        "AllowDynamicInfrastructure": False,
        "ExtensionSettings": [],
        **environment.more,
        "Links": {
            "Self": own,
            "Machines": own + "/machines{?skip,take,partialName,roles,isDisabled,healthStatuses,"
            "commStyles,tenantIds,tenantTags,shellNames,deploymentTargetTypes}",
            "SinglyScopedVariableDetails": f"{own}/singlyScopedVariableDetails",
            "Metadata": f"{own}/metadata",
        },
    }


def visible_environments(call: Call) -> list[Environment]:
    """Return the environments the caller may view, in display order."""
    held = call.demand_anywhere("EnvironmentView")
    return [each for each in call.space.environments_in_order() if held.allows(environment=each.id)]


@routes.get("environments")
def list_environments(call: Call) -> object:
    """GET /environments."""
    found = matching(call, visible_environments(call))
    return page(
        call,
        "Environment",
        found,
        lambda each: environment_resource(call.space, each),
        "{?name,skip,ids,take,partialName}",
    )


@routes.get("environments/all")
def all_environments(call: Call) -> object:
    """GET /environments/all: with a project or a channel those that its lifecycle leads to."""
    found = matching(call, visible_environments(call))
    space = call.space
    for name, records in (("projectId", space.projects), ("channelId", space.channels)):
        wanted = call.query.text(name)
        if wanted is not None:
            reached = _reached_by(space, records.get(wanted))
            found = [each for each in found if each.id in reached]
    return [environment_resource(space, each) for each in found]


def _reached_by(space: Space, owner: Project | Channel | None) -> set[str]:
    """Return the environments that a project's or a channel's lifecycle leads to."""
    if owner is None:
        return set()
    own = owner.lifecycle_id
    if own is None:
        own = space.projects[owner.project_id].lifecycle_id if isinstance(owner, Channel) else ""
    phases = phases_of(space, space.lifecycles[own])
    return {each for phase in phases for each in (*phase.automatic, *phase.optional_targets)}


@routes.get("environments/v2")
def list_environments_v2(call: Call) -> object:
    """GET /environments/v2: static, parent and ephemeral ones, every item with its `Type`."""
    wanted = {each.casefold() for each in call.query.many("type") or ()}
    every: list[tuple[Any, dict[str, object]]] = [
        (each, {**environment_resource(call.space, each), "Type": "Static"})
        for each in visible_environments(call)
    ]
    for kind in (PARENTS, EPHEMERAL):
        every += shown_in_v2(call, kind)
    shown = {
        each.id: resource
        for each, resource in every
        if not wanted or str(resource["Type"]).casefold() in wanted
    }
    found = matching(call, [each for each, _ in every if each.id in shown])
    template = "{?name,skip,ids,take,partialName,type}"
    return page(call, "Environment", found, lambda each: shown[each.id], template)


@routes.put("environments/sortorder")
def sort_environments(call: Call) -> object:
    """PUT /environments/sortorder: the ids in the wanted order; the others follow."""
    call.demand("EnvironmentEdit")
    wanted = call.json()
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise Refused(400, "Model validation failed.", ("A list of ids is required.",))
    rank = {each: at for at, each in enumerate(wanted)}
    ordered = sorted(
        call.space.environments_in_order(), key=lambda each: rank.get(each.id, len(rank))
    )
    for order, environment in enumerate(ordered):
        environment.sort_order = order
    return [each.id for each in ordered]


def environment_in(call: Call, permission: str = "EnvironmentView") -> Environment:
    """Return the environment that the path names by id or slug, if the caller may."""
    wanted = call.param("environment")
    for environment in call.space.environments.values():
        if wanted == environment.id or wanted.casefold() == environment.slug:
            call.demand(permission, environment=environment.id)
            return environment
    raise missing("Environment")


@routes.get("environments/{environment}")
def one_environment(call: Call) -> object:
    """GET /environments/{idOrSlug}."""
    return environment_resource(call.space, environment_in(call))


@routes.post("environments")
def create_environment(call: Call) -> object:
    """POST /environments: at the end of the display order."""
    call.demand("EnvironmentCreate")
    body = call.body()
    name = free_name("Environment", call.space.environments.values(), body)
    made = call.world.add_environment(call.space, name)
    with unless_refused(lambda: call.space.environments.pop(made.id)):
        _write(call, made, body)
    note(call, "Created", "Environment", name, made.id)
    return created(environment_resource(call.space, made))


@routes.put("environments/{environment}")
def change_environment(call: Call) -> object:
    """PUT /environments/{id}."""
    environment = environment_in(call, "EnvironmentEdit")
    body = call.body()
    name = free_name("Environment", call.space.environments.values(), body, own=environment)
    _write(call, environment, body)
    environment.name = name
    note(call, "Modified", "Environment", environment.name, environment.id)
    return environment_resource(call.space, environment)


def _write(call: Call, environment: Environment, body: Body) -> None:
    shown = environment_resource(call.space, environment)
    description, guided = body.text("Description") or "", body.flag("UseGuidedFailure")
    order = body.get("SortOrder")
    if order is not None and (not isinstance(order, int) or isinstance(order, bool)):
        raise Refused(400, "Model validation failed.", ("The SortOrder field has the wrong type.",))
    settled = ("Description", "UseGuidedFailure", "SortOrder")
    environment.more = changed_fields(shown, body, *settled, kept=environment.more)
    environment.description, environment.use_guided_failure = description, guided
    if order is not None and call.method == "PUT":
        environment.sort_order = order


@routes.on("DELETE", "environments/{environment}")
def delete_environment(call: Call) -> object:
    """DELETE /environments/{id}: not while a lifecycle names it, or something is or was there."""
    environment = environment_in(call, "EnvironmentDelete")
    named = (
        environment.id in (*phase.automatic, *phase.optional_targets)
        for lifecycle in call.space.lifecycles.values()
        for phase in lifecycle.phases
    )
    deployed = (cell[1] == environment.id for cell in call.space.cells)
    held = (environment.id in each.environments for each in call.space.machines.values())
    if any(named) or any(deployed) or any(held):
        raise has_dependants("Environment")
    for tenant in call.space.tenants.values():
        tenant.environments = {
            project: tuple(each for each in some if each != environment.id)
            for project, some in tenant.environments.items()
        }
    del call.space.environments[environment.id]
    note(call, "Deleted", "Environment", environment.name, environment.id)
    return environment_resource(call.space, environment)


@routes.get("environments/{environment}/metadata")
def metadata(call: Call) -> object:
    """GET /environments/{id}/metadata: settings of extensions, of which there are none."""
    environment_in(call)
    return []


@routes.get("environments/{environment}/singlyScopedVariableDetails")
def scoped_variables(call: Call) -> object:
    """GET /environments/{id}/singlyScopedVariableDetails: variables for this one alone."""
    environment = environment_in(call)
    return scoped_only_to(call, "Environment", environment.id)
