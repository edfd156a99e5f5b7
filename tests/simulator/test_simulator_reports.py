"""Reports of deployments, saved boards, the audit log as a file, projects in few words."""

import csv
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

from reconciler.simulator import Simulator


def _rows(text: str) -> list[dict[str, str | None]]:
    return [{cell.tag: cell.text for cell in row} for row in ET.fromstring(text)]


async def test_a_report_has_a_row_for_each_deployment_with_its_version_and_times(
    simulator: Simulator, api: Any
) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    simulator.advance(60)
    begun = simulator.now
    simulator.deploy("Web Shop", "1.2.0", "Test")
    answer = await api.http.get("/api/Spaces-1/reporting/deployments/xml?projectId=Projects-1")
    rows = _rows(answer.text)
    assert answer.headers["content-type"].startswith("application/xml")
    assert (rows[-1]["TaskState"], rows[-1]["CompletedTime"]) == ("Executing", None)
    last = rows[-2]
    assert (last["ReleaseVersion"], last["EnvironmentName"]) == ("1.2.0", "Dev")
    assert (last["TaskState"], last["DurationSeconds"]) == ("Success", "10")
    since = f"?fromCompletedTime={begun.isoformat()}".replace("+", "%2B")
    later = await api.http.get(f"/api/reporting/deployments/xml{since}")
    assert _rows(later.text) == []
    assert (await api.http.get("/api/reporting/deployments/xml?toStartTime=x")).status_code == 400


async def test_a_name_that_xml_cannot_hold_leaves_the_report_readable(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    project = await admin.get("/api/projects/web-shop")
    await admin.put(project["Links"]["Self"], {**project, "Name": "a\x01<b>"})
    answer = await api.http.get("/api/reporting/deployments/xml?projectId=Projects-1")
    assert _rows(answer.text)[0]["ProjectName"] == "a<b>"


async def test_deployments_are_counted_by_week(simulator: Simulator, api: Any) -> None:
    path = "/api/reporting/deployments-counted-by-week"
    (before,) = await api.get(f"{path}?projectIds=Projects-1")
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    (after,) = await api.get(f"{path}?projectIds=Projects-1,Projects-99")
    counted, was = (each["ReportData"]["Series"][0]["Data"] for each in (after, before))
    assert (len(counted), counted[-1] - was[-1]) == (26, 1)
    assert after["ReportData"]["Labels"][-1] == "2026-11-16"
    refused = await api.get(path, status=400)
    assert refused["ErrorMessage"] == "A projectIds query string parameter is required."


async def test_each_user_has_a_board_of_their_own_that_showall_lifts(
    simulator: Simulator, admin: Any, api: Any
) -> None:
    path = "/api/dashboardconfiguration"
    own = await api.get(path)
    assert (own["ProjectLimit"], own["IncludedProjectIds"]) == (None, [])
    chosen = {"IncludedProjectIds": ["Projects-1"], "IncludedEnvironmentIds": ["Environments-2"]}
    await api.put(path, {**own, **chosen})

    board = await api.get("/api/dashboard")
    assert [each["Id"] for each in board["Projects"]] == ["Projects-1"]
    assert [each["Id"] for each in board["Environments"]] == ["Environments-2"]
    assert {each["ProjectId"] for each in board["Items"]} == {"Projects-1"}
    assert board["IsFiltered"] is True
    assert (await api.get("/api/dashboard?projectId=Projects-2"))["Projects"] == []
    assert len((await api.get("/api/dashboard?showAll=true"))["Projects"]) == 5
    assert len((await api.get("/api/dashboard/dynamic"))["Projects"]) == 5
    assert len((await admin.get("/api/dashboard"))["Projects"]) == 5


async def test_no_limit_of_a_board_hides_what_runs_or_failed(
    simulator: Simulator, api: Any
) -> None:
    await api.put("/api/dashboardconfiguration", {"ProjectLimit": 1, "HideInactiveProjects": True})
    calm = await api.get("/api/dashboard")
    assert (calm["ProjectLimit"], len(calm["Projects"])) == (1, 1)
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    busy = await api.get("/api/dashboard")
    assert [each["Name"] for each in busy["Projects"]][1:] == ["Web Shop"]
    for wrong in (0, True, "5", 1.5):
        await api.put("/api/dashboardconfiguration", {"ProjectLimit": wrong}, status=400)
    await api.put("/api/dashboardconfiguration", {"IncludedTenantTags": [1]}, status=400)


async def test_the_audit_log_is_a_file_of_commas_too(simulator: Simulator, admin: Any) -> None:
    await admin.post("/api/environments", {"Name": "=1+1"})
    answer = await admin.http.get("/api/events?asCsv=true&eventCategories=Created")
    assert answer.headers["content-type"].startswith("text/csv")
    first = next(csv.DictReader(StringIO(answer.text)))
    assert (first["Category"], first["Message"]) == ("Created", "Environment =1+1 was created")
    assert (await admin.get("/api/events/archives"))["Items"] == []
    await admin.get("/api/events/archives/x.jsonl", status=404)


async def test_projects_have_a_pulse_and_a_summary(simulator: Simulator, api: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    (pulse,) = await api.get("/api/projects/pulse?projectIds=Projects-1")
    assert (pulse["ActiveTasks"], pulse["LastDeployed"]) == (1, "2026-11-20T10:00:00.000+00:00")
    summaries = await api.get("/api/projects/experimental/summaries")
    assert {each["Slug"] for each in summaries} >= {"web-shop", "newsletter"}
