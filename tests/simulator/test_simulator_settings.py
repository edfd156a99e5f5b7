"""Settings of the whole server, its licence and its rate limits."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

DOCUMENTS = {
    "featuresconfiguration": {"IsKubernetesEnabled": False},
    "performanceconfiguration": {"DefaultDashboardRenderMode": "VirtualizeRowsAndColumns"},
    "serverconfiguration": {"ServerUri": "https://octopus.example.com"},
    "smtpconfiguration": {"SmtpHost": "mail.example.com", "SendEmailFrom": "o@example.com"},
    "upgradeconfiguration": {"AllowChecking": True},
    "letsencryptconfiguration": {"DnsName": "octopus.example.com"},
    "configuration/retention-default": {"RetentionDays": 30},
    "configuration/jira-integration/values": {"BaseUrl": "https://jira.example.com"},
}


@pytest.mark.parametrize("path", DOCUMENTS)
async def test_a_setting_is_kept_as_written(admin: Any, api: Any, path: str) -> None:
    before = await admin.get(f"/api/{path}")
    after = await admin.put(f"/api/{path}", {**before, **DOCUMENTS[path]})
    assert after == {**before, **DOCUMENTS[path]}
    assert await admin.get(f"/api/{path}") == after
    await api.get(f"/api/{path}", status=403)
    await api.put(f"/api/{path}", after, status=403)
    name = next(iter(DOCUMENTS[path]))
    await admin.put(f"/api/{path}", {**before, name: {"x": 1}}, status=400)


async def test_a_password_of_the_mail_server_never_leaves_again(admin: Any) -> None:
    assert (await admin.get("/api/smtpconfiguration/isconfigured"))["IsConfigured"] is False
    secret = {"HasValue": True, "NewValue": "s3cret"}
    body = {**DOCUMENTS["smtpconfiguration"], "SmtpPassword": secret}
    made = await admin.put("/api/smtpconfiguration", body)
    assert made["SmtpPassword"] == {"HasValue": True, "NewValue": None, "Hint": None}
    assert (await admin.get("/api/smtpconfiguration/isconfigured"))["IsConfigured"] is True


async def test_a_licence_is_xml_and_limits_nothing(simulator: Simulator, admin: Any) -> None:
    assert (await admin.get("/api/licenses/licenses-current"))["SerialNumber"]
    text = "<License Signature='x'><LicenseKey> A-1 </LicenseKey></License>"
    made = await admin.put("/api/licenses/licenses-current", {"LicenseText": text})
    assert (made["LicenseText"], made["SerialNumber"]) == (text, "A-1")
    refused = await admin.put("/api/licenses/licenses-current", {}, status=400)
    assert refused["ErrorMessage"] == "Please provide the text of the license."
    broken = await admin.put("/api/licenses/licenses-current", {"LicenseText": "x"}, status=400)
    assert "doesn't seem to be valid XML" in broken["ErrorMessage"]
    status = await admin.get("/api/licenses/licenses-current-status")
    used = {each["Name"]: each["CurrentUsage"] for each in status["Limits"]}
    assert (status["IsCompliant"], used["Projects"], used["Spaces"]) == (True, 5, 1)


async def test_too_many_requests_are_a_429_that_says_when_to_come_back(
    simulator: Simulator, admin: Any, api: Any, anyone: Any
) -> None:
    policies = await admin.get("/api/ratelimitingpolicies")
    people = next(each for each in policies["Items"] if each["ScopeType"] == "AuthenticatedHuman")
    assert people["IsEnabled"] is False
    strict = {**people, "IsEnabled": True, "RequestsPerMinute": 6, "BurstLimit": 2}
    await admin.put(people["Links"]["Self"], strict)

    await api.get("/api/projects")
    await api.get("/api/projects")
    answer = await api.http.get("/api/projects")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
    assert answer.json()["Errors"]
    await admin.get("/api/projects")
    await anyone.get("/api")
    simulator.advance(10)
    await api.get("/api/projects")
    await admin.put(people["Links"]["Self"], {**strict, "AuditMode": True, "BurstLimit": 1})
    for _ in range(3):
        await api.get("/api/projects")
    simulator.limit_rate(None)
    bad = {**strict, "RequestsPerMinute": 0}
    await admin.put(people["Links"]["Self"], bad, status=400)
