"""Teams and the roles they hold: what a member may do follows at once."""

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.simulator import Simulator


@pytest.fixture
async def carol(simulator: Simulator, admin: Any, as_user: Callable[[str], Any]) -> Any:
    """A new user's calls: in no team but Everyone, and allowed nothing."""
    await admin.post("/api/users", {"Username": "carol", "DisplayName": "Carol"})
    return as_user("carol")


async def _team(admin: Any, *members: str, **more: Any) -> Any:
    body = {"Name": "Testers", "SpaceId": "Spaces-1", "MemberUserIds": list(members), **more}
    return await admin.post("/api/teams", body)


async def _id(calls: Any) -> str:
    return str((await calls.get("/api/users/me"))["Id"])


async def test_a_member_of_a_team_holds_its_scoped_role_and_nothing_more(
    admin: Any, carol: Any
) -> None:
    await carol.get("/api/Spaces-1/projects", status=404)
    team = await _team(admin, await _id(carol))
    held = await admin.post(
        "/api/scopeduserroles",
        {
            "TeamId": team["Id"],
            "UserRoleId": "userroles-projectdeployer",
            "SpaceId": "Spaces-1",
            "ProjectIds": ["Projects-1"],
            "EnvironmentIds": ["Environments-1"],
        },
    )

    names = [each["Id"] for each in (await carol.get("/api/projects"))["Items"]]
    mine = await carol.get("/api/users/me/permissions")
    (entry,) = mine["SpacePermissions"]["DeploymentCreate"]
    assert names == ["Projects-1"]
    assert entry["RestrictedToProjectIds"] == ["Projects-1"]
    assert entry["RestrictedToEnvironmentIds"] == ["Environments-1"]
    assert team["Id"] in {each["Id"] for each in mine["Teams"]}
    order = {"ReleaseId": "Releases-1", "EnvironmentId": "Environments-2"}
    await carol.post("/api/deployments", order, status=403)
    assert (await admin.get(f"/api/teams/{team['Id']}/scopeduserroles"))["Items"] == [held]

    await admin.http.delete(held["Links"]["Self"])
    await carol.get("/api/projects", status=404)


async def test_a_team_s_members_come_and_go(admin: Any, carol: Any) -> None:
    team = await _team(admin)
    role = {"TeamId": team["Id"], "UserRoleId": "userroles-projectviewer", "SpaceId": "Spaces-1"}
    await admin.post("/api/scopeduserroles", role)
    me = await _id(carol)
    await carol.get("/api/projects", status=404)
    await admin.put(f"/api/teams/{team['Id']}", {**team, "MemberUserIds": [me]})
    await carol.get("/api/projects")
    await admin.put(f"/api/teams/{team['Id']}", {**team, "MemberUserIds": []})
    await carol.get("/api/projects", status=404)


async def test_who_joins_the_administrators_is_one(admin: Any, carol: Any) -> None:
    team = await admin.get("/api/teams/teams-administrators")
    both = [*team["MemberUserIds"], await _id(carol)]
    await admin.put("/api/teams/teams-administrators", {**team, "MemberUserIds": both})
    assert "AdministerSystem" in (await carol.get("/api/users/me/permissions"))["SystemPermissions"]
    await carol.get("/api/users")
    await admin.put("/api/teams/teams-administrators", {"Name": "X"}, status=400)
    assert (await admin.http.delete("/api/teams/teams-administrators")).status_code == 400


async def test_managers_of_a_space_may_do_everything_there_and_nothing_else(
    admin: Any, carol: Any
) -> None:
    me = await _id(carol)
    space = await admin.post("/api/spaces", {"Name": "Lab", "SpaceManagersTeamMembers": [me]})
    home = f"/api/{space['Id']}"
    await carol.post(f"{home}/environments", {"Name": "Bench"})
    team = await carol.post(f"{home}/teams", {"Name": "Own", "MemberUserIds": [me]})
    assert team["SpaceId"] == space["Id"]
    await carol.post("/api/teams", {"Name": "All"}, status=403)
    await carol.get("/api/Spaces-1/environments", status=404)


async def test_a_changed_role_changes_what_its_holders_may(admin: Any, carol: Any) -> None:
    role = await admin.post(
        "/api/userroles", {"Name": "Looker", "GrantedSpacePermissions": ["EnvironmentView"]}
    )
    team = await _team(admin, await _id(carol))
    held = {"TeamId": team["Id"], "UserRoleId": role["Id"], "SpaceId": "Spaces-1"}
    await admin.post("/api/scopeduserroles", held)
    assert (await carol.get("/api/environments"))["TotalResults"] > 0
    await carol.get("/api/lifecycles", status=403)
    both = ["EnvironmentView", "LifecycleView"]
    changed = {**role, "GrantedSpacePermissions": both}
    await admin.put(f"/api/userroles/{role['Id']}", changed)
    await carol.get("/api/lifecycles")
    assert (await admin.http.delete(f"/api/userroles/{role['Id']}")).status_code == 200
    await carol.get("/api/environments", status=404)


async def test_who_may_not_edit_teams_and_roles_changes_none(api: Any, admin: Any) -> None:
    team = await _team(admin)
    held = {"TeamId": team["Id"], "UserRoleId": "userroles-spacemanager", "SpaceId": "Spaces-1"}
    await api.post("/api/teams", {"Name": "Mine", "SpaceId": "Spaces-1"}, status=403)
    await api.post("/api/scopeduserroles", held, status=403)
    await api.put(f"/api/teams/{team['Id']}", team, status=403)
    await api.post("/api/userroles", {"Name": "Mine"}, status=403)
    for path in (f"/api/teams/{team['Id']}", "/api/userroles/userroles-projectviewer"):
        assert (await api.http.delete(path)).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"TeamId": "Teams-99", "UserRoleId": "userroles-projectviewer"}, 404),
        ({"TeamId": "teams-everyone", "UserRoleId": "userroles-99"}, 404),
        ({"TeamId": "teams-everyone"}, 400),
        (
            {
                "TeamId": "teams-everyone",
                "UserRoleId": "userroles-projectviewer",
                "SpaceId": "Spaces-1",
                "ProjectIds": ["Projects-99"],
            },
            404,
        ),
        (
            {
                "TeamId": "teams-everyone",
                "UserRoleId": "userroles-projectviewer",
                "SpaceId": "Spaces-99",
            },
            404,
        ),
    ],
)
async def test_a_scoped_role_names_what_there_is(admin: Any, body: Any, status: int) -> None:
    await admin.post("/api/scopeduserroles", body, status=status)
    assert (await admin.get("/api/scopeduserroles"))["TotalResults"] == 0


async def test_built_in_roles_stay(admin: Any) -> None:
    every = await admin.get("/api/userroles/all")
    names = [each["Name"] for each in every]
    assert {"Project deployer", "Project viewer", "Space manager", "System administrator"} <= {
        *names
    }
    deployer = next(each for each in every if each["Name"] == "Project deployer")
    assert not deployer["CanBeDeleted"]
    assert (await admin.http.delete(deployer["Links"]["Self"])).status_code == 400
    await admin.post(
        "/api/userroles", {"Name": "x", "GrantedSpacePermissions": ["Fly"]}, status=400
    )
