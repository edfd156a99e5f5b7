"""What administrators and support ask for: reports, exports, migrations, checks of connections."""

import csv
import hashlib
import zipfile
from io import BytesIO, StringIO
from typing import Any

import pytest

from reconciler.simulator import Simulator

FORBIDDEN = [
    ("GET", "scheduler/stop"),
    ("GET", "scheduler/Retention/logs"),
    ("GET", "serverstatus/system-report"),
    ("GET", "serverstatus/document-counts"),
    ("GET", "configuration/certificates/certificate-global/public-cer"),
    ("GET", "configuration/feature-toggles"),
    ("GET", "events/archives"),
    ("GET", "users/external-search"),
    ("GET", "users/Users-1/permissions/export"),
    ("GET", "teammembership?userId=Users-1"),
    ("GET", "telemetryconfiguration"),
    ("POST", "migrations/import"),
    ("POST", "migrations/partialexport"),
    ("POST", "jiraintegration/connectivitycheck/jira"),
    ("POST", "configuration/versioncontrol/clear-cache"),
    ("POST", "projects/import-export/import"),
    ("POST", "projects/import-export/import-files"),
    ("POST", "insights/reports"),
    ("PUT", "dynamic-extensions/features/values"),
    ("PUT", "deploymentsettings/deploymentsettings-Projects-1"),
]


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
async def test_what_administrators_do_is_a_403_for_others(api: Any, method: str, path: str) -> None:
    answer = await api.http.request(method, f"/api/{path}", json={})
    assert answer.status_code == 403
    assert "Missing permission" in answer.json()["ErrorMessage"]


async def test_the_scheduler_says_whether_it_runs_and_what_it_did(admin: Any) -> None:
    await admin.get("/api/scheduler/stop")
    assert (await admin.get("/api/scheduler"))["IsRunning"] is False
    await admin.get("/api/scheduler/start")
    status = await admin.get("/api/scheduler")
    assert status["IsRunning"] is True
    for job in status["TaskStatus"]:
        found = await admin.get(f"/api/scheduler/{job['Name']}/logs?verbose=true&tail=5")
        assert found["ActivityLog"]["Status"] == "Success"
        assert job["Name"] in (await admin.http.get(found["Links"]["Raw"])).text
    await admin.get("/api/scheduler/Nothing/logs", status=404)


async def test_a_report_of_the_system_is_an_archive_of_what_it_tells(
    simulator: Simulator, admin: Any
) -> None:
    answer = await admin.http.get("/api/serverstatus/system-report")
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert "serverstatus.json" in archive.namelist()
    counts = await admin.get("/api/serverstatus/document-counts")
    assert (counts["Global"]["Spaces"], counts["Project"]["Projects"]) == (1, 5)


async def test_permissions_are_exported_with_names(
    simulator: Simulator, admin: Any, as_user: Any
) -> None:
    simulator.revoke("bob", "DeploymentView")
    simulator.grant("bob", "DeploymentView", projects=["Web Shop"], environments=["Dev"])
    bob = as_user("bob")
    path = (await bob.get("/api/users/me"))["Links"]["PermissionsExport"]
    wanted = next(each for each in await bob.get(path) if each["Permission"] == "DeploymentView")
    assert wanted["RestrictedToProjectNames"] == "Web Shop"
    assert wanted["RestrictedToEnvironmentNames"] == "Dev"
    text = (await bob.http.get(path, headers={"Accept": "text/csv"})).text
    rows = list(csv.DictReader(StringIO(text)))
    assert "Web Shop" in {each["RestrictedToProjectNames"] for each in rows}


async def test_memberships_tell_which_teams_a_user_is_in(admin: Any, api: Any) -> None:
    me = (await api.get("/api/users/me"))["Id"]
    team = await admin.post(
        "/api/teams", {"Name": "Ops", "SpaceId": "Spaces-1", "MemberUserIds": [me]}
    )
    mine = await api.get(f"/api/teammembership?userId={me}")
    assert team["Id"] in {each["TeamId"] for each in mine}
    ours = await api.get(f"/api/Spaces-1/teammembership?userId={me}&includeSystem=false")
    assert {each["SpaceId"] for each in ours} == {"Spaces-1"}
    (preview,) = await admin.post(
        "/api/teammembership/previewteam", {**team, "Name": "Y"}, status=200
    )
    assert (preview["UserId"], preview["TeamName"]) == (me, "Y")
    await api.get("/api/teammembership", status=400)
    await admin.get("/api/teammembership?userId=Users-99", status=404)


async def test_migrations_and_exports_are_tasks(simulator: Simulator, admin: Any) -> None:
    command = {"PackageId": "x", "PackageVersion": "1", "Password": "s3cret"}
    made = await admin.post("/api/migrations/import", command, status=200)
    assert made["Password"] is None
    for missing in command:
        rest = {name: value for name, value in command.items() if name != missing}
        refused = await admin.post("/api/migrations/import", rest, status=400)
        assert refused["ErrorMessage"] == f"Missing expected '{missing}' parameter."
    export = {"IncludedProjectIds": ["Projects-1"], "Password": {"NewValue": "x"}}
    exported = await admin.post("/api/projects/import-export/export", export, status=200)
    files = "/api/projects/import-export/import-files"
    uploaded = (await admin.http.post(files, files={"x": ("p.zip", b"PK")})).json()
    assert (await admin.get(files))["ProjectImportFiles"] == [uploaded]
    for source in (
        {"Type": "upload", "UploadedFileId": uploaded["Id"]},
        {"Type": "space", "SpaceId": "Spaces-1", "TaskId": exported["TaskId"]},
    ):
        for path in ("import", "import/preview"):
            await admin.post(
                f"/api/projects/import-export/{path}", {"ImportSource": source}, status=200
            )
    for wrong in ({}, {"Type": "upload", "UploadedFileId": "x"}, {"Type": "upload"}):
        body = {"ImportSource": wrong}
        await admin.post("/api/projects/import-export/import", body, status=400)
    simulator.advance(60)
    for task in (made["TaskId"], exported["TaskId"]):
        assert (await admin.get(f"/api/tasks/{task}"))["State"] == "Success"


