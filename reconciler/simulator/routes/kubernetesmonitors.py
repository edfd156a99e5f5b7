"""Kubernetes monitors that agents register for a target. They are kept; nothing is watched.

Source: Octopus' public Go client, `pkg/kubernetesmonitors`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import note
from reconciler.simulator.documents import Document
from reconciler.simulator.fleet import thumbprint_of
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_PATH = "observability/kubernetes-monitors"


def _held(call: Call) -> dict[str, Document]:
    return call.space.documents.setdefault(_PATH, {})


def _shown(call: Call, monitor: Document) -> dict[str, object]:
    own = f"/api/{call.space.id}/{_PATH}/{monitor.id}"
    links = {"Self": own}
    return {"Id": monitor.id, "SpaceId": call.space.id, **monitor.more, "Links": links}


@routes.post(_PATH)
def register(call: Call) -> object:
    """POST /observability/kubernetes-monitors: for one target."""
    call.demand_anywhere("MachineEdit")
    body = call.body()
    machine = call.space.machines.get(body.need("MachineId"))
    if machine is None:
        raise missing("Machine")
    for environment in machine.environments:
        call.demand("MachineEdit", environment=environment)
    monitor = Document(call.world.new_id("KubernetesMonitors"), machine.name)
    monitor.more = {"InstallationId": body.need("InstallationId"), "MachineId": machine.id}
    _held(call)[monitor.id] = monitor
    note(call, "Created", "Kubernetes monitor", monitor.name, monitor.id, machine.id)
    return created(
        {
            "Resource": _shown(call, monitor),
            "AuthenticationToken": None,
            "CertificateThumbprint": thumbprint_of(call.world.node_name),
        }
    )


def _monitor_in(call: Call, permission: str) -> Document:
    held = call.demand_anywhere(permission)
    monitor = _held(call).get(call.param("monitor"))
    machine = call.space.machines.get(monitor.more["MachineId"]) if monitor else None
    places = machine.environments if machine else ()
    if monitor is None or (places and not any(held.allows(environment=each) for each in places)):
        raise Refused(404, f"The resource '{call.param('monitor')}' was not found.")
    return monitor


@routes.get(f"{_PATH}/{{monitor}}")
def one_monitor(call: Call) -> object:
    """GET /observability/kubernetes-monitors/{id}."""
    return {"Resource": _shown(call, _monitor_in(call, "MachineView"))}


@routes.on("DELETE", f"{_PATH}/{{monitor}}")
def delete_monitor(call: Call) -> object:
    """DELETE /observability/kubernetes-monitors/{id}."""
    monitor = _monitor_in(call, "MachineEdit")
    del _held(call)[monitor.id]
    note(call, "Deleted", "Kubernetes monitor", monitor.name, monitor.id)
    return {"Resource": _shown(call, monitor)}
