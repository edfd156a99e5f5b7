"""Every answer has the shape that the product's own description of its API (2021.2) gives it."""

import base64
import json
import re
from typing import Any

import pytest
from furniture import PLACES, furnish
from posts import POSTS
from shapes import SWAGGER, Oracle, described, served, shape_of

from reconciler.simulator import Simulator
from reconciler.simulator.router import Scope
from reconciler.simulator.x509 import self_signed

pytestmark = pytest.mark.skipif(
    not SWAGGER.is_file(), reason="needs the product's API description: set OCTOPUS_SWAGGER"
)

GROWING = {"ConcurrencyToken", "LastModifiedOn", "Version"}
"""Properties that every write changes."""

ONE_WAY = {
    "actiontemplates/{}/logo",
    "interruptions/{}/responsible",
    "projects/{}/logo",
    "spaces/{}/logo",
    "tenants/{}/logo",
}
"""Routes whose PUT means something else than their GET."""

QUERIES = {
    "versions": "?packageId=Acme.WebShop",
    "packages/notes": "?packageIds=packages-Acme.WebShop.1.2.0",
    "variables/preview": "?project=Projects-1",
    "rule-test": "?version=1.0",
    "discover": "?host=web-2",
    "by-week": "?projectIds=Projects-1",
    "teammembership": "?userId=Users-1",
}
"""What routes cannot be asked without, by the end of their paths."""


@pytest.fixture(scope="module")
def swagger() -> Any:
    return json.loads(SWAGGER.read_text())


async def _places(simulator: Simulator, api: Any) -> dict[str, str]:
    """Return one existing value for each parameter that paths have."""
    furnish(simulator)
    simulator.interrupt_next("Web Shop", "1.2.0", "Dev")
    simulator.deploy("Web Shop", "1.2.0", "Dev")
    simulator.advance(30)
    release = (await api.get("/api/projects/web-shop/releases"))["Items"][0]
    task = (await api.get("/api/tasks"))["Items"][0]
    interruption = (await api.get("/api/interruptions"))["Items"][0]
    await api.put(f"/api/interruptions/{interruption['Id']}/responsible")
    await api.post(f"/api/releases/{release['Id']}/defects", {"Description": "x"}, status=200)
    event = (await api.get("/api/events"))["Items"][0]
    me = await api.get("/api/users/me")
    await api.post(f"/api/users/{me['Id']}/apikeys", {"Purpose": "x"})
    node = (await api.get("/api/octopusservernodes"))["Items"][0]
    await _fill(api)
    return {
        "project": "Projects-1", "group": "ProjectGroups-1", "environment": "Environments-1",
        "env": "Environments-1", "lifecycle": "Lifecycles-1", "channel": "Channels-1",
        "release": release["Id"], "version": release["Version"], "user": me["Id"],
        "deployment": "Deployments-1", "task": task["Id"], "interruption": interruption["Id"],
        "process": "deploymentprocess-Projects-1", "set": "variableset-Projects-1",
        "space": "Spaces-1", "event": event["Id"], "team": "teams-administrators",
        "node": node["Id"], "feed": "feeds-builtin", "key": "apikeys-1",
        "role": "userroles-projectdeployer",
        **PLACES, "gitRef": "refs%2Fheads%2Fmain",
    }  # fmt: skip


async def _fill(api: Any) -> None:
    """Give a tenant values, and a package a build and a release that has it."""
    project = await api.get("/api/projects/web-shop")
    library = await api.post("/api/libraryvariablesets", {"Name": "Shared"})
    prompt = {"Name": "Ticket", "Value": "x", "Prompt": {"Label": "Ticket", "Required": True}}
    scoped = {"Name": "Url", "Value": "x", "Scope": {"Environment": ["Environments-1"]}}
    for owner in ("Projects-1", library["Id"]):
        body = {"Version": 0, "Variables": [prompt, scoped]}
        await api.put(f"/api/variables/variableset-{owner}", body)
    given = {"Name": "Given", "DefaultValue": "x"}
    body = {
        **project,
        "Templates": [given, {"Name": "Realm"}],
        "IncludedLibraryVariableSetIds": [library["Id"]],
    }
    template = (await api.put(project["Links"]["Self"], body))["Templates"][0]
    value = {"TemplateId": template["Id"], "Value": "y", "Scope": {}}
    await api.put("/api/tenants/Tenants-1/projectvariables", [value])
    commits = [{"Id": "a1", "Comment": "Fix"}]
    build = {"PackageId": "Acme.WebShop", "OctopusBuildInformation": {"Commits": commits}}
    for version in ("1.2.0", "5.0.0"):
        await api.post("/api/build-information", {**build, "Version": version})
    command = {"spaceIdOrName": "Spaces-1", "projectName": "Web Shop", "releaseVersion": "5.0.0"}
    await api.post("/api/Spaces-1/releases/create/v1", command)


