"""How tasks share slots and cells, wait, end, and are listed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.simulator import Simulator, seed_estate

PROJECTS = {"Web Shop": "1.2.0", "Orders API": "2.4.1", "Payments API": "3.1.0"}
_START = datetime(2026, 11, 20, tzinfo=UTC)


def _states(simulator: Simulator, project: str, environment: str) -> list[str]:
    return [each.state for each in simulator.deployments(project, environment)]


async def test_a_cell_never_deploys_twice_at_once(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.deploy("Web Shop", "1.2.0", "Dev")

    assert _states(simulator, "Web Shop", "Dev")[1:] == ["Executing", "Queued"]
    first, second = simulator.deployments("Web Shop", "Dev")[1:]
    behind = await api.get(f"/api/tasks/{second.task_id}/queued-behind")
    assert [each["Id"] for each in behind["Items"]] == [first.task_id]

    simulator.advance(10)
    assert _states(simulator, "Web Shop", "Dev")[1:] == ["Success", "Executing"]
    task = await api.get(f"/api/tasks/{second.task_id}")
    assert task["StartTime"] == "2026-11-20T10:00:10.000+00:00"


async def test_the_task_cap_lets_the_rest_wait(simulator: Simulator, api: Any) -> None:
    simulator.slots = 2
    for project, version in PROJECTS.items():
        simulator.deploy(project, version, "Test")

    listed = await api.get("/api/tasks?active=true")
    assert listed["TotalCounts"]["Executing"] == 2
    assert listed["TotalCounts"]["Queued"] == 1
    waiting = next(each for each in listed["Items"] if each["State"] == "Queued")
    assert waiting["HasBeenPickedUpByProcessor"] is False
    behind = await api.get(f"/api/tasks/{waiting['Id']}/queued-behind")
    assert behind["TotalResults"] == 2

    simulator.advance(20)
    assert (await api.get("/api/tasks?active=true"))["Items"] == []


async def test_a_turned_clock_tells_the_same_story_as_a_slow_one() -> None:
    def story(steps: int) -> list[tuple[str, str]]:
        world = Simulator(seed_estate(12, 2, slots=3), clock=lambda: _START, task_seconds=7)
        for number in range(1, 13):
            world.deploy(f"project-{number}", "1.1.0", "environment-1")
        for _ in range(steps):
            world.advance(28 / steps)
        return [
            (each.version, str(each.completed))
            for number in range(1, 13)
            for each in world.deployments(f"project-{number}", "environment-1")[1:]
        ]

    assert story(1) == story(4) == story(56)
    assert len({completed for _, completed in story(1)}) == 4


async def test_a_running_task_is_cancelled_after_a_while(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    task_id = simulator.deployments("Web Shop", "Test")[-1].task_id
    simulator.advance(3)

    cancelled = await api.post(f"/api/tasks/{task_id}/cancel", status=200)
    assert (cancelled["State"], cancelled["IsCompleted"]) == ("Cancelling", False)
    simulator.advance(2)
    task = await api.get(f"/api/tasks/{task_id}")
    assert (task["State"], task["FinishedSuccessfully"]) == ("Canceled", False)
    again = await api.post(f"/api/tasks/{task_id}/cancel", status=200)
    assert again["State"] == "Canceled"
    assert simulator.running("Web Shop", "Test") == "1.1.0"


async def test_a_queued_task_is_cancelled_at_once(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test", at=simulator.now + timedelta(hours=1))
    task_id = simulator.deployments("Web Shop", "Test")[-1].task_id
    cancelled = await api.post(f"/api/Spaces-1/tasks/{task_id}/cancel", status=200)
    assert (cancelled["State"], cancelled["StartTime"]) == ("Canceled", None)


async def test_a_scheduled_task_starts_at_its_time(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test", at=simulator.now + timedelta(minutes=5))
    simulator.advance(299)
    assert _states(simulator, "Web Shop", "Test")[-1] == "Queued"
    deployment = simulator.deployments("Web Shop", "Test")[-1]
    shown = await api.get(f"/api/deployments/{deployment.id}")
    assert shown["QueueTime"] == "2026-11-20T10:05:00.000+00:00"
    simulator.advance(1)
    assert _states(simulator, "Web Shop", "Test")[-1] == "Executing"


async def test_a_task_past_its_expiry_times_out(simulator: Simulator, api: Any) -> None:
    simulator.stick("Web Shop", None, "Dev", state="Executing")
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    made = await api.post(
        "/api/deployments",
        {
            "ReleaseId": "Releases-3",
            "EnvironmentId": "Environments-1",
            "QueueTime": "2026-11-20T10:01:00Z",
            "QueueTimeExpiry": "2026-11-20T10:02:00Z",
        },
    )
    simulator.advance(121)
    task = await api.get(made["Links"]["Task"])
    assert (task["State"], task["Completed"]) == ("TimedOut", "Timed out")


@pytest.mark.parametrize("state", ["Queued", "Executing", "Cancelling"])
async def test_a_stuck_task_never_leaves_its_state_until_finished(
    simulator: Simulator, api: Any, state: str
) -> None:
    simulator.stick("Newsletter", "0.9", "Dev", state=state)  # type: ignore[arg-type]
    simulator.deploy("Newsletter", "0.9.0", "Dev")
    (seen,) = simulator.deployments("Newsletter", "Dev")
    if state == "Cancelling":
        await api.post(f"/api/tasks/{seen.task_id}/cancel", status=200)
    simulator.advance(1_000_000)
    assert _states(simulator, "Newsletter", "Dev") == [state]
    simulator.finish("Newsletter", "Dev", state="Failed", message="node restarted")
    assert (await api.get(f"/api/tasks/{seen.task_id}"))["ErrorMessage"] == "node restarted"


async def test_lists_of_tasks_filter_by_ids_state_and_cell(simulator: Simulator, api: Any) -> None:
    simulator.fail_next("Web Shop", None, "Dev")
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    simulator.deploy("Orders API", "2.4.1", "Test")
    simulator.advance(5)
    simulator.advance(5)
    simulator.deploy("Orders API", "2.4.0", "Test")

    failed = await api.get("/api/tasks?states=failed&states=Canceled&name=Deploy")
    assert [each["ProjectId"] for each in failed["Items"]] == ["Projects-1"]
    assert failed["TotalCounts"]["Executing"] == 1
    cell = await api.get("/api/tasks?project=Projects-2&environment=Environments-2&take=1")
    assert cell["Items"][0]["State"] == "Executing"
    assert (await api.get("/api/tasks?project=Orders%20API"))["Items"] == []
    wanted = f"{cell['Items'][0]['Id']},ServerTasks-999"
    assert (await api.get(f"/api/Spaces-1/tasks?ids={wanted}"))["TotalResults"] == 1
    assert (await api.get("/api/tasks?running=false"))["TotalResults"] == 14
    await api.get("/api/tasks/ServerTasks-999", status=404)


async def test_deployments_cannot_be_rerun(admin: Any) -> None:
    refused = await admin.post("/api/tasks/rerun/ServerTasks-1", status=400)
    assert refused["ErrorMessage"] == "This task cannot be re-run."


async def test_the_audit_log_tells_the_story_in_order(simulator: Simulator, api: Any) -> None:
    made = simulator.deploy("Web Shop", "1.2.0", "Test", by="bob")
    simulator.advance(10)
    found = (await api.get(f"/api/events?regarding={made}"))["Items"]
    assert [each["Category"] for each in reversed(found)] == [
        "DeploymentQueued",
        "DeploymentStarted",
        "DeploymentSucceeded",
    ]
    assert found[-1]["Username"] == "bob"
    number = int(found[0]["Id"].removeprefix("Events-"))
    assert len((await api.get(f"/api/events?fromAutoId={number}"))["Items"]) == 1


async def test_the_state_of_a_completed_task_can_be_corrected(
    simulator: Simulator, api: Any, admin: Any
) -> None:
    simulator.fail_next("Newsletter", None, "Dev")
    simulator.deploy("Newsletter", "0.9.0", "Dev")
    simulator.advance(10)
    (seen,) = simulator.deployments("Newsletter", "Dev")

    async def board_state() -> str:
        board = await api.get("/api/dashboard/dynamic")
        (state,) = [each["State"] for each in board["Items"] if each["TaskId"] == seen.task_id]
        return str(state)

    assert await board_state() == "Failed"
    path = f"/api/tasks/{seen.task_id}/state"
    await api.post(path, {"state": "Success"}, status=403)
    await admin.post(path, {"state": "Executing"}, status=400)
    await admin.post(path, {"State": "Success", "Reason": "was fine"}, status=200)
    assert await board_state() == "Success"
    assert simulator.running("Newsletter", "Dev") == "0.9.0"


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_task_takes_a_time_that_exists(seconds: float) -> None:
    with pytest.raises(ValueError, match="from 0 to"):
        Simulator(seed_estate(1, 1), task_seconds=seconds)
