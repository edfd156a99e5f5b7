"""Tag sets and tenants: written, cloned, filtered, tested, seen by who may see them."""

from collections.abc import Callable
from typing import Any

from reconciler.simulator import Simulator

RING = {"Name": "Ring", "Tags": [{"Name": "Pilot", "Color": "#111111"}, {"Name": "Rest"}]}


async def _acme(admin: Any, **more: Any) -> Any:
    body = {"Name": "Acme", "ProjectEnvironments": {"Projects-1": ["Environments-1"]}}
    return await admin.post("/api/tenants", {**body, **more})


async def test_tag_sets_are_made_sorted_changed_and_deleted(admin: Any) -> None:
    ring = await admin.post("/api/tagsets", RING)
    assert [(each["Id"], each["CanonicalTagName"]) for each in ring["Tags"]] == [
        ("TagSets-1/Tags-1", "Ring/Pilot"),
        ("TagSets-1/Tags-2", "Ring/Rest"),
    ]
    region = await admin.post("/api/tagsets", {"Name": "Region", "Tags": []})
    await admin.put("/api/tagsets/sortorder", [region["Id"], ring["Id"]])
    listed = (await admin.get("/api/tagsets"))["Items"]
    assert [(each["Name"], each["SortOrder"]) for each in listed] == [("Region", 0), ("Ring", 1)]
    await admin.put("/api/tagsets/sortorder", ["TagSets-9"], status=400)
    await admin.post("/api/tagsets", {"Name": "ring"}, status=400)
    await admin.post("/api/tagsets", {"Name": "a/b"}, status=400)

    assert (await admin.http.delete(region["Links"]["Self"])).status_code == 200
    await admin.get(region["Links"]["Self"], status=404)


async def test_what_bears_a_tag_follows_its_name_and_keeps_it_from_being_deleted(
    admin: Any,
) -> None:
    ring = await admin.post("/api/tagsets", RING)
    tenant = await _acme(admin, TenantTags=["ring/pilot"])
    assert tenant["TenantTags"] == ["Ring/Pilot"]
    first, second = ring["Tags"]
    renamed = {**ring, "Name": "Wave", "Tags": [second, {**first, "Name": "First"}]}
    changed = await admin.put(ring["Links"]["Self"], renamed)
    assert [each["Id"] for each in changed["Tags"]] == [second["Id"], first["Id"]]
    assert (await admin.get(tenant["Links"]["Self"]))["TenantTags"] == ["Wave/First"]

    refused = await admin.put(ring["Links"]["Self"], {**changed, "Tags": [second]}, status=400)
    assert refused["ErrorMessage"] == "The Tag has dependent resources and cannot be deleted."
    assert (await admin.http.delete(ring["Links"]["Self"])).status_code == 400


async def test_tenants_are_made_changed_cloned_and_deleted(admin: Any) -> None:
    made = await _acme(admin, Description="First")
    assert (made["Id"], made["Slug"], made["IsDisabled"]) == ("Tenants-1", "acme", False)
    assert await admin.get(made["Links"]["Self"]) == made
    clone = await admin.post(f"/api/tenants?clone={made['Id']}", {"Name": "Globex"})
    assert clone["ProjectEnvironments"] == made["ProjectEnvironments"]
    assert clone["ClonedFromTenantId"] == made["Id"]
    empty = await admin.put(
        made["Links"]["Self"], {"Name": "Acme", "IsDisabled": True, "ProjectEnvironments": {}}
    )
    assert (empty["ProjectEnvironments"], empty["IsDisabled"]) == ({}, True)

    for body in (
        {"Name": "acme"},
        {"Name": "x", "TenantTags": ["No/Tag"]},
        {"Name": "x", "ProjectEnvironments": []},
    ):
        await admin.post("/api/tenants", body, status=400)
    await admin.post("/api/tenants?clone=Tenants-9", {"Name": "x"}, status=404)
    unknown = {"Name": "x", "ProjectEnvironments": {"Projects-99": []}}
    assert (await admin.post("/api/tenants", unknown, status=404))["ErrorMessage"] == (
        "The Project doesn't exist."
    )
    assert (await admin.http.delete(made["Links"]["Self"])).status_code == 200
    assert [each["Name"] for each in await admin.get("/api/tenants/all")] == ["Globex"]


async def test_tenants_are_found_by_name_project_tags_and_origin(admin: Any) -> None:
    await admin.post("/api/tagsets", RING)
    await admin.post("/api/tagsets", {"Name": "Region", "Tags": [{"Name": "UK"}, {"Name": "EU"}]})
    assert (await admin.get("/api/tenants/status"))["Enabled"] is False
    await _acme(admin, TenantTags=["Ring/Pilot", "Region/UK"])
    await admin.post("/api/tenants", {"Name": "Globex", "TenantTags": ["Ring/Rest"]})
    await admin.post("/api/tenants?clone=Tenants-1", {"Name": "Initech"})
    found = {
        "name=acme": ["Acme"],
        "partialName=O": ["Globex"],
        "projectId=Projects-1": ["Acme", "Initech"],
        "tags=Ring/Pilot,Ring/Rest": ["Acme", "Globex", "Initech"],
        "tags=Ring/Rest,Region/UK": [],
        "tags=Ring/Pilot&tags=Region/EU,Region/UK": ["Acme", "Initech"],
        "clonedFromTenantId=Tenants-1": ["Initech"],
        "ids=Tenants-2,Tenants-9": ["Globex"],
        "isDisabled=true": [],
    }
    for query, names in found.items():
        listed = (await admin.get(f"/api/tenants?{query}"))["Items"]
        assert [each["Name"] for each in listed] == names, query

    tested = await admin.get("/api/tenants/tag-test?tenantIds=Tenants-1,Tenants-2&tags=Region/UK")
    assert [(key, each["IsMatched"]) for key, each in tested.items()] == [
        ("Tenants-1", True),
        ("Tenants-2", False),
    ]
    assert tested["Tenants-2"]["MissingTags"] == ["Region/UK"]


async def test_a_tenant_is_seen_by_who_may_see_it(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await _acme(admin)
    await admin.post("/api/tenants", {"Name": "Globex"})
    simulator.restrict("alice", "TenantView", tenants=["Globex"])
    alice = as_user("alice")
    assert [each["Name"] for each in (await alice.get("/api/tenants"))["Items"]] == ["Globex"]
    refused = await alice.get("/api/tenants/Tenants-1", status=403)
    assert "TenantView" in refused["ErrorMessage"]
    assert "Tenants-1" in refused["ErrorMessage"]
    for method, path in (("POST", "tenants"), ("PUT", "tenants/Tenants-2"), ("POST", "tagsets")):
        answer = await alice.http.request(method, f"/api/{path}", json={"Name": "x"})
        assert answer.status_code == 403, path
    simulator.revoke("alice", "TenantView")
    await alice.get("/api/tenants", status=403)


async def test_an_entry_for_named_tenants_covers_what_has_none_where_it_is_not_strict(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await _acme(admin)
    alice = as_user("alice")
    for permission in ("ProjectView", "DeploymentView"):
        simulator.restrict("alice", permission, tenants=["Acme"])
    assert (await alice.get("/api/projects"))["TotalResults"] > 0
    assert (await alice.get("/api/deployments"))["TotalResults"] == 0
