"""Link-driven clients find a route behind every link of every answer."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from furniture import PLACES, furnish
from shapes import served

from reconciler.simulator import Simulator
from reconciler.simulator.router import SPACE_ROOT, Router

PROJECT_AT = "api/projects/{project}/{gitRef}"


def _links(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield from each.values() if name == "Links" else _links(each)
    elif isinstance(value, list):
        for each in value:
            yield from _links(each)


def _leads_somewhere(router: Router, link: str) -> bool:
    """Tell whether a route has a template's path, with or without what it may add."""
    bare = re.sub(r"\{\?[^}]*\}", "", link).split("?")[0]
    for path in (re.sub(r"\{/\w+\}", "", bare), re.sub(r"\{/(\w+)\}", r"/\1", bare)):
        segments = [unquote(each) for each in path.strip("/").split("/")]
        if len(segments) > 1 and re.fullmatch(r"Spaces-\d+|\{spaceId\}", segments[1]):
            segments = ["api", *(segments[2:] or [SPACE_ROOT])]
        found = router.find(segments)
        if found is not None:
            (route, _), *_ = found[0].values()
            is_any_word = route.template == PROJECT_AT and not re.search("%2f|[0-9a-f]{40}", path)
            if not is_any_word:
                return True
    return link.startswith("/app")


async def test_every_link_of_an_answer_leads_to_a_route(simulator: Simulator, admin: Any) -> None:
    furnish(simulator)
    simulator.deploy("Web Shop", "1.2.0", "Test")
    simulator.raise_interruption("Web Shop", "Test")
    places = {
        **PLACES, "project": "Projects-1", "group": "ProjectGroups-1", "user": "Users-1",
        "environment": "Environments-1", "lifecycle": "Lifecycles-1", "channel": "Channels-1",
        "release": "Releases-1", "task": "ServerTasks-1", "space": "Spaces-1",
        "process": "deploymentprocess-Projects-1", "set": "variableset-Projects-1",
        "feed": "feeds-builtin", "team": "teams-administrators", "version": "1.2.0",
        "node": "OctopusServerNodes-simulator", "role": "userroles-projectdeployer",
    }  # fmt: skip
    seen: set[str] = set()
    for route, _ in served():
        path = re.sub(r"\{(\w+)\}", lambda part: places.get(part[1], "x"), route.template)
        if route.method == "GET":
            answer = await admin.http.get(f"/{path.replace(SPACE_ROOT, 'Spaces-1')}")
            if answer.status_code == 200 and "json" in answer.headers["content-type"]:
                seen.update(_links(answer.json()))

    router = simulator.app.router
    assert sorted(link for link in seen if not _leads_somewhere(router, link)) == []
    assert len(seen) > 500
