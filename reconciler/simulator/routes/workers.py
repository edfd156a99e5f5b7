"""Workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import created, missing
from reconciler.simulator.changes import free_name, has_dependants
from reconciler.simulator.chores import queue_chore
from reconciler.simulator.fleet import default_of
from reconciler.simulator.machinery import add_machine, happened
from reconciler.simulator.paging import page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes import machineparts as parts
from reconciler.simulator.routes.machinetasks import tasks_on

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.fleet import Machine

__all__ = ["routes", "worker_resource", "workers_page"]

routes = Routes()

_TEMPLATE = (
    "{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,commStyles,workerPoolIds,"
    "thumbprint,shellNames}"
)


def worker_resource(call: Call, worker: Machine) -> dict[str, Any]:
    """Return a worker as JSON."""
    made = parts.common_fields(call.world, call.space, worker)
    return {**made, "WorkerPoolIds": list(worker.pools)}


def workers_page(call: Call, found: list[Machine]) -> object:
    """Return one page of workers, filtered as every list of them."""
    return page(
        call,
        "Worker",
        parts.chosen(call, found),
        lambda each: worker_resource(call, each),
        _TEMPLATE,
    )


@routes.get("workers")
def list_workers(call: Call) -> object:
    """GET /workers."""
    call.demand("WorkerView")
    return workers_page(call, list(call.space.workers.values()))


@routes.get("workers/all")
def all_workers(call: Call) -> object:
    """GET /workers/all."""
    call.demand("WorkerView")
    found = parts.chosen(call, list(call.space.workers.values()))
    return [worker_resource(call, each) for each in found]


@routes.get("workers/discover")
def discover_worker(call: Call) -> object:
    """GET /workers/discover: what answers at a host and port."""
    call.demand("WorkerEdit")
    return parts.discover(call)


@routes.get("workers/operatingsystem/names/all")
def systems(call: Call) -> object:
    """GET /workers/operatingsystem/names/all: of workers that were checked."""
    call.demand("WorkerView")
    return ["Linux"] if any(each.last_checked for each in call.space.workers.values()) else []


@routes.get("workers/operatingsystem/shells/all")
def shells(call: Call) -> object:
    """GET /workers/operatingsystem/shells/all: of workers that were checked."""
    call.demand("WorkerView")
    return ["Bash"] if any(each.last_checked for each in call.space.workers.values()) else []


def _worker_in(call: Call, permission: str = "WorkerView") -> Machine:
    call.demand(permission)
    wanted = call.param("worker")
    for worker in call.space.workers.values():
        if wanted == worker.id or wanted.casefold() == worker.slug:
            return worker
    raise missing("Worker")


@routes.get("workers/{worker}")
def one_worker(call: Call) -> object:
    """GET /workers/{idOrSlug}."""
    return worker_resource(call, _worker_in(call))


@routes.get("workers/{worker}/connection")
def connection(call: Call) -> object:
    """GET /workers/{id}/connection: how the last health check went."""
    return parts.connection_of(_worker_in(call))


def _pools(call: Call, body: Body) -> tuple[str, ...]:
    """Return the pools of a written worker, the default one when it names none."""
    pools = call.space.worker_pools
    for each in body.texts("WorkerPoolIds"):
        if each not in pools:
            raise missing("Worker Pool")
    return tuple(dict.fromkeys(body.texts("WorkerPoolIds"))) or (default_of(pools.values()).id,)


@routes.post("workers")
def create_worker(call: Call) -> object:
    """POST /workers: and a health check of it, unless `SkipInitialHealthCheck` says no."""
    call.demand("WorkerEdit")
    body = call.body()
    space = call.space
    name = free_name("Worker", space.workers.values(), body)
    pools, endpoint = _pools(call, body), parts.read_endpoint(body)
    policy, is_checked = parts.policy_of(space, body), not body.flag("SkipInitialHealthCheck")
    made = add_machine(
        call.world, space, name, endpoint=endpoint, user=call.user, is_worker=True, pools=pools
    )
    parts.write_common(made, worker_resource(call, made), body, policy)
    if is_checked:
        arguments = {"MachineIds": [made.id], "RestrictedTo": "Workers"}
        queue_chore(call.world, space, "Health", f"Check health of {name}", arguments)
    return created(worker_resource(call, made))


@routes.get("workers/{worker}/tasks")
def tasks_of_worker(call: Call) -> object:
    """GET /workers/{id}/tasks: as of targets."""
    return tasks_on(call, _worker_in(call))


@routes.put("workers/{worker}")
def change_worker(call: Call) -> object:
    """PUT /workers/{id}."""
    worker = _worker_in(call, "WorkerEdit")
    body = call.body()
    name = free_name("Worker", call.space.workers.values(), body, own=worker)
    pools, endpoint = _pools(call, body), parts.read_endpoint(body)
    policy = parts.policy_of(call.space, body)
    worker.name, worker.endpoint, worker.pools = name, endpoint, pools
    parts.write_common(worker, worker_resource(call, worker), body, policy)
    happened(call.world, call.space, worker, "Modified", call.user)
    return worker_resource(call, worker)


@routes.on("DELETE", "workers/{worker}")
def delete_worker(call: Call) -> object:
    """DELETE /workers/{id}: not while something is deployed to it."""
    worker = _worker_in(call, "WorkerEdit")
    shown = worker_resource(call, worker)
    if parts.is_deployed_to(call.world, worker):
        raise has_dependants("Worker")
    del call.space.workers[worker.id]
    happened(call.world, call.space, worker, "MachineDeleted", call.user)
    return shown
