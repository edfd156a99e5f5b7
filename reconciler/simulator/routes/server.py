"""State of the server itself: nodes, status, freezes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.world import World

routes = Routes(Scope.SYSTEM)


class _Node:
    """The one node, with what the shared filters look at."""

    def __init__(self, world: World) -> None:
        self.id = f"OctopusServerNodes-{world.node_name}"
        self.name = world.node_name
        self.slots = world.engine.slots
        self.running = world.engine.running_count()


def _node_resource(node: _Node) -> dict[str, object]:
    own = f"/api/octopusservernodes/{node.id}"
    return {
        "Id": node.id,
        "Name": node.name,
        "MaxConcurrentTasks": node.slots,
        "IsInMaintenanceMode": False,
        "Links": {"Self": own, "Details": f"{own}/details"},
    }


@routes.get("octopusservernodes")
def list_nodes(call: Call) -> object:
    """GET /octopusservernodes."""
    found = matching(call, [_Node(call.world)])
    return page(
        call, "OctopusServerNode", found, _node_resource, "{/id}{?skip,take,ids,partialName}"
    )


@routes.get("octopusservernodes/all")
def all_nodes(call: Call) -> object:
    """GET /octopusservernodes/all."""
    return [_node_resource(_Node(call.world))]


@routes.get("octopusservernodes/summary")
def nodes_summary(call: Call) -> object:
    """GET /octopusservernodes/summary: nodes with the number of their running tasks."""
    node = _Node(call.world)
    return {
        "Nodes": [
            {
                **_node_resource(node),
                "RunningTaskCount": node.running,
                "IsOffline": False,
                "LastSeen": None,
            }
        ],
        "Links": {},
    }


@routes.on("GET", "octopusservernodes/ping", anonymous=True)
def ping(call: Call) -> object:
    """GET /octopusservernodes/ping."""
    return _node_resource(_Node(call.world))


@routes.get("octopusservernodes/{node}")
def one_node(call: Call) -> object:
    """GET /octopusservernodes/{id}."""
    node = _Node(call.world)
    if node.id != call.param("node"):
        raise missing("Octopus Server Node")
    return _node_resource(node)


@routes.get("serverstatus")
def server_status(call: Call) -> object:
    """GET /serverstatus."""
    return {
        "IsDatabaseEncrypted": True,
        "IsUpgradeAvailable": False,
        "IsInMaintenanceMode": False,
        "MaintenanceExpires": None,
        "Version": call.world.server_version,
        "Links": {"Self": "/api/serverstatus", "Health": "/api/serverstatus/health"},
    }


@routes.on("GET", "serverstatus/health", anonymous=True)
def health(call: Call) -> object:
    """GET /serverstatus/health: works without a key."""
    del call
    return {
        "IsOperatingNormally": True,
        "IsEntireClusterReadOnly": False,
        "IsEntireClusterDrainingTasks": False,
        "IsCompliantWithLicense": True,
        "Description": "The server is operating normally.",
        "Links": {"Self": "/api/serverstatus/health"},
    }


@routes.get("deploymentfreezes")
def list_freezes(call: Call) -> object:
    """GET /deploymentfreezes: none; this list has an envelope of its own."""
    del call
    return {"DeploymentFreezes": [], "Count": 0}
