"""The queue of tasks: who goes first, and what a waiting task says; deleted deployments."""

from typing import Any

import pytest

from reconciler.simulator import Simulator


async def _queue(simulator: Simulator, admin: Any) -> list[str]:
    """Fill the only slot and queue two more; returns the ids of the three tasks."""
    simulator.slots = 1
    for project, version in (("Web Shop", "1.2.0"), ("Orders API", "2.4.1"), ("Newsletter", "0.9")):
        simulator.deploy(project, version, "Dev")
    listed = await admin.get("/api/tasks?active=true")
    return sorted((each["Id"] for each in listed["Items"]), key=lambda each: int(each[12:]))


async def test_a_prioritized_task_goes_before_those_that_came_earlier(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    running, second, third = await _queue(simulator, admin)
    (behind,) = (await admin.get(f"/api/tasks/{third}/blockedby"))["Items"]
    assert behind["Id"] == running
    (told,) = await admin.get(f"/api/tasks/{third}/status/messages")
    assert told["Message"] == "This task waits for 1 other task(s)."
    await api.post(f"/api/tasks/{third}/prioritize", status=403)
    await admin.post(f"/api/tasks/{third}/prioritize", status=200)
    await admin.post(f"/api/tasks/{running}/prioritize", status=400)
    simulator.advance(10)
    states = [(await admin.get(f"/api/tasks/{each}"))["State"] for each in (second, third)]
    assert states == ["Queued", "Executing"]
    assert await admin.get(f"/api/tasks/{third}/status/messages") == []


@pytest.mark.parametrize(("phase", "order", "first"), [(True, None, True), (True, "Off", False),
                                                       (False, "On", True)])  # fmt: skip
async def test_a_deployment_goes_first_as_it_or_its_phase_says(
    simulator: Simulator, admin: Any, phase: bool, order: str | None, first: bool
) -> None:
    lifecycle = await admin.get("/api/lifecycles/Lifecycles-1")
    lifecycle["Phases"] = [
        {
            "Name": "Dev",
            "OptionalDeploymentTargets": ["Environments-1"],
            "IsPriorityPhase": phase,
        }
    ]
    if phase:
        await admin.put(lifecycle["Links"]["Self"], lifecycle)
    options = {"Priority": order}
    simulator.deploy("Web Shop", "1.2.0", "Dev", options=options)
    deployment = simulator.deployments("Web Shop", "Dev")[-1]
    assert simulator.world.tasks[deployment.task_id].is_prioritized is first


async def test_a_completed_deployment_is_deleted_with_its_task(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    made = simulator.deploy("Web Shop", "1.2.0", "Test")
    refused = await admin.http.delete(f"/api/deployments/{made}")
    assert refused.json()["ErrorMessage"] == (
        "The Deployment has dependent resources and cannot be deleted."
    )
    simulator.advance(20)
    task = simulator.deployments("Web Shop", "Test")[-1].task_id
    assert (await api.http.delete(f"/api/deployments/{made}")).status_code == 403
    assert (await admin.http.delete(f"/api/deployments/{made}")).status_code == 200
    await admin.get(f"/api/deployments/{made}", status=404)
    await admin.get(f"/api/tasks/{task}", status=404)
    assert simulator.running("Web Shop", "Test") == "1.1.0"
