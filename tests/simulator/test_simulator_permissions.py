"""Who may do what, as the server says it and as it does it."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator


async def test_the_service_account_deploys_but_administers_nothing(api: Any) -> None:
    me = await api.get("/api/users/me")
    mine = await api.get(f"{me['Links']['Permissions']}?spaces=all&includeSystem=true")

    assert mine["SystemPermissions"] == ["SpaceView"]
    assert mine["SpacePermissions"]["DeploymentCreate"] == [
        {
            "SpaceId": "Spaces-1",
            "RestrictedToProjectIds": ["projects-all"],
            "RestrictedToEnvironmentIds": ["environments-all"],
            "RestrictedToTenantIds": ["tenants-all"],
            "RestrictedToProjectGroupIds": ["projectgroups-unrelated"],
        }
    ]
    lifecycle = mine["SpacePermissions"]["LifecycleView"][0]
    assert lifecycle["RestrictedToProjectIds"] == ["projects-unrelated"]
    assert "UserView" not in mine["SystemPermissions"]
    assert "ProjectEdit" not in mine["SpacePermissions"]
    assert (mine["IsPermissionsComplete"], mine["IsTeamsComplete"]) == (True, True)
    refused = await api.get("/api/users", status=403)
    assert "UserView" in refused["ErrorMessage"]


async def test_the_administrator_s_word_is_administersystem(admin: Any) -> None:
    mine = await admin.get("/api/users/me/permissions")
    assert "AdministerSystem" in mine["SystemPermissions"]
    assert (await admin.get("/api/users?filter=ali"))["Items"][0]["Username"] == "alice"


async def test_a_narrowed_permission_is_told_and_enforced(simulator: Simulator, api: Any) -> None:
    simulator.restrict(
        "reconciler", "DeploymentCreate", projects=["Web Shop"], environments=["Dev", "Test"]
    )

    mine = await api.get("/api/Spaces-1/users/me/permissions")
    (entry,) = mine["SpacePermissions"]["DeploymentCreate"]
    assert entry["RestrictedToProjectIds"] == ["Projects-1"]
    assert entry["RestrictedToEnvironmentIds"] == ["Environments-1", "Environments-2"]

    async def deploy(release: str, environment: str, status: int) -> Any:
        body = {"ReleaseId": release, "EnvironmentId": environment}
        return await api.post("/api/deployments", body, status=status)

    await deploy("Releases-3", "Environments-1", 201)
    for release, environment in (
        ("Releases-1", "Environments-3"),
        ("Releases-6", "Environments-1"),
    ):
        refused = await deploy(release, environment, 403)
        assert "DeploymentCreate" in refused["ErrorMessage"]
    template = await api.get("/api/releases/Releases-1/deployments/template")
    assert [each["Name"] for each in template["PromoteTo"]] == ["Dev", "Test"]


async def test_what_one_may_not_view_is_missing_from_lists_and_boards(
    simulator: Simulator, api: Any
) -> None:
    simulator.restrict("reconciler", "ProjectView", projects=["web-shop", "orders-api"])
    simulator.restrict("reconciler", "EnvironmentView", environments=["Dev"])
    simulator.restrict("reconciler", "DeploymentView", projects=["web-shop"])

    names = [each["Name"] for each in await api.get("/api/projects/all")]
    assert names == ["Orders API", "Web Shop"]
    board = await api.get("/api/dashboard/dynamic?includePrevious=true")
    assert len(board["Projects"]) == 2
    assert [each["Name"] for each in board["Environments"]] == ["Dev"]
    assert {each["ProjectId"] for each in board["Items"]} == {"Projects-1"}
    assert board["IsFiltered"] is True
    refused = await api.get("/api/projects/payments-api", status=403)
    assert "ProjectView" in refused["ErrorMessage"]
    assert (await api.get("/api/deployments?projects=Projects-2"))["Items"] == []


@pytest.mark.parametrize(
    ("permission", "path"),
    [
        ("ProjectView", "/api/projects"),
        ("EnvironmentView", "/api/environments/all"),
        ("LifecycleView", "/api/lifecycles"),
        ("ReleaseView", "/api/releases"),
        ("ReleaseView", "/api/releases/Releases-1"),
        ("DeploymentView", "/api/deployments"),
        ("ProcessView", "/api/deploymentprocesses/deploymentprocess-Projects-1"),
        ("VariableViewUnscoped", "/api/variables/variableset-Projects-1"),
        ("TaskView", "/api/tasks"),
        ("TaskView", "/api/tasks/ServerTasks-1"),
        ("TaskViewLog", "/api/tasks/ServerTasks-1/details"),
        ("ProjectGroupView", "/api/projectgroups/all"),
    ],
)
async def test_a_missing_permission_is_a_403_that_names_it(
    simulator: Simulator, api: Any, permission: str, path: str
) -> None:
    await api.get(path)
    simulator.revoke("reconciler", permission)

    refused = await api.get(path, status=403)

    assert permission in refused["ErrorMessage"]
    mine = await api.get("/api/users/me/permissions")
    assert permission not in mine["SpacePermissions"]


async def test_groups_cover_their_projects(simulator: Simulator, api: Any) -> None:
    simulator.restrict("reconciler", "ReleaseView", groups=["Marketing"])
    listed = await api.get("/api/releases?take=100")
    assert {each["ProjectId"] for each in listed["Items"]} == {"Projects-5"}


async def test_people_read_their_own_permissions_and_no_others(
    as_user: Callable[[str], Any],
) -> None:
    alice = as_user("alice")
    me = await alice.get("/api/users/me")
    assert (me["DisplayName"], me["IsService"]) == ("Alice Adams", False)
    await alice.get(f"/api/users/{me['Id']}/permissions")
    await alice.get("/api/users/Users-1/permissions", status=403)
    assert [each["Name"] for each in await alice.get(me["Links"]["Spaces"])] == ["Shop"]
    assert "Deployers" in {each["Name"] for each in await alice.get(me["Links"]["Teams"])}


async def test_a_key_is_shown_once_and_works_until_revoked(
    simulator: Simulator, api: Any, anyone: Any
) -> None:
    made = await api.post("/api/users/me/apikeys", {"Purpose": "test"})
    key = made["ApiKey"]
    listed = await api.get("/api/users/me/apikeys")
    assert listed["Items"][0]["ApiKey"]["HasValue"] is True
    assert key not in str(listed)
    assert (await anyone.get(f"/api/users/me?apikey={key}"))["Username"] == "reconciler"
    simulator.revoke_key(key)
    await anyone.get(f"/api/users/me?apikey={key}", status=401)


async def test_a_service_account_can_be_made_an_administrator(
    simulator: Simulator, api: Any
) -> None:
    simulator.grant("reconciler", "AdministerSystem")
    assert "AdministerSystem" in (await api.get("/api/users/me/permissions"))["SystemPermissions"]
    await api.get("/api/users")


def test_a_permission_is_not_narrowed_by_what_it_does_not_know(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="environments"):
        simulator.restrict("reconciler", "ReleaseCreate", environments=["Dev"])
    with pytest.raises(LookupError, match="Nonsense"):
        simulator.grant("reconciler", "Nonsense")
    with pytest.raises(LookupError, match="nobody"):
        simulator.revoke("nobody", "ProjectView")
