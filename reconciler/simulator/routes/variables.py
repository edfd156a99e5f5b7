"""Variable sets of projects, live and frozen. Sensitive values never leave the server."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import note, without_secrets
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
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


@routes.put("variables/{set}")
def change_set(call: Call) -> object:
    """PUT /variables/{setId}: all variables at once, for the version that was read."""
    found = call.space.variables.get(call.param("set"))
    if found is None:
        raise Refused(404, "The variable set doesn't exist.")
    return _write(call, found)


@routes.put("projects/{project}/variables")
def change_set_of_project(call: Call) -> object:
    """PUT /projects/{id}/variables."""
    return _write(call, call.space.variables[project_in(call).variable_set_id])


def _write(call: Call, found: VariableSet) -> dict[str, object]:
    project = call.space.projects[found.owner_id]
    call.demand("VariableEditUnscoped", project)
    body = call.body()
    if found.is_frozen:
        raise Refused(400, "You cannot modify this variable set because the set is frozen.")
    if body.get("Version") != found.version:
        raise Refused(
            400,
            "Changes to these variables could not be saved, because another user has made changes "
            "to the variables between when you started editing and when you saved your changes. "
            "Please reload or open a new tab to make your changes.",
        )
    before = {each["Id"]: each for each in found.variables}
    made = tuple(_variable(each, before) for each in body.bodies("Variables"))
    if len({each["Id"] for each in made}) < len(made):
        raise Refused(400, "Variable ids must be unique.")
    found.variables = made
    found.version += 1
    note(call, "Modified", "Variables of project", project.name, found.id, project.id)
    return variable_set_resource(call.space, found)


def _variable(body: Body, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    kind = body.text("Type") or "String"
    is_sensitive = body.flag("IsSensitive") or kind == "Sensitive"
    own = body.text("Id") or str(uuid.uuid4())
    value = body.get("Value")
    if value is not None and not isinstance(value, str):
        raise Refused(400, "Model validation failed.", ("The Value field has the wrong type.",))
    if is_sensitive and value is None:
        value = before.get(own, {}).get("Value")
    scope, prompt = body.get("Scope") or {}, body.get("Prompt")
    if not isinstance(scope, dict) or not all(_is_texts(each) for each in scope.values()):
        raise Refused(400, "Model validation failed.", ("The Scope field has the wrong type.",))
    if prompt is not None and scope.keys() - {"Environment"}:
        raise Refused(400, "Prompted variables cannot be scoped to anything except an environment.")
    return {
        "Id": own,
        "Name": body.need("Name"),
        "Value": value,
        "Description": body.text("Description"),
        "Scope": scope,
        "IsEditable": True,
        "Prompt": without_secrets(prompt),
        "Type": "Sensitive" if is_sensitive else kind,
        "IsSensitive": is_sensitive,
    }


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
