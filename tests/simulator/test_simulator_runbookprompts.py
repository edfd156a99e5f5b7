"""What a run of a runbook asks for, and what its template tells has changed since."""

from typing import Any

import pytest

VARIABLES = "/api/variables/variableset-Projects-1"
ASKED = [
    {"Id": "t", "Name": "Ticket", "Value": "", "Prompt": {"Label": "Ticket", "Required": True}},
    {"Id": "p", "Name": "Pwd", "Type": "Sensitive", "Prompt": {"Label": "Password"}},
]


async def _write(admin: Any, variables: list[dict[str, Any]], path: str = VARIABLES) -> None:
    version = (await admin.get(path))["Version"]
    await admin.put(path, {"Version": version, "Variables": variables})


@pytest.fixture
async def library(admin: Any) -> Any:
    made = await admin.post("/api/libraryvariablesets", {"Name": "Shared"})
    project = await admin.get("/api/projects/web-shop")
    included = {"IncludedLibraryVariableSetIds": [made["Id"]]}
    await admin.put(project["Links"]["Self"], {**project, **included})
    return made


@pytest.fixture
async def runbook(admin: Any, library: Any) -> Any:
    await _write(admin, ASKED)
    made = await admin.post("/api/runbooks", {"ProjectId": "Projects-1", "Name": "Backup"})
    body = {"ProjectId": "Projects-1", "RunbookId": made["Id"], "Name": "First"}
    await admin.post("/api/runbookSnapshots?publish=true", body)
    return made


async def test_the_template_tells_which_variables_changed_since_the_snapshot(
    admin: Any, runbook: Any, library: Any
) -> None:
    async def changed() -> tuple[bool, bool]:
        template = await admin.get(f"/api/runbooks/{runbook['Id']}/runbookRunTemplate")
        return template["IsVariableSetModified"], template["IsLibraryVariableSetModified"]

    assert await changed() == (False, False)
    await _write(admin, [*ASKED, {"Name": "New", "Value": "1"}])
    assert await changed() == (True, False)
    await _write(admin, [{"Name": "Url", "Value": "1"}], library["Links"]["Variables"])
    assert await changed() == (True, True)
    await admin.post("/api/runbookSnapshots/RunbookSnapshots-1/snapshot-variables", status=200)
    assert await changed() == (False, False)


async def test_previews_show_a_form_with_what_is_asked_for(admin: Any, runbook: Any) -> None:
    for path in (f"runbooks/{runbook['Id']}", "runbookSnapshots/RunbookSnapshots-1"):
        preview = await admin.get(f"/api/{path}/runbookRuns/preview/Environments-1")
        elements = preview["Form"]["Elements"]
        assert [(e["Name"], e["IsValueRequired"]) for e in elements] == [("t", True), ("p", False)]
    draft = await admin.post("/api/runbooks", {"ProjectId": "Projects-1", "Name": "Draft"})
    preview = await admin.get(f"/api/runbooks/{draft['Id']}/runbookRuns/preview/Environments-1")
    assert preview["Form"]["Values"] == {"t": "", "p": ""}


async def test_a_run_needs_what_is_required_and_keeps_what_is_secret(
    admin: Any, runbook: Any
) -> None:
    body = {"RunbookId": runbook["Id"], "EnvironmentId": "Environments-1"}
    refused = await admin.post("/api/runbookRuns", body, status=400)
    assert refused["ErrorMessage"] == "RunbookRun creation failed."
    assert "'Ticket'" in refused["Errors"][0]
    values = {"t": "CHG-1", "p": "hush"}
    made = await admin.post("/api/runbookRuns", {**body, "FormValues": values})
    assert made["FormValues"] == {"t": "CHG-1", "p": None}

    run = f"/api/runbooks/{runbook['Id']}/run"
    await admin.post(run, {"EnvironmentIds": ["Environments-1"]}, status=400)
    (made,) = await admin.post(run, {"EnvironmentIds": ["Environments-1"], "FormValues": values})
    assert made["FormValues"]["t"] == "CHG-1"


async def test_the_command_takes_values_by_name(admin: Any, runbook: Any) -> None:
    body = {
        "spaceIdOrName": "Spaces-1",
        "projectName": "Web Shop",
        "runbookName": "Backup",
        "environmentNames": ["Dev", "Test"],
    }
    path = "/api/Spaces-1/runbook-runs/create/v1"
    refused = await admin.post(path, body, status=400)
    assert "'Ticket'" in refused["Errors"][0]
    assert (await admin.get("/api/runbookRuns"))["Items"] == []
    made = await admin.post(path, {**body, "variables": {"ticket": "CHG-2"}})
    assert len(made["RunbookRunServerTasks"]) == 2
    runs = (await admin.get("/api/runbookRuns"))["Items"]
    assert [each["FormValues"] for each in runs] == [{"t": "CHG-2"}] * 2
