"""Resources are created, changed and deleted as Octopus' own clients do it."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

# What the npm client 3.x and the Go client send: whole resources back, with fields of their own.
NAMED = [
    ("environments", {"Name": "Sandbox", "Description": "x", "UseGuidedFailure": True}),
    ("projectgroups", {"Name": "Second group"}),
    ("lifecycles", {"Name": "Short", "Phases": [{"Name": "A", "IsOptionalPhase": False}]}),
    ("channels", {"ProjectId": "Projects-1", "Name": "Hotfix"}),
    (
        "projects",
        {"Name": "Newcomer", "LifecycleId": "Lifecycles-1", "ProjectGroupId": "ProjectGroups-1"},
    ),
]


@pytest.mark.parametrize(("path", "body"), NAMED)
async def test_a_resource_is_made_changed_and_deleted(admin: Any, path: str, body: Any) -> None:
    made = await admin.post(f"/api/Spaces-1/{path}", body)
    own = made["Links"]["Self"]
    assert await admin.get(own) == made

    changed = await admin.put(own, {**made, "Description": "changed"})
    assert (await admin.get(own))["Description"] == changed["Description"] == "changed"

    answer = await admin.http.delete(own)
    assert answer.status_code == 200
    await admin.get(own, status=404)
    categories = [each["Category"] for each in (await admin.get("/api/events?take=3"))["Items"]]
    assert categories == ["Deleted", "Modified", "Created"]


@pytest.mark.parametrize(("path", "body"), NAMED)
async def test_a_name_is_needed_and_used_once(admin: Any, path: str, body: Any) -> None:
    await admin.post(f"/api/Spaces-1/{path}", body)
    again = await admin.post(
        f"/api/Spaces-1/{path}", {**body, "Name": body["Name"].upper()}, status=400
    )
    assert "already exists" in again["Errors"][0]
    nameless = await admin.post(f"/api/Spaces-1/{path}", {**body, "Name": " "}, status=400)
    assert nameless["Errors"] == ["Please provide a value for the name."]


@pytest.mark.parametrize(
    "path",
    [
        "environments/Environments-1",
        "projectgroups/ProjectGroups-1",
        "lifecycles/Lifecycles-1",
        "channels/Channels-1",
    ],
)
async def test_what_others_need_is_not_deleted(admin: Any, path: str) -> None:
    answer = await admin.http.delete(f"/api/Spaces-1/{path}")
    assert answer.status_code == 400, answer.text
    await admin.get(f"/api/Spaces-1/{path}")


async def test_fields_of_a_resource_keep_what_a_client_sets(admin: Any) -> None:
    project = await admin.get("/api/projects/web-shop")
    project["DefaultGuidedFailureMode"] = "On"
    project["VersioningStrategy"] = {"Template": "1.2.i", "DonorPackage": None}
    project["Templates"] = [{"Name": "t", "DefaultValue": {"HasValue": True, "NewValue": "s3"}}]
    await admin.put(project["Links"]["Self"], project)

    again = await admin.get("/api/projects/web-shop")
    assert again["DefaultGuidedFailureMode"] == "On"
    assert again["VersioningStrategy"]["Template"] == "1.2.i"
    secret = {"HasValue": True, "NewValue": None, "Hint": None}
    assert again["Templates"][0]["DefaultValue"] == secret
    refused = await admin.put(
        project["Links"]["Self"], {**project, "DefaultGuidedFailureMode": 7}, status=400
    )
    assert "DefaultGuidedFailureMode" in refused["Errors"][0]


async def test_a_new_project_gets_a_process_a_release_and_deployments(
    simulator: Simulator, admin: Any
) -> None:
    project = await admin.post(
        "/api/Spaces-1/projects",
        {"Name": "New", "LifecycleId": "Lifecycles-1", "ProjectGroupId": "ProjectGroups-1"},
    )
    process = await admin.get(f"/api/Spaces-1/projects/{project['Id']}/deploymentprocesses")
    package = {"Name": "main", "PackageId": "Acme.New", "FeedId": "feeds-builtin"}
    secret = {"IsSensitive": True, "SensitiveValue": {"HasValue": True, "NewValue": "s3"}}
    action = {"Name": "Run", "Packages": [package], "Properties": {"Secret": secret}}
    process["Steps"] = [{"Name": "Install", "Actions": [action]}]
    path = f"/api/Spaces-1/projects/{project['Id']}/deploymentprocesses"
    written = await admin.put(path, process)
    assert written["Version"] == process["Version"] + 1
    assert "s3" not in (await admin.http.get(path)).text
    stale = await admin.put(path, process, status=400)
    assert "another user has made changes" in stale["ErrorMessage"]

    template = await admin.get(f"{path}/template")
    (asked,) = template["Packages"]
    assert (asked["ActionName"], asked["PackageReferenceName"]) == ("Run", "main")
    commands = {"spaceIdOrName": "Shop", "projectName": "New", "releaseVersion": "1.0.0"}
    made = await admin.post(
        "/api/Spaces-1/releases/create/v1", {**commands, "packages": ["Run:main:4.5"]}
    )
    release = await admin.get(f"/api/releases/{made['ReleaseId']}")
    assert release["SelectedPackages"][0]["Version"] == "4.5"
    await admin.post(
        "/api/Spaces-1/deployments/create/untenanted/v1", {**commands, "environmentNames": ["Dev"]}
    )
    simulator.advance(30)
    assert simulator.running("New", "Dev") == "1.0.0"
    assert (await admin.http.delete(f"/api/projects/{project['Id']}")).status_code == 200
    await admin.get(f"/api/deploymentprocesses/{process['Id']}", status=404)
    assert (await admin.get("/api/tasks?name=Deploy&project=" + project["Id"]))["Items"] == []


async def test_a_project_that_is_being_deployed_stays(simulator: Simulator, admin: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    answer = await admin.http.delete("/api/projects/Projects-1")
    assert (answer.status_code, "not completed" in answer.json()["Errors"][0]) == (400, True)
    assert (await admin.get("/api/projects/Projects-1/releases"))["TotalResults"] > 0


async def test_sensitive_variables_are_kept_but_never_shown(admin: Any) -> None:
    path = "/api/Spaces-1/variables/variableset-Projects-1"
    found = await admin.get(path)
    found["Variables"] = [
        {"Name": "Url", "Value": "http://x", "Scope": {"Environment": ["Environments-1"]}},
        {"Name": "Password", "Value": "s3cret", "Type": "Sensitive", "IsSensitive": True},
    ]
    written = await admin.put(path, found)
    assert [each["Value"] for each in written["Variables"]] == ["http://x", None]
    stale = await admin.put(path, found, status=400)
    assert stale["ErrorMessage"].startswith("Changes to these variables could not be saved")
    again = await admin.put(path, written)
    assert again["Version"] == found["Version"] + 2
    assert "s3cret" not in (await admin.http.get(path)).text
    alone = await admin.get("/api/environments/Environments-1/singlyScopedVariableDetails")
    assert alone["VariableMap"] == {"Projects-1": {"Url": 1}}


async def test_a_release_changes_number_and_notes_and_is_deleted(admin: Any) -> None:
    release = (await admin.get("/api/projects/payments-api/releases"))["Items"][1]
    own = release["Links"]["Self"]
    changed = await admin.put(own, {**release, "Version": "3.1.0-rc.9", "ReleaseNotes": "why"})
    assert (changed["Version"], changed["ReleaseNotes"]) == ("3.1.0-rc.9", "why")
    taken = await admin.put(own, {**release, "Version": "3.1"}, status=400)
    assert taken["ErrorMessage"].startswith("Release '3.1' already exists")
    assert (await admin.http.delete(own)).status_code == 200
    await admin.get(own, status=404)


async def test_the_default_mark_moves_to_another_channel(admin: Any) -> None:
    made = await admin.post(
        "/api/channels", {"ProjectId": "Projects-1", "Name": "Next", "IsDefault": True}
    )
    listed = (await admin.get("/api/projects/Projects-1/channels"))["Items"]
    assert [(each["Name"], each["IsDefault"]) for each in listed] == [
        ("Default", False),
        ("Next", True),
    ]
    refused = await admin.http.delete(made["Links"]["Self"])
    assert refused.json()["ErrorMessage"] == "You cannot delete the default channel."


async def test_environments_are_sorted_by_a_list_of_ids(admin: Any) -> None:
    before = [each["Id"] for each in await admin.get("/api/Spaces-1/environments/all")]
    wanted = list(reversed(before))
    assert await admin.put("/api/Spaces-1/environments/sortorder", wanted) == wanted
    after = [each["Id"] for each in await admin.get("/api/Spaces-1/environments/all")]
    assert after == wanted
    board = await admin.get("/api/Spaces-1/dashboard")
    assert [each["Id"] for each in board["Environments"]] == wanted


async def test_environments_are_those_that_a_project_or_a_channel_leads_to(admin: Any) -> None:
    phases = [{"Name": "Only", "OptionalDeploymentTargets": ["Environments-2"]}]
    lifecycle = await admin.post("/api/lifecycles", {"Name": "Short", "Phases": phases})
    project = await admin.get("/api/projects/web-shop")
    (channel,) = (await admin.get("/api/projects/web-shop/channels"))["Items"]

    async def found(query: str) -> list[str]:
        return [each["Id"] for each in await admin.get(f"/api/environments/all?{query}")]

    assert len(await found("projectId=Projects-1")) == 3
    await admin.put(project["Links"]["Self"], {**project, "LifecycleId": lifecycle["Id"]})
    assert await found("projectId=Projects-1") == ["Environments-2"]
    assert await found(f"channelId={channel['Id']}") == ["Environments-2"]
    assert await found("channelId=Channels-99") == []


async def test_a_space_is_born_with_its_defaults_and_dies_with_a_stopped_queue(
    admin: Any,
) -> None:
    me = await admin.get("/api/users/me")
    await admin.post("/api/spaces", {"Name": "Nobody's"}, status=400)
    space = await admin.post("/api/spaces", {"Name": "New", "SpaceManagersTeamMembers": [me["Id"]]})
    home = space["Links"]["SpaceHome"]
    for name in ("lifecycles", "projectgroups"):
        assert (await admin.get(f"{home}/{name}"))["TotalResults"] == 1

    own = space["Links"]["Self"]
    assert (await admin.http.delete(own)).status_code == 400
    await admin.put(own, {**space, "TaskQueueStopped": True})
    assert (await admin.http.delete(own)).status_code == 200
    await admin.get(own, status=404)
    await admin.get(f"{home}/projects", status=404)


async def test_a_lifecycle_names_environments_once_and_only_known_ones(admin: Any) -> None:
    phase = {"Name": "A", "OptionalDeploymentTargets": ["Environments-1"]}
    body = {"Name": "Short", "Phases": [phase, {**phase, "Name": "B"}]}
    twice = await admin.post("/api/lifecycles", body, status=400)
    assert "twice" in twice["Errors"][0]
    phase["OptionalDeploymentTargets"] = ["Environments-99"]
    await admin.post("/api/lifecycles", {"Name": "Short", "Phases": [phase]}, status=404)


async def test_a_user_is_made_with_keys_and_removed_with_them(admin: Any, anyone: Any) -> None:
    user = await admin.post("/api/users", {"Username": "robot", "IsService": True})
    assert (user["DisplayName"], user["IsService"], user["IsRequestor"]) == ("robot", True, False)
    assert (await admin.get("/api/users/me"))["IsRequestor"] is True
    await admin.post("/api/users", {"Username": "ROBOT"}, status=400)
    key = await admin.post(f"/api/users/{user['Id']}/apikeys", {"Purpose": "x"})
    headers = {"X-Octopus-ApiKey": key["ApiKey"]}
    mine = await anyone.http.get("/api/users/me", headers=headers)
    assert mine.json()["Username"] == "robot"

    own = user["Links"]["Self"]
    changed = await admin.put(own, {**user, "DisplayName": "Robot", "IsActive": False})
    assert (changed["DisplayName"], changed["IsActive"]) == ("Robot", False)
    assert (await anyone.http.get("/api/users/me", headers=headers)).status_code == 401
    assert (await admin.http.delete(own)).status_code == 200
    await admin.get(own, status=404)
    me = await admin.get("/api/users/me")
    assert (await admin.http.delete(me["Links"]["Self"])).status_code == 400


async def test_the_go_client_s_ways_with_links_and_order_work(admin: Any) -> None:
    """It follows a group's link to its projects as it stands, and sets SortOrder."""
    group = await admin.get("/api/projectgroups/ProjectGroups-1")
    assert "{" not in group["Links"]["Projects"]
    assert (await admin.get(group["Links"]["Projects"]))["ItemType"] == "Project"
    environment = await admin.get("/api/environments/Environments-1")
    moved = await admin.put(environment["Links"]["Self"], {**environment, "SortOrder": 9})
    assert moved["SortOrder"] == 9
    assert (await admin.get("/api/environments/all"))[-1]["Id"] == "Environments-1"


