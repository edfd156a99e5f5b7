"""Refusals in the product's own words, each reached by a request that earns it.

The sentences are those of the product's public API description and client sources. The description
is no part of this project (see test_schema_oracle.py); where it is at hand, every sentence it has
for a route that is served must be said by one of the cases, or stand in `NOT_SAID` with the reason.
"""

import base64
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from furniture import furnish
from words_said import BUILD, CASES, PROCESS, WEB, Case
from words_unsaid import NOT_SAID

from reconciler.simulator import Simulator
from reconciler.simulator.routes import api_routes

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "octopus-swagger-2021.2.json"
SWAGGER = Path(os.environ.get("OCTOPUS_SWAGGER", _BESIDE))


async def _prepare(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any]
) -> dict[str, str]:
    """Bring about what the requests are about; return the ids that no seed foretells."""
    furnish(simulator, is_in_git=False)
    simulator.disable("Newsletter")
    convert = {"VersionControlSettings": {"Url": "https://git.example.com/pay.git"}}
    await admin.post("/api/projects/Projects-3/git/convert", convert, status=200)
    rule = {"VersionRange": "[1.0,2.0)", "ActionPackages": []}
    await admin.post("/api/channels", {**WEB, "Name": "Beta", "Rules": [rule]})
    process = await admin.get(PROCESS)
    package = {"PackageId": "Acme.WebShop"}
    first = {"Name": "Deploy Web Shop", "Channels": ["Channels-6"], "Packages": [package]}
    fetch = {"Name": "Fetch", "Packages": [{**package, "FeedId": "Feeds-1"}]}
    steps = [
        {"Name": each["Name"], "Actions": [each]}
        for each in (first, {"Name": "Rest", "IsDisabled": True}, fetch)
    ]
    await admin.put(PROCESS, {"Version": process["Version"], "Steps": steps})
    await admin.post("/api/channels", {"ProjectId": "Projects-4", "Name": "Beta"})
    for channel in simulator.world.spaces["Spaces-1"].projects["Projects-4"].channels:
        channel.is_default = False
    await admin.post("/api/runbooks", {**WEB, "Name": "Draft"})
    (first, second) = (await admin.get("/api/communityactiontemplates"))["Items"][:2]
    await admin.post("/api/releases/Releases-2/defects", {"Description": "x"}, status=200)
    await admin.post("/api/build-information", {**BUILD, "PackageId": "Acme.Known"})
    for number, environment in enumerate(("Dev", "Dev", "Test", "Production"), 1):
        if number != 2:
            simulator.deploy("Orders API", "2.3.0", environment)
        simulator.raise_interruption("Orders API", environment)
        path = f"/api/interruptions/Interruptions-{number}"
        if number != 2:
            await (as_user("alice") if number == 3 else admin).put(f"{path}/responsible")
        if number == 1:
            await admin.post(f"{path}/submit", {"Result": "Proceed"}, status=200)
    release = (await admin.get("/api/releases/Releases-3"))["Links"]
    run = await admin.get("/api/runbookRuns/RunbookRuns-1")
    return {
        "executing": simulator.deployments("Orders API", "Dev")[-1].task_id,
        "key": (await admin.post("/api/users/Users-1/apikeys", {"Purpose": "x"}))["Id"],
        "runbookProcess": run["FrozenRunbookProcessId"],
        "process": release["ProjectDeploymentProcessSnapshot"].removeprefix("/api/"),
        "variables": release["ProjectVariableSnapshot"].removeprefix("/api/"),
        "installed": first["Id"],
        "community": second["Id"],
        **await _certificates(admin),
    }


async def _certificates(admin: Any) -> dict[str, str]:
    """Make two certificates and replace one by the other; return the first and its old copy."""
    path = "/api/certificates"
    for name in ("First", "Second"):
        body = {"Name": name, "SubjectCommonName": name}
        made = await admin.post(f"{path}/generate", body, status=200)
    second = await admin.http.get(f"{path}/{made['Id']}/export")
    data = base64.b64encode(second.content).decode()
    (first,) = [each for each in await admin.get(f"{path}/all") if each["Name"] == "First"]
    await admin.post(f"{path}/{first['Id']}/replace", {"CertificateData": data}, status=200)
    (old,) = (await admin.get(f"{path}?archived=true"))["Items"]
    return {"certificate": first["Id"], "replaced": old["Id"]}


