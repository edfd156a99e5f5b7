"""Workers, worker pools and machine policies."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

WORKER = {
    "Name": "worker-1",
    "Endpoint": {"CommunicationStyle": "Ssh", "Host": "w1", "Fingerprint": "ab"},
}


async def test_a_worker_is_made_checked_changed_and_deleted(
    simulator: Simulator, admin: Any
) -> None:
    made = await admin.post("/api/workers", WORKER)
    assert (made["WorkerPoolIds"], made["Endpoint"]["Host"]) == (["WorkerPools-1"], "w1")
    simulator.advance(5)
    checked = await admin.get("/api/workers/worker-1")
    assert (checked["HealthStatus"], checked["ShellName"]) == ("Healthy", "Bash")
    assert (await admin.get(made["Links"]["Connection"]))["CurrentTentacleVersion"] is None
    changed = await admin.put(made["Links"]["Self"], {**checked, "Name": "worker-2"})
    assert changed["Name"] == "worker-2"
    assert [each["Id"] for each in await admin.get("/api/workers/all")] == [made["Id"]]
    listed = await admin.get("/api/workers?workerPoolIds=WorkerPools-9")
    assert listed["Items"] == []
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    await admin.get(made["Links"]["Self"], status=404)


async def test_workers_and_pools_need_the_permissions_of_workers(
    simulator: Simulator, api: Any
) -> None:
    simulator.add_worker("worker-1")
    assert (await api.get("/api/workers"))["TotalResults"] == 1
    await api.post("/api/workers", WORKER, status=403)
    await api.post("/api/workerpools", {"Name": "x"}, status=403)
    simulator.revoke("reconciler", "WorkerView")
    for path in ("workers", "workers/all", "workerpools", "workerpools/summary"):
        await api.get(f"/api/{path}", status=403)


async def test_pools_are_made_sorted_counted_and_kept_while_used(
    simulator: Simulator, admin: Any
) -> None:
    made = await admin.post("/api/workerpools", {"Name": "Fast"})
    assert (made["SortOrder"], made["IsDefault"], made["CanAddWorkers"]) == (1, False, True)
    assert await admin.put("/api/workerpools/sortorder", [made["Id"]]) == [
        made["Id"],
        "WorkerPools-1",
    ]
    simulator.add_worker("worker-1", pool="Fast")
    summary = await admin.get("/api/workerpools/summary")
    assert [each["TotalMachines"] for each in summary["WorkerPoolSummaries"]] == [1, 0]
    inside = await admin.get(made["Links"]["Workers"].split("{")[0])
    assert [each["Name"] for each in inside["Items"]] == ["worker-1"]
    refused = await admin.http.delete(made["Links"]["Self"])
    assert refused.json()["ErrorMessage"] == (
        "The Worker Pool has dependent resources and cannot be deleted."
    )
    default = await admin.http.delete("/api/workerpools/WorkerPools-1")
    assert default.status_code == 400
    moved = await admin.put(made["Links"]["Self"], {**made, "IsDefault": True})
    assert moved["IsDefault"] is True
    assert (await admin.get("/api/workerpools/WorkerPools-1"))["IsDefault"] is False
    await admin.http.delete("/api/workers/worker-1")
    assert (await admin.http.delete("/api/workerpools/WorkerPools-1")).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("workerpools", {"Name": "Default worker pool"}, 400),
        ("workerpools", {"Name": "x", "WorkerPoolType": "Puddle"}, 400),
        ("workers", {**WORKER, "WorkerPoolIds": ["WorkerPools-9"]}, 404),
        ("workers", {"Name": "x"}, 400),
        ("machinepolicies", {"Name": "default machine policy"}, 400),
        ("machinepolicies", {"Name": "x", "ConnectionRetryCountLimit": "5"}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    admin: Any, path: str, body: dict[str, Any], status: int
) -> None:
    await admin.post(f"/api/{path}", body, status=status)


async def test_machines_of_a_deleted_policy_get_the_default_one(
    simulator: Simulator, admin: Any
) -> None:
    template = await admin.get("/api/machinepolicies/template")
    policy = await admin.post("/api/machinepolicies", {**template, "Name": "Strict"})
    assert (policy["Id"], policy["ConnectionConnectTimeout"]) == ("MachinePolicies-2", "00:01:00")
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    machine = await admin.get("/api/machines/web-1")
    await admin.put("/api/machines/web-1", {**machine, "MachinePolicyId": policy["Id"]})
    inside = await admin.get(policy["Links"]["Machines"].split("{")[0])
    assert [each["Name"] for each in inside["Items"]] == ["web-1"]

    assert (await admin.http.delete(policy["Links"]["Self"])).status_code == 200
    machine = await admin.get("/api/machines/web-1")
    assert machine["MachinePolicyId"] == "MachinePolicies-1"
    refused = await admin.http.delete("/api/machinepolicies/MachinePolicies-1")
    assert refused.json()["ErrorMessage"] == "You cannot delete your default machine policy."
