"""Maintenance mode, draining nodes and the server's own settings."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

ORDER = {"ReleaseId": "Releases-3", "EnvironmentId": "Environments-1"}


async def test_in_maintenance_only_administrators_write(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    queued = await api.post("/api/deployments", ORDER)
    on = await admin.put("/api/maintenanceconfiguration", {"IsInMaintenanceMode": True})
    assert on["IsInMaintenanceMode"] is True
    refused = await api.post("/api/deployments", ORDER, status=503)
    assert "maintenance mode" in refused["ErrorMessage"]
    assert (await api.get("/api/serverstatus"))["IsInMaintenanceMode"] is True
    await admin.post("/api/deployments", ORDER)
    simulator.advance(15)
    assert (await api.get(queued["Links"]["Task"]))["State"] == "Success"
    await api.put("/api/maintenanceconfiguration", {"IsInMaintenanceMode": False}, status=503)
    await admin.put("/api/maintenanceconfiguration", {"IsInMaintenanceMode": False})
    await api.post("/api/deployments", ORDER)
    await api.put("/api/maintenanceconfiguration", {}, status=403)


async def test_a_draining_node_starts_no_task_and_says_so(
    simulator: Simulator, admin: Any, anyone: Any
) -> None:
    (node,) = await admin.get("/api/octopusservernodes/all")
    running = await admin.post("/api/deployments", ORDER)
    drained = await admin.put(node["Links"]["Self"], {**node, "IsInMaintenanceMode": True})
    assert drained["IsInMaintenanceMode"] is True
    waiting = await admin.post("/api/deployments", {**ORDER, "ReleaseId": "Releases-6"})
    assert (await admin.get(node["Links"]["Details"]))["RunningTasks"] == 1
    for path in ("octopusservernodes/ping", "serverstatus/health"):
        assert (await anyone.http.get(f"/api/{path}")).status_code == 418
    simulator.advance(60)
    assert (await admin.get(running["Links"]["Task"]))["State"] == "Success"
    assert (await admin.get(waiting["Links"]["Task"]))["State"] == "Queued"

    await admin.put(node["Links"]["Self"], {**node, "MaxConcurrentTasks": 7})
    assert simulator.slots == 7
    assert (await admin.get(waiting["Links"]["Task"]))["State"] == "Executing"
    assert (await anyone.http.get("/api/serverstatus/health")).status_code == 200


@pytest.mark.parametrize("slots", [0, "5", True])
async def test_the_cap_of_a_node_is_a_number(admin: Any, slots: object) -> None:
    (node,) = await admin.get("/api/octopusservernodes/all")
    await admin.put(node["Links"]["Self"], {**node, "MaxConcurrentTasks": slots}, status=400)


async def test_a_node_is_changed_by_who_configures_the_server(admin: Any, api: Any) -> None:
    (node,) = await api.get("/api/octopusservernodes/all")
    await api.put(node["Links"]["Self"], node, status=403)
    assert (await admin.http.delete(node["Links"]["Self"])).status_code == 400
    await api.get("/api/serverstatus/system-info", status=403)
    zones = {each["Id"] for each in await api.get("/api/serverstatus/timezones")}
    assert {"UTC", "Europe/Berlin"} <= zones
