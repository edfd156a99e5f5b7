"""What holds for every kind of resource alike: creates, letters, verbs, pages, refusals."""

import re
from typing import Any

import httpx
import pytest
from furniture import furnish
from kinds import KINDS, in_small_letters

from reconciler.simulator import Simulator

KEPT_ONLY = {"deployments", "runbookRuns"}
"""What is made and never changed."""


@pytest.fixture(autouse=True)
def furnished(simulator: Simulator) -> None:
    furnish(simulator, is_in_git=False)


def _without_ids(value: Any) -> Any:
    """Return an answer without what is made anew each time."""
    text = httpx.Response(200, json=value).text
    uuid = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return re.sub(uuid, "UUID", text)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_made_is_found_by_its_link_its_id_and_in_lists(admin: Any, kind: str) -> None:
    made = await admin.post(f"/api/{kind}", KINDS[kind])
    own = made["Links"]["Self"]
    assert re.fullmatch(r"[A-Za-z]+-\d+|userroles-\w+", made["Id"])
    assert own.endswith(f"/{kind}/{made['Id']}")
    assert await admin.get(own) == made
    listed = await admin.get(f"/api/{kind}?ids={made['Id']}")
    assert listed["Items"] == [made]
    for name, value in KINDS[kind].items():
        assert made[name] == value or isinstance(value, (dict, list)), name
    assert made.get("CustomFields", {}) == KINDS[kind].get("CustomFields", {})


@pytest.mark.parametrize("kind", KINDS)
async def test_names_in_bodies_count_in_any_letters_at_any_depth(
    simulator: Simulator, admin: Any, kind: str
) -> None:
    before = simulator.backup()
    made = _without_ids(await admin.post(f"/api/{kind}", KINDS[kind]))
    simulator.restore(before)
    small = _without_ids(await admin.post(f"/api/{kind}", in_small_letters(KINDS[kind])))
    assert small == made


@pytest.mark.parametrize("kind", sorted(KINDS.keys() - KEPT_ONLY))
async def test_a_post_may_stand_for_put_and_delete(admin: Any, kind: str) -> None:
    made = await admin.post(f"/api/{kind}", KINDS[kind])
    own = made["Links"]["Self"]
    put = {"X-HTTP-Method-Override": "PUT"}
    changed = await admin.http.post(own, json=made, headers=put)
    assert changed.status_code == 200, changed.text
    if kind == "spaces":
        await admin.put(own, {**made, "TaskQueueStopped": True})
    delete = {"x-http-method-override": "delete"}
    gone = await admin.http.post(own, headers=delete)
    assert gone.status_code == 200, gone.text
    assert (await admin.http.get(own)).status_code == 404


@pytest.mark.parametrize("kind", KINDS)
async def test_pages_have_no_bad_sizes(admin: Any, kind: str) -> None:
    made = await admin.post(f"/api/{kind}", KINDS[kind])
    whole = await admin.get(f"/api/{kind}?take=2147483647")
    ids = [each["Id"] for each in whole["Items"]]
    assert whole["TotalResults"] == len(ids) > 0
    for query in ("take=99999999999999999999", "TAKE=2147483647&Skip=-3", "take=100000&skip=0"):
        other = await admin.get(f"/api/{kind}?{query}")
        assert [each["Id"] for each in other["Items"]] == ids
    for query in ("take=0", "take=-1", "skip=100000", "skip=99999999999999999999&take=5"):
        empty = await admin.get(f"/api/{kind}?{query}")
        assert (empty["Items"], empty["TotalResults"]) == ([], len(ids))
        assert "Page.Next" not in empty["Links"] or "take=0" in query or "-1" in query
    some = ids[:1] if made["Id"] in ids[:1] else [ids[0], made["Id"]]
    for query in (f"ids={','.join(some)},x", "&".join(f"IDS={each}" for each in some)):
        found = await admin.get(f"/api/{kind}?{query}")
        assert {each["Id"] for each in found["Items"]} == {*some}
    await admin.get(f"/api/{kind}?take=many", status=400)


async def test_a_secret_stays_one_in_whatever_letters_it_is_written(admin: Any) -> None:
    step = {
        "name": "Deploy",
        "actions": [
            {
                "name": "Deploy",
                "properties": {
                    "Own.Key": {"isSensitive": True, "sensitiveValue": {"newvalue": "hush"}},
                    "own.name": "kept",
                },
            }
        ],
    }
    path = "/api/deploymentprocesses/deploymentprocess-Projects-2"
    version = (await admin.get(path))["Version"]
    saved = await admin.put(path, {"version": version, "steps": [step]})
    properties = saved["Steps"][0]["Actions"][0]["Properties"]
    assert properties["own.name"] == "kept"
    assert properties["Own.Key"]["SensitiveValue"]["NewValue"] is None
    feed = {"name": "F", "feedType": "NuGet", "password": {"hasvalue": True, "NEWVALUE": "hush"}}
    made = await admin.post("/api/feeds", feed)
    assert made["Password"] == {"HasValue": True, "NewValue": None, "Hint": None}


def _state(simulator: Simulator) -> bytes:
    """Return all that the server holds; numbers that were given away do not count."""
    given = simulator.world._ids
    simulator.world._ids = {}
    try:
        return simulator.backup()
    finally:
        simulator.world._ids = given


@pytest.mark.parametrize("kind", KINDS)
async def test_a_write_that_is_refused_changes_nothing(
    simulator: Simulator, admin: Any, kind: str
) -> None:
    before = _state(simulator)
    for name, value in KINDS[kind].items():
        if (kind, name) == ("teams", "ExternalSecurityGroups"):
            continue  # not kept
        bad = {**KINDS[kind], name: 7 if isinstance(value, (bool, dict, list)) else [[7]]}
        answer = await admin.http.post(f"/api/{kind}", json=bad)
        assert 400 <= answer.status_code < 500, (name, answer.text)
        assert _state(simulator) == before, name
    if kind in KEPT_ONLY:
        return
    made = await admin.post(f"/api/{kind}", KINDS[kind])
    before = _state(simulator)
    for name, value in KINDS[kind].items():
        bad = {
            **made,
            "Description": "new",
            name: 7 if isinstance(value, (bool, dict, list)) else [[7]],
        }
        answer = await admin.http.put(made["Links"]["Self"], json=bad)
        if answer.status_code == 200:
            assert answer.json()[name] == made[name], name
            before = _state(simulator)
        assert _state(simulator) == before, name
