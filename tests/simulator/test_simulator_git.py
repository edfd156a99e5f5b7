"""Projects in git: what each branch, tag and commit has, and what releases are made from."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

PROJECT = "/api/Spaces-1/projects/Projects-1"
MAIN = f"{PROJECT}/refs%2fheads%2fmain"
DEV = f"{PROJECT}/refs%2fheads%2fdev"
RELEASE = {
    "ProjectId": "Projects-1",
    "Version": "9.0.0",
    "SelectedPackages": [{"ActionName": "Deploy Web Shop", "Version": "1.0"}],
}


async def _in_git(admin: Any, **more: object) -> Any:
    settings = {"Type": "VersionControlled", "Url": "https://git.example.com/shop.git", **more}
    body = {"CommitMessage": "Move to git", "VersionControlSettings": settings}
    await admin.post(f"{PROJECT}/git/convert", body, status=200)
    return await admin.get(PROJECT)


async def _branch(admin: Any, name: str) -> Any:
    body = {"BaseGitRef": "refs/heads/main", "NewBranchName": name}
    return await admin.post(f"{PROJECT}/git/branches/v2", body, status=200)


async def _rename(admin: Any, path: str, name: str) -> Any:
    process = await admin.get(f"{path}/deploymentprocesses")
    process["Steps"][1]["Name"] = name
    process["Steps"][1]["Actions"][0]["Name"] = name
    body = {**process, "ChangeDescription": f"Rename to {name}"}
    return await admin.put(f"{path}/deploymentprocesses", body)


async def test_a_converted_project_says_where_it_is_kept_and_links_to_it(admin: Any) -> None:
    before = await admin.get(PROJECT)
    assert (before["IsVersionControlled"], "Branches" in before["Links"]) == (False, False)
    secret = {"Type": "UsernamePassword", "Username": "x", "Password": {"NewValue": "s3cret"}}
    project = await _in_git(admin, Credentials=secret)
    settings = project["PersistenceSettings"]
    assert (settings["Type"], settings["DefaultBranch"]) == ("VersionControlled", "main")
    assert settings["Credentials"]["Password"] == {"HasValue": True, "NewValue": None, "Hint": None}
    assert project["Links"]["Branches"].endswith(
        "git/branches{/name}{?skip,take,searchByName,refresh}"
    )
    assert project["Links"]["DeploymentProcess"] == f"{PROJECT}{{/gitRef}}/deploymentprocesses"
    (branch,) = (await admin.get(f"{PROJECT}/git/branches"))["Items"]
    assert (branch["Name"], branch["CanonicalName"]) == ("main", "refs/heads/main")
    assert branch["Links"]["DeploymentProcess"] == f"{MAIN}/deploymentprocesses"
    again = {"VersionControlSettings": {"Url": "https://git.example.com/shop.git"}}
    await admin.post(f"{PROJECT}/git/convert", again, status=400)


async def test_a_branch_keeps_its_own_process_until_it_is_the_default_one(admin: Any) -> None:
    await _in_git(admin)
    await _branch(admin, "dev")
    made = await _rename(admin, DEV, "Ship")
    assert made["Links"]["Self"] == f"{DEV}/deploymentprocesses"
    for ref in ("dev", "refs%2Fheads%2Fdev"):
        found = await admin.get(f"{PROJECT}/{ref}/deploymentprocesses")
        assert found["Steps"][1]["Name"] == "Ship"
    for path in (MAIN, PROJECT):
        found = await admin.get(f"{path}/deploymentprocesses")
        assert found["Steps"][1]["Name"] == "Smoke test"
    await _rename(admin, MAIN, "Go")
    assert (await admin.get(f"{PROJECT}/deploymentprocesses"))["Steps"][1]["Name"] == "Go"
    stale = {**made, "Version": 0}
    await admin.put(f"{DEV}/deploymentprocesses", stale, status=400)


async def test_a_release_freezes_what_its_reference_has(simulator: Simulator, admin: Any) -> None:
    await _in_git(admin)
    await _branch(admin, "dev")
    await _rename(admin, DEV, "Ship")
    tagged = simulator.tag("Web Shop", "v9", at="dev")
    await _rename(admin, DEV, "Later")
    refused = await admin.post("/api/releases", RELEASE, status=400)
    assert "requires GitRef to be set on VersionControlReference" in refused["ErrorMessage"]
    ref = {"GitRef": "refs/tags/v9"}
    release = await admin.post("/api/releases", {**RELEASE, "VersionControlReference": ref})
    assert release["VersionControlReference"] == {"GitRef": "refs/tags/v9", "GitCommit": tagged}
    frozen = await admin.get(release["Links"]["ProjectDeploymentProcessSnapshot"])
    assert frozen["Steps"][1]["Name"] == "Ship"
    ref = {"GitRef": "nowhere"}
    unknown = {**RELEASE, "Version": "9.1.0", "VersionControlReference": ref}
    await admin.post("/api/releases", unknown, status=404)

    command = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "9.2.0"}
    for more, name in (
        ({}, "Smoke test"),
        ({"gitRef": "dev", "gitCommit": tagged[:8]}, "Ship"),
    ):
        made = await admin.post("/api/Spaces-1/releases/create/v1", {**command, **more})
        release = await admin.get(f"/api/releases/{made['ReleaseId']}")
        frozen = await admin.get(release["Links"]["ProjectDeploymentProcessSnapshot"])
        assert frozen["Steps"][1]["Name"] == name
        command["releaseVersion"] = "9.3.0"


async def test_a_project_that_is_not_in_git_takes_no_reference(admin: Any) -> None:
    body = {
        "ProjectId": "Projects-1",
        "Version": "9.0.0",
        "VersionControlReference": {"GitRef": "x"},
    }
    refused = await admin.post("/api/releases", body, status=400)
    assert refused["ErrorMessage"].startswith("Unexpected VersionControlReference provided.")
    command = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "gitRef": "main"}
    await admin.post("/api/Spaces-1/releases/create/v1", command, status=400)
    await admin.get(f"{PROJECT}/main/deploymentprocesses", status=404)
    await admin.get(f"{PROJECT}/git/branches", status=404)


async def test_tags_commits_and_protected_branches_are_not_written_to(
    simulator: Simulator, admin: Any
) -> None:
    await _in_git(admin, ProtectedBranchNamePatterns=["main", "release-*"])
    await _branch(admin, "release-1")
    commit = simulator.tag("Web Shop", "v1", at="main")
    process = await admin.get(f"{MAIN}/deploymentprocesses")
    for ref in ("main", "release-1", "refs%2ftags%2fv1", commit):
        await admin.put(f"{PROJECT}/{ref}/deploymentprocesses", process, status=400)
    branch = await admin.get(f"{PROJECT}/git/branches/main")
    assert (branch["IsProtected"], branch["Links"]["Self"]) == (
        True,
        f"{PROJECT}/git/branches/main",
    )
    assert (await admin.get(f"{PROJECT}/git/tags"))["Items"][0]["Name"] == "v1"
    assert (await admin.get(f"{PROJECT}/git/tags/v1"))["CanonicalName"] == "refs/tags/v1"
    assert (await admin.get(f"{PROJECT}/git/commits/{commit[:8]}"))["Name"] == commit
    assert (await admin.get(f"{PROJECT}/git/refs/v1"))["CanonicalName"] == "refs/tags/v1"
    for kind in ("branches", "tags", "commits", "refs"):
        await admin.get(f"{PROJECT}/git/{kind}/nowhere", status=404)
    found = await admin.get(f"{PROJECT}/git/branches?searchByName=ELEASE")
    assert [each["Name"] for each in found["Items"]] == ["release-1"]


async def test_settings_are_those_of_the_reference(admin: Any) -> None:
    await _in_git(admin)
    await _branch(admin, "dev")
    settings = await admin.get(f"{DEV}/deploymentsettings")
    command = {"Resource": {**settings, "DefaultGuidedFailureMode": "On"}, "CommitMessage": "x"}
    changed = await admin.put(f"{DEV}/deploymentsettings", command)
    assert changed["DefaultGuidedFailureMode"] == "On"
    assert await admin.get(f"{DEV}/deploymentsettings") == changed
    for path in (MAIN, PROJECT):
        found = await admin.get(f"{path}/deploymentsettings")
        assert found["DefaultGuidedFailureMode"] == "EnvironmentDefault"
    project = await admin.get(PROJECT)
    await admin.put(PROJECT, {**project, "DefaultGuidedFailureMode": "On"})
    assert (await admin.get(PROJECT))["DefaultGuidedFailureMode"] == "EnvironmentDefault"


async def test_variables_in_git_belong_to_a_branch_and_secrets_to_all(
    simulator: Simulator, admin: Any
) -> None:
    await _in_git(admin, ConversionState={"VariablesAreInGit": True})
    await _branch(admin, "dev")
    found = await admin.get(f"{DEV}/variables")
    secret = {"Name": "Pwd", "Value": "s3cret", "IsSensitive": True}
    body = {**found, "Variables": [{"Name": "Url", "Value": "x"}, secret]}
    await admin.put(f"{DEV}/variables", body)

    async def names(path: str) -> list[str]:
        return sorted(each["Name"] for each in (await admin.get(path))["Variables"])

    assert await names(f"{DEV}/variables") == ["Pwd", "Url"]
    assert await names(f"{MAIN}/variables") == ["Pwd"]
    assert await admin.get("/api/variables/names?project=Projects-1&gitRef=dev") == ["Pwd", "Url"]
    assert await admin.get("/api/variables/names?project=Projects-1") == ["Pwd"]
    assert await names("/api/variables/preview?project=Projects-1&gitRef=dev") == ["Pwd", "Url"]
    await admin.get("/api/variables/preview?project=Projects-1&gitRef=x", status=404)
    simulator.restore(simulator.backup())
    ref = {"VersionControlReference": {"GitRef": "dev"}}
    release = await admin.post("/api/releases", {**RELEASE, **ref})
    assert await names(release["Links"]["ProjectVariableSnapshot"]) == ["Pwd", "Url"]
    again = await admin.post(release["Links"]["SnapshotVariables"], status=200)
    assert await names(again["Links"]["ProjectVariableSnapshot"]) == ["Pwd", "Url"]


async def test_what_is_in_the_database_is_the_same_at_every_reference(
    simulator: Simulator, admin: Any
) -> None:
    simulator.add_runbook("Web Shop", "Backup")
    await _in_git(admin)
    for path in ("runbooks", "channels", "triggers", "runbookSnapshots", "summary"):
        assert await admin.get(f"{MAIN}/{path}") is not None
        await admin.get(f"{PROJECT}/nowhere/{path}", status=404)
    listed = await admin.get(f"{PROJECT}/main/runbooks")
    assert [each["Name"] for each in listed["Items"]] == ["Backup"]
    assert (await admin.get(MAIN))["Id"] == "Projects-1"


async def test_a_credential_tells_which_projects_use_it(admin: Any) -> None:
    made = await admin.post("/api/git-credentials", {"Name": "Robot"})
    assert (await admin.get(made["Links"]["Usages"]))["Projects"] == []
    await _in_git(admin, Credentials={"Type": "Reference", "Id": made["Id"]})
    assert (await admin.get(made["Links"]["Usages"]))["Projects"][0]["Slug"] == "web-shop"


@pytest.mark.parametrize(
    ("url", "category"), [("https://git.example.com/x", "Info"), ("https://g.invalid/x", "Error")]
)
async def test_a_connection_is_tested_by_its_host(admin: Any, url: str, category: str) -> None:
    found = await admin.post(f"{PROJECT}/git/connectivity-test", {"Url": url}, status=200)
    assert found["Messages"][0]["Category"] == category
    report = await admin.get(f"{PROJECT}/git/compatibility-report")
    assert report == {"Errors": [], "Warnings": [], "Notices": []}


async def test_only_who_may_edit_the_project_or_its_process_changes_git(
    admin: Any, api: Any
) -> None:
    settings = {"Url": "https://git.example.com/shop.git"}
    await api.post(f"{PROJECT}/git/convert", {"VersionControlSettings": settings}, status=403)
    await _in_git(admin)
    await api.post(f"{PROJECT}/git/branches", {"NewBranchName": "x"}, status=403)
    process = await api.get(f"{MAIN}/deploymentprocesses")
    await api.put(f"{MAIN}/deploymentprocesses", process, status=403)
    await api.put(f"{MAIN}/deploymentsettings", {}, status=403)


async def test_a_process_is_checked_without_being_kept(simulator: Simulator, admin: Any) -> None:
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    process = await admin.get(f"{PROJECT}/deploymentprocesses")
    process["Steps"][0]["Properties"]["Octopus.Action.TargetRoles"] = "web,db"
    for path in (process["Links"]["Validation"], f"{PROJECT}/deploymentprocesses/validate"):
        found = await admin.post(path, process, status=200)
        assert found["TagsWithoutTargetsByStepId"] == {process["Steps"][0]["Id"]: ["db"]}
    process["Steps"][1]["Name"] = ""
    await admin.post(process["Links"]["Validation"], process, status=400)
