"""Project triggers: written, listed, and fired by the turned clock or by what arrives."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator

CRON = {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 12 * * ?"}
PROMOTE = {
    "ActionType": "DeployLatestRelease",
    "SourceEnvironmentIds": ["Environments-1"],
    "DestinationEnvironmentId": "Environments-2",
}
HOURS = 3600


def _trigger(**more: Any) -> dict[str, Any]:
    made = {"Name": "Noon", "ProjectId": "Projects-1", "Filter": CRON, "Action": PROMOTE}
    return {**made, **more}


def _seen(simulator: Simulator, project: str, environment: str) -> list[tuple[str, str, str]]:
    return [
        (each.version, f"{each.created:%d %H:%M}", each.deployed_by)
        for each in simulator.deployments(project, environment)
    ]


async def test_a_trigger_is_made_read_changed_and_deleted(admin: Any) -> None:
    made = await admin.post("/api/projecttriggers", _trigger(Description="x"))
    assert made["Filter"]["Timezone"] == "UTC"
    assert made["Action"]["ShouldRedeployWhenReleaseIsCurrent"] is True
    assert await admin.get(made["Links"]["Self"]) == made
    within = f"/api/projects/web-shop/triggers/{made['Id']}"
    assert await admin.get(within) == made
    await admin.get(f"/api/projects/Projects-2/triggers/{made['Id']}", status=404)

    changed = await admin.put(within, {**made, "Name": "Later", "IsDisabled": True})
    assert (changed["Name"], changed["IsDisabled"], changed["Id"]) == ("Later", True, made["Id"])
    assert (await admin.http.delete(within)).status_code == 200
    gone = await admin.get(made["Links"]["Self"], status=404)
    assert gone["ErrorMessage"] == "The Project Trigger doesn't exist."


async def test_lists_of_triggers_filter_by_name_action_and_category(admin: Any) -> None:
    await admin.post("/api/projects/web-shop/triggers", _trigger())
    targets = {"FilterType": "MachineFilter", "Roles": ["web"]}
    body = _trigger(Name="New targets", Filter=targets, Action={"ActionType": "AutoDeploy"})
    await admin.post("/api/projecttriggers", body)
    await admin.post("/api/projecttriggers", _trigger(ProjectId="Projects-2"))

    async def names(query: str) -> list[str]:
        listed = await admin.get(f"/api/projects/web-shop/triggers{query}")
        return [each["Name"] for each in listed["Items"]]

    assert await names("") == ["New targets", "Noon"]
    assert await names("?partialName=TARGET") == ["New targets"]
    assert await names("?triggerActionType=deploylatestrelease") == ["Noon"]
    assert await names("?triggerActionCategory=Deployment") == ["New targets", "Noon"]
    assert await names("?triggerActionCategory=Runbook") == []
    assert await names("/scheduled") == ["Noon"]
    assert (await admin.get("/api/projecttriggers"))["TotalResults"] == 3
    scheduled = await admin.get("/api/scheduledprojecttriggers")
    assert [each["Name"] for each in scheduled["Items"]] == ["Noon", "Noon"]
    one = scheduled["Items"][0]
    assert await admin.get(f"/api/scheduledprojecttriggers/{one['Id']}") == one
    await admin.get("/api/scheduledprojecttriggers/ProjectTriggers-2", status=404)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"Name": ""}, 400),
        ({"ProjectId": "Projects-99"}, 404),
        ({"Filter": None}, 400),
        ({"Filter": {"FilterType": "Moon"}}, 400),
        ({"Filter": {**CRON, "CronExpression": "noon"}}, 400),
        ({"Action": {"ActionType": "Deploy"}}, 400),
        ({"Filter": {"FilterType": "MachineFilter"}}, 400),
        ({"Action": {**PROMOTE, "DestinationEnvironmentId": None}}, 400),
        ({"Action": {**PROMOTE, "DestinationEnvironmentId": "Environments-99"}}, 404),
        ({"Action": {**PROMOTE, "ChannelId": "Channels-2"}}, 404),
        ({"Action": {**PROMOTE, "SourceEnvironmentIds": "Environments-1"}}, 400),
    ],
)
async def test_a_trigger_that_makes_no_sense_is_refused(
    admin: Any, change: dict[str, Any], status: int
) -> None:
    refused = await admin.post("/api/projecttriggers", _trigger(**change), status=status)
    assert refused["ErrorMessage"]
    assert (await admin.get("/api/projecttriggers"))["Items"] == []


async def test_triggers_need_the_permissions_of_triggers(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    made = await admin.post("/api/projecttriggers", _trigger())
    alice = as_user("alice")
    assert await alice.get(made["Links"]["Self"]) == made
    for method, permission in (("PUT", "TriggerEdit"), ("DELETE", "TriggerDelete")):
        answer = await alice.http.request(method, made["Links"]["Self"], json=made)
        assert (answer.status_code, permission in answer.text) == (403, True)
    await alice.post("/api/projecttriggers", _trigger(Name="x"), status=403)
    simulator.restrict("alice", "TriggerView", projects=["Orders API"])
    await alice.get("/api/projects/web-shop/triggers", status=403)
    assert (await alice.get("/api/projecttriggers"))["Items"] == []


async def test_a_schedule_promotes_what_its_source_runs_at_its_time_as_the_system(
    simulator: Simulator, admin: Any
) -> None:
    await admin.post("/api/projecttriggers", _trigger())
    simulator.advance(2 * HOURS - 1)
    before = len(simulator.deployments("Web Shop", "Test"))
    simulator.advance(24 * HOURS)

    assert _seen(simulator, "Web Shop", "Test")[before:] == [("1.2.0", "20 12:00", "system")]
    assert simulator.running("Web Shop", "Test") == "1.2.0"
    last = simulator.deployments("Web Shop", "Test")[-1]
    shown = await admin.get(f"/api/deployments/{last.id}")
    assert (shown["DeployedBy"], shown["DeployedById"]) == ("system", "users-system")
    simulator.advance(1)
    assert _seen(simulator, "Web Shop", "Test")[-1] == ("1.2.0", "21 12:00", "system")


def test_a_schedule_may_leave_alone_what_is_current(simulator: Simulator) -> None:
    action = {**PROMOTE, "ShouldRedeployWhenReleaseIsCurrent": False}
    simulator.add_trigger("Payments API", "Noon", filter=CRON, action=action)
    before = _seen(simulator, "Payments API", "Test")
    simulator.advance(72 * HOURS)
    assert _seen(simulator, "Payments API", "Test") == before


def test_a_schedule_makes_and_deploys_new_releases(simulator: Simulator) -> None:
    simulator.package_arrives("Acme.WebShop", "1.9.0")
    simulator.schedule("Web Shop", "0 0 * * * ?", to="Dev")
    simulator.advance(2 * HOURS)
    assert _seen(simulator, "Web Shop", "Dev")[1:] == [
        ("1.2.1", "20 11:00", "system"),
        ("1.2.2", "20 12:00", "system"),
    ]
    release = simulator.world.spaces["Spaces-1"].projects["Projects-1"].releases[-1]
    assert release.packages == (("Deploy Web Shop", "", "1.9.0"),)


def test_a_trigger_never_breaks_the_lifecycle_or_wakes_a_disabled_project(
    simulator: Simulator,
) -> None:
    simulator.schedule("Web Shop", "0 0 * * * ?", to="Production", name="Too far")
    simulator.schedule("Orders API", "0 0 * * * ?", source="Dev", to="Test")
    simulator.disable("Orders API")
    simulator.advance(2 * HOURS)
    assert simulator.running("Web Shop", "Production") == "1.0.0"
    assert simulator.running("Orders API", "Test") == "2.4.0"


def test_a_disabled_or_changed_trigger_does_not_ring_by_its_old_schedule(
    simulator: Simulator,
) -> None:
    simulator.schedule("Web Shop", "0 0 11 * * ?", source="Dev", to="Test")
    simulator.disable_trigger("Web Shop", "Scheduled")
    simulator.advance(48 * HOURS)
    assert simulator.running("Web Shop", "Test") == "1.1.0"


def test_a_turn_of_years_does_not_drown_in_one_trigger(simulator: Simulator) -> None:
    simulator.schedule("Payments API", "* * * * * ?", source="Dev", to="Test")
    simulator.advance(30 * 365 * 24 * HOURS)
    assert len(simulator.deployments("Payments API", "Test")) == 1 + 1000
    simulator.advance(3)
    assert len(simulator.deployments("Payments API", "Test")) == 1 + 1000 + 3


def test_a_package_that_arrives_makes_a_release(simulator: Simulator) -> None:
    named = [{"DeploymentAction": "Deploy Web Shop", "PackageReference": ""}]
    simulator.add_trigger(
        "Web Shop",
        "Feed",
        filter={"FilterType": "FeedFilter", "Packages": named},
        action={"ActionType": "CreateRelease", "ChannelId": "Channels-1"},
    )
    simulator.package_arrives("Acme.Orders", "9.0.0")
    simulator.package_arrives("acme.webshop", "9.0.0")
    releases = simulator.world.spaces["Spaces-1"].projects["Projects-1"].releases
    assert [each.version for each in releases] == ["1.0.0", "1.1.0", "1.2.0", "1.2.1"]


async def test_a_deleted_project_takes_its_triggers_along(simulator: Simulator, admin: Any) -> None:
    simulator.schedule("Newsletter", "0 0 * * * ?", to="Dev")
    assert (await admin.http.delete("/api/projects/newsletter")).status_code == 200
    simulator.advance(2 * HOURS)
    assert (await admin.get("/api/projecttriggers"))["Items"] == []


async def test_a_package_that_arrives_makes_a_release_where_the_project_says_so(
    simulator: Simulator, admin: Any
) -> None:
    project = await admin.get("/api/projects/web-shop")
    strategy = {
        "ChannelId": "Channels-1",
        "ReleaseCreationPackage": {"DeploymentAction": "Deploy Web Shop", "PackageReference": ""},
    }
    more = {"AutoCreateRelease": True, "ReleaseCreationStrategy": strategy}
    await admin.put(project["Links"]["Self"], {**project, **more})
    simulator.package_arrives("Acme.Orders", "9.0.0")
    simulator.package_arrives("acme.webshop", "9.0.0")
    found = (await admin.get("/api/projects/web-shop/releases"))["Items"]
    assert [each["Version"] for each in found][:2] == ["1.2.1", "1.2.0"]
    assert found[0]["SelectedPackages"][0]["Version"] == "9.0.0"
