"""Conventions that hold on every route: prefixes, words without case, pages, errors, keys."""

from typing import Any

import pytest

from reconciler.simulator import Simulator

LISTS = [
    "projects",
    "projectgroups",
    "environments",
    "lifecycles",
    "channels",
    "releases",
    "deployments",
    "tasks",
    "interruptions",
    "events",
    "teams",
]


@pytest.mark.parametrize("name", LISTS)
async def test_every_list_is_reached_by_all_three_prefixes(api: Any, name: str) -> None:
    by_id = await api.get(f"/api/Spaces-1/{name}?take=2")

    for path in (f"/api/{name}/", f"/api/spaces/shop/{name}", f"/api/SPACES-1/{name.upper()}/"):
        other = await api.get(f"{path}?TAKE=2")
        assert [each["Id"] for each in other["Items"]] == [each["Id"] for each in by_id["Items"]]


@pytest.mark.parametrize("name", LISTS)
async def test_every_item_of_a_list_is_found_again_by_its_own_link(api: Any, name: str) -> None:
    listed = await api.get(f"/api/Spaces-1/{name}?take=1000")

    for item in listed["Items"]:
        assert await api.get(item["Links"]["Self"]) == item


async def test_pages_follow_their_links_and_end_in_an_empty_one(api: Any) -> None:
    first = await api.get("/api/Spaces-1/projects?take=2&partialName=a")
    assert (first["TotalResults"], first["NumberOfPages"], first["LastPageNumber"]) == (3, 2, 1)
    assert (first["ItemsPerPage"], first["ItemType"]) == (2, "Project")
    assert "Page.Previous" not in first["Links"]

    second = await api.get(first["Links"]["Page.Next"])
    names = [each["Name"] for each in first["Items"] + second["Items"]]
    assert names == ["Orders API", "Payments API", "Shop Database"]
    assert "Page.Next" not in second["Links"]

    long = await api.get("/api/projects?paginationRequest.skip=1&paginationRequest.take=2")
    assert (len(long["Items"]), long["ItemsPerPage"]) == (2, 2)
    beyond = await api.get("/api/Spaces-1/projects?skip=300")
    assert (beyond["Items"], beyond["TotalResults"], beyond["ItemsPerPage"]) == ([], 5, 30)


async def test_unknown_ids_are_left_out_and_empty_ids_filter_nothing(api: Any) -> None:
    some = await api.get("/api/projects?ids=Projects-2,Projects-99&ids=Projects-1")
    assert {each["Id"] for each in some["Items"]} == {"Projects-1", "Projects-2"}
    assert (await api.get("/api/projects?ids="))["TotalResults"] == 5
    assert (await api.get("/api/projects?ids=Web%20Shop"))["Items"] == []


async def test_a_project_is_found_by_id_and_by_slug(api: Any) -> None:
    by_id = await api.get("/api/Spaces-1/projects/Projects-1")
    assert await api.get("/api/projects/web-shop") == by_id
    gone = await api.get("/api/projects/Web%20Shop%202", status=404)
    assert gone["ErrorMessage"] == "The Project doesn't exist."


async def test_the_root_needs_no_key_and_shows_space_links_to_users_only(
    api: Any, anyone: Any
) -> None:
    seen = await anyone.get("/api/")
    assert (seen["Application"], seen["ApiVersion"]) == ("Octopus Deploy", "3.0.0")
    assert "Projects" not in seen["Links"]
    assert seen["Links"]["Spaces"] == "/api/spaces{/id}{?skip,ids,take,partialName}"
    mine = await api.get("/api")
    assert mine["Links"]["Projects"].startswith("/api/Spaces-1/projects{/id}{?name,skip,ids")
    assert mine["Version"] == "2026.3.1234"
    assert (await api.get("/api/Spaces-1"))["Links"]["Releases"].startswith("/api/Spaces-1/rel")
    assert "GetAllSpacesRequest" in (await api.get("/api/capabilities"))["Capabilities"]