async def test_deployment_settings_are_the_project_s_own(admin: Any) -> None:
    project = await admin.get("/api/projects/Projects-1")
    path = project["Links"]["DeploymentSettings"]
    found = await admin.get(path)
    found["ConnectivityPolicy"]["SkipMachineBehavior"] = "SkipUnavailableMachines"
    assert await admin.put(path, found) == found
    changed = await admin.get("/api/projects/Projects-1")
    assert changed["ProjectConnectivityPolicy"]["SkipMachineBehavior"] == "SkipUnavailableMachines"


async def test_a_deleted_key_opens_nothing(admin: Any, anyone: Any) -> None:
    me = await admin.get("/api/users/me")
    key = await admin.post(f"/api/users/{me['Id']}/apikeys", {"Purpose": "x"})
    headers = {"X-Octopus-ApiKey": key["ApiKey"]}
    assert (await anyone.http.get("/api/users/me", headers=headers)).status_code == 200
    shown = await admin.get(key["Links"]["Self"])
    assert (shown["ApiKey"]["Hint"], key["ApiKey"] in str(shown)) == (key["ApiKey"][:6], False)
    assert (await admin.http.delete(key["Links"]["Self"])).status_code == 200
    assert (await anyone.http.get("/api/users/me", headers=headers)).status_code == 401
    await admin.get(key["Links"]["Self"], status=404)
