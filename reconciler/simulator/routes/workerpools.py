"""Worker pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import changed_fields, free_name, has_dependants, note
from reconciler.simulator.fleet import WorkerPool
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.workers import workers_page

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

__all__ = ["pool_resource", "pools_in_order", "routes"]

routes = Routes()

_KINDS = ("StaticWorkerPool", "DynamicWorkerPool")
_DYNAMIC = (
    ("UbuntuDefault", "Ubuntu (default)"),
    ("Ubuntu2204", "Ubuntu Linux 22.04"),
    ("Windows2022", "Windows Server Core 2022"),
)


def pool_resource(space: Space, pool: WorkerPool) -> dict[str, Any]:
    """Return a worker pool as JSON."""
    own = f"/api/{space.id}/workerpools/{pool.id}"
    return {
        "Id": pool.id,
        "SpaceId": space.id,
        "Name": pool.name,
        "Description": pool.description,
        "IsDefault": pool.is_default,
        "CanAddWorkers": pool.kind == "StaticWorkerPool",
        "SortOrder": pool.sort_order,
        "WorkerPoolType": pool.kind,
        **pool.more,
        "Links": {"Self": own, "Workers": f"{own}/workers{{?skip,take}}"},
    }


def pools_in_order(call: Call) -> list[WorkerPool]:
    """Return the pools in display order, filtered as every list of them."""
    call.demand("WorkerView")
    found = call.space.worker_pools.values()
    return matching(call, sorted(found, key=lambda each: (each.sort_order, each.id)))


@routes.get("workerpools")
def list_pools(call: Call) -> object:
    """GET /workerpools."""
    found = pools_in_order(call)
    return page(call, "WorkerPool", found, lambda each: pool_resource(call.space, each))


@routes.get("workerpools/all")
def all_pools(call: Call) -> object:
    """GET /workerpools/all."""
    return [pool_resource(call.space, each) for each in pools_in_order(call)]


@routes.get("workerpools/supportedtypes")
def supported_types(call: Call) -> object:
    """GET /workerpools/supportedtypes."""
    call.demand("WorkerView")
    return {"Id": None, "SupportedPoolTypes": list(_KINDS), "Links": {}}


@routes.get("workerpools/dynamicworkertypes")
def dynamic_types(call: Call) -> object:
    """GET /workerpools/dynamicworkertypes."""
    call.demand("WorkerView")
    types = [
        {
            "Id": name,
            "Type": name,
            "Description": text,
            "StartDateUtc": None,
            "DeprecationDateUtc": None,
            "EndOfLifeDateUtc": None,
        }
        for name, text in _DYNAMIC
    ]
    return {"Id": None, "WorkerTypes": types, "Links": {}}


@routes.put("workerpools/sortorder")
def sort_pools(call: Call) -> object:
    """PUT /workerpools/sortorder: the ids in the wanted order; the others follow."""
    call.demand("WorkerEdit")
    wanted = call.json()
    if not isinstance(wanted, list) or not all(isinstance(each, str) for each in wanted):
        raise Refused(400, "Model validation failed.", ("A list of ids is required.",))
    rank = {each: at for at, each in enumerate(wanted)}
    ordered = sorted(
        call.space.worker_pools.values(),
        key=lambda each: (rank.get(each.id, len(rank)), each.sort_order),
    )
    for order, pool in enumerate(ordered):
        pool.sort_order = order
    return [each.id for each in ordered]


def _pool_in(call: Call, permission: str = "WorkerView") -> WorkerPool:
    call.demand(permission)
    pool = call.space.worker_pools.get(call.param("pool"))
    if pool is None:
        raise missing("Worker Pool")
    return pool


@routes.get("workerpools/{pool}")
def one_pool(call: Call) -> object:
    """GET /workerpools/{id}."""
    return pool_resource(call.space, _pool_in(call))


@routes.get("workerpools/{pool}/workers")
def workers_of_pool(call: Call) -> object:
    """GET /workerpools/{id}/workers."""
    pool = _pool_in(call)
    return workers_page(call, [e for e in call.space.workers.values() if pool.id in e.pools])


@routes.post("workerpools")
def create_pool(call: Call) -> object:
    """POST /workerpools: at the end of the display order."""
    call.demand("WorkerEdit")
    body = call.body("Worker Pool")
    pools = call.space.worker_pools
    name = free_name("Worker pool", pools.values(), body)
    order = 1 + max(each.sort_order for each in pools.values())
    made = WorkerPool(call.world.new_id("WorkerPools"), name, order)
    _write(call, made, body)
    pools[made.id] = made
    note(call, "Created", "Worker pool", name, made.id)
    return created(pool_resource(call.space, made))


@routes.put("workerpools/{pool}")
def change_pool(call: Call) -> object:
    """PUT /workerpools/{id}: the new default takes the mark from the old one."""
    pool = _pool_in(call, "WorkerEdit")
    body = call.body()
    name = free_name("Worker pool", call.space.worker_pools.values(), body, own=pool)
    _write(call, pool, body)
    pool.name = name
    note(call, "Modified", "Worker pool", name, pool.id)
    return pool_resource(call.space, pool)


def _write(call: Call, pool: WorkerPool, body: Body) -> None:
    kind = body.text("WorkerPoolType") or pool.kind
    if kind not in _KINDS:
        raise Refused(400, "Model validation failed.", (f"'{kind}' is no type of worker pool.",))
    description, is_default = body.text("Description") or "", body.flag("IsDefault")
    pool.more = changed_fields(
        pool_resource(call.space, pool),
        body,
        *("Description", "IsDefault", "CanAddWorkers", "SortOrder", "WorkerPoolType"),
        kept=pool.more,
    )
    pool.kind = kind
    pool.description = description
    if is_default:
        for each in call.space.worker_pools.values():
            each.is_default = False
        pool.is_default = True


@routes.on("DELETE", "workerpools/{pool}")
def delete_pool(call: Call) -> object:
    """DELETE /workerpools/{id}: not the default one, none with workers."""
    pool = _pool_in(call, "WorkerEdit")
    if pool.is_default:
        raise Refused(400, "You cannot delete the default worker pool.")
    if any(pool.id in each.pools for each in call.space.workers.values()):
        raise has_dependants("Worker Pool")
    del call.space.worker_pools[pool.id]
    note(call, "Deleted", "Worker pool", pool.name, pool.id)
    return pool_resource(call.space, pool)