@pytest.mark.parametrize("path", ["/api/spaces", "/api/projects", "/api/nowhere", "/api/users/me"])
async def test_without_a_known_key_every_route_is_a_401_in_json(anyone: Any, path: str) -> None:
    refused = await anyone.get(path, status=401)
    assert refused["ErrorMessage"]
    for headers in ({"X-Octopus-ApiKey": "API-WRONG"}, {"Authorization": "Bearer x"}):
        answer = await anyone.http.get(path, headers=headers)
        assert answer.status_code == 401
        assert answer.json()["Errors"]


async def test_a_key_counts_as_query_argument_too(simulator: Simulator, anyone: Any) -> None:
    me = await anyone.get(f"/api/users/me?apikey={simulator.service_api_key}")
    assert (me["Username"], me["IsService"]) == ("reconciler", True)


async def test_the_method_of_the_override_header_counts(simulator: Simulator, admin: Any) -> None:
    space = await admin.get("/api/spaces/Spaces-1")
    answer = await admin.http.post(
        "/api/spaces/Spaces-1",
        json={**space, "TaskQueueStopped": True},
        headers={"X-HTTP-Method-Override": "PUT"},
    )
    assert answer.json()["TaskQueueStopped"] is True
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    assert simulator.deployments("Web Shop", "Dev")[-1].state == "Queued"


async def test_a_wrong_verb_is_a_405_and_names_the_right_ones(api: Any) -> None:
    answer = await api.http.post("/api/spaces/Spaces-1/dashboard")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "No request body was supplied."),
        (b"[1", "The request body is not valid JSON."),
        (b"[" * 100_000, "The request body is not valid JSON."),
        (b"[]", "Model validation failed."),
        (b'{"ReleaseId": 5}', "Model validation failed."),
        (b'{"ReleaseId": "Releases-1"}', "Model validation failed."),
    ],
)
async def test_a_bad_body_is_a_400(api: Any, content: bytes, sentence: str) -> None:
    path = "/api/deployments" if content else "/api/releases"
    answer = await api.http.post(path, content=content)
    assert (answer.status_code, answer.json()["ErrorMessage"]) == (400, sentence)


async def test_dates_carry_milliseconds_and_an_offset(api: Any) -> None:
    release = (await api.get("/api/releases?take=1"))["Items"][0]
    assert release["Assembled"] == "2026-11-19T10:00:00.000+00:00"


async def test_releases_stand_newest_first_and_are_found_by_version(api: Any) -> None:
    listed = await api.get("/api/projects/payments-api/releases")
    assert [each["Version"] for each in listed["Items"]] == ["3.1.0", "3.1.0-rc.1", "3.0.0"]
    one = await api.get("/api/projects/payments-api/releases/3.1.0-rc.1")
    assert one == listed["Items"][1]
    await api.get("/api/projects/payments-api/releases/9.9.9", status=404)
    part = await api.get("/api/projects/payments-api/releases?searchByVersion=RC")
    assert [each["Version"] for each in part["Items"]] == ["3.1.0-rc.1"]


async def test_frozen_process_and_variables_are_read_by_the_release_s_links(api: Any) -> None:
    release = (await api.get("/api/projects/web-shop/releases"))["Items"][0]
    process = await api.get(release["Links"]["ProjectDeploymentProcessSnapshot"])
    assert process["Id"].startswith("deploymentprocess-Projects-1-s-1-")
    assert [step["Name"] for step in process["Steps"]] == ["Deploy Web Shop", "Smoke test"]
    variables = await api.get(release["Links"]["ProjectVariableSnapshot"])
    assert variables["Id"] == release["ProjectVariableSetSnapshotId"]
    assert release["SelectedPackages"][0]["Version"] == release["Version"]


async def test_a_space_of_another_s_objects_shows_none_of_them(admin: Any) -> None:
    await admin.get("/api/Spaces-2/projects", status=404)
    await admin.get("/api/spaces/nowhere/projects", status=404)
    await admin.get("/api/Spaces-1/octopusservernodes", status=404)


async def test_the_first_page_says_what_this_is(anyone: Any) -> None:
    answer = await anyone.http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "simulator" in answer.text


async def test_a_fault_of_the_simulator_itself_is_a_500_in_json(
    simulator: Simulator, api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulator.world, "default_space", lambda: 1 / 0)
    broken = await api.get("/api/projects", status=500)
    assert "ZeroDivisionError" in broken["FullException"]