@pytest.mark.parametrize("case", CASES, ids=[each.sentence[:60] for each in CASES])
async def test_a_refusal_is_worded_as_the_product_words_it(
    simulator: Simulator, admin: Any, as_user: Callable[[str], Any], case: Case
) -> None:
    ids = await _prepare(simulator, admin, as_user)
    path = re.sub(r"\{(\w+)\}", lambda found: ids[found[1]], case.path)
    is_file = isinstance(case.body, dict) and any(isinstance(e, tuple) for e in case.body.values())
    sent = {"files": case.body} if is_file else {} if case.body is None else {"json": case.body}
    answer = await admin.http.request(case.method, path, **sent)
    said = answer.json()
    assert answer.status_code == case.status, answer.text
    texts = [said["ErrorMessage"], *said.get("Errors", [])]
    assert any(each.startswith(case.sentence) for each in texts), texts


KINDS = {
    "Account": "accounts",
    "Channel": "channels",
    "Deployment": "deployments",
    "Environment": "environments",
    "Feed": "feeds",
    "Library Variable Set": "libraryvariablesets",
    "Lifecycle": "lifecycles",
    "Machine": "machines",
    "Octopus Server Node": "octopusservernodes",
    "Project": "projects",
    "Project Group": "projectgroups",
    "Project Trigger": "projecttriggers",
    "Runbook": "runbooks",
    "Runbook Run": "runbookRuns",
    "Subscription": "subscriptions",
    "Tag Set": "tagsets",
    "Team": "teams",
    "Tenant": "tenants",
    "User": "users",
    "Worker": "workers",
    "Worker Pool": "workerpools",
}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_not_there_is_named_by_its_kind(admin: Any, kind: str) -> None:
    for method in ("GET", "DELETE"):
        answer = await admin.http.request(method, f"/api/{KINDS[kind]}/Nothing-1")
        assert answer.status_code == 404
        assert answer.json()["ErrorMessage"] == f"The {kind} doesn't exist."


_ANY_KIND = (
    r"No (?!ids |packageId |projectIds )\w+ parameter was provided\.",
    r"No ID(?: or Name)? parameter was provided\.",
    r"The .+ doesn't exist\.?",
    r"The .+ has dependent resources and cannot be deleted\.",
    r"\w+ resource returned|ImATeapot|Unauthorized",
)
"""Sentences that are the same for every kind of thing, or none."""


def _described() -> set[str]:
    """Return what the description says of refusals, of the routes that are served."""
    served = {
        (each.method, re.sub(r"\{\w+\}", "{}", each.template.removeprefix("api")).lower())
        for each in api_routes()
    }
    sentences: set[str] = set()
    for path, verbs in json.loads(SWAGGER.read_text("utf-8"))["paths"].items():
        for verb, operation in verbs.items():
            if (verb.upper(), re.sub(r"\{\w+\}", "{}", path).lower()) not in served:
                continue
            for status, answer in operation["responses"].items():
                sentences |= {*answer["description"].split("\r\n")} if status >= "4" else set()
    return {each for each in sentences if not re.fullmatch("|".join(_ANY_KIND), each)}


def _is_said(sentence: str) -> bool:
    """Tell whether a case says a described sentence, whatever stands in its braces."""
    literal = r".+".join(map(re.escape, re.split(r"\{[^}]*\}", sentence.rstrip("."))))
    return any(re.match(literal, each.sentence) for each in CASES) or any(
        re.match(re.escape(each.sentence), sentence) for each in CASES
    )


@pytest.mark.skipif(
    not SWAGGER.is_file(), reason="needs the product's API description: set OCTOPUS_SWAGGER"
)
def test_every_described_sentence_is_said_or_told_why_not() -> None:
    silent = {each for each in _described() if not _is_said(each)}
    assert silent == NOT_SAID.keys()
