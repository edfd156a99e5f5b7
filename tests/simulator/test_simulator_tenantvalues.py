"""What tenants give templates values for: as a whole, in newer lists, and what is missing."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

PLAIN = {"Octopus.ControlType": "SingleLineText"}


@pytest.fixture
async def templates(simulator: Simulator, admin: Any) -> Any:
    """Acme in Dev and Test, and a project with a greeting, a realm and a password."""
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev", "Test"]})
    project = await admin.get("/api/projects/web-shop")
    written = [
        {"Name": "Greeting", "DefaultValue": "hello"},
        {"Name": "Realm", "DisplaySettings": PLAIN},
        {"Name": "Password", "DisplaySettings": {"Octopus.ControlType": "Sensitive"}},
    ]
    changed = await admin.put(project["Links"]["Self"], {**project, "Templates": written})
    assert len({each["Id"] for each in changed["Templates"]}) == 3
    return [each["Id"] for each in changed["Templates"]]


async def test_values_are_written_as_a_whole_for_the_version_that_was_read(
    admin: Any, templates: Any
) -> None:
    _, realm, password = templates
    path = "/api/tenants/Tenants-1/variables"
    whole = await admin.get(path)
    part = whole["ProjectVariables"]["Projects-1"]
    assert part["Variables"] == {"Environments-1": {}, "Environments-2": {}}
    secret = {"HasValue": True, "NewValue": "hush"}
    part["Variables"]["Environments-1"] = {realm: "north", password: secret}
    kept = await admin.put(path, whole)
    values = kept["ProjectVariables"]["Projects-1"]["Variables"]["Environments-1"]
    assert values == {realm: "north", password: {**secret, "NewValue": None, "Hint": None}}
    stale = await admin.put(path, whole, status=400)
    assert "another user" in stale["ErrorMessage"]

    same = await admin.post(path, {"TenantId": "Tenants-1"}, status=200)
    assert same["ProjectVariables"] == kept["ProjectVariables"]
    (every,) = await admin.get("/api/tenantvariables/all?projectId=Projects-1")
    assert every["TenantName"] == "Acme"
    assert await admin.get("/api/tenantvariables/all?projectId=Projects-2") == []
    part["Variables"] = {"Environments-3": {realm: "x"}}
    await admin.put(path, {"ProjectVariables": whole["ProjectVariables"]}, status=400)
    lost = await admin.get("/api/tenants/Tenants-9/variables", status=404)
    assert lost["ErrorMessage"] == "Tenant not found."


async def test_the_newer_lists_hold_values_with_scopes(admin: Any, templates: Any) -> None:
    greeting, realm, password = templates
    path = "/api/tenants/Tenants-1/projectvariables"
    both = {"EnvironmentIds": ["Environments-1", "Environments-2"]}
    written = [
        {"ProjectId": "Projects-1", "TemplateId": realm, "Value": "north", "Scope": both},
        {"TemplateId": password, "Value": "plain", "Scope": both},
    ]
    made = await admin.put(path, written)
    assert [(each["Value"], each["ProjectName"]) for each in made["Variables"]] == [
        ("north", "Web Shop"),
        ({"HasValue": True, "NewValue": None, "Hint": None}, "Web Shop"),
    ]
    again = await admin.put(path, {"TenantId": "Tenants-1", "Variables": made["Variables"]})
    assert again["Variables"] == made["Variables"]
    read = await admin.get(f"{path}?includeMissingVariables=true")
    assert (read["Variables"], read["MissingVariables"]) == (made["Variables"], [])
    whole = await admin.get("/api/tenants/Tenants-1/variables")
    values = whole["ProjectVariables"]["Projects-1"]["Variables"]
    assert [each[realm] for each in values.values()] == ["north", "north"]
    unknown = [{"TemplateId": "nothing", "Value": "x"}]
    assert "nothing" in (await admin.put(path, unknown, status=400))["ErrorMessage"]
    common = await admin.get("/api/tenants/Tenants-1/commonvariables")
    assert common == {"TenantId": "Tenants-1", "Variables": []}
    assert greeting not in str(read["Variables"])


async def test_what_has_neither_value_nor_default_is_missing(admin: Any, templates: Any) -> None:
    _, realm, password = templates
    (found,) = await admin.get(
        "/api/tenants/variables-missing?tenantId=Tenants-1&includeDetails=true"
    )
    assert [
        (each["VariableTemplateName"], each["EnvironmentId"]) for each in found["MissingVariables"]
    ] == [
        ("Realm", "Environments-1"),
        ("Realm", "Environments-2"),
        ("Password", "Environments-1"),
        ("Password", "Environments-2"),
    ]
    (brief,) = await admin.get("/api/tenants/variables-missing")
    assert brief["MissingVariables"] == []
    values = [{"TemplateId": each, "Value": "x", "Scope": {}} for each in (realm, password)]
    await admin.put("/api/tenants/Tenants-1/projectvariables", values)
    assert await admin.get("/api/tenants/variables-missing?projectId=Projects-1") == []
