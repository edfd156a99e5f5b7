"""Variable sets: scopes, secrets, versions, snapshots, who sees what, values at a place."""

from collections.abc import Callable
from typing import Any

from reconciler.simulator import Simulator

SET = "/api/variables/variableset-Projects-1"


async def _write(api: Any, variables: list[Any], path: str = SET, status: int = 200) -> Any:
    read = await api.get(path)
    return await api.put(path, {**read, "Variables": variables}, status=status)


async def _library(admin: Any, variables: list[Any], **more: Any) -> Any:
    """Make a library set that the Web Shop includes."""
    made = await admin.post("/api/libraryvariablesets", {"Name": "Shared", **more})
    await _write(admin, variables, made["Links"]["Variables"])
    project = await admin.get("/api/projects/web-shop")
    included = [*project["IncludedLibraryVariableSetIds"], made["Id"]]
    await admin.put(
        project["Links"]["Self"], {**project, "IncludedLibraryVariableSetIds": included}
    )
    return made


async def test_secrets_are_kept_replaced_and_never_told(admin: Any) -> None:
    secret = {"Name": "Pwd", "Type": "Sensitive", "Value": "hush"}
    made = await _write(admin, [secret, {"Name": "Url", "Value": "http://x"}])
    pwd, url = made["Variables"]
    assert (pwd["Value"], pwd["IsSensitive"], url["Value"]) == (None, True, "http://x")
    again = await _write(admin, [pwd, url])
    assert (again["Version"], again["Variables"]) == (made["Version"] + 1, made["Variables"])
    read = await admin.get("/api/projects/web-shop/variables")
    assert "hush" not in str(read)


async def test_a_stale_version_a_frozen_set_and_equal_ids_are_refused(admin: Any) -> None:
    made = await _write(admin, [{"Id": "a", "Name": "Url", "Value": "1"}])
    stale = await admin.put(SET, {**made, "Version": 0}, status=400)
    assert "another user has made changes" in stale["ErrorMessage"]
    twice = await _write(admin, [*made["Variables"], *made["Variables"]], status=400)
    assert twice["ErrorMessage"] == "Variable ids must be unique."
    release = await admin.get("/api/projects/web-shop/releases/1.2.0")
    frozen = release["Links"]["ProjectVariableSnapshot"]
    refused = await admin.put(frozen, await admin.get(frozen), status=400)
    assert refused["ErrorMessage"].startswith("You cannot modify this variable set")


async def test_scopes_are_spelled_as_the_server_does_and_bounded(admin: Any) -> None:
    await admin.post("/api/tagsets", {"Name": "Ring", "Tags": [{"Name": "Pilot"}]})
    wide = {"environment": ["Environments-1"], "Role": ["web"], "Machine": []}
    made = await _write(admin, [{"Name": "Url", "Value": "1", "Scope": wide}])
    assert made["Variables"][0]["Scope"] == {"Environment": ["Environments-1"], "Role": ["web"]}
    values = made["ScopeValues"]
    assert [each["Name"] for each in values["Environments"]] == ["Dev", "Test", "Production"]
    assert [each["Name"] for each in values["Actions"]] == ["Deploy Web Shop", "Smoke test"]
    assert (values["TenantTags"], values["Channels"]) == (
        [{"Id": "Ring/Pilot", "Name": "Ring/Pilot"}],
        [{"Id": "Channels-1", "Name": "Default"}],
    )
    for scope in ({"Planet": ["x"]}, {"Environment": "Environments-1"}, []):
        status = 200 if scope == [] else 400
        await _write(admin, [{"Name": "x", "Value": "1", "Scope": scope}], status=status)
    prompt = {"Label": "Ticket", "Required": True}
    body = [{"Name": "x", "Value": "", "Prompt": prompt, "Scope": {"Role": ["web"]}}]
    refused = await _write(admin, body, status=400)
    assert refused["ErrorMessage"].startswith("Prompted variables cannot be scoped")


