"""State of the server itself: its node, status and health, maintenance mode."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from zoneinfo import available_timezones

from reconciler.simulator.answers import Answer, Refused, missing
from reconciler.simulator.changes import has_dependants, note
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
        self.is_draining = world.is_draining


def _node_resource(node: _Node) -> dict[str, object]:
    own = f"/api/octopusservernodes/{node.id}"
    return {
        "Id": node.id,
        "Name": node.name,
        "MaxConcurrentTasks": node.slots,
        "IsInMaintenanceMode": node.is_draining,
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
                "Links": {"Node": f"/api/octopusservernodes/{node.id}"},
                "RunningTaskCount": node.running,
                "IsOffline": False,
                "LastSeen": None,
            }
        ],
        "Links": {},
    }


@routes.on("GET", "octopusservernodes/ping", anonymous=True)
def ping(call: Call) -> object:
    """GET /octopusservernodes/ping: 418 while the node drains."""
    node = _Node(call.world)
    return Answer(_node_resource(node), 418 if node.is_draining else 200)


def _node_in(call: Call) -> _Node:
    node = _Node(call.world)
    if node.id != call.param("node"):
        raise missing("Octopus Server Node")
    return node


@routes.get("octopusservernodes/{node}")
def one_node(call: Call) -> object:
    """GET /octopusservernodes/{id}."""
    return _node_resource(_node_in(call))


@routes.get("octopusservernodes/{node}/details")
def node_details(call: Call) -> object:
    """GET /octopusservernodes/{id}/details: how many tasks run on it."""
    node = _node_in(call)
    own = f"/api/octopusservernodes/{node.id}"
    return {"Id": node.id, "RunningTasks": node.running, "Links": {"Self": f"{own}/details"}}


@routes.put("octopusservernodes/{node}")
def change_node(call: Call) -> object:
    """PUT /octopusservernodes/{id}: the cap of its tasks, and whether it drains."""
    node = _node_in(call)
    call.demand_system("ConfigureServer")
    body = call.body()
    slots = body.get("MaxConcurrentTasks")
    if slots is None:
        slots = node.slots
    if isinstance(slots, bool) or not isinstance(slots, int) or slots < 1:
        raise Refused(
            400, "Model validation failed.", ("MaxConcurrentTasks must be a number from 1 on.",)
        )
    call.world.engine.slots = slots
    call.world.is_draining = body.flag("IsInMaintenanceMode")
    note(call, "Modified", "Octopus Server node", node.name, node.id)
    return _node_resource(_Node(call.world))


@routes.on("DELETE", "octopusservernodes/{node}")
def delete_node(call: Call) -> object:
    """DELETE /octopusservernodes/{id}: never, since it is the one that answers."""
    _node_in(call)
    call.demand_system("ConfigureServer")
    raise has_dependants("Octopus Server Node")


@routes.get("serverstatus")
def server_status(call: Call) -> object:
    """GET /serverstatus."""
    own = "/api/serverstatus"
    return {
        "IsDatabaseEncrypted": True,
        "IsUpgradeAvailable": False,
        "IsMajorMinorUpgrade": False,
        "IsInMaintenanceMode": call.world.is_in_maintenance,
        "MaintenanceExpires": None,
        "MaximumAvailableVersion": call.world.server_version,
        "Version": call.world.server_version,
        "Links": {
            "Self": own,
            "Health": f"{own}/health",
            "Extensions": f"{own}/extensions",
            "Timezones": f"{own}/timezones",
            "SystemInfo": f"{own}/system-info",
            "DocumentCounts": f"{own}/document-counts",
            "SystemReport": f"{own}/system-report",
            "RecentLogs": f"{own}/logs{{?includeDetail}}",
            "GCCollect": f"{own}/gc-collect",
        },
    }


@routes.on("GET", "serverstatus/health", anonymous=True)
def health(call: Call) -> object:
    """GET /serverstatus/health: works without a key; 418 while all nodes drain."""
    draining = call.world.is_draining
    text = "All nodes are draining." if draining else "The server is operating normally."
    body = {
        "IsOperatingNormally": not draining,
        "IsEntireClusterReadOnly": False,
        "IsEntireClusterDrainingTasks": draining,
        "IsCompliantWithLicense": True,
        "Description": text,
        "Links": {"Self": "/api/serverstatus/health"},
    }
    return Answer(body, 418 if draining else 200)


@routes.get("serverstatus/extensions")
def extensions(call: Call) -> object:
    """GET /serverstatus/extensions: none is installed."""
    del call
    return []


@routes.get("serverstatus/timezones")
def timezones(call: Call) -> object:
    """GET /serverstatus/timezones: what schedules may name."""
    del call
    names = sorted({"UTC", *available_timezones()})
    return [{"Id": name, "Name": name, "IsLocal": name == "UTC", "Links": {}} for name in names]


@routes.get("serverstatus/system-info")
def system_info(call: Call) -> object:
    """GET /serverstatus/system-info."""
    call.demand_system("ConfigureServer")
    return {
        "Version": call.world.server_version,
        "OSVersion": sys.platform,
        "ClrVersion": sys.version.split()[0],
        "ThreadCount": 1,
        "WorkingSetBytes": 0,
        "Uptime": "0 seconds",
        "Links": {"Self": "/api/serverstatus/system-info"},
    }


@routes.get("serverstatus/logs")
def recent_logs(call: Call) -> object:
    """GET /serverstatus/logs: nothing is kept."""
    call.demand_system("ConfigureServer")
    return []


@routes.post("serverstatus/gc-collect")
def collect(call: Call) -> object:
    """POST /serverstatus/gc-collect: there is nothing to do."""
    call.demand_system("ConfigureServer")
    return {}


def _maintenance(world: World) -> dict[str, object]:
    return {
        "Id": "maintenance",
        "IsInMaintenanceMode": world.is_in_maintenance,
        "Links": {"Self": "/api/maintenanceconfiguration"},
    }


@routes.get("maintenanceconfiguration")
def maintenance(call: Call) -> object:
    """GET /maintenanceconfiguration."""
    return _maintenance(call.world)


@routes.put("maintenanceconfiguration")
def change_maintenance(call: Call) -> object:
    """PUT /maintenanceconfiguration: from then on only administrators write."""
    call.demand_system("AdministerSystem")
    call.world.is_in_maintenance = call.body().flag("IsInMaintenanceMode")
    word = "on" if call.world.is_in_maintenance else "off"
    note(call, "Modified", "Maintenance mode", word)
    return _maintenance(call.world)
