"""Environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Environment, Space

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
    """GET /environments/all."""
    found = matching(call, visible_environments(call))
    return [environment_resource(call.space, each) for each in found]


@routes.get("environments/v2")
def list_environments_v2(call: Call) -> object:
    """GET /environments/v2: as the list, every item with its `Type`."""
    wanted = call.query.text("type")
    found = matching(call, visible_environments(call))
    if wanted is not None and wanted.casefold() != "static":
        found = []
    return page(
        call,
        "Environment",
        found,
        lambda each: {**environment_resource(call.space, each), "Type": "Static"},
        "{?skip,take,ids,partialName,type}",
    )


@routes.get("environments/{environment}")
def one_environment(call: Call) -> object:
    """GET /environments/{idOrSlug}."""
    wanted = call.param("environment")
    for environment in call.space.environments.values():
        if wanted == environment.id or wanted.casefold() == environment.slug:
            call.demand("EnvironmentView", environment=environment.id)
            return environment_resource(call.space, environment)
    raise missing("Environment")
