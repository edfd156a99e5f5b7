"""Variable sets of projects and libraries, live and frozen. Sensitive values never leave."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.changes import note, without_secrets
from reconciler.simulator.permissions import refuse
from reconciler.simulator.records import LibrarySet, Project
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.scopevalues import scope_values
from reconciler.simulator.scopes import allows, read_scope
from reconciler.simulator.versioncontrol import commit_message, save_variables
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import VariableSet

__all__ = [
    "demand_view",
    "routes",
    "seen_variables",
    "shown_variable",
    "variable_set_resource",
    "write_variables",
]

routes = Routes()

_PROMPT: dict[str, Any] = {
    "Label": "",
    "Description": "",
    "Required": False,
    "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
}


def owner_of(call: Call, found: VariableSet) -> Project | LibrarySet:
    """Return the project or the library set that a variable set belongs to."""
    library = call.space.library_sets.get(found.owner_id)
    return library or call.space.projects[found.owner_id]


def _covers(call: Call, owner: Project | LibrarySet, verb: str, scope: dict[str, Any]) -> bool:
    """Tell whether the caller may `View` or `Edit` a variable of that scope."""
    if isinstance(owner, LibrarySet):
        return call.access(f"LibraryVariableSet{verb}").anything
    scoped, unscoped = call.access(f"Variable{verb}"), call.access(f"Variable{verb}Unscoped")
    return allows(scope, owner, scoped, unscoped)


def demand_view(call: Call, owner: Project | LibrarySet) -> None:
    """Let the request pass when the caller may look at the set of a project or a library."""
    if isinstance(owner, LibrarySet):
        call.demand_anywhere("LibraryVariableSetView")
    else:
        call.demand("VariableViewUnscoped", owner)


def _demand_edit(call: Call, owner: Project | LibrarySet) -> None:
    """Let the request pass when the caller may change some of the variables."""
    if isinstance(owner, LibrarySet):
        call.demand_anywhere("LibraryVariableSetEdit")
        return
    scoped = call.access("VariableEdit")
    if not any(scoped.allows(owner, each) for each in call.space.environments):
        call.demand("VariableEditUnscoped", owner)


def seen_variables(call: Call, found: VariableSet) -> list[dict[str, Any]]:
    """Return the variables of a set that the caller may view."""
    owner = owner_of(call, found)
    return [each for each in found.variables if _covers(call, owner, "View", each["Scope"])]


def shown_variable(variable: dict[str, Any], *, is_editable: bool = True) -> dict[str, Any]:
    """Return a variable as JSON; the value of a sensitive one is null."""
    value = None if variable["IsSensitive"] else variable["Value"]
    return {**variable, "Value": value, "IsEditable": is_editable}


def variable_set_resource(
    call: Call, found: VariableSet, own: str | None = None
) -> dict[str, object]:
    """Return what the caller may see of a variable set as JSON; `own` is its address in git."""
    space, owner = call.space, owner_of(call, found)
    kind = "LibraryVariableSet" if isinstance(owner, LibrarySet) else "Project"
    return {
        "Id": found.id,
        "SpaceId": space.id,
        "OwnerId": found.owner_id,
        "Version": found.version,
        "Variables": [
            shown_variable(
                each,
                is_editable=not found.is_frozen and _covers(call, owner, "Edit", each["Scope"]),
            )
            for each in seen_variables(call, found)
        ],
        "ScopeValues": scope_values(call, owner),
        "Links": {
            "Self": own or f"/api/{space.id}/variables/{found.id}",
            kind: f"/api/{space.id}/{kind.lower()}s/{found.owner_id}",
        },
    }


def _set_in(call: Call) -> VariableSet:
    found = call.space.variables.get(call.param("set"))
    if found is None:
        raise Refused(404, "The variable set doesn't exist.")
    return found


@routes.get("variables/{set}")
def one_set(call: Call) -> object:
    """GET /variables/{setId}, snapshots too."""
    found = _set_in(call)
    demand_view(call, owner_of(call, found))
    return variable_set_resource(call, found)


@routes.get("variables/all")
def all_sets(call: Call) -> object:
    """GET /variables/all: the live sets that the caller may look at; by ids frozen ones too."""
    wanted = call.query.many("ids")
    shown: list[object] = []
    for found in call.space.variables.values():
        if found.is_frozen if wanted is None else found.id not in wanted:
            continue
        try:
            demand_view(call, owner_of(call, found))
        except Refused:
            continue
        shown.append(variable_set_resource(call, found))
    return shown


@routes.get("projects/{project}/variables")
def set_of_project(call: Call) -> object:
    """GET /projects/{id}/variables."""
    project = project_in(call)
    demand_view(call, project)
    return variable_set_resource(call, call.space.variables[project.variable_set_id])


@routes.get("projects/{project}/releases/{release}/variables")
def sets_of_release(call: Call) -> object:
    """GET /projects/{p}/releases/{r}/variables: the frozen sets of a release."""
    project = project_in(call)
    demand_view(call, project)
    wanted = call.param("release")
    release = call.space.releases.get(wanted) or release_named(project, wanted)
    if release.project_id != project.id:
        raise missing("Release")
    ids = (release.variable_snapshot_id, *release.library_snapshot_ids)
    return [variable_set_resource(call, call.space.variables[each]) for each in ids]


@routes.put("variables/{set}")
def change_set(call: Call) -> object:
    """PUT /variables/{setId}: all variables at once, for the version that was read."""
    return write_variables(call, _set_in(call))


@routes.put("projects/{project}/variables")
def change_set_of_project(call: Call) -> object:
    """PUT /projects/{id}/variables."""
    return write_variables(call, call.space.variables[project_in(call).variable_set_id])


def write_variables(
    call: Call, found: VariableSet, branch: str | None = None, own: str | None = None
) -> dict[str, object]:
    """Write a set; of a project with variables in git onto a branch, else the default one."""
    owner = owner_of(call, found)
    _demand_edit(call, owner)
    body = call.body().resource()
    if found.is_frozen:
        raise Refused(
            400,
            "You cannot modify this variable set because the set is frozen. You'll need to create "
            "a new variable set instead.",
        )
    if body.get("Version") != found.version:
        raise Refused(
            400,
            "Changes to these variables could not be saved, because another user has made changes "
            "to the variables between when you started editing and when you saved your changes. "
            "Please reload or open a new tab to make your changes.",
        )
    before = {each["Id"]: each for each in found.variables}
    made = [_variable(each, before) for each in body.bodies("Variables")]
    if len({each["Id"] for each in made}) < len(made):
        raise Refused(400, "Variable ids must be unique.")
    kept = _permitted(call, owner, before, made)
    repository = owner.repository if isinstance(owner, Project) else None
    if isinstance(owner, Project) and repository is not None and repository.has_variables:
        branch = branch or repository.default_branch
        message = commit_message(call.body())
        found = save_variables(call.space, owner, repository, branch, message, call.now, kept)
    else:
        found.variables = kept
        found.version += 1
    kind = "library variable set" if isinstance(owner, LibrarySet) else "project"
    note(call, "Modified", f"Variables of {kind}", owner.name, found.id, owner.id)
    return variable_set_resource(call, found, own)


def _permitted(
    call: Call,
    owner: Project | LibrarySet,
    before: dict[str, dict[str, Any]],
    made: list[dict[str, Any]],
) -> tuple[dict[str, Any], ...]:
    """Return what is written, with what the caller may not change as it was."""
    fixed = {
        own: each
        for own, each in before.items()
        if not (
            _covers(call, owner, "Edit", each["Scope"])
            and _covers(call, owner, "View", each["Scope"])
        )
    }
    for each in made:
        if each["Id"] not in fixed and not _covers(call, owner, "Edit", each["Scope"]):
            raise refuse("VariableEdit", f"{owner.name}, variable {each['Name']}")
    written = {each["Id"]: fixed.get(each["Id"], each) for each in made}
    return tuple((written | fixed).values())


def _variable(body: Body, before: dict[str, dict[str, Any]]) -> dict[str, Any]:
    kind = body.text("Type") or "String"
    is_sensitive = body.flag("IsSensitive") or kind == "Sensitive"
    own = body.text("Id") or str(uuid.uuid4())
    value = body.get("Value")
    if value is not None and not isinstance(value, str):
        raise Refused(400, "Model validation failed.", ("The Value field has the wrong type.",))
    if is_sensitive and value is None:
        value = before.get(own, {}).get("Value")
    scope = read_scope(body.get("Scope") or {})
    prompt = _prompt(body.get("Prompt"))
    if prompt is not None and scope.keys() - {"Environment"}:
        raise Refused(400, "Prompted variables cannot be scoped to anything except an environment.")
    return {
        "Id": own,
        "Name": body.need("Name"),
        "Value": value,
        "Description": body.text("Description"),
        "Scope": scope,
        "IsEditable": True,
        "Prompt": prompt,
        "Type": "Sensitive" if is_sensitive else kind,
        "IsSensitive": is_sensitive,
    }


def _prompt(written: Any) -> dict[str, Any] | None:
    if written is None:
        return None
    if not isinstance(written, dict):
        raise Refused(400, "Model validation failed.", ("The Prompt field has the wrong type.",))
    low = {name.casefold(): without_secrets(value) for name, value in written.items()}
    given = {name: low.get(name.casefold()) for name in _PROMPT}
    return {name: _PROMPT[name] if value is None else value for name, value in given.items()}