@pytest.mark.parametrize("template", ["plain", "encoded"])
async def test_a_cloud_template_tells_what_it_asks_for(admin: Any, template: str) -> None:
    text = '{"Description": "Net", "Parameters": {"Size": {"Type": "Number", "Default": 3}}}'
    text = text.replace('"', "%22") if template == "encoded" else text
    path = "/api/cloudtemplate/CloudFormation/metadata?feedId=x"
    found = await admin.post(path, {"Template": text}, status=200)
    (asked,) = found["Metadata"]["Types"][0]["Properties"]
    assert (asked["Name"], asked["Type"], asked["DisplayInfo"]["Required"]) == (
        "Size",
        "int",
        False,
    )
    assert found["Values"] == {"Size": 3}
    await admin.post(path, {"Template": "AWSTemplateFormatVersion: x"}, status=400)


@pytest.mark.parametrize(
    ("url", "category"),
    [("https://jira.example.com", "Info"), ("https://[", "Error"), ("", "Error")],
)
async def test_a_connection_is_checked_by_its_host(admin: Any, url: str, category: str) -> None:
    path = "/api/jiraintegration/connectivitycheck/jira"
    found = await admin.post(path, {"BaseUrl": url}, status=200)
    assert found["Messages"][0]["Category"] == category


async def test_everybody_may_know_how_to_sign_in(anyone: Any) -> None:
    found = await anyone.get("/api/authentication")
    assert [each["Name"] for each in found["AuthenticationProviders"]] == ["Octopus"]
    body = {"EncodedQueryString": "x"}
    begun = await anyone.post("/api/authentication/checklogininitiated", body, status=200)
    assert begun["WasLoginInitiated"] is False
    refused = await anyone.post("/api/users/authenticate/OctopusID", {}, status=400)
    assert refused["ErrorMessage"] == "Extension is disabled."


async def test_a_user_gets_an_access_token_for_oneself_only(admin: Any, api: Any) -> None:
    me = await api.get("/api/users/me")
    made = await api.post(me["Links"]["AccessToken"])
    bearer = {"Authorization": f"Bearer {made['AccessToken']}", "X-Octopus-ApiKey": ""}
    seen = await api.http.get("/api/users/me", headers=bearer)
    assert seen.json()["Id"] == me["Id"]
    await admin.post(me["Links"]["AccessToken"], status=400)


async def test_azure_is_asked_by_its_accounts_only(admin: Any) -> None:
    plain = await admin.post("/api/accounts", {"Name": "a", "AccountType": "Token"})
    azure = await admin.post("/api/accounts", {"Name": "b", "AccountType": "AzureServicePrincipal"})
    old = await admin.post("/api/accounts", {"Name": "c", "AccountType": "AzureSubscription"})
    for name in ("ResourceGroups", "StorageAccounts", "WebSites", "FabricApplications"):
        assert await admin.get(azure["Links"][name]) == []
        refused = await admin.get(plain["Links"][name], status=400)
        assert refused["ErrorMessage"] == "Account must be an Azure Service Principal Account."
    first, again = [(await admin.http.get(old["Links"]["PublicKey"])).content for _ in range(2)]
    assert first == again != b""
    await admin.get(plain["Links"]["PublicKey"], status=404)


async def test_the_way_to_a_first_deployment_is_told_step_by_step(admin: Any) -> None:
    tasks = (await admin.get("/api/useronboarding"))["Tasks"]
    done = {each["Name"]: each["IsComplete"] for each in tasks}
    assert (done["Deployment"], done["DeploymentTarget"]) == (True, False)


async def test_settings_have_an_id_of_their_own_and_reports_are_kept(admin: Any) -> None:
    path = "/api/deploymentsettings/deploymentsettings-Projects-1"
    settings = await admin.get(path)
    await admin.put(path, {**settings, "DefaultGuidedFailureMode": "On"})
    assert (await admin.get("/api/projects/Projects-1"))["DefaultGuidedFailureMode"] == "On"
    await admin.get("/api/deploymentsettings/deploymentsettings-Projects-99", status=404)
    report = await admin.post(
        "/api/insights/reports", {"Name": "Pace", "ProjectIds": ["Projects-1"]}
    )
    assert (await admin.get("/api/insights/reports"))["Items"] == [report]
    assert await admin.get("/api/machines/hosted") == []


async def test_build_information_has_an_old_name(admin: Any) -> None:
    body = {"PackageId": "A", "Version": "1.0", "OctopusPackageMetadata": {"BuildNumber": "7"}}
    made = await admin.post("/api/package-metadata", body)
    assert ("Branch" in made, made["BuildNumber"]) == (False, "7")
    assert await admin.get(f"/api/package-metadata/{made['Id']}") == made
    await admin.post("/api/package-metadata", body, status=409)
    newer = await admin.get(f"/api/build-information/{made['Id']}")
    assert newer["BuildNumber"] == "7"


async def test_the_server_s_certificate_is_a_file(admin: Any) -> None:
    found = await admin.get("/api/configuration/certificates/certificate-global")
    answer = await admin.http.get(found["Links"]["PublicCer"])
    assert hashlib.sha1(answer.content).hexdigest().upper() == found["Thumbprint"]
    await admin.get("/api/configuration/certificates/x/public-cer", status=404)
