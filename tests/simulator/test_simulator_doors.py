"""Every route asks who is there and what they may: nobody gets in by a route that forgot to."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from furniture import PLACES, furnish

from reconciler.simulator import Simulator
from reconciler.simulator.router import SPACE_ROOT, Route
from reconciler.simulator.routes import api_routes

_KNOWN = {
    **PLACES, "project": "Projects-1", "environment": "Environments-1", "env": "Environments-1",
    "release": "Releases-1", "deployment": "Deployments-1", "task": "ServerTasks-1",
    "space": "Spaces-1", "channel": "Channels-1", "lifecycle": "Lifecycles-1",
    "group": "ProjectGroups-1", "team": "teams-administrators", "user": "Users-1",
    "feed": "feeds-builtin", "role": "userroles-projectdeployer", "event": "Events-1",
    "process": "deploymentprocess-Projects-1", "set": "variableset-Projects-1",
}  # fmt: skip


_OPEN = {
    "api/accounts/azureenvironments",
    "api/actiontemplates/categories",
    "api/capabilities",
    "api/deploymentfreezes",
    "api/deploymentfreezes/{freeze}",
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
    "api/octopusservernodes/summary",
    "api/permissions/all",
    "api/serverstatus",
    "api/serverstatus/timezones",
    "api/smtpconfiguration/isconfigured",
    "api/spaces",
    "api/spaces/all",
    "api/spaces/{space}",
    "api/spaces/{space}/logo",
    "api/tasks/tasktypes",
    "api/users/authentication",
    f"api/{SPACE_ROOT}",
}
"""What every account may see: words and facts of the server, and spaces by SpaceView."""


def _path(route: Route) -> str:
    parts = route.template.replace(SPACE_ROOT, "Spaces-1").split("/")
    filled = (_KNOWN.get(each[1:-1], "x") if each[:1] == "{" else each for each in parts)
    return "/" + "/".join(filled)


@pytest.fixture
def furnished(simulator: Simulator) -> Simulator:
    furnish(simulator)
    return simulator


async def test_every_route_but_the_anonymous_ones_wants_a_key(
    furnished: Simulator, anyone: Any
) -> None:
    before = len(furnished.world.events)
    for route in api_routes():
        if not route.is_anonymous:
            answer = await anyone.http.request(route.method, _path(route), json={})
            assert answer.status_code == 401, (route.method, route.template)
    assert len(furnished.world.events) == before


async def test_who_may_nothing_changes_nothing_anywhere(
    furnished: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await admin.post("/api/users", {"Username": "nobody"})
    nobody = as_user("nobody")
    furnished.grant("nobody", "SpaceView")
    before = len(furnished.world.events)
    let_in = []
    for route in api_routes():
        if route.method == "GET" or route.is_anonymous:
            continue
        answer = await nobody.http.request(route.method, _path(route), json={})
        assert answer.status_code < 500, (route.method, route.template, answer.text)
        if answer.status_code < 300:
            let_in.append((route.method, route.template))
    assert let_in == []
    assert len(furnished.world.events) == before


async def test_who_may_nothing_sees_only_what_everybody_may(
    furnished: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> None:
    await admin.post("/api/users", {"Username": "nobody"})
    nobody = as_user("nobody")
    furnished.grant("nobody", "SpaceView")
    shown = set()
    for route in api_routes():
        if route.method == "GET" and not route.is_anonymous:
            answer = await nobody.http.get(_path(route))
            assert answer.status_code < 500, (route.template, answer.text)
            if answer.status_code == 200 and not _is_empty(answer):
                shown.add(route.template)
    assert shown == _OPEN


def _is_empty(answer: httpx.Response) -> bool:
    """Tell whether a list, a page, or all lists of a board have nothing in them."""
    if "json" not in answer.headers["content-type"]:
        return False
    found = answer.json()
    if isinstance(found, dict):
        lists = [each for each in found.values() if isinstance(each, list)]
        return found.get("TotalResults") == 0 or ("Projects" in found and not any(lists))
    return not found
