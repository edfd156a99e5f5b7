"""Tenants' values of variable templates: as a whole, and in the newer lists with scopes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note
from reconciler.simulator.records import LibrarySet, Project
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.tenants import tenant_in, visible_tenants
from reconciler.simulator.templates import guarded
from reconciler.simulator.tenancy import TenantValue
from reconciler.simulator.tenantvalues import gaps, owners, templates_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space
    from reconciler.simulator.tenancy import Tenant

routes = Routes()

Owner = Project | LibrarySet


def variables_resource(space: Space, tenant: Tenant) -> dict[str, object]:
    """Return all values of a tenant as JSON, with the templates they are for."""
    projects, libraries = owners(space, tenant)
    return {
        "Id": f"tenantvariables-{tenant.id}",
        "SpaceId": space.id,
        "TenantId": tenant.id,
        "TenantName": tenant.name,
        "ProjectVariables": {
            each.id: {
                "ProjectId": each.id,
                "ProjectName": each.name,
                "Templates": templates_of(each),
                "Variables": {
                    environment: _values(tenant, each, environment)
                    for environment in tenant.environments[each.id]
                },
                "Links": {"Project": f"/api/{space.id}/projects/{each.id}"},
            }
            for each in projects
        },
        "LibraryVariables": {
            each.id: {
                "LibraryVariableSetId": each.id,
                "LibraryVariableSetName": each.name,
                "Templates": templates_of(each),
                "Variables": _values(tenant, each, None),
                "Links": {"LibraryVariableSet": f"/api/{space.id}/libraryvariablesets/{each.id}"},
            }
            for each in libraries
        },
        "ConcurrencyToken": str(tenant.values_version),
        "Links": {"Self": f"/api/{space.id}/tenants/{tenant.id}/variables"},
    }


def _values(tenant: Tenant, owner: Owner, environment: str | None) -> dict[str, Any]:
    return {
        each.template_id: each.value
        for each in tenant.values
        if each.owner_id == owner.id
        and (environment is None or not each.environments or environment in each.environments)
    }


@routes.get("tenants/{tenant}/variables")
def all_of_tenant(call: Call) -> object:
    """GET /tenants/{id}/variables."""
    tenant = tenant_in(call, message="Tenant not found.")
    return variables_resource(call.space, tenant)


@routes.get("tenantvariables/all")
def all_of_all(call: Call) -> object:
    """GET /tenantvariables/all: of each tenant, or of those of a project."""
    wanted = call.query.text("projectId")
    return [
        variables_resource(call.space, each)
        for each in visible_tenants(call)
        if wanted is None or wanted in each.environments
    ]


@routes.put("tenants/{tenant}/variables")
def change_all(call: Call) -> object:
    """PUT /tenants/{id}/variables: the values of every project and set that the body names."""
    return _change(call)


@routes.post("tenants/{tenant}/variables")
def post_all(call: Call) -> object:
    """POST /tenants/{id}/variables: the same."""
    return _change(call)


def _change(call: Call) -> object:
    tenant = tenant_in(call, "TenantEdit", "Tenant not found.")
    body = call.body()
    token = body.get("ConcurrencyToken")
    if token is not None and token != str(tenant.values_version):
        raise Refused(
            400,
            "Changes to these variables could not be saved, because another user has made changes "
            "since they were read. Please read them again.",
        )
    made = list(tenant.values)
    projects, libraries = owners(call.space, tenant)
    for project in projects:
        part = _part(body, "ProjectVariables", project.id)
        if part is not None:
            made = [each for each in made if each.owner_id != project.id]
            for environment, values in part.items():
                if environment not in tenant.environments[project.id]:
                    raise Refused(400, f"Tenant {tenant.name} is not connected to {environment}.")
                made += _written(call, project, values, (environment,))
    for library in libraries:
        part = _part(body, "LibraryVariables", library.id)
        if part is not None:
            made = [each for each in made if each.owner_id != library.id]
            made += _written(call, library, part, ())
    _keep(call, tenant, made)
    return variables_resource(call.space, tenant)


def _part(body: Body, name: str, owner: str) -> dict[str, Any] | None:
    every = body.get(name)
    found = every.get(owner) if isinstance(every, dict) else None
    if not isinstance(found, dict):
        return None
    values = Body(found).get("Variables")
    return values if isinstance(values, dict) else None


def _written(
    call: Call, owner: Owner, values: Any, environments: tuple[str, ...]
) -> Iterator[TenantValue]:
    if not isinstance(values, dict):
        raise Refused(400, "Model validation failed.", ("The Variables have the wrong type.",))
    for template_id, value in values.items():
        yield from _value(call, owner, Body({"TemplateId": template_id, "Value": value}),
                          environments)  # fmt: skip


def _value(
    call: Call, owner: Owner, body: Body, environments: tuple[str, ...], own: str | None = None
) -> Iterator[TenantValue]:
    """Yield the value of a template; none for null, which takes the value away."""
    wanted, value = body.need("TemplateId"), body.get("Value")
    template = next((each for each in templates_of(owner) if each["Id"] == wanted), None)
    if template is None:
        raise Refused(400, f"The variable template '{wanted}' of {owner.name} does not exist.")
    if value is not None:
        made = own or call.world.new_id("TenantVariables")
        yield TenantValue(made, owner.id, wanted, environments, guarded(template, value))


def _keep(call: Call, tenant: Tenant, values: Iterable[TenantValue]) -> None:
    tenant.values = tuple(values)
    tenant.values_version += 1
    note(call, "Modified", "Variables of tenant", tenant.name, tenant.id)


# The newer lists


def _shown(owner: Owner, template: dict[str, Any], more: dict[str, Any]) -> dict[str, object]:
    kind = "LibraryVariableSet" if isinstance(owner, LibrarySet) else "Project"
    return {
        f"{kind}Id": owner.id,
        f"{kind}Name": owner.name,
        "TemplateId": template["Id"],
        "Template": template,
        **more,
    }


def _list(call: Call, tenant: Tenant, mine: Iterable[Owner], *, gapped: bool) -> dict[str, object]:
    by_id = {each.id: each for each in mine}
    templates = {
        (owner.id, each["Id"]): each for owner in by_id.values() for each in templates_of(owner)
    }
    made: dict[str, object] = {
        "TenantId": tenant.id,
        "Variables": [
            {
                "Id": each.id,
                **_shown(
                    by_id[each.owner_id],
                    templates[each.owner_id, each.template_id],
                    {"Value": each.value, "Scope": {"EnvironmentIds": list(each.environments)}},
                ),
            }
            for each in tenant.values
            if (each.owner_id, each.template_id) in templates
        ],
    }
    if gapped:
        made["MissingVariables"] = [
            _shown(
                each.owner,
                each.template,
                {"Value": None, "Scope": {"EnvironmentIds": [each.environment]}},
            )
            for each in gaps(call.space, tenant)
            if each.owner.id in by_id
        ]
    return made


def _read(call: Call, at: int) -> object:
    tenant = tenant_in(call, message="Tenant not found.")
    gapped = bool(call.query.flag("includeMissingVariables"))
    return _list(call, tenant, owners(call.space, tenant)[at], gapped=gapped)


def _replace(call: Call, at: int) -> object:
    """Take the whole list of one kind: an array, or an object with `Variables`."""
    tenant = tenant_in(call, "TenantEdit", "Tenant not found.")
    written = call.json()
    body = Body({"Variables": written}) if isinstance(written, list) else call.body()
    mine = {each.id: each for each in owners(call.space, tenant)[at]}
    known = {each.id for each in tenant.values}
    made = [each for each in tenant.values if each.owner_id not in mine]
    for each in body.bodies("Variables"):
        scope = each.get("Scope")
        environments = Body(scope).texts("EnvironmentIds") if isinstance(scope, dict) else ()
        if any(one not in call.space.environments for one in environments):
            raise Refused(400, "Model validation failed.", ("An environment does not exist.",))
        owner = _owner(each, mine)
        own = each.text("Id")
        made += _value(call, owner, each, environments, own if own in known else None)
    _keep(call, tenant, made)
    return _list(call, tenant, mine.values(), gapped=False)


def _owner(body: Body, mine: dict[str, Owner]) -> Owner:
    named = body.text("ProjectId") or body.text("LibraryVariableSetId")
    wanted = body.text("TemplateId")
    for each in mine.values():
        has = any(template["Id"] == wanted for template in templates_of(each))
        if each.id == named or (named is None and has):
            return each
    raise Refused(400, f"The variable template '{wanted}' is none of the tenant's.")


@routes.get("tenants/{tenant}/projectvariables")
def project_variables(call: Call) -> object:
    """GET /tenants/{id}/projectvariables."""
    return _read(call, 0)


@routes.put("tenants/{tenant}/projectvariables")
def change_project_variables(call: Call) -> object:
    """PUT /tenants/{id}/projectvariables: the whole list."""
    return _replace(call, 0)


@routes.get("tenants/{tenant}/commonvariables")
def common_variables(call: Call) -> object:
    """GET /tenants/{id}/commonvariables: values of library sets' templates."""
    return _read(call, 1)


