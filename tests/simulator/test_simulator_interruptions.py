"""Tasks that wait for a person."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator


async def _one(api: Any) -> Any:
    (found,) = (await api.get("/api/Spaces-1/interruptions?pendingOnly=true"))["Items"]
    return found


async def _answer(api: Any, waiting: Any, **values: str) -> Any:
    await api.put(waiting["Links"]["Responsible"])
    return await api.post(waiting["Links"]["Submit"], values, status=200)


async def test_an_approval_holds_the_task_until_somebody_proceeds(
    simulator: Simulator, api: Any
) -> None:
    simulator.interrupt_next("Web Shop", "1.2.0", "Test", title="Go live?", instructions="Look")
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(1000)

    waiting = await _one(api)
    assert (waiting["Title"], waiting["Type"]) == ("Go live?", "ManualIntervention")
    assert waiting["CanTakeResponsibility"] is True
    task = await api.get(f"/api/tasks/{waiting['TaskId']}")
    assert (task["State"], task["HasPendingInterruptions"]) == ("Executing", True)
    assert (await api.get("/api/tasks?hasPendingInterruptions=true"))["TotalResults"] == 1
    board = await api.get("/api/dashboard/dynamic")
    assert [each["HasPendingInterruptions"] for each in board["Items"]].count(True) == 1

    done = await _answer(api, waiting, Result="Proceed", Notes="fine")
    assert (done["IsPending"], done["Form"]["Values"]["Notes"]) == (False, "fine")
    simulator.advance(4)
    assert simulator.running("Web Shop", "Test") == "1.1.0"
    simulator.advance(1)
    assert simulator.running("Web Shop", "Test") == "1.2.0"


async def test_an_abort_fails_the_task(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.advance(1)
    simulator.raise_interruption("Web Shop", "Test")
    await _answer(api, await _one(api), result="Abort")
    assert simulator.deployments("Web Shop", "Test")[-1].state == "Failed"


async def test_only_the_responsible_user_submits_and_only_once(
    simulator: Simulator, api: Any, as_user: Callable[[str], Any]
) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    interruption = simulator.raise_interruption("Web Shop", "Test")
    path = f"/api/interruptions/{interruption}"
    proceed = {"Result": "Proceed"}

    refused = await api.post(f"{path}/submit", proceed, status=400)
    assert refused["ErrorMessage"].startswith("You must take responsibility")
    await api.get(f"{path}/responsible", status=404)
    await api.put(f"{path}/responsible")
    assert (await api.get(path))["HasResponsibility"] is True
    refused = await as_user("alice").post(f"{path}/submit", proceed, status=400)
    assert refused["ErrorMessage"].startswith("Someone else has taken responsibility")
    refused = await api.post(f"{path}/submit", {"Result": "Maybe"}, status=400)
    assert refused["ErrorMessage"] == "There were errors with the form."
    await api.post(f"{path}/submit", proceed, status=200)
    refused = await api.post(f"{path}/submit", proceed, status=400)
    assert refused["ErrorMessage"] == "The interruption has already been submitted."
    await api.put(f"{path}/responsible", status=400)


async def test_only_the_responsible_team_takes_responsibility(
    simulator: Simulator, api: Any, admin: Any
) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    made = simulator.raise_interruption("Web Shop", "Test", teams=("teams-administrators",))
    assert (await api.get(f"/api/interruptions/{made}"))["CanTakeResponsibility"] is False
    await api.put(f"/api/interruptions/{made}/responsible", status=405)
    await admin.put(f"/api/interruptions/{made}/responsible")


@pytest.mark.parametrize(
    ("guidance", "state", "warned"),
    [("Fail", "Failed", True), ("Retry", "Success", False), ("Ignore", "Success", True)],
)
async def test_guided_failure_asks_what_to_do(
    simulator: Simulator, api: Any, guidance: str, state: str, warned: bool
) -> None:
    simulator.fail_next("Web Shop", None, "Test")
    simulator.deploy("Web Shop", "1.2.0", "Test", options={"UseGuidedFailure": True})
    simulator.advance(10)
    waiting = await _one(api)
    assert waiting["Title"].endswith(" requires failure guidance")
    await _answer(api, waiting, Guidance=guidance)
    simulator.advance(10)
    task = await api.get(f"/api/tasks/{waiting['TaskId']}")
    assert (task["State"], task["HasWarningsOrErrors"]) == (state, warned)


@pytest.mark.parametrize(("frees", "other"), [(True, "Executing"), (False, "Queued")])
async def test_a_waiting_task_gives_its_slot_away_by_a_switch(
    simulator: Simulator, frees: bool, other: str
) -> None:
    simulator.slots = 1
    simulator.waiting_frees_slot = frees
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.deploy("Web Shop", "1.1.0", "Test")
    simulator.deploy("Orders API", "2.4.1", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    assert simulator.deployments("Orders API", "Test")[-1].state == other
    assert [each.state for each in simulator.deployments("Web Shop", "Test")][1:] == [
        "Executing",
        "Queued",
    ]


async def test_older_servers_show_a_waiting_task_as_queued(simulator: Simulator, api: Any) -> None:
    simulator.waiting_shows_queued = True
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    (task,) = (await api.get("/api/tasks?active=true"))["Items"]
    assert (task["State"], task["HasPendingInterruptions"]) == ("Queued", True)


async def test_cancelling_ends_the_wait(simulator: Simulator, api: Any) -> None:
    deployment = simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    simulator.cancel(deployment)
    simulator.advance(2)
    assert simulator.deployments("Web Shop", "Test")[-1].state == "Canceled"
    assert (await api.get("/api/interruptions?pendingOnly=true"))["Items"] == []
