"""Variable sets of projects, live and frozen. Sensitive values never leave the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space, VariableSet

routes = Routes()


def variable_set_resource(space: Space, found: VariableSet) -> dict[str, object]:
    """Return a variable set as JSON; values of sensitive variables are null."""
    return {
        "Id": found.id,
        "SpaceId": space.id,
        "OwnerId": found.owner_id,
        "Version": found.version,
        "Variables": [
            {**each, "Value": None} if each.get("IsSensitive") else each for each in found.variables
        ],
        "ScopeValues": {
            "Environments": [
                {"Id": each.id, "Name": each.name} for each in space.environments_in_order()
            ],
            "Machines": [],
            "Actions": [],
            "Roles": [],
            "Channels": [],
            "TenantTags": [],
            "Processes": [],
        },
        "Links": {
            "Self": f"/api/{space.id}/variables/{found.id}",
            "Project": f"/api/{space.id}/projects/{found.owner_id}",
        },
    }


@routes.get("variables/{set}")
def one_set(call: Call) -> object:
    """GET /variables/{setId}, snapshots too."""
    found = call.space.variables.get(call.param("set"))
    if found is None:
        raise Refused(404, "The variable set doesn't exist.")
    call.demand("VariableViewUnscoped", call.space.projects[found.owner_id])
    return variable_set_resource(call.space, found)


@routes.get("projects/{project}/variables")
def set_of_project(call: Call) -> object:
    """GET /projects/{id}/variables."""
    project = project_in(call)
    call.demand("VariableViewUnscoped", project)
    return variable_set_resource(call.space, call.space.variables[project.variable_set_id])


@routes.get("projects/{project}/releases/{release}/variables")
def sets_of_release(call: Call) -> object:
    """GET /projects/{p}/releases/{r}/variables: the frozen sets of a release."""
    project = project_in(call)
    call.demand("VariableViewUnscoped", project)
    wanted = call.param("release")
    release = call.space.releases.get(wanted) or release_named(project, wanted)
    return [variable_set_resource(call.space, call.space.variables[release.variable_snapshot_id])]
