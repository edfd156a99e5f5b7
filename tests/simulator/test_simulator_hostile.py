"""No request makes the simulator fail by itself, whatever stands in path, query or body."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from furniture import PLACES, furnish

from reconciler.simulator import Simulator
from reconciler.simulator.permissions import SPACE_PERMISSIONS
from reconciler.simulator.router import SPACE_ROOT
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


@pytest.mark.parametrize(("method", "template"), ROUTES)
async def test_no_request_is_a_500(
    simulator: Simulator, admin: Any, method: str, template: str
) -> None:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    paths = [_path(template)]
    if "{" in template:
        paths += [_path(template, odd=odd) for odd in ODD]
    for path in paths:
        for query in QUERIES if method == "GET" else ("",):
            answer = await admin.http.request(method, f"/{path}?{query}")
            assert answer.status_code < 500, (path, query, answer.text)
        for content in () if method == "GET" else BODIES:
            answer = await admin.http.request(method, f"/{path}", content=content)
            assert answer.status_code < 500, (path, content, answer.text)


NEEDY = {
    "api/build-information/{build}",
    "api/libraryvariablesets/{library}",
    "api/libraryvariablesets/{library}/usages",
    "api/channels/rule-test",
    "api/events/archives/{archive}",
    "api/feeds/{feed}/packages/versions",
    "api/machines/discover",
    "api/reporting/deployments-counted-by-week",
    "api/retentionpolicies",
    "api/scopeduserroles/{scopedRole}",
    "api/users/{user}/apikeys/{key}",
    "api/variables/preview",
    "api/workers/discover",
}
"""Routes that need an argument, or something that no seed has."""


@pytest.mark.parametrize(
    ("method", "template"),
    [
        each
        for each in ROUTES
        if each[0] == "GET" and "{nothing}" not in each[1] and each[1] not in NEEDY
    ],
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


OPEN = {
    "api",
    f"api/{SPACE_ROOT}",
    "api/accounts/azureenvironments",
    "api/actiontemplates/categories",
    "api/capabilities",
    "api/deploymentfreezes",
    "api/dynamic-extensions/features/metadata",
    "api/dynamic-extensions/features/values",
    "api/events/agents",
    "api/events/categories",
    "api/events/documenttypes",
    "api/events/groups",
    "api/licenses/licenses-current-status",
    "api/maintenanceconfiguration",
    "api/octopusservernodes",
    "api/octopusservernodes/all",
    "api/octopusservernodes/ping",
    "api/octopusservernodes/summary",
    "api/octopusservernodes/{node}",
    "api/octopusservernodes/{node}/details",
    "api/permissions/all",
    "api/serverstatus",
    "api/serverstatus/health",
    "api/serverstatus/timezones",
    "api/smtpconfiguration/isconfigured",
    "api/spaces",
    "api/spaces/all",
    "api/spaces/{space}",
    "api/spaces/{space}/logo",
    "api/tasks/tasktypes",
    "api/users/authentication",
}
"""What everybody with a key may read; beside it, only what is about oneself."""


async def test_every_route_but_the_anonymous_ones_wants_a_key(anyone: Any) -> None:
    for method, template in sorted(set(ROUTES) - ANONYMOUS):
        answer = await anyone.http.request(method, f"/{_path(template)}", json={})
        assert answer.status_code == 401, (method, template)


@pytest.mark.parametrize(("method", "template"), sorted(set(ROUTES) - WITHOUT_KEY))
async def test_who_holds_no_permission_sees_and_does_nothing(
    simulator: Simulator, as_user: Callable[[str], Any], method: str, template: str
) -> None:
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    for permission in SPACE_PERMISSIONS:
        simulator.revoke("bob", permission)
    before = len(simulator.deployments("Web Shop", "Dev"))
    path = _path(template).replace("Users-2", "Users-3")
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

    answer = await as_user("bob").http.request(
        method, f"/{path}", json=None if method == "GET" else body
    )

    assert len(simulator.deployments("Web Shop", "Dev")) == before
    if method == "GET" and template in OPEN:
        assert answer.status_code == 200
    elif answer.status_code == 200:
        shown = answer.json()
        items = shown.get("Items") if isinstance(shown, dict) else shown
        assert items == [], answer.text
    else:
        assert answer.status_code in (403, 404), answer.text
