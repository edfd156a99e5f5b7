"""Machines counted by environment and by worker pool."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from reconciler.simulator.paging import matching
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.environments import environment_resource, visible_environments
from reconciler.simulator.routes.machineparts import filtered
from reconciler.simulator.routes.machines import visible_machines
from reconciler.simulator.routes.workerpools import pool_resource, pools_in_order

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.fleet import Machine

routes = Routes()


def _count(machines: Iterable[Machine]) -> dict[str, Any]:
    kept = list(machines)
    behind = [each.id for each in kept if each.last_checked and not each.has_calamari]
    return {
        "TotalMachines": len(kept),
        "TotalDisabledMachines": sum(each.is_disabled for each in kept),
        "MachineHealthStatusSummaries": dict(Counter(each.health.value for each in kept)),
        "MachineEndpointSummaries": dict(
            Counter(each.endpoint["CommunicationStyle"] for each in kept)
        ),
        "MachineIdsForCalamariUpgrade": behind,
        "TentacleUpgradesRequired": False,
    }


def _tenants(machines: Iterable[Machine]) -> dict[str, Any]:
    kept = list(machines)
    return {
        "MachineTenantSummaries": dict(Counter(one for each in kept for one in each.tenants)),
        "MachineTenantTagSummaries": dict(
            Counter(tag for each in kept for tag in each.tenant_tags)
        ),
    }


def _asked(call: Call, machines: Iterable[Machine]) -> list[Machine]:
    """Return the machines that the query asks for; its ids and names mean the groups."""
    part = (call.query.text("machinePartialName") or "").casefold()
    return [each for each in filtered(call, machines) if part in each.name.casefold()]


@routes.get("environments/summary")
def environments_summary(call: Call) -> object:
    """GET /environments/summary: the environments with their targets counted."""
    environments = matching(call, visible_environments(call))
    may_look = call.access("MachineView").anything
    machines = _asked(call, visible_machines(call)) if may_look else []
    hides = call.query.flag("hideEmptyEnvironments") is True
    rows = []
    for environment in environments:
        own = [each for each in machines if environment.id in each.environments]
        if own or not hides:
            rows.append(
                {
                    **_count(own),
                    **_tenants(own),
                    "MachineIdsForTentacleUpgrade": [],
                    "Environment": environment_resource(call.space, environment),
                }
            )
    return {**_count(machines), **_tenants(machines), "EnvironmentSummaries": rows}


@routes.get("workerpools/summary")
def pools_summary(call: Call) -> object:
    """GET /workerpools/summary: the pools with their workers counted."""
    pools = pools_in_order(call)
    workers = _asked(call, call.space.workers.values())
    hides = call.query.flag("hideEmptyWorkerPools") is True
    rows = []
    for pool in pools:
        own = [each for each in workers if pool.id in each.pools]
        if own or not hides:
            rows.append(
                {
                    **_count(own),
                    "MachineIdsForTentacleUpgrade": [],
                    "WorkerPool": pool_resource(call.space, pool),
                }
            )
    return {**_count(workers), "MachineIdsForTentacleUpgrade": [], "WorkerPoolSummaries": rows}
