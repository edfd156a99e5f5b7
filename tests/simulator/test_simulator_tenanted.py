"""Deployments for tenants: modes, connections, lifecycles of their own, boards, permissions."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator

DEPLOY = "/api/Spaces-1/deployments/create/tenanted/v1"


@pytest.fixture
def tenants(simulator: Simulator) -> Simulator:
    """Acme has Dev and Test, Globex has Test only."""
    simulator.add_tag_set("Ring", ["Pilot", "Rest"])
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev", "Test"]}, tags=["Ring/Pilot"])
    simulator.add_tenant("Globex", connected={"Web Shop": ["Test"]}, tags=["Ring/Rest"])
    return simulator


async def _release(admin: Any, version: str = "9.0.0") -> Any:
    body = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": version}
    made = await admin.post("/api/Spaces-1/releases/create/v1", body)
    return await admin.get(f"/api/releases/{made['ReleaseId']}")


async def _deploy(admin: Any, tenant: str | None, where: str, status: int = 201) -> Any:
    release = await admin.get("/api/projects/web-shop/releases/9.0.0")
    body = {"ReleaseId": release["Id"], "EnvironmentId": where, "TenantId": tenant}
    return await admin.post("/api/deployments", body, status=status)


async def test_a_tenant_goes_through_its_own_environments_in_order(
    tenants: Simulator, admin: Any
) -> None:
    release = await _release(admin)
    early = await _deploy(admin, "Tenants-1", "Environments-2", status=400)
    assert "earlier phases" in early["Errors"][0]
    assert "'Acme'" in early["Errors"][0]
    nobody = await _deploy(admin, "Tenants-2", "Environments-2", status=400)
    assert "earlier phases" in nobody["Errors"][0]

    made = await _deploy(admin, "Tenants-1", "Environments-1")
    task = await admin.get(made["Links"]["Task"])
    assert task["Description"] == "Deploy Web Shop release 9.0.0 to Dev for Acme"
    tenants.advance(11)
    template = await admin.get(release["Links"]["DeploymentTemplate"])
    assert {
        each["Name"]: [one["Name"] for one in each["PromoteTo"]]
        for each in template["TenantPromotions"]
    } == {"Acme": ["Dev", "Test"], "Globex": ["Test"]}
    link = template["TenantPromotions"][1]["PromoteTo"][0]["Links"]["Preview"].split("{")[0]
    assert (await admin.get(link))["StepsToExecute"] != []
    both = [await _deploy(admin, each, "Environments-2") for each in ("Tenants-1", "Tenants-2")]
    states = [(await admin.get(each["Links"]["Task"]))["State"] for each in both]
    assert states == ["Executing", "Executing"]


async def test_modes_and_connections_of_projects_are_enforced(
    tenants: Simulator, admin: Any
) -> None:
    await _release(admin)
    project = await admin.get("/api/projects/web-shop")
    assert project["TenantedDeploymentMode"] == "TenantedOrUntenanted"
    unknown = await _deploy(admin, "Tenants-9", "Environments-1", status=404)
    assert unknown["ErrorMessage"] == "The Tenant doesn't exist."
    apart = await _deploy(admin, "Tenants-2", "Environments-1", status=400)
    assert apart["Errors"] == ["Tenant Globex is not connected to Dev for project Web Shop"]
    for mode, tenant, words in (
        ("Tenanted", None, "can only be deployed to tenants"),
        ("Untenanted", "Tenants-1", "cannot be deployed to tenants"),
    ):
        body = {**project, "TenantedDeploymentMode": mode}
        await admin.put(project["Links"]["Self"], body)
        refused = await _deploy(admin, tenant, "Environments-1", status=400)
        assert words in refused["Errors"][0]
    await admin.put(project["Links"]["Self"], project)
    acme = await admin.get("/api/tenants/Tenants-1")
    await admin.put(acme["Links"]["Self"], {**acme, "IsDisabled": True})
    assert "disabled" in (await _deploy(admin, "Tenants-1", "Environments-1", 400))["Errors"][0]


async def test_a_channel_takes_only_tenants_with_its_tags(tenants: Simulator, admin: Any) -> None:
    (channel,) = (await admin.get("/api/projects/web-shop/channels"))["Items"]
    await admin.put(channel["Links"]["Self"], {**channel, "TenantTags": ["Ring/Rest"]})
    await _release(admin)
    refused = await _deploy(admin, "Tenants-1", "Environments-1", status=400)
    assert "tags" in refused["Errors"][0]


async def test_the_command_makes_a_task_for_each_tenant_named_or_tagged(
    tenants: Simulator, admin: Any
) -> None:
    await _release(admin)
    order = {
        "SpaceIdOrName": "Spaces-1",
        "ProjectName": "Web Shop",
        "ReleaseVersion": "9.0.0",
        "EnvironmentName": "Dev",
    }
    none = await admin.post(DEPLOY, order, status=400)
    assert "tenant" in none["ErrorMessage"]
    made = await admin.post(DEPLOY, {**order, "Tenants": ["acme"], "TenantTags": ["Ring/Pilot"]})
    assert len(made["DeploymentServerTasks"]) == 1
    tenants.advance(11)
    order["EnvironmentName"] = "Test"
    both = {**order, "TenantTags": ["Ring/Pilot", "Ring/Rest"]}
    made = await admin.post(DEPLOY, both)
    assert len(made["DeploymentServerTasks"]) == 2
    unmet = await admin.post(DEPLOY, {**order, "Tenants": ["Nobody"]}, status=400)
    assert unmet["ErrorMessage"] == "Tenant 'Nobody' was not found."
    listed = await admin.get("/api/deployments?tenants=Tenants-2")
    assert [each["TenantId"] for each in listed["Items"]] == ["Tenants-2"]
    assert (await admin.get("/api/tasks?tenant=Tenants-2"))["TotalResults"] == 1


async def test_nothing_is_deployed_when_one_of_the_tenants_is_refused(
    tenants: Simulator, admin: Any
) -> None:
    await _release(admin)
    before = (await admin.get("/api/deployments"))["TotalResults"]
    order = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "9.0.0"}
    both = {**order, "environmentName": "Dev", "tenants": ["Acme", "Globex"]}
    await admin.post(DEPLOY, both, status=400)
    assert (await admin.get("/api/deployments"))["TotalResults"] == before


async def test_boards_show_each_tenant_in_its_own_cell(
    tenants: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await _release(admin)
    await _deploy(admin, None, "Environments-1")
    await _deploy(admin, "Tenants-1", "Environments-1")
    tenants.advance(11)

    async def cells(who: Any, query: str) -> list[str | None]:
        board = await who.get(f"/api/dashboard{query}")
        return [
            each["TenantId"]
            for each in board["Items"]
            if (each["ProjectId"], each["EnvironmentId"]) == ("Projects-1", "Environments-1")
        ]

    assert await cells(admin, "") == [None, "Tenants-1"]
    assert await cells(admin, "/dynamic?projects=Projects-1") == [None, "Tenants-1"]
    assert await cells(admin, "?selectedTenants=Tenants-1") == ["Tenants-1"]
    assert await cells(admin, "?selectedTags=Ring/Rest") == []
    board = await admin.get("/api/dashboard")
    assert [each["Name"] for each in board["Tenants"]] == ["Acme", "Globex"]
    assert board["Tenants"][0]["ProjectEnvironments"] == {
        "Projects-1": ["Environments-1", "Environments-2"]
    }
    assert board["Projects"][-1]["TenantedDeploymentMode"] == "TenantedOrUntenanted"

    tenants.restrict("alice", "TenantView", tenants=["Globex"])
    alice = as_user("alice")
    assert await cells(alice, "") == [None]
    assert (await alice.get("/api/dashboard"))["IsFiltered"] is True


async def test_deploying_needs_the_permission_for_that_tenant(
    tenants: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await _release(admin)
    tenants.restrict("alice", "DeploymentCreate", tenants=["Acme"])
    alice = as_user("alice")
    refused = await _deploy(alice, None, "Environments-1", status=403)
    assert "DeploymentCreate" in refused["ErrorMessage"]
    assert (await _deploy(alice, "Tenants-2", "Environments-1", status=403))["Errors"] != []
    await _deploy(alice, "Tenants-1", "Environments-1")


async def test_tenants_enter_automatic_phases_by_themselves(tenants: Simulator, admin: Any) -> None:
    lifecycle = await admin.get("/api/lifecycles/Lifecycles-1")
    phases = [
        {"Name": "Dev", "AutomaticDeploymentTargets": ["Environments-1"]},
        {"Name": "Test", "AutomaticDeploymentTargets": ["Environments-2"]},
    ]
    made = await admin.post("/api/lifecycles", {**lifecycle, "Name": "Auto", "Phases": phases})
    project = await admin.get("/api/projects/web-shop")
    body = {**project, "LifecycleId": made["Id"], "TenantedDeploymentMode": "Tenanted"}
    await admin.put(project["Links"]["Self"], body)
    release = await _release(admin)

    async def reached() -> list[tuple[str, str]]:
        listed = (await admin.get(f"/api/releases/{release['Id']}/deployments"))["Items"]
        return sorted((each["TenantId"], each["EnvironmentId"]) for each in listed)

    assert await reached() == [("Tenants-1", "Environments-1")]
    tenants.advance(11)
    assert await reached() == [
        ("Tenants-1", "Environments-1"),
        ("Tenants-1", "Environments-2"),
        ("Tenants-2", "Environments-2"),
    ]


async def test_a_tenant_goes_with_its_deployments(tenants: Simulator, admin: Any) -> None:
    await _release(admin)
    made = await _deploy(admin, "Tenants-1", "Environments-1")
    assert (await admin.http.delete("/api/tenants/Tenants-1")).status_code == 400
    tenants.advance(11)
    assert (await admin.http.delete("/api/tenants/Tenants-1")).status_code == 200
    await admin.get(made["Links"]["Self"], status=404)
    assert (await admin.get("/api/dashboard"))["Tenants"][0]["Name"] == "Globex"


async def test_a_freeze_of_one_tenant_leaves_the_others_be(tenants: Simulator, admin: Any) -> None:
    await _release(admin)
    await _deploy(admin, "Tenants-1", "Environments-1")
    tenants.advance(11)
    cell = {"TenantId": "Tenants-1", "ProjectId": "Projects-1", "EnvironmentId": "Environments-2"}
    times = {"Start": "2026-11-20T00:00:00Z", "End": "2026-11-21T00:00:00Z"}
    body = {"Name": "Acme's summer", **times, "TenantProjectEnvironmentScope": [cell]}
    await admin.post("/api/deploymentfreezes", body)
    refused = await _deploy(admin, "Tenants-1", "Environments-2", status=400)
    assert "Acme's summer" in refused["Errors"][0]
    await _deploy(admin, "Tenants-2", "Environments-2")
