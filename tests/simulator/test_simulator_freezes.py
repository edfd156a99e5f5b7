"""Deployment freezes: written, in force once or again and again, overridden."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.simulator import Simulator, parse_seed
from reconciler.simulator.freezing import Freeze, window_at

SUMMER = {
    "Name": "Summer",
    "Start": "2026-11-20T09:00:00+00:00",
    "End": "2026-11-20T12:00:00Z",
    "ProjectEnvironmentScope": {"Projects-1": ["Environments-1", "Environments-2"]},
}
ORDER = {"ReleaseId": "Releases-3", "EnvironmentId": "Environments-1"}
COMMAND = {
    "spaceIdOrName": "Shop",
    "projectName": "Web Shop",
    "releaseVersion": "1.2.0",
    "environmentNames": ["Dev"],
}
PATH = "/api/Spaces-1/deployments/create/untenanted/v1"


async def test_a_freeze_is_made_listed_changed_and_lifted(admin: Any) -> None:
    made = await admin.post("/api/deploymentfreezes", SUMMER)
    assert (made["Id"], made["Start"]) == ("DeploymentFreezes-1", "2026-11-20T09:00:00.000+00:00")
    later = {**SUMMER, "Name": "Later", "Start": "2026-12-01T00:00:00Z", "End": "2026-12-02T00:00Z"}
    await admin.post("/api/deploymentfreezes", later)

    async def names(query: str) -> tuple[list[str], int]:
        listed = await admin.get(f"/api/deploymentfreezes{query}")
        return [each["Name"] for each in listed["DeploymentFreezes"]], listed["Count"]

    assert await names("") == (["Later", "Summer"], 2)
    assert await names("?skip=1&take=5") == (["Summer"], 2)
    assert await names("?status=active") == (["Summer"], 1)
    assert await names("?partialName=LAT") == (["Later"], 1)
    assert await names("?projectIds=Projects-2") == ([], 0)
    assert await names("?environmentIds=Environments-2") == (["Later", "Summer"], 2)
    assert await names("?tenantIds=Tenants-1") == ([], 0)
    assert await names("?effectiveDate=2026-12-01T05:00:00Z") == (["Later"], 1)
    over = {**made, "End": "2026-11-20T09:30:00Z"}
    changed = await admin.put(made["Links"]["Self"], over)
    assert changed["End"] == "2026-11-20T09:30:00.000+00:00"
    assert await names("?includeComplete=false") == (["Later"], 1)
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    await admin.get(made["Links"]["Self"], status=404)


@pytest.mark.parametrize(
    "change",
    [
        {"Name": None},
        {"Start": None},
        {"End": "soon"},
        {"End": SUMMER["Start"]},
        {"ProjectEnvironmentScope": []},
        {"ProjectEnvironmentScope": {"Projects-99": []}},
        {"ProjectEnvironmentScope": {"Projects-1": "Environments-1"}},
        {"TenantProjectEnvironmentScope": [{"TenantId": "Tenants-1"}]},
        {"RecurringSchedule": {"Type": "Hourly"}},
        {"RecurringSchedule": {"Type": "Daily", "Unit": 0}},
        {"RecurringSchedule": {"Type": "Daily", "EndType": "OnDate"}},
        {"RecurringSchedule": {"Type": "Weekly", "DaysOfWeek": "Monday"}},
    ],
)
async def test_a_freeze_that_makes_no_sense_is_refused(admin: Any, change: dict[str, Any]) -> None:
    await admin.post("/api/deploymentfreezes", {**SUMMER, **change}, status=400)


async def test_freezes_are_seen_by_all_and_made_by_few(
    simulator: Simulator, as_user: Callable[[str], Any]
) -> None:
    bob = as_user("bob")
    refused = await bob.post("/api/deploymentfreezes", SUMMER, status=403)
    assert "DeploymentFreezeAdminister" in refused["ErrorMessage"]
    simulator.grant("bob", "DeploymentFreezeAdminister")
    made = await bob.post("/api/deploymentfreezes", SUMMER)
    assert await as_user("alice").get(made["Links"]["Self"]) == made


async def test_a_frozen_cell_is_not_deployed_to_before_the_freeze_is_over(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    await admin.post("/api/deploymentfreezes", SUMMER)
    refused = await api.post("/api/deployments", ORDER, status=400)
    assert refused["ErrorMessage"] == "Deployment creation failed."
    assert "because of the deployment freeze 'Summer'" in refused["Errors"][0]
    await api.post(PATH, COMMAND, status=400)
    await api.post("/api/deployments", {**ORDER, "QueueTime": "2026-11-20T12:00:00Z"})
    await api.post(PATH, {**COMMAND, "runAt": "2026-11-20T13:00:00Z"})
    simulator.advance(3600 * 2)
    await api.post("/api/deployments", ORDER)


async def test_one_frozen_environment_keeps_a_command_from_deploying_to_any(
    simulator: Simulator, api: Any
) -> None:
    simulator.freeze("Summer", "Web Shop", "Test")
    await api.post(PATH, {**COMMAND, "environmentNames": ["Dev", "Test"]}, status=400)
    assert len(simulator.deployments("Web Shop", "Dev")) == 1


async def test_a_freeze_is_overridden_by_who_may_and_says_why(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    freeze = simulator.freeze("Summer", "Web Shop", "Dev")
    lifted = {"deploymentFreezeNames": ["summer"], "deploymentFreezeOverrideReason": "hot fix"}
    await api.post(PATH, {**COMMAND, **lifted}, status=403)
    await admin.post(PATH, {**COMMAND, "deploymentFreezeNames": ["summer"]}, status=400)
    await admin.post(PATH, {**COMMAND, **lifted, "deploymentFreezeNames": ["x"]}, status=400)
    await admin.post(PATH, {**COMMAND, **lifted})

    body = {"CreateDeploymentCommand": ORDER, "FreezeIds": [freeze], "Reason": "hot fix"}
    await api.post("/api/deployments/override", body, status=403)
    await admin.post("/api/deployments/override", {**body, "FreezeIds": ["x"]}, status=404)
    await admin.post("/api/deployments/override", {**body, "Reason": ""}, status=400)
    made = await admin.post("/api/Spaces-1/deployments/override", body)
    assert made["Deployment"]["EnvironmentId"] == "Environments-1"
    events = await admin.get(f"/api/events?regarding={freeze}")
    assert "hot fix" in events["Items"][0]["Message"]
    simulator.freeze("Second", "Web Shop", "Dev")
    await admin.post("/api/deployments/override", body, status=400)


AUTOMATIC = """
spaces:
  - name: S
    environments: [Dev, Test]
    machines: [{name: web-1, environments: [Dev], roles: [web]}]
    lifecycles:
      - name: Fast
        phases:
          - {name: Dev, environments: [Dev]}
          - {name: Test, automatic: [Test]}
    projects:
      - {name: web, lifecycle: Fast, roles: [web], releases: ["1.0.0"], deployed: {Dev: "1.0.0"}}
      - {name: all, deploys: [web], releases: ["1.0.0"]}
