"""What policies no longer keep is removed, by the clock and when a task asks for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed

SEED = """
spaces:
  - name: Space
    environments: [Staging, Production]
    lifecycles:
      - name: Web
        phases:
          - {name: Staging, environments: [Staging]}
          - {name: Production, environments: [Production]}
    projects: [{name: Web, lifecycle: Web, packages: [Acme.Web]}]
"""
NUMBERS = [f"0.0.{number}" for number in range(1, 16)]


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(
        parse_seed(SEED), clock=lambda: datetime(2026, 11, 20, tzinfo=UTC), task_seconds=1
    )


def _deploy(simulator: Simulator, environment: str, numbers: list[str]) -> None:
    for number in numbers:
        simulator.deploy("Web", number, environment)
        simulator.advance(60)


def _fifteen(simulator: Simulator) -> None:
    """Make the fifteen releases of the documentation's example."""
    for number in NUMBERS:
        simulator.release("Web", number)
        simulator.advance(1)
    _deploy(simulator, "Staging", NUMBERS[:9])
    _deploy(simulator, "Production", NUMBERS[:6])


async def _keep(
    admin: Any, policy: dict[str, Any], *, phases: tuple[Any, ...] = (None, None)
) -> None:
    (web,) = [e for e in await admin.get("/api/lifecycles/all") if e["Name"] == "Web"]
    web["ReleaseRetentionPolicy"] = policy
    for phase, own in zip(web["Phases"], phases, strict=True):
        phase["ReleaseRetentionPolicy"] = own
    await admin.put(web["Links"]["Self"], web)


async def _left(admin: Any) -> list[str]:
    found = await admin.get("/api/projects/web/releases?take=100")
    return [each["Version"] for each in reversed(found["Items"])]


async def _run(simulator: Simulator, admin: Any) -> None:
    body = {"Name": "Retention", "Description": "Apply retention policies"}
    await admin.post("/api/Spaces-1/tasks", body)
    simulator.advance(2)