async def test_who_may_not_see_or_edit_a_variable_leaves_it_as_it_was(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    scoped = [
        {"Id": each, "Name": "Url", "Value": each, "Scope": {"Environment": [f"Environments-{n}"]}}
        for n, each in enumerate(("dev", "test", "production"), 1)
    ]
    await _write(admin, scoped)
    simulator.restrict("alice", "VariableView", environments=["Dev", "Test"])
    simulator.restrict("alice", "VariableEdit", environments=["Dev"])
    alice = as_user("alice")
    seen = await alice.get(SET)
    assert [(each["Id"], each["IsEditable"]) for each in seen["Variables"]] == [
        ("dev", True),
        ("test", False),
    ]
    await _write(alice, [{**each, "Value": "new"} for each in seen["Variables"]])
    now = (await admin.get(SET))["Variables"]
    assert {each["Id"]: each["Value"] for each in now} == {
        "dev": "new",
        "test": "test",
        "production": "production",
    }
    moved = {**seen["Variables"][0], "Scope": {"Environment": ["Environments-3"]}}
    refused = await _write(alice, [moved], status=403)
    assert "VariableEdit" in refused["ErrorMessage"]
    simulator.revoke("alice", "VariableEdit")
    await _write(alice, [], status=403)


async def test_library_sets_are_made_used_and_deleted(admin: Any) -> None:
    made = await _library(admin, [{"Name": "Shared", "Value": "1"}])
    assert made["VariableSetId"] == f"variableset-{made['Id']}"
    read = await admin.get(made["Links"]["Variables"])
    assert (read["OwnerId"], read["Version"]) == (made["Id"], 1)
    changed = await admin.put(made["Links"]["Self"], {**made, "Name": "Common"})
    assert changed["Name"] == "Common"
    module = {"Name": "Tools", "ContentType": "ScriptModule"}
    await admin.post("/api/libraryvariablesets", module)
    for query, names in {
        "contentType=ScriptModule": ["Tools"],
        "partialName=COM": ["Common"],
    }.items():
        listed = await admin.get(f"/api/libraryvariablesets?{query}")
        assert [each["Name"] for each in listed["Items"]] == names
    await admin.post("/api/libraryvariablesets", {"Name": "x", "ContentType": "y"}, status=400)
    choice = {"Name": "T", "DisplaySettings": {"Octopus.ControlType": "Select"}}
    none = await admin.post(
        "/api/libraryvariablesets", {"Name": "x", "Templates": [choice]}, status=400
    )
    assert none["ErrorMessage"] == "Variable template 'T' does not have drop down options set."

    order = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "9.0.0"}
    await admin.post("/api/Spaces-1/releases/create/v1", order)
    (usage,) = (await admin.get(made["Links"]["Usages"]))["Projects"]
    assert usage["IsCurrentlyBeingUsedInProject"] is True
    assert [each["ReleaseVersion"] for each in usage["Releases"]] == ["9.0.0"]
    used = await admin.http.delete(made["Links"]["Self"])
    assert used.json()["ErrorMessage"] == (
        "The Library Variable Set has dependent resources and cannot be deleted."
    )
    project = await admin.get("/api/projects/web-shop")
    await admin.put(project["Links"]["Self"], {**project, "IncludedLibraryVariableSetIds": []})
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    await admin.get(made["Links"]["Variables"], status=404)


async def test_a_release_freezes_all_its_sets_until_it_takes_new_ones(admin: Any) -> None:
    library = await _library(admin, [{"Name": "Shared", "Value": "1"}])
    await _write(admin, [{"Name": "Url", "Value": "1"}])
    order = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "9.0.0"}
    made = await admin.post("/api/Spaces-1/releases/create/v1", order)
    path = f"/api/releases/{made['ReleaseId']}"
    (frozen,) = (await admin.get(path))["LibraryVariableSetSnapshotIds"]
    assert frozen.startswith(f"variableset-{library['Id']}-s-1-")
    template = f"{path}/deployments/template"
    assert (await admin.get(template))["IsLibraryVariableSetModified"] is False

    await _write(admin, [{"Name": "Shared", "Value": "2"}], library["Links"]["Variables"])
    await _write(admin, [{"Name": "Url", "Value": "2"}])
    changed = await admin.get(template)
    assert (changed["IsVariableSetModified"], changed["IsLibraryVariableSetModified"]) == (
        True,
        True,
    )
    sets = await admin.get(f"/api/projects/web-shop/releases/{made['ReleaseId']}/variables")
    assert [each["Variables"][0]["Value"] for each in sets] == ["1", "1"]
    await admin.post(f"{path}/snapshot-variables", status=200)
    sets = await admin.get(f"/api/projects/web-shop/releases/{made['ReleaseId']}/variables")
    assert [each["Variables"][0]["Value"] for each in sets] == ["2", "2"]

    await _write(admin, [{"Name": "Url", "Value": "3"}])
    command = {**order, "environmentNames": ["Dev"], "updateVariableSnapshot": True}
    await admin.post("/api/Spaces-1/deployments/create/untenanted/v1", command)
    assert (await admin.get(template))["IsVariableSetModified"] is False
    live = await admin.get("/api/variables/all")
    assert {"variableset-Projects-1", library["VariableSetId"]} <= {each["Id"] for each in live}
    assert [each["Id"] for each in await admin.get(f"/api/variables/all?ids={frozen}")] == [frozen]


