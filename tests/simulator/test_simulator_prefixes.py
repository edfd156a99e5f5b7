"""Every route is reached in each of the ways that the product's clients write addresses."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from furniture import furnish
from test_simulator_hostile import NAMES, NEEDY

from reconciler.simulator import Simulator
from reconciler.simulator.router import SPACE_ROOT, Route, Scope
from reconciler.simulator.routes import api_routes

READS = [
    each
    for each in api_routes()
    if each.method == "GET" and each.template not in NEEDY and "{nothing}" not in each.template
]


def _path(route: Route, change: Callable[[str], str] = str) -> str:
    """Return a route's path below `/api/`; `change` is done to its words."""
    branch = {"name": "main"} if "/git/" in route.template else {}
    parts = [
        (NAMES | branch).get(part[1:-1], f"{part[1:-1].capitalize()}s-1")
        if part.startswith("{")
        else change(part)
        for part in route.template.replace(SPACE_ROOT, "").split("/")[1:]
    ]
    return "/".join(parts)


def _relative(text: str) -> str:
    """Return an answer without what its own address says in it."""
    return re.sub(r'"(Self|Template|Page\.\w+)":"[^"]*"', "", text)


@pytest.fixture
async def shown(simulator: Simulator, admin: Any) -> Callable[[str], Any]:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    interruption = simulator.raise_interruption("Web Shop", "Test")
    await admin.put(f"/api/interruptions/{interruption}/responsible")

    async def ask(path: str) -> str:
        answer = await admin.http.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return _relative(answer.text)

    return ask


async def test_a_route_of_a_space_is_reached_below_all_three_prefixes(
    shown: Callable[[str], Any],
) -> None:
    routes = [each for each in READS if each.scope is Scope.SPACE and each.template != "api"]
    assert len(routes) > 150
    for route in routes:
        path = _path(route)
        if not path:
            continue
        first = await shown(f"/api/Spaces-1/{path}")
        for prefix in ("api", "api/spaces/shop", "api/spaces/Spaces-1", "API/spaces-1"):
            assert await shown(f"/{prefix}/{path}") == first, (prefix, path)


async def test_words_of_a_path_count_in_any_letters_and_a_slash_at_the_end_does_not(
    shown: Callable[[str], Any],
) -> None:
    for route in READS:
        first = await shown(f"/api/{_path(route)}".rstrip("/"))
        assert await shown(f"/API/{_path(route, str.upper)}/") == first, route.template
        assert await shown(f"/api/{_path(route, str.lower)}") == first, route.template


async def test_arguments_of_lists_count_in_any_letters(admin: Any, shown: Any) -> None:
    lists = 0
    for route in READS:
        path = f"/api/{_path(route)}".rstrip("/")
        whole = await admin.http.get(path)
        is_json = "json" in whole.headers["content-type"]
        if not is_json or not isinstance(whole.json(), dict) or "ItemsPerPage" not in whole.json():
            continue
        lists += 1
        assert await shown(f"{path}?TAKE=1&Skip=0") == await shown(f"{path}?take=1&skip=0")
        assert (await admin.get(f"{path}?skip=5000"))["Items"] == []
        items = (await admin.get(f"{path}?take=5000"))["Items"]
        ids = [each["Id"] for each in items if "Id" in each][:3]
        if len(ids) == len(items[:3]) > 0:
            both = (await admin.get(f"{path}?Ids={ids[0]}&ids={','.join(ids[1:])}"))["Items"]
            assert ids[0] in [each["Id"] for each in both], path
    assert lists > 40