THREE = {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": 3, "ShouldKeepForever": False}


async def test_the_example_of_the_documentation_leaves_what_it_says(
    simulator: Simulator, admin: Any
) -> None:
    _fifteen(simulator)
    await _keep(admin, THREE)
    await _run(simulator, admin)
    gone = {"0.0.12", "0.0.11", "0.0.10", "0.0.1"}
    assert await _left(admin) == [each for each in NUMBERS if each not in gone]
    seen = [each.version for each in simulator.deployments("Web", "Staging")]
    assert seen == NUMBERS[1:9]
    events = (await admin.get("/api/events?eventCategories=Deleted&take=4"))["Items"]
    assert [each["Username"] for each in events] == ["system"] * 4


async def test_policies_are_applied_every_four_hours_by_the_clock(
    simulator: Simulator, admin: Any
) -> None:
    _fifteen(simulator)
    await _keep(admin, THREE)
    simulator.advance(3600)
    assert len(await _left(admin)) == 15
    simulator.advance(3 * 3600)
    assert len(await _left(admin)) == 11
    simulator.advance(1_000_000_000)
    assert len(await _left(admin)) == 11


@pytest.mark.parametrize(
    "policy",
    [
        {"Strategy": "Forever", "Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": True},
        {"Unit": "Items", "QuantityToKeep": 0, "ShouldKeepForever": False},
        {"Strategy": "Default", "Unit": "Days", "QuantityToKeep": 1, "ShouldKeepForever": False},
        {"Strategy": "Count", "Unit": "Items", "QuantityToKeep": "x", "ShouldKeepForever": False},
    ],
)
async def test_for_ever_keeps_everything(
    simulator: Simulator, admin: Any, policy: dict[str, Any]
) -> None:
    _fifteen(simulator)
    await _keep(admin, policy)
    simulator.advance(100 * 86400)
    assert len(await _left(admin)) == 15


async def test_a_phase_has_its_own_policy_or_that_of_the_one_before(
    simulator: Simulator, admin: Any
) -> None:
    _fifteen(simulator)
    one = {**THREE, "QuantityToKeep": 1}
    await _keep(admin, {**THREE, "QuantityToKeep": 6}, phases=(one, None))
    await _run(simulator, admin)
    assert await _left(admin) == [*NUMBERS[3:9], *NUMBERS[9:]]


async def test_days_count_from_the_last_deployment_and_boards_keep_what_they_show(
    simulator: Simulator, admin: Any
) -> None:
    _fifteen(simulator)
    await _keep(admin, {"Strategy": "Count", "Unit": "Days", "QuantityToKeep": 2})
    simulator.advance(86400)
    assert len(await _left(admin)) == 15
    simulator.advance(2 * 86400)
    assert await _left(admin) == ["0.0.5", "0.0.6", "0.0.8", "0.0.9"]


async def test_a_space_s_default_counts_where_a_policy_says_so(
    simulator: Simulator, admin: Any
) -> None:
    _fifteen(simulator)
    await _keep(admin, {**THREE, "Strategy": "Default"})
    own = await admin.get("/api/retentionpolicies?RetentionType=LifecycleRelease")
    own |= {"Strategy": "Count", "QuantityToKeep": 3}
    await admin.put(own["Links"]["Self"], own)
    await _run(simulator, admin)
    assert len(await _left(admin)) == 11


async def test_a_release_on_its_way_and_the_last_success_are_kept(
    simulator: Simulator, admin: Any
) -> None:
    for number in NUMBERS[:6]:
        simulator.release("Web", number)
        simulator.advance(1)
    _deploy(simulator, "Staging", NUMBERS[:3])
    for number in NUMBERS[3:5]:
        simulator.fail_next("Web", number, "Staging")
        _deploy(simulator, "Staging", [number])
    simulator.stick("Web", "0.0.1", "Staging")
    simulator.deploy("Web", "0.0.1", "Staging")
    simulator.deploy("Web", "0.0.5", "Staging")
    await _keep(admin, {**THREE, "QuantityToKeep": 1})
    simulator.advance(4 * 3600)
    assert await _left(admin) == ["0.0.1", "0.0.3", "0.0.4", "0.0.5", "0.0.6"]


async def test_runs_of_a_runbook_are_kept_by_number_in_each_environment(
    simulator: Simulator, admin: Any
) -> None:
    body = {
        "ProjectId": "Projects-1",
        "Name": "Tidy",
        "RunRetentionPolicy": {"QuantityToKeep": 2, "ShouldKeepForever": False},
    }
    runbook = await admin.post("/api/runbooks", body)
    body = {"ProjectId": "Projects-1", "RunbookId": runbook["Id"], "Name": "First"}
    snapshot = await admin.post("/api/runbookSnapshots?publish=true", body)
    for environment in ["Environments-1"] * 4 + ["Environments-2"]:
        body = {
            "RunbookId": runbook["Id"],
            "RunbookSnapshotId": snapshot["Id"],
            "EnvironmentId": environment,
        }
        await admin.post("/api/runbookRuns", body)
        simulator.advance(60)
    await _run(simulator, admin)
    runs = (await admin.get("/api/runbookRuns"))["Items"]
    assert [each["EnvironmentId"] for each in runs] == ["Environments-2"] + ["Environments-1"] * 2


async def test_old_packages_that_no_release_takes_leave_the_feed(
    simulator: Simulator, admin: Any
) -> None:
    simulator.package_arrives("Acme.Web", "1.0.0")
    simulator.package_arrives("Acme.Web", "2.0.0")
    simulator.release("Web", "2.0.0")
    feed = await admin.get("/api/feeds/feeds-builtin")
    await admin.put("/api/feeds/feeds-builtin", {**feed, "DeleteUnreleasedPackagesAfterDays": 3})
    simulator.advance(2 * 86400)
    simulator.package_arrives("Acme.Web", "3.0.0")
    simulator.advance(2 * 86400)
    found = await admin.get("/api/feeds/feeds-builtin/packages/versions?packageId=Acme.Web")
    assert [each["Version"] for each in found["Items"]] == ["3.0.0", "2.0.0"]


async def test_a_deployment_whose_package_is_gone_fails_where_it_acquires_it(
    simulator: Simulator, admin: Any
) -> None:
    simulator.release("Web", "2.0.0")
    await admin.http.delete("/api/packages/packages-Acme.Web.2.0.0")
    simulator.deploy("Web", "2.0.0", "Staging")
    simulator.advance(60)
    (seen,) = simulator.deployments("Web", "Staging")
    details = await admin.get(f"/api/tasks/{seen.task_id}/details")
    assert details["Task"]["ErrorMessage"] == (
        "The package Acme.Web version 2.0.0 is not in the built-in feed."
    )
    acquire, step = details["ActivityLogs"][0]["Children"]
    assert (acquire["Name"], acquire["Status"]) == ("Acquire packages", "Failed")
    assert step["Status"] == "Skipped"