async def test_what_is_asked_for_must_be_answered(simulator: Simulator, admin: Any) -> None:
    prompt = {"Label": "Ticket number", "Required": True}
    made = await _write(
        admin,
        [
            {"Id": "t", "Name": "Ticket", "Value": "", "Prompt": prompt},
            {"Id": "p", "Name": "Pwd", "Type": "Sensitive", "Prompt": {"Label": "Password"}},
        ],
    )
    assert made["Variables"][0]["Prompt"]["DisplaySettings"] == {
        "Octopus.ControlType": "SingleLineText"
    }
    order = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "9.0.0"}
    release = (await admin.post("/api/Spaces-1/releases/create/v1", order))["ReleaseId"]
    preview = await admin.get(f"/api/releases/{release}/deployments/preview/Environments-1")
    assert [
        (each["Name"], each["Control"]["Label"], each["IsValueRequired"])
        for each in preview["Form"]["Elements"]
    ] == [("t", "Ticket number", True), ("p", "Password", False)]

    body = {"ReleaseId": release, "EnvironmentId": "Environments-1"}
    refused = await admin.post("/api/deployments", body, status=400)
    assert "Ticket number" in refused["Errors"][0]
    values = {"t": "CHG-1", "p": "hush"}
    deployed = await admin.post("/api/deployments", {**body, "FormValues": values})
    assert deployed["FormValues"] == {"t": "CHG-1", "p": None}
    command = {**order, "environmentNames": ["Dev"]}
    path = "/api/Spaces-1/deployments/create/untenanted/v1"
    refused = await admin.post(path, {**command, "variables": {"Other": "x"}}, status=400)
    assert "Ticket number" in refused["Errors"][0]
    made = await admin.post(path, {**command, "variables": {"ticket": "CHG-2"}})
    (task,) = made["DeploymentServerTasks"]
    shown = await admin.get(f"/api/deployments/{task['DeploymentId']}")
    assert shown["FormValues"] == {"t": "CHG-2"}


async def test_the_most_specific_value_holds_at_a_place(simulator: Simulator, admin: Any) -> None:
    simulator.add_tag_set("Ring", ["Pilot"])
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev"]}, tags=["Ring/Pilot"])
    shared = [{"Name": "Url", "Value": "library"}, {"Name": "Only", "Value": "library"}]
    template = {"Name": "Realm", "DefaultValue": "anywhere"}
    library = await _library(admin, shared, Templates=[template])
    await _write(
        admin,
        [
            {"Name": "Url", "Value": "project"},
            {"Name": "Url", "Value": "dev", "Scope": {"Environment": ["Environments-1"]}},
            {"Name": "Url", "Value": "pilot", "Scope": {"TenantTag": ["Ring/Pilot"]}},
            {"Name": "Url", "Value": "dev web", "Scope": {"Environment": ["Environments-1"],
                                                           "Role": ["web"]}},
        ],
    )  # fmt: skip

    async def values(query: str) -> dict[str, str]:
        found = await admin.get(f"/api/variables/preview?project=Projects-1{query}")
        return {each["Name"]: each["Value"] for each in found["Variables"]}

    assert await values("") == {"Url": "project", "Only": "library", "Realm": "anywhere"}
    assert (await values("&environment=Environments-1"))["Url"] == "dev"
    assert (await values("&environment=Environments-1&role=web"))["Url"] == "dev web"
    assert (await values("&environment=Environments-1&tenant=Tenants-1"))["Url"] == "pilot"
    given = library["Templates"][0]["Id"]
    common = "/api/tenants/Tenants-1/commonvariables"
    made = await admin.put(common, [{"TemplateId": given, "Value": "north", "Scope": {}}])
    assert made["Variables"][0]["LibraryVariableSetName"] == "Shared"
    assert (await values("&tenant=Tenants-1"))["Realm"] == "north"
    whole = await admin.get("/api/tenants/Tenants-1/variables")
    assert whole["LibraryVariables"][library["Id"]]["Variables"] == {given: "north"}
    assert await admin.get("/api/variables/names?project=Projects-1") == ["Only", "Realm", "Url"]
    assert "Url" in await admin.get("/api/variables/names")
    none = await admin.get("/api/variables/preview", status=400)
    assert none["ErrorMessage"] == "No project was provided."


async def test_library_sets_need_their_own_permissions(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    made = await _library(admin, [{"Name": "Shared", "Value": "1"}])
    alice = as_user("alice")
    seen = await alice.get(made["Links"]["Variables"])
    assert [each["IsEditable"] for each in seen["Variables"]] == [False]
    await _write(alice, [], made["Links"]["Variables"], status=403)
    await alice.post("/api/libraryvariablesets", {"Name": "x"}, status=403)
    simulator.revoke("alice", "LibraryVariableSetView")
    await alice.get(made["Links"]["Variables"], status=403)
    await alice.get("/api/libraryvariablesets", status=403)
