"""Corner cases of lifecycles: counts of environments, optional and empty phases, ways back."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed

ENVIRONMENTS = ["Dev", "Test A", "Test B", "Live"]


def _server(*phases: str) -> Simulator:
    """Return a server whose one project has one release, in a lifecycle of these phases."""
    lines = "".join(f"\n          - {{{phase}}}" for phase in phases) or " []"
    seed = f"""
spaces:
  - name: Space
    environments: [{", ".join(ENVIRONMENTS)}]
    lifecycles:
      - name: Way
        phases:{lines}
    projects: [{{name: Web, lifecycle: Way}}]
"""
    clock = datetime(2026, 11, 20, tzinfo=UTC)
    made = Simulator(parse_seed(seed), clock=lambda: clock, task_seconds=1)
    made.release("Web", "1.0.0")
    return made


def _succeed(simulator: Simulator, *environments: str) -> None:
    for each in environments:
        simulator.deploy("Web", "1.0.0", each)
        simulator.advance(60)


async def _open(api: Any) -> list[str]:
    template = await api.get("/api/releases/Releases-1/deployments/template")
    return [each["Name"] for each in template["PromoteTo"]]


async def _refused(api: Any, environment: str) -> str:
    number = ENVIRONMENTS.index(environment) + 1
    body = {"ReleaseId": "Releases-1", "EnvironmentId": f"Environments-{number}"}
    refused = await api.post("/api/deployments", body, status=400)
    assert refused["ErrorMessage"] == "Deployment creation failed."
    return str(refused["Errors"][0])


DEV, LIVE = "name: Dev, environments: [Dev]", "name: Live, environments: [Live]"
TEST = "name: Test, environments: [Test A, Test B]"
ALL = ENVIRONMENTS


@pytest.mark.parametrize(
    ("phases", "succeeded", "open_now"),
    [
        ((), (), ["Dev"]),
        ((), ("Dev",), ["Dev", "Test A"]),
        ((), ("Dev", "Test A", "Test B"), ALL),
        ((TEST, LIVE), ("Test A",), ["Test A", "Test B"]),
        ((TEST, LIVE), ("Test A", "Test B"), ["Test A", "Test B", "Live"]),
        ((TEST + ", minimum: 1", LIVE), ("Test B",), ["Test A", "Test B", "Live"]),
        ((TEST + ", minimum: 2", LIVE), ("Test B",), ["Test A", "Test B"]),
        ((TEST + ", minimum: 9", LIVE), ("Test A", "Test B"), ["Test A", "Test B", "Live"]),
        ((DEV + ", optional: true", LIVE), (), ["Dev", "Live"]),
        ((DEV + ", optional: true", TEST + ", optional: true", LIVE), (), ALL),
        ((DEV, TEST + ", optional: true", LIVE), (), ["Dev"]),
        ((DEV, "name: Rest"), (), ["Dev"]),
        ((DEV, "name: Rest"), ("Dev",), ALL),
        ((DEV, "name: Rest", LIVE), ("Dev", "Test A"), ["Dev", "Test A", "Test B"]),
        ((DEV, "name: Rest", LIVE), ("Dev", "Test A", "Test B"), ALL),
    ],
)
async def test_where_a_release_may_go_next(
    service_of: Any, phases: tuple[str, ...], succeeded: tuple[str, ...], open_now: list[str]
) -> None:
    simulator = _server(*phases)
    _succeed(simulator, *succeeded)
    api = service_of(simulator)
    assert await _open(api) == open_now
    progress = await api.get("/api/releases/Releases-1/progression")
    named = [
        simulator.world.spaces["Spaces-1"].environments[e] for e in progress["NextDeployments"]
    ]
    assert {each.name for each in named} == {*open_now} - {*succeeded}
    for environment in {*ALL} - {*open_now}:
        assert await _refused(api, environment)


async def test_a_phase_that_no_environment_is_left_for_holds_nothing_up(service_of: Any) -> None:
    simulator = _server(DEV, "name: A, environments: [Test A, Test B]", "name: Rest", LIVE)
    space = simulator.world.spaces["Spaces-1"]
    way = next(each for each in space.lifecycles.values() if each.name == "Way")
    way.phases = (*way.phases[:2], way.phases[3], way.phases[2])
    _succeed(simulator, "Dev", "Test A", "Test B", "Live")
    progress = await service_of(simulator).get("/api/releases/Releases-1/progression")
    assert [each["Progress"] for each in progress["Phases"]] == ["Complete"] * 4
    assert progress["NextDeploymentsMinimumRequired"] == 0


async def test_what_was_reached_may_be_deployed_again_whatever_came_since(service_of: Any) -> None:
    simulator = _server(DEV, LIVE)
    _succeed(simulator, "Dev", "Live")
    simulator.fail_next("Web", "1.0.0", "Dev")
    _succeed(simulator, "Dev")
    assert await _open(service_of(simulator)) == ["Dev", "Live"]
    simulator.release("Web", "2.0.0")
    _succeed(simulator, "Live", "Dev")
    assert [each.state for each in simulator.deployments("Web", "Live")] == ["Success"] * 2


async def test_an_automatic_phase_that_is_optional_waits_for_a_person(service_of: Any) -> None:
    simulator = _server("name: Dev, automatic: [Dev], optional: true", LIVE)
    body = {"ProjectId": "Projects-1", "Version": "2.0.0"}
    await service_of(simulator).post("/api/releases", body)
    simulator.advance(60)
    assert simulator.deployments("Web", "Dev") == ()


async def test_automatic_phases_follow_each_other(service_of: Any) -> None:
    simulator = _server(
        "name: Dev, automatic: [Dev]",
        "name: Test, automatic: [Test A], environments: [Test B], minimum: 1",
        "name: Live, automatic: [Live]",
    )
    body = {"ProjectId": "Projects-1", "Version": "2.0.0"}
    await service_of(simulator).post("/api/releases", body)
    simulator.advance(60)
    seen = {each: len(simulator.deployments("Web", each)) for each in ENVIRONMENTS}
    assert seen == {"Dev": 1, "Test A": 1, "Test B": 0, "Live": 1}


async def test_a_defect_holds_a_release_until_it_is_resolved(service_of: Any) -> None:
    simulator = _server(DEV, TEST, LIVE)
    simulator.grant("reconciler", "DefectReport")
    simulator.grant("reconciler", "DefectResolve")
    api = service_of(simulator)
    _succeed(simulator, "Dev", "Test A")
    path = "/api/releases/Releases-1/defects"
    await api.post(path, {"Description": "It leaks"}, status=200)
    again = await api.post(path, {"Description": "It leaks"}, status=400)
    assert "unresolved defect" in again["ErrorMessage"]
    assert await _open(api) == ["Dev", "Test A", "Test B"]
    _succeed(simulator, "Test B")
    assert "defect" in await _refused(api, "Live")
    await api.post(f"{path}/resolve", status=200)
    assert await _open(api) == ALL
    await api.post(f"{path}/resolve", status=400)


async def test_a_channel_may_have_a_lifecycle_of_its_own(service_of: Any) -> None:
    simulator = _server(DEV, LIVE)
    for permission in ("LifecycleCreate", "LifecycleEdit", "ProcessEdit"):
        simulator.grant("reconciler", permission)
    admin = service_of(simulator)
    short = await admin.post(
        "/api/lifecycles",
        {
            "Name": "Hotfix",
            "Phases": [{"Name": "L", "OptionalDeploymentTargets": ["Environments-4"]}],
        },
    )
    body = {"ProjectId": "Projects-1", "Name": "Hotfix", "LifecycleId": short["Id"]}
    channel = await admin.post("/api/channels", body)
    body = {"ProjectId": "Projects-1", "Version": "1.0.1", "ChannelId": channel["Id"]}
    release = await admin.post("/api/releases", body)
    template = await admin.get(release["Links"]["DeploymentTemplate"])
    assert [each["Name"] for each in template["PromoteTo"]] == ["Live"]
    order = {"ReleaseId": release["Id"], "EnvironmentId": "Environments-1"}
    refused = await admin.post("/api/deployments", order, status=400)
    assert "not part of lifecycle 'Hotfix'" in refused["Errors"][0]


async def test_a_priority_phase_without_environments_goes_first_too(service_of: Any) -> None:
    simulator = _server(DEV, "name: Rest")
    for permission in ("LifecycleCreate", "LifecycleEdit", "ProcessEdit"):
        simulator.grant("reconciler", permission)
    admin = service_of(simulator)
    (way,) = [e for e in await admin.get("/api/lifecycles/all") if e["Name"] == "Way"]
    way["Phases"][1]["IsPriorityPhase"] = True
    await admin.put(way["Links"]["Self"], way)
    preview = await admin.get(way["Links"]["Preview"])
    assert [each["IsPriorityPhase"] for each in preview["Phases"]] == [False, True]
    _succeed(simulator, "Dev")
    simulator.deploy("Web", "1.0.0", "Live")
    task = simulator.deployments("Web", "Live")[-1].task_id
    assert simulator.world.tasks[task].is_prioritized


async def test_a_lifecycle_that_changes_while_a_deployment_waits_lets_it_fail(
    service_of: Any,
) -> None:
    simulator = _server(DEV, LIVE)
    simulator.grant("reconciler", "LifecycleEdit")
    api = service_of(simulator)
    for environment in ("Environments-1", "Environments-1"):
        body = {"ReleaseId": "Releases-1", "EnvironmentId": environment}
        await api.post("/api/deployments", {**body, "QueueTime": "2026-11-20T01:00:00Z"})
    (way,) = [each for each in await api.get("/api/lifecycles/all") if each["Name"] == "Way"]
    way["Phases"] = way["Phases"][1:]
    await api.put(way["Links"]["Self"], way)
    simulator.deploy("Web", "1.0.0", "Test A")  # by a test, whatever the lifecycle says
    simulator.advance(7200)
    first, second = simulator.deployments("Web", "Dev")
    assert (first.state, second.state) == ("Failed", "Failed")
    task = await api.get(f"/api/tasks/{first.task_id}")
    assert "is not part of lifecycle 'Way'" in task["ErrorMessage"]
    assert simulator.deployments("Web", "Test A")[0].state == "Success"
