"""Two people edit one thing: the second one is refused. And the ids that hang on other ids."""

import re
from typing import Any

import pytest
from furniture import furnish

from reconciler.simulator import Simulator


@pytest.fixture(autouse=True)
def furnished(simulator: Simulator) -> None:
    furnish(simulator, is_in_git=False)


VERSIONED = [
    "deploymentprocesses/deploymentprocess-Projects-1",
    "projects/Projects-1/deploymentprocesses",
    "runbookProcesses/RunbookProcess-Runbooks-1",
    "projects/Projects-1/runbookProcesses/RunbookProcess-Runbooks-1",
    "variables/variableset-Projects-1",
    "projects/Projects-1/variables",
    "variables/variableset-LibraryVariableSets-1",
]


@pytest.mark.parametrize("path", VERSIONED)
async def test_a_write_counts_for_the_version_that_was_read_only(admin: Any, path: str) -> None:
    await admin.post("/api/libraryvariablesets", {"Name": "Shared"})
    read = await admin.get(f"/api/{path}")
    first = await admin.put(f"/api/{path}", read)
    assert first["Version"] == read["Version"] + 1
    for stale in (read, {**read, "Version": None}, {**read, "Version": 99}):
        refused = await admin.put(f"/api/{path}", stale, status=400)
        assert "because another user has made changes" in refused["ErrorMessage"]
    assert (await admin.get(f"/api/{path}"))["Version"] == first["Version"]
    await admin.put(f"/api/{path}", first)


async def test_values_of_a_tenant_and_variables_of_a_release_have_tokens(admin: Any) -> None:
    path = "/api/tenants/Tenants-1/variables"
    read = await admin.get(path)
    template = {"Name": "Realm", "DefaultValue": "x"}
    project = await admin.get("/api/projects/web-shop")
    made = await admin.put(project["Links"]["Self"], {**project, "Templates": [template]})
    value = {"TemplateId": made["Templates"][0]["Id"], "Value": "y", "Scope": {}}
    await admin.put("/api/tenants/Tenants-1/projectvariables", [value])
    await admin.put(path, read, status=400)
    await admin.put(path, await admin.get(path))

    release = await admin.get("/api/releases/Releases-3")
    variables = await admin.get("/api/variables/variableset-Projects-1")
    await admin.put(variables["Links"]["Self"], {**variables, "Variables": [{"Name": "New"}]})
    token = {"VariableSnapshotConcurrencyToken": release["VariableSnapshotConcurrencyToken"]}
    snapshot = release["Links"]["SnapshotVariables"]
    fresh = await admin.post(snapshot, token, status=200)
    assert fresh["VariableSnapshotConcurrencyToken"] not in (None, *token.values())
    await admin.post(snapshot, token, status=400)
    await admin.post(snapshot, status=200)


async def test_what_hangs_on_another_has_an_id_made_of_its_id(admin: Any) -> None:
    library = await admin.post("/api/libraryvariablesets", {"Name": "Shared"})
    assert library["VariableSetId"] == f"variableset-{library['Id']}"
    project = await admin.get("/api/projects/web-shop")
    assert project["VariableSetId"] == "variableset-Projects-1"
    assert project["DeploymentProcessId"] == "deploymentprocess-Projects-1"
    await admin.put(
        project["Links"]["Self"], {**project, "IncludedLibraryVariableSetIds": [library["Id"]]}
    )
    body = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "8.0.0"}
    release = await admin.get(
        f"/api/releases/{(await admin.post('/api/Spaces-1/releases/create/v1', body))['ReleaseId']}"
    )
    frozen = [
        (release["ProjectDeploymentProcessSnapshotId"], "deploymentprocess-Projects-1", 1),
        (release["ProjectVariableSetSnapshotId"], "variableset-Projects-1", 0),
        (release["LibraryVariableSetSnapshotIds"][0], library["VariableSetId"], 0),
    ]
    for own, live, version in frozen:
        assert re.fullmatch(rf"{live}-s-{version}-[A-Z]{{5}}", own)
        kind = "deploymentprocesses" if own.startswith("d") else "variables"
        assert (await admin.get(f"/api/{kind}/{own}"))["Id"] == own
    runbook = await admin.get("/api/runbooks/Runbooks-1")
    assert runbook["RunbookProcessId"] == "RunbookProcess-Runbooks-1"
    settings = await admin.get("/api/projects/Projects-1/deploymentsettings")
    assert settings["Id"] == "deploymentsettings-Projects-1"
    teams = (await admin.get("/api/teams?includeSystem=true"))["Items"]
    named = {each["Id"] for each in teams if each["Id"].startswith("teams-")}
    assert named == {
        "teams-administrators",
        "teams-everyone",
        "teams-spacemanagers-Spaces-1",
    }
    events = (await admin.get("/api/events?take=5"))["Items"]
    assert all(re.fullmatch(r"Events-\d+", each["Id"]) for each in events)
