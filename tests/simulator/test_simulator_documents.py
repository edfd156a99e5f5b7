"""Accounts, certificates, artifacts and step templates are kept as clients write them."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.simulator import Simulator
from reconciler.simulator.x509 import self_signed

START = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
SECRET = {"HasValue": True, "NewValue": "s3cret", "Hint": None}
KEPT = {"HasValue": True, "NewValue": None, "Hint": None}
ACCOUNT = {
    "Name": "Build",
    "AccountType": "UsernamePassword",
    "Username": "robot",
    "Password": SECRET,
}


def _upload(name: str, *, days: int = 0) -> dict[str, Any]:
    content = self_signed(name, None, START - timedelta(days=days))
    return {"HasValue": True, "NewValue": base64.b64encode(content).decode()}


async def test_an_account_keeps_its_secret_and_never_tells_it(admin: Any) -> None:
    made = await admin.post("/api/accounts", ACCOUNT)

    again = await admin.put(made["Links"]["Self"], {**made, "Description": "x"})
    assert (again["Password"], again["Username"], again["Description"]) == (KEPT, "robot", "x")
    assert "s3cret" not in str(await admin.get("/api/accounts/all"))


@pytest.mark.parametrize("change", [{"AccountType": "Magic"}, {"Description": 3}, {"Name": " "}])
async def test_an_account_that_makes_no_sense_is_refused(admin: Any, change: Any) -> None:
    refused = await admin.post("/api/accounts", {**ACCOUNT, **change}, status=400)
    assert refused["Errors"]
    assert (await admin.get("/api/accounts"))["TotalResults"] == 0


async def test_an_account_keeps_its_type_and_its_name_is_its_own(admin: Any) -> None:
    made = await admin.post("/api/accounts", ACCOUNT)
    await admin.put(made["Links"]["Self"], {**made, "AccountType": "Token"}, status=400)
    await admin.post("/api/accounts", {**ACCOUNT, "Name": "BUILD"}, status=400)


async def test_an_account_that_a_target_signs_in_with_stays(
    simulator: Simulator, admin: Any
) -> None:
    made = await admin.post("/api/accounts", ACCOUNT)
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    target = await admin.get("/api/machines/Machines-1")
    target["Endpoint"] = {"CommunicationStyle": "Ssh", "Host": "x", "AccountId": made["Id"]}
    await admin.put("/api/machines/Machines-1", target)

    usages = await admin.get(made["Links"]["Usages"])
    assert usages["Targets"] == [{"TargetId": "Machines-1", "TargetName": "web-1"}]
    gone = await admin.http.delete(made["Links"]["Self"])
    assert (gone.status_code, "dependent" in gone.json()["ErrorMessage"]) == (400, True)


async def test_accounts_of_environments_are_seen_where_these_may_be(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    simulator.revoke("bob", "AccountView")
    simulator.grant("bob", "AccountView", environments=["Dev"])
    await admin.post("/api/accounts", {**ACCOUNT, "EnvironmentIds": ["Environments-1"]})
    hidden = {**ACCOUNT, "Name": "Live", "EnvironmentIds": ["Environments-2"]}
    made = await admin.post("/api/accounts", hidden)

    bob = as_user("bob")
    assert [each["Name"] for each in await bob.get("/api/accounts/all")] == ["Build"]
    await bob.get(made["Links"]["Self"], status=403)
    await bob.post("/api/accounts", {**ACCOUNT, "Name": "Mine"}, status=403)


async def test_a_certificate_is_read_for_what_it_says(admin: Any) -> None:
    body = {"Name": "Web", "CertificateData": _upload("web.example.com", days=400)}
    made = await admin.post("/api/certificates", {**body, "Thumbprint": "FAKE"})

    assert (made["SubjectCommonName"], made["SelfSigned"]) == ("web.example.com", True)
    assert (made["IsExpired"], made["HasPrivateKey"]) == (True, True)
    assert (len(made["Thumbprint"]), made["CertificateData"]) == (40, KEPT)
    body["CertificateData"] = {"HasValue": True, "NewValue": "bm90aGluZw=="}
    refused = await admin.post("/api/certificates", {**body, "Name": "No"}, status=400)
    assert refused["ErrorMessage"] == "Certificate Invalid."


async def test_a_replaced_certificate_keeps_its_id_and_leaves_an_archived_copy(admin: Any) -> None:
    body = {"Name": "Web", "CertificateData": _upload("old.example.com")}
    made = await admin.post("/api/certificates", body)
    replacement = {"certificateData": _upload("new.example.com")["NewValue"]}
    new = await admin.post(made["Links"]["Replace"], replacement, status=200)

    assert (new["Id"], new["SubjectCommonName"]) == (made["Id"], "new.example.com")
    (old,) = (await admin.get("/api/certificates?archived=true"))["Items"]
    assert (old["ReplacedBy"], old["Thumbprint"]) == (made["Id"], made["Thumbprint"])
    await admin.post(old["Links"]["Unarchive"], status=400)


async def test_a_certificate_goes_only_when_it_is_archived(admin: Any) -> None:
    body = {"Name": "Own", "SubjectCommonName": "own.example.com"}
    made = await admin.post("/api/certificates/generate", body, status=200)
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 400

    await admin.post(made["Links"]["Archive"], status=200)
    assert (await admin.get("/api/certificates"))["Items"] == []
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200


async def test_a_private_key_is_exported_to_those_who_may_have_it(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    body = {"Name": "Own", "SubjectCommonName": "own.example.com"}
    made = await admin.post("/api/certificates/generate", body, status=200)
    path = made["Links"]["Export"].partition("{")[0]
    simulator.grant("bob", "CertificateView")

    assert b"PRIVATE KEY" in (await admin.http.get(path)).content
    await as_user("bob").get(path, status=403)


async def test_an_artifact_has_the_content_it_was_given(simulator: Simulator, admin: Any) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    task = (await admin.get("/api/tasks"))["Items"][0]
    made = await admin.post("/api/artifacts", {"Filename": "a.txt", "ServerTaskId": task["Id"]})
    await admin.http.put(made["Links"]["Content"], content=b"hello")

    assert (await admin.http.get(made["Links"]["Content"])).content == b"hello"
    for regarding in (task["Id"], "Projects-1"):
        listed = await admin.get(f"/api/artifacts?regarding={regarding}")
        assert [each["Filename"] for each in listed["Items"]] == ["a.txt"]
    assert (await admin.get("/api/artifacts?regarding=Projects-2"))["Items"] == []


async def test_a_step_template_keeps_its_versions_and_knows_its_steps(admin: Any) -> None:
    body = {"Name": "Hello", "ActionType": "Octopus.Script", "Parameters": [{"Name": "Who"}]}
    made = await admin.post("/api/actiontemplates", body)
    changed = await admin.put(made["Links"]["Self"], {**made, "Description": "x"})
    assert (made["Version"], changed["Version"]) == (1, 2)
    first = await admin.get(f"{made['Links']['Self']}/versions/1")
    assert first["Description"] is None

    process = await admin.get("/api/deploymentprocesses/deploymentprocess-Projects-1")
    used = {"Octopus.Action.Template.Id": made["Id"], "Octopus.Action.Template.Version": "1"}
    action = {"Name": "Hi", "ActionType": "Octopus.Script", "Properties": used}
    process["Steps"] = [{"Name": "Hi", "Actions": [action]}]
    await admin.put("/api/deploymentprocesses/deploymentprocess-Projects-1", process)

    (usage,) = await admin.get(made["Links"]["Usage"])
    assert (usage["ActionName"], usage["Version"], usage["ProcessType"]) == (
        "Hi",
        "1",
        "Deployment",
    )
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 400


async def test_the_search_for_step_templates_finds_built_in_and_custom_ones(admin: Any) -> None:
    await admin.post("/api/actiontemplates", {"Name": "Hello", "ActionType": "Octopus.Script"})
    found = await admin.get("/api/actiontemplates/search?type=octopus.script")
    assert [(each["Name"], each["IsBuiltIn"]) for each in found] == [
        ("Run a Script", True),
        ("Hello", False),
    ]


async def test_what_a_subscription_leaves_out_is_there_with_its_default(admin: Any) -> None:
    hook = {"WebhookURI": "https://hook.example.com", "Filter": {"Projects": ["Projects-1"]}}
    made = await admin.post(
        "/api/subscriptions", {"Name": "Watch", "EventNotificationSubscription": hook}
    )
    part = made["EventNotificationSubscription"]
    assert (part["WebhookTimeout"], part["Filter"]["Projects"]) == ("00:00:10", ["Projects-1"])
    assert part["Filter"]["Users"] == []


async def test_null_restrictions_keep_those_of_a_git_credential(admin: Any) -> None:
    limits = {"Enabled": True, "AllowedRepositories": ["https://git.example.com/*"]}
    body = {
        "Name": "Robot",
        "Details": {"Type": "UsernamePassword", "Username": "r", "Password": SECRET},
        "RepositoryRestrictions": limits,
    }
    made = await admin.post("/api/git-credentials", body)
    again = await admin.put(made["Links"]["Self"], {**made, "RepositoryRestrictions": None})
    assert (again["RepositoryRestrictions"], again["Details"]["Password"]) == (limits, KEPT)


async def test_what_is_not_there_is_a_404_without_a_list_of_errors(admin: Any) -> None:
    for path in ("accounts", "certificates", "proxies", "artifacts", "channels"):
        gone = await admin.get(f"/api/{path}/Nothing-1", status=404)
        assert gone["ErrorMessage"]
        assert "Errors" not in gone


async def test_a_space_has_one_default_retention_of_each_type(admin: Any) -> None:
    path = "/api/Spaces-1/retentionpolicies"
    policy = await admin.get(f"{path}?RetentionType=LifecycleRelease")
    assert (policy["Strategy"], policy["QuantityToKeep"]) == ("Forever", 0)

    kept = {**policy, "Strategy": "Count", "QuantityToKeep": 4}
    await admin.put(policy["Links"]["Self"], kept)
    assert await admin.get(policy["Links"]["Self"]) == kept
    await admin.put(policy["Links"]["Self"], {**kept, "Unit": "Fortnights"}, status=400)
    await admin.get(path, status=400)


async def test_an_ephemeral_environment_lives_below_the_parent_of_its_channel(admin: Any) -> None:
    parent = await admin.post("/api/spaces/Spaces-1/parentEnvironments", {"Name": "Pulls"})
    path = "/api/projects/Projects-1/environments/ephemeral"
    await admin.post(path, {"EnvironmentName": "pr-7"}, status=400)
    channel = {"Name": "Pulls", "ProjectId": "Projects-1", "Type": "EphemeralEnvironment"}
    await admin.post("/api/channels", {**channel, "ParentEnvironmentId": parent["Id"]})
    made = await admin.post(path, {"EnvironmentName": "pr-7"})

    async def listed(kind: str) -> list[str]:
        found = await admin.get(f"/api/Spaces-1/environments/v2?type={kind}")
        return [each["Name"] for each in found["Items"]]

    assert (await listed("Parent"), await listed("Ephemeral")) == (["Pulls"], ["pr-7"])
    assert (await admin.http.delete(parent["Links"]["Self"])).status_code == 400
    end = f"/api/environments/ephemeral/{made['Id']}/deprovision"
    assert (await admin.post(end)) == {"DeprovisioningRuns": []}
    assert await listed("Ephemeral") == []
    await admin.post(end, status=404)


async def test_a_channel_of_another_type_is_refused(admin: Any) -> None:
    body = {"Name": "Odd", "ProjectId": "Projects-1", "Type": "Tunnel"}
    await admin.post("/api/channels", body, status=400)
    assert (await admin.get("/api/projects/web-shop/channels"))["TotalResults"] == 1


async def test_an_offline_drop_is_not_checked_and_may_go_at_once(admin: Any) -> None:
    body = {
        "Name": "drop",
        "EnvironmentIds": ["Environments-1"],
        "Roles": ["web"],
        "Endpoint": {"CommunicationStyle": "OfflineDrop"},
    }
    made = await admin.post("/api/machines", body)
    assert (await admin.get("/api/tasks?name=Health"))["TotalResults"] == 0
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200


async def test_a_monitor_belongs_to_a_target(simulator: Simulator, admin: Any) -> None:
    path = "/api/Spaces-1/observability/kubernetes-monitors"
    body = {"MachineId": "Machines-1", "InstallationId": "11111111-2222-3333-4444-555555555555"}
    await admin.post(path, body, status=404)
    simulator.add_machine("cluster", environments=["Dev"], roles=["k8s"])
    made = (await admin.post(path, body))["Resource"]

    assert (await admin.get(made["Links"]["Self"]))["Resource"] == made
    await admin.http.delete(made["Links"]["Self"])
    gone = await admin.get(made["Links"]["Self"], status=404)
    assert "not found" in gone["ErrorMessage"]


async def test_people_sign_in_with_passwords_only(admin: Any) -> None:
    me = await admin.get("/api/users/me")
    link = (await admin.get("/api"))["Links"]["UserAuthentication"]
    shown = await admin.get(link.replace("{/userId}", f"/{me['Id']}"))
    assert [each["Name"] for each in shown["AuthenticationProviders"]] == ["Octopus"]
    assert shown["CanCurrentUserEditIdentitiesForUser"] is True
    await admin.get(link.replace("{/userId}", "/Users-99"), status=404)
