"""A deployment from its release to its end, told over HTTP with a clock we turn."""

from typing import Any

from reconciler.simulator import Simulator


async def _names(api: Any) -> tuple[dict[str, str], dict[str, str]]:
    projects = {each["Name"]: each["Id"] for each in await api.get("/api/projects/all")}
    places = {each["Name"]: each["Id"] for each in await api.get("/api/environments/all")}
    return projects, places


async def test_a_release_travels_from_dev_to_production(simulator: Simulator, api: Any) -> None:
    projects, places = await _names(api)
    body = {
        "projectid": projects["Orders API"],
        "version": "2.5.0",
        "selectedPackages": [{"actionName": "Deploy Orders API", "version": "2.5.0"}],
    }
    release = await api.post("/api/Spaces-1/releases", body)
    assert (await api.get(release["Links"]["Self"]))["Version"] == "2.5.0"

    refused = await api.post(
        "/api/deployments",
        {"ReleaseId": release["Id"], "EnvironmentId": places["Production"]},
        status=400,
    )
    assert "not complete" in refused["Errors"][0]

    for name in ("Dev", "Test", "Production"):
        made = await api.post(
            "/api/deployments", {"ReleaseId": release["Id"], "EnvironmentId": places[name]}
        )
        assert (await api.get(made["Links"]["Task"]))["State"] == "Executing"
        simulator.advance(9)
        assert not (await api.get(made["Links"]["Task"]))["IsCompleted"]
        simulator.advance(1)
        task = await api.get(made["Links"]["Task"])
        assert (task["State"], task["FinishedSuccessfully"]) == ("Success", True)
        assert task["Duration"] == "10 seconds"
        assert simulator.running("orders-api", name) == "2.5.0"


async def test_the_board_tells_the_newest_attempt_and_the_last_success_apart(
    simulator: Simulator, api: Any
) -> None:
    simulator.fail_next("web-shop", "1.1.0", "Production", message="disk full")
    simulator.deploy("Web Shop", "1.1.0", "Production", by="alice", comments="by hand")
    simulator.advance(60)

    board = await api.get("/api/dashboard/dynamic?includePrevious=true")

    cell = [
        each
        for each in board["Items"]
        if each["ProjectId"] == "Projects-1" and each["EnvironmentId"] == "Environments-3"
    ]
    told = [(each["ReleaseVersion"], each["State"], each["IsPrevious"]) for each in cell]
    assert told == [("1.1.0", "Failed", False), ("1.0.0", "Success", True)]
    assert cell[0]["ErrorMessage"] == "disk full"
    assert (board["ProjectLimit"], board["IsFiltered"]) == (None, False)
    assert simulator.running("Web Shop", "Production") == "1.0.0"
    assert simulator.deployments("Web Shop", "Production")[-1].deployed_by == "alice"


async def test_warnings_are_a_success_that_says_so(simulator: Simulator, api: Any) -> None:
    simulator.warn_next("Newsletter", None, "Dev")
    simulator.deploy("Newsletter", "0.9.0", "Dev")
    simulator.advance(10)

    (seen,) = simulator.deployments("Newsletter", "Dev")

    task = await api.get(f"/api/tasks/{seen.task_id}")
    assert (task["State"], task["HasWarningsOrErrors"]) == ("Success", True)


async def test_the_log_tree_grows_with_the_clock(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    task_id = simulator.deployments("Web Shop", "Test")[-1].task_id

    async def statuses() -> list[tuple[str, str]]:
        details = await api.get(f"/api/Spaces-1/tasks/{task_id}/details")
        (root,) = details["ActivityLogs"]
        return [(each["Name"], each["Status"]) for each in root["Children"]]

    assert [status for _, status in await statuses()] == ["Running", "Pending", "Pending"]
    simulator.advance(5)
    assert await statuses() == [
        ("Acquire packages", "Success"),
        ("Step 1: Deploy Web Shop", "Running"),
        ("Step 2: Smoke test", "Pending"),
    ]
    simulator.advance(5)
    assert {status for _, status in await statuses()} == {"Success"}
    raw = await api.http.get(f"/api/tasks/{task_id}/raw")
    assert raw.headers["content-type"].startswith("text/plain")
    assert "Step 2: Smoke test finished" in raw.text