"""


def test_what_deploys_by_itself_waits_out_a_freeze_but_target_triggers_do_not() -> None:
    start = datetime(2026, 11, 20, 10, tzinfo=UTC)
    simulator = Simulator(parse_seed(AUTOMATIC), clock=lambda: start, task_seconds=10)
    simulator.schedule("web", "0 30 * * * ?", source="Dev", to="Dev")
    simulator.add_trigger(
        "web",
        "Targets",
        filter={"FilterType": "MachineFilter"},
        action={"ActionType": "AutoDeploy"},
    )
    simulator.freeze("Summer", "web", "Dev", "Test", hours=1)
    simulator.add_machine("web-2", environments=["Dev"], roles=["web"])
    simulator.deploy("all", "1.0.0", "Dev")
    simulator.advance(3590)
    assert [each.deployed_by for each in simulator.deployments("web", "Dev")[1:]] == ["system"]
    assert simulator.deployments("web", "Test") == ()
    assert simulator.deployments("all", "Dev")[0].state == "Failed"
    simulator.advance(3600)
    assert len(simulator.deployments("web", "Dev")) == 3
    assert simulator.running("web", "Test") == "1.0.0"


async def test_a_server_from_before_freezes_knows_no_such_route(
    simulator: Simulator, admin: Any
) -> None:
    simulator.freeze("Summer", "Web Shop", "Dev")
    simulator.world.server_version = "2024.1.9000"
    await admin.get("/api/deploymentfreezes", status=404)
    await admin.post("/api/deploymentfreezes", SUMMER, status=404)
    await admin.post("/api/deployments", ORDER)


FRIDAY = datetime(2026, 11, 20, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "hours", "expected"),
    [
        ({"Type": "Daily"}, 24 * 5 + 1, True),
        ({"Type": "Daily"}, 24 * 5 + 9, False),
        ({"Type": "Daily", "Unit": 2}, 24 * 3 + 1, False),
        ({"Type": "Daily", "Unit": 2}, 24 * 4 + 7, True),
        ({"Type": "Daily", "EndType": "OnDate", "EndOnDate": "2026-11-22T00:00:00Z"}, 49, True),
        ({"Type": "Daily", "EndType": "OnDate", "EndOnDate": "2026-11-22T00:00:00Z"}, 73, False),
        ({"Type": "Daily", "EndType": "AfterOccurrences", "EndAfterOccurrences": 2}, 25, True),
        ({"Type": "Daily", "EndType": "AfterOccurrences", "EndAfterOccurrences": 2}, 49, False),
        ({"Type": "Weekly"}, 24 * 7 + 1, True),
        ({"Type": "Weekly", "DaysOfWeek": ["Sunday", "monday"]}, 24 * 3 + 1, True),
        ({"Type": "Weekly", "DaysOfWeek": ["Sunday"], "Unit": 2}, 24 * 9 + 1, False),
        ({"Type": "Monthly", "MonthlyScheduleType": "DateOfMonth"}, 24 * 30 + 1, True),
        ({"Type": "Monthly", "DateOfMonth": "L"}, 24 * 10 + 1, True),
        ({"Type": "Monthly", "MonthlyScheduleType": "DayOfMonth", "DayNumberOfMonth": "L",
          "DayOfWeek": "Friday"}, 24 * 7 + 1, True),
        ({"Type": "Monthly", "MonthlyScheduleType": "DayOfMonth", "DayNumberOfMonth": "1",
          "DayOfWeek": "Friday"}, 24 * 7 + 1, False),
        ({"Type": "Annually"}, 24 * 365 + 1, True),
        ({"Type": "Annually"}, 24 * 364 + 1, False),
        ({"Type": "Daily"}, -1, False),
    ],
)  # fmt: skip
def test_a_freeze_returns_by_its_schedule(
    schedule: dict[str, Any], hours: float, expected: bool
) -> None:
    full = {
        "Unit": 1, "EndType": "Never", "EndOnDate": None, "EndAfterOccurrences": None,
        "MonthlyScheduleType": None, "DateOfMonth": None, "DayNumberOfMonth": None,
        "DaysOfWeek": [], "DayOfWeek": None, "UserUtcOffsetInMinutes": 0,
    }  # fmt: skip
    freeze = Freeze("F", "Nights", FRIDAY, FRIDAY + timedelta(hours=8), schedule=full | schedule)
    assert (window_at(freeze, FRIDAY + timedelta(hours=hours)) is not None) is expected
