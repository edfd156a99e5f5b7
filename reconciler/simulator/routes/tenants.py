"""Tenants: lists, one, writes, clones, tests of tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import forget_deployment, free_name, has_dependants, note
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.running import forget_run
from reconciler.simulator.slugs import slug_of
from reconciler.simulator.tenancy import Tenant, check_tags, missing_tags

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

__all__ = ["routes", "tenant_in", "visible_tenants"]

routes = Routes()

_TEMPLATE = "{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,clonedFromTenantId}"


def tenant_resource(space: Space, tenant: Tenant) -> dict[str, object]:
    """Return a tenant as JSON."""
    own = f"/api/{space.id}/tenants/{tenant.id}"
    return {
        "Id": tenant.id,
        "SpaceId": space.id,
        "Name": tenant.name,
        "Slug": tenant.slug,
        "Description": tenant.description,
        "TenantTags": list(tenant.tags),
        "ProjectEnvironments": {
            project: list(environments) for project, environments in tenant.environments.items()
        },
        "ClonedFromTenantId": tenant.cloned_from,
        "IsDisabled": tenant.is_disabled,
        "Links": {
            "Self": own,
            "Variables": f"{own}/variables",
            "Web": f"/app#/{space.id}/tenants/{tenant.id}",
            "Logo": f"{own}/logo",
        },
    }


def visible_tenants(call: Call) -> list[Tenant]:
    """Return the tenants the caller may view, by name."""
    held = call.demand_anywhere("TenantView")
    seen = (each for each in call.space.tenants.values() if held.allows(tenant=each.id))
    return sorted(seen, key=by_name)


def tenant_in(call: Call, permission: str = "TenantView", message: str | None = None) -> Tenant:
    """Return the tenant that the path names, if the caller holds the permission for it."""
    tenant = call.space.tenants.get(call.param("tenant"))
    if tenant is None:
        raise missing("Tenant") if message is None else Refused(404, message)
    call.demand(permission, tenant=tenant.id)
    return tenant


def _asked(call: Call) -> list[Tenant]:
    """Return what the query asks for: by names, projects, tags, origin, and in use or not."""
    query = call.query
    projects, tags = query.many("projectId"), query.many("tags")
    origin, disabled = query.text("clonedFromTenantId"), query.flag("isDisabled")
    return [
        each
        for each in matching(call, visible_tenants(call))
        if (projects is None or projects & each.environments.keys())
        and (tags is None or not missing_tags(each.tags, tags))
        and (origin is None or each.cloned_from == origin)
        and (disabled is None or each.is_disabled is disabled)
    ]


@routes.get("tenants")
def list_tenants(call: Call) -> object:
    """GET /tenants: by name."""
    return page(
        call, "Tenant", _asked(call), lambda each: tenant_resource(call.space, each), _TEMPLATE
    )


@routes.get("tenants/all")
def all_tenants(call: Call) -> object:
    """GET /tenants/all."""
    return [tenant_resource(call.space, each) for each in _asked(call)]


@routes.get("tenants/status")
def status(call: Call) -> object:
    """GET /tenants/status: whether there are tenants."""
    call.demand_anywhere("TenantView")
    return {"Id": None, "Enabled": bool(call.space.tenants), "Links": {"Self": call.path}}


@routes.get("tenants/tag-test")
def test_tags(call: Call) -> object:
    """GET /tenants/tag-test: which of the tenants the tags mean, and which tags they lack."""
    wanted = check_tags(call.space, sorted(call.query.many("tags") or ()))
    ids = call.query.many("tenantIds")
    found: dict[str, object] = {}
    for each in visible_tenants(call):
        if ids is None or each.id in ids:
            lacking = missing_tags(each.tags, wanted)
            found[each.id] = {
                "IsMatched": not lacking,
                "MissingTags": lacking,
                "Reason": f"The tenant has none of {', '.join(lacking)}" if lacking else "",
            }
    return found


@routes.get("tenants/{tenant}")
def one_tenant(call: Call) -> object:
    """GET /tenants/{id}."""
    return tenant_resource(call.space, tenant_in(call))


@routes.post("tenants")
def create_tenant(call: Call) -> object:
    """POST /tenants: new, or a clone with tags, connections and values of another."""
    call.demand_anywhere("TenantCreate")
    body, tenants = call.body(), call.space.tenants
    name = free_name("Tenant", tenants.values(), body)
    wanted = call.query.text("clone")
    origin = tenants.get(wanted) if wanted else None
    if wanted and origin is None:
        raise missing("Tenant")
    if origin is not None:
        call.demand("TenantView", tenant=origin.id)
    made = Tenant(call.world.new_id("Tenants"), name, slug_of(name))
    if origin is None:
        _write(call, made, body)
    else:
        made.description = body.text("Description") or origin.description
        made.tags, made.environments = origin.tags, dict(origin.environments)
        made.values, made.cloned_from = origin.values, origin.id
    tenants[made.id] = made
    note(call, "Created", "Tenant", name, made.id)
    return created(tenant_resource(call.space, made))


@routes.put("tenants/{tenant}")
def change_tenant(call: Call) -> object:
    """PUT /tenants/{id}: the whole tenant, so tags and projects left out are taken away."""
    tenant = tenant_in(call, "TenantEdit")
    body = call.body()
    name = free_name("Tenant", call.space.tenants.values(), body, own=tenant)
    _write(call, tenant, body)
    tenant.name = name
    note(call, "Modified", "Tenant", name, tenant.id)
    return tenant_resource(call.space, tenant)


def _write(call: Call, tenant: Tenant, body: Body) -> None:
    tags = check_tags(call.space, body.texts("TenantTags"))
    environments = _connections(call.space, body.get("ProjectEnvironments"))
    is_disabled = body.flag("IsDisabled")
    description = body.text("Description") or ""
    tenant.description = description
    tenant.tags, tenant.environments, tenant.is_disabled = tags, environments, is_disabled


def _connections(space: Space, written: Any) -> dict[str, tuple[str, ...]]:
    if written is None:
        return {}
    if not isinstance(written, dict):
        raise _wrong("The ProjectEnvironments field has the wrong type.")
    made: dict[str, tuple[str, ...]] = {}
    for project, environments in written.items():
        if project not in space.projects:
            raise missing("Project")
        if not isinstance(environments, list):
            raise _wrong("The ProjectEnvironments field has the wrong type.")
        if any(each not in space.environments for each in environments):
            raise missing("Environment")
        made[project] = tuple(dict.fromkeys(environments))
    return made


def _wrong(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))


@routes.on("DELETE", "tenants/{tenant}")
def delete_tenant(call: Call) -> object:
    """DELETE /tenants/{id}: with its deployments and runs, when all are completed."""
    tenant = tenant_in(call, "TenantDelete")
    space = call.space
    own = [each for each in space.deployments.values() if each.tenant_id == tenant.id]
    runs = [each for each in space.runbook_runs.values() if each.tenant_id == tenant.id]
    tasks = [*(each.task for each in own), *(each.task for each in runs)]
    if any(not task.state.is_completed for task in tasks):
        raise has_dependants("Tenant")
    for each in own:
        forget_deployment(call.world, space, each)
    for made in runs:
        forget_run(call.world, space, made)
    for machine in space.machines.values():
        machine.tenants = tuple(each for each in machine.tenants if each != tenant.id)
    del space.tenants[tenant.id]
    note(call, "Deleted", "Tenant", tenant.name, tenant.id)
    return tenant_resource(space, tenant)