async def test_every_answer_has_the_described_shape(
    swagger: Any, simulator: Simulator, admin: Any
) -> None:
    oracle, known = Oracle(swagger), described(swagger)
    places = await _places(simulator, admin)
    found: list[str] = []
    checked = 0
    for route, shape in served():
        schema = known.get(("GET", shape))
        if route.method != "GET" or schema is None:
            continue
        path = re.sub(r"\{(\w+)\}", lambda part: places[part[1]], route.template)
        prefix = "/api/" if route.scope is not Scope.SPACE else "/api/Spaces-1/"
        path = path.replace("Accounts-1/pk", "Accounts-2/pk")
        path += next((query for end, query in QUERIES.items() if path.endswith(end)), "")
        answer = await admin.http.get(prefix + path.removeprefix("api").strip("/"))
        assert answer.status_code == 200, (path, answer.text)
        is_json = "json" in answer.headers["content-type"]
        value = answer.json() if is_json else answer.text
        found += [f"{shape}: {each}" for each in oracle.differences(value, schema, "")]
        checked += 1

    assert sorted(set(found)) == []
    assert checked > 190


async def test_what_is_read_can_be_written_back_and_keeps_its_shape(
    swagger: Any, simulator: Simulator, admin: Any
) -> None:
    oracle, known = Oracle(swagger), described(swagger)
    places = await _places(simulator, admin)
    simulator.advance(3600)
    reads = {shape for route, shape in served() if route.method == "GET"}
    found: list[str] = []
    checked = 0
    for route, shape in served():
        schema = known.get(("PUT", shape)) or known.get(("GET", shape))
        if route.method != "PUT" or shape not in reads or schema is None or shape in ONE_WAY:
            continue
        path = "/" + re.sub(r"\{(\w+)\}", lambda part: places[part[1]], route.template)
        before = (await admin.http.get(path)).json()
        answer = await admin.http.put(path, json=before)
        assert answer.status_code == 200, (path, answer.text)
        found += [f"{shape}: {each}" for each in oracle.differences(answer.json(), schema, "")]
        found += [
            f"{shape}: {name} was not kept"
            for name, value in answer.json().items()
            if name not in GROWING and value != before.get(name)
        ]
        checked += 1

    assert sorted(set(found)) == []
    assert checked > 30


DELTA = "packages/{}/{}/delta"
"""Answers as `packages/raw` does."""


async def test_the_answer_of_every_post_has_the_described_shape(
    swagger: Any, simulator: Simulator, admin: Any
) -> None:
    oracle, known = Oracle(swagger), described(swagger)
    health = {"Name": "Health", "Description": "x", "SpaceId": "Spaces-1"}
    places = {
        "chore": (await admin.post("/api/tasks", health))["Id"],
        "der": base64.b64encode(self_signed("x", None, simulator.now)).decode(),
        "otherCommunity": "CommunityActionTemplates-2",
        "otherProject": "Projects-2",
        **await _places(simulator, admin),
    }
    found: list[str] = []
    for template, body in POSTS.items():
        path, content = (
            re.sub(r"\{(\w+)\}", lambda part: places[part[1]], each)
            for each in (template, json.dumps(body))
        )
        answer = await admin.http.post(f"/api/{path}", content=content)
        assert answer.status_code in (200, 201), (path, answer.text)
        schema = known["POST", shape_of(template)]
        found += [f"{template}: {each}" for each in oracle.differences(answer.json(), schema, "")]
    pushed = await admin.http.post("/api/packages/raw", files={"x": ("A.1.0.zip", b"PK")})
    schema = known["POST", "packages/raw"]
    found += [f"packages/raw: {each}" for each in oracle.differences(pushed.json(), schema, "")]

    assert sorted(set(found)) == []
    described_posts = {shape for method, shape in known if method == "POST"}
    missed = {shape for route, shape in served() if route.method == "POST"} & described_posts
    assert missed - {shape_of(each) for each in POSTS} == {"packages/raw", DELTA}
