"""No request makes the simulator fail by itself, whatever stands in path, query or body."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from furniture import PLACES, furnish

from reconciler.simulator import Simulator
from reconciler.simulator.permissions import SPACE_PERMISSIONS
from reconciler.simulator.router import HOME, SPACE_ROOT
from reconciler.simulator.routes import api_routes

ROUTES = sorted({(route.method, route.template) for route in api_routes()})
ANONYMOUS = {(each.method, each.template) for each in api_routes() if each.is_anonymous}
WITHOUT_KEY = {each for each in ANONYMOUS if each[0] != "GET"}
NAMES = {
    "user": "Users-2",
    "team": "teams-everyone",
    "task": "ServerTasks-1",
    "release": "Releases-1",
    "version": "1.0.0",
    "process": "deploymentprocess-Projects-1",
    "set": "variableset-Projects-1",
    "node": "OctopusServerNodes-simulator",
    "group": "ProjectGroups-1",
    "event": "Events-1",
    "feed": "feeds-builtin",
    "role": "userroles-projectdeployer",
    "gitRef": "main",
    **PLACES,
}
ODD = ("%00", "..%2F..%2Fetc", "%1b%5B31m", "%F0%9F%90%99", "a" * 5000, "-1", "{id}", "%ff")
QUERIES = (
    "skip=-5&take=0",
    "take=99999999999999999999&ids=%00,%1b,,",
    "ids=&ids=&partialName=%25&regarding=,&spaces=all,none&states=x&projects=%ff",
    "&&==&a&=b&skip",
    "fromAutoId=7&toAutoId=3&releaseHistoryCount=0&tail=99&verbose=maybe&includeSystem=2",
)
BODIES = (
    b"{}",
    b"null",
    b'{"ReleaseId": {}, "EnvironmentId": []}',
    b'{"ReleaseId": "Releases-1", "EnvironmentId": "Environments-1", "QueueTime": "tomorrow"}',
    b'{"ReleaseId": "Releases-1", "EnvironmentId": "Environments-1", "FormValues": [1]}',
    b'{"SelectedPackages": [{}], "ProjectId": "Projects-1", "Version": "\\u0000"}',
    b'{"DeploymentPreviews": [{"EnvironmentId": "\\ud800"}]}',
    b'{"Name": "\\u001b[2J", "state": "Success", "Description": 5}',
    b'{"spaceIdOrName": "Shop", "projectName": "Web Shop", "environmentNames": [null]}',
    b'{"spaceIdOrName": "Shop", "projectName": "Web Shop", "packages": [":"]}',
    b"\xff\xfe",
)


def _path(template: str, *, odd: str | None = None) -> str:
    def fill(found: re.Match[str]) -> str:
        name = found[1]
        return odd or NAMES.get(name, f"{name.capitalize()}s-1")

    return re.sub(r"\{(\w+)\}", fill, template.replace(SPACE_ROOT, "Spaces-1"))


def some(routes: list[tuple[str, str]]) -> list[Any]:
    """Keep every fifth in `make test`, and leave the others to `make proof`."""
    quick = set(routes[::5])
    return [
        pytest.param(*each, marks=() if each in quick else pytest.mark.proof) for each in routes
    ]


@pytest.mark.parametrize(("method", "template"), some(ROUTES))
async def test_no_request_is_a_500(
    simulator: Simulator, admin: Any, method: str, template: str
) -> None:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    odd = [_path(template, odd=each) for each in ODD] if "{" in template else []
    for path in odd:
        content = None if method == "GET" else BODIES[0]
        answer = await admin.http.request(method, f"/{path}", content=content)
        assert answer.status_code < 500, (path, answer.text)
    path = _path(template)
    for query in QUERIES if method == "GET" else ("",):
        answer = await admin.http.request(method, f"/{path}?{query}")
        assert answer.status_code < 500, (path, query, answer.text)
    for content in () if method == "GET" else BODIES:
        answer = await admin.http.request(method, f"/{path}", content=content)
        assert answer.status_code < 500, (path, content, answer.text)


NEEDY = {
    "api/accounts/{account}/pk",
    "api/build-information/{build}",
    "api/libraryvariablesets/{library}",
    "api/libraryvariablesets/{library}/usages",
    "api/channels/rule-test",
    "api/events/archives/{archive}",
    "api/feeds/{feed}/packages/versions",
    "api/machines/discover",
    "api/package-metadata/{build}",
    "api/reporting/deployments-counted-by-week",
    "api/retentionpolicies",
    "api/scheduledprojecttriggers/{trigger}",
    "api/scopeduserroles/{scopedRole}",
    "api/serviceaccounts/{user}/oidcidentities/{identity}/v1",
    "api/teammembership",
    "api/users/{user}/apikeys/{key}",
    "api/variables/preview",
    "api/workers/discover",
}
"""Routes that need an argument, or something that no seed has."""


@pytest.mark.parametrize(
    ("method", "template"),
    [each for each in ROUTES if each[0] == "GET" and each[1] not in NEEDY],
)
async def test_every_readable_route_answers_an_administrator(
    simulator: Simulator, admin: Any, method: str, template: str
) -> None:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    interruption = simulator.raise_interruption("Web Shop", "Test")
    await admin.put(f"/api/interruptions/{interruption}/responsible")

    answer = await admin.http.request(method, f"/{_path(template)}")

    assert answer.status_code == 200, answer.text


PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text("utf-8")
WHO = PAGE.split("## Who may do what")[1].split("\n## ")[0]


def _named(text: str) -> set[tuple[str, str]]:
    """Return the methods and templates that a part of the page names."""
    named = re.findall(r"^- `(GET|PUT|POST) /(.*)`$", text, re.MULTILINE)
    return {(method, path.replace("{spaceId}", SPACE_ROOT)) for method, path in named}


NOBODY, ANYBODY = map(_named, WHO.split("A key without any permission"))
"""What needs no key, and what needs only one; beside it, only what is about oneself."""


def test_the_page_names_every_route_that_needs_no_key(simulator: Simulator) -> None:
    routes = simulator.app.router.routes
    open_to_all = {(each.method, each.template) for each in routes if each.is_anonymous}
    assert {(method, path.replace(HOME, "")) for method, path in open_to_all} == NOBODY


async def test_every_route_but_the_anonymous_ones_wants_a_key(anyone: Any) -> None:
    for method, template in sorted(set(ROUTES) - ANONYMOUS):
        answer = await anyone.http.request(method, f"/{_path(template)}", json={})
        assert answer.status_code == 401, (method, template)


@pytest.mark.parametrize(("method", "template"), some(sorted(set(ROUTES) - WITHOUT_KEY)))
async def test_who_holds_no_permission_sees_and_does_nothing(
    simulator: Simulator, as_user: Callable[[str], Any], method: str, template: str
) -> None:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    for permission in SPACE_PERMISSIONS:
        simulator.revoke("bob", permission)
    bob = as_user("bob")
    before = simulator.backup()
    path = _path(template).replace("Users-2", "Users-3")
    path += "?userId=Users-3" if path.endswith("teammembership") else ""
    body = {
        "ReleaseId": "Releases-3",
        "EnvironmentId": "Environments-1",
        "ProjectId": "Projects-1",
        "Version": "77",
        "Name": "Shop",
        "spaceIdOrName": "Shop",
        "projectName": "Web Shop",
        "releaseVersion": "1.2.0",
        "environmentNames": ["Dev"],
        "state": "Failed",
        "Result": "Proceed",
        "Description": "x",
    }

    answer = await bob.http.request(method, f"/{path}", json=None if method == "GET" else body)

    assert simulator.backup() == before or (method, template) in ANYBODY
    if (method, template) in ANYBODY | NOBODY:
        assert answer.status_code == 200
    elif answer.status_code == 200:
        shown = answer.json()
        items = shown.get("Items") if isinstance(shown, dict) else shown
        assert items == [], answer.text
    else:
        assert answer.status_code in (403, 404), answer.text