@routes.put("tenants/{tenant}/commonvariables")
def change_common_variables(call: Call) -> object:
    """PUT /tenants/{id}/commonvariables: the whole list."""
    return _replace(call, 1)


@routes.get("tenants/variables-missing")
def missing_variables(call: Call) -> object:
    """GET /tenants/variables-missing: tenants without a value somewhere; details when asked."""
    query = call.query
    tenant, project = query.text("tenantId"), query.text("projectId")
    environment, detailed = query.text("environmentId"), bool(query.flag("includeDetails"))
    found: list[object] = []
    for each in visible_tenants(call):
        if tenant is not None and each.id != tenant:
            continue
        lacking = [
            gap
            for gap in gaps(call.space, each)
            if environment in (None, gap.environment)
            and (project is None or project == gap.owner.id)
        ]
        if lacking:
            shown = [_missing(gap.owner, gap.template, gap.environment) for gap in lacking]
            found.append(
                {
                    "TenantId": each.id,
                    "MissingVariables": shown if detailed else [],
                    "Links": {"Tenant": f"/api/{call.space.id}/tenants/{each.id}"},
                }
            )
    return found


def _missing(owner: Owner, template: dict[str, Any], environment: str) -> dict[str, object]:
    of_library = isinstance(owner, LibrarySet)
    return {
        "ProjectId": None if of_library else owner.id,
        "EnvironmentId": None if of_library else environment,
        "LibraryVariableSetId": owner.id if of_library else None,
        "VariableTemplateId": template["Id"],
        "VariableTemplateName": template["Name"],
        "Links": {},
    }
