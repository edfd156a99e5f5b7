"""Names of variables, and which values hold at one place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.scopevalues import scope_values
from reconciler.simulator.routes.variables import seen_variables, shown_variable
from reconciler.simulator.scopes import Place, winners
from reconciler.simulator.templates import is_given
from reconciler.simulator.tenantvalues import templates_of
from reconciler.simulator.versioncontrol import no_reference, variables_at
from reconciler.simulator.world import find

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import LibrarySet, Project, VariableSet
    from reconciler.simulator.tenancy import Tenant

routes = Routes()


def _libraries(call: Call, project: Project) -> list[LibrarySet]:
    known = call.space.library_sets
    included = project.more.get("IncludedLibraryVariableSetIds", [])
    return [known[each] for each in included if each in known]


def _project(call: Call, wanted: str) -> Project:
    project = find(call.space.projects.values(), wanted)
    if project is None:
        raise missing("Project")
    call.demand("VariableViewUnscoped", project)
    return project


def _own_set(call: Call, project: Project) -> VariableSet:
    """Return a project's variables, as the git reference has them that the query may name."""
    wanted = call.query.text("gitRef")
    if wanted is None or project.repository is None:
        return call.space.variables[project.variable_set_id]
    found = project.repository.find(wanted)
    if found is None:
        raise no_reference(wanted)
    return variables_at(call.space, project, found.commit)


@routes.get("variables/names")
def names(call: Call) -> object:
    """GET /variables/names: of a project with its library sets and templates, or of all.

    `projectEnvironmentsFilter` leaves out what is scoped to other environments.
    """
    wanted = call.query.text("project")
    if wanted is None:
        held = call.demand_anywhere("VariableViewUnscoped")
        projects = [each for each in call.space.projects.values() if held.allows(each)]
    else:
        projects = [_project(call, wanted)]
    places = call.query.many("projectEnvironmentsFilter")
    found: set[str] = set()
    for project in projects:
        sets = [_own_set(call, project)]
        owners: list[Project | LibrarySet] = [project]
        for library in _libraries(call, project):
            sets.append(call.space.variables[library.variable_set_id])
            owners.append(library)
        for each in sets:
            found.update(one["Name"] for one in each.variables if _is_for(one, places))
        found.update(one["Name"] for each in owners for one in templates_of(each))
    return sorted(found, key=str.casefold)


def _is_for(variable: dict[str, Any], places: frozenset[str] | None) -> bool:
    scope = variable["Scope"].get("Environment")
    return places is None or not scope or not places.isdisjoint(scope)


@routes.get("variables/preview")
def preview(call: Call) -> object:
    """GET /variables/preview: the one value of each name that holds at the named place."""
    call.demand_anywhere("ProjectView")
    wanted = call.query.text("project")
    if wanted is None:
        raise Refused(400, "No project was provided.")
    project, space = _project(call, wanted), call.space
    tenant = space.tenants.get(call.query.text("tenant") or "")
    own = _own_set(call, project)
    candidates = seen_variables(call, own)
    for library in _libraries(call, project):
        candidates += seen_variables(call, space.variables[library.variable_set_id])
        candidates += _values(library, tenant, call.query.text("environment"))
    candidates += _values(project, tenant, call.query.text("environment"))
    return {
        "Id": own.id,
        "SpaceId": space.id,
        "OwnerId": project.id,
        "Version": own.version,
        "Variables": [shown_variable(each) for each in winners(_place(call, tenant), candidates)],
        "ScopeValues": scope_values(call, project),
        "Links": {"Self": call.path},
    }


def _place(call: Call, tenant: Tenant | None) -> Place:
    query = call.query
    machine = call.space.machines.get(query.text("machine") or "")
    keys = {
        "Environment": query.many("environment"),
        "Channel": query.many("channel"),
        "Action": query.many("action"),
        "Machine": query.many("machine"),
        "Role": frozenset({*(query.many("role") or ()), *(machine.roles if machine else ())}),
        "Tenant": query.many("tenant"),
        "TenantTag": frozenset(tenant.tags if tenant else ()),
        "ProcessOwner": query.many("runbook") or query.many("project"),
    }
    return Place(
        {key: frozenset(each.casefold() for each in some) for key, some in keys.items() if some}
    )


def _values(
    owner: Project | LibrarySet, tenant: Tenant | None, environment: str | None
) -> list[dict[str, Any]]:
    """Return the values of templates as variables: a tenant's own, else the default ones."""
    found: list[dict[str, Any]] = []
    for template in templates_of(owner):
        given = next(
            (
                each.value
                for each in (tenant.values if tenant else ())
                if (each.owner_id, each.template_id) == (owner.id, template["Id"])
                and (not each.environments or environment in each.environments)
            ),
            template["DefaultValue"],
        )
        if is_given(given):
            is_secret = isinstance(given, dict)
            found.append(
                {
                    "Id": template["Id"],
                    "Name": template["Name"],
                    "Value": None if is_secret else given,
                    "Description": template["HelpText"],
                    "Scope": {},
                    "IsEditable": False,
                    "Prompt": None,
                    "Type": "Sensitive" if is_secret else "String",
                    "IsSensitive": is_secret,
                }
            )
    return found
