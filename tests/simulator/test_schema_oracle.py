"""Every answer has the shape that the product's own description of its API (2021.2) gives it.

The description is no part of this project: it is looked for in `OCTOPUS_SWAGGER` and beside the
checkout. `NEWER` lists what servers after it added or changed, each seen in public client sources.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from furniture import PLACES, furnish

from reconciler.simulator import Simulator
from reconciler.simulator.router import Route, Scope
from reconciler.simulator.routes import api_routes

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "octopus-swagger-2021.2.json"
SWAGGER = Path(os.environ.get("OCTOPUS_SWAGGER", _BESIDE))

pytestmark = pytest.mark.skipif(
    not SWAGGER.is_file(), reason="needs the product's API description: set OCTOPUS_SWAGGER"
)

_PENDING = {"HasPendingPreconditions", "PendingInterruptionTypes", "PendingPreconditionTypes"}

NEWER: dict[str, set[str]] = {
    "ActivityLogEntry": {"Number"},
    "AccountResource": {"Token"},
    "ChannelResource": {
        "CustomFieldDefinitions", "GitReferenceRules", "GitResourceRules", "Slug", "Type",
    },
    "DashboardConfigurationResource": {
        "HideInactiveProjects", "IncludedEnvironmentTags", "IncludedProjectTags",
    },
    "DashboardItemResource": _PENDING,
    "DashboardTenantResource": {"IsDisabled"},
    "DeploymentActionResource": {"Slug"},
    "DeploymentResource": {
        "ChangeRequestSettings", "DebugMode", "ExecutionPlanLogContext", "FailTargetDiscovery",
        "Priority",
    },
    "DeploymentSettingsResource": {"ForcePackageDownload"},
    "DeploymentStepResource": {"Slug"},
    "EnvironmentResource": {"Slug"},
    "EventResource": {"IpAddress"},
    "FeedResource": {
        "DeletePackagesAssociatedWithReleases", "IsBuiltInRepoSyncEnabled",
        "DeleteUnreleasedPackagesAfterDays", "DownloadAttempts", "DownloadRetryBackoffSeconds",
        "Slug",
    },
    "InterruptionResource": {"Type"},
    "PackageResource": {"Hash", "PackageSizeBytes"},
    "PersistenceSettingsResource": {
        "BasePath", "ConversionState", "Credentials", "DefaultBranch",
        "ProtectedBranchNamePatterns", "Url",
    },
    "PhaseProgressionResource": {"IsPriorityPhase"},
    "PhaseResource": {"IsPriorityPhase"},
    "ProgressionResource": {"LifecycleEnvironments"},
    "ProjectResource": {"AllowIgnoreChannelRules", "ForcePackageDownload", "Icon"},
    "ReleaseCreationStrategyResource": {"ReleaseCreationPackageStepId"},
    "ReleaseResource": {"CustomFields", "SelectedGitResources", "VariableSnapshotConcurrencyToken"},
    "ReleaseTemplateResource": {"GitResources"},
    "RetentionPeriod": {"Strategy"},
    "RunbookResource": {"ForcePackageDownload", "Slug"},
    "RunbookSnapshotResource": {"SelectedGitResources"},
    "RunbookSnapshotTemplateResource": {"GitResources"},
    "SpaceResource": {"ExtensionSettings", "Icon", "IsPrivate", "Slug"},
    "TaskResource": {
        "EstimatedRemainingQueueDurationSeconds", "ProjectId", "UnmetPreconditions", *_PENDING,
    },
    "TenantResource": {"IsDisabled", "Slug"},
    "TenantVariableResource": {"ConcurrencyToken"},
    "TriggerActionResource": {"ShouldRedeployWhenMachineHasBeenDeployedTo"},
    "TriggerFilterResource": {"EnvironmentIds", "EventCategories", "EventGroups", "Roles"},
    "DeploymentTargetResource": {"SkipInitialHealthCheck", "Slug"},
    "EndpointResource": {
        "CertificateSignatureAlgorithm", "ProxyId", "TentacleVersionDetails", "Thumbprint", "Uri",
    },
    "WorkerResource": {"SkipInitialHealthCheck", "Slug"},
    "TaskResourceCollection": {"TotalCounts", "TotalCountsInOtherSpaces"},
}  # fmt: skip
"""Properties that later servers send, or that one kind of a thing has, by definition."""

ABSENT: dict[str, set[str]] = {
    "DashboardResource": {"Id"},
    "DeploymentPreviewResource": {"Id"},
    "DeploymentTemplateResource": {"Id"},
    "LifecycleProgressionResource": {"Id"},
    "ProgressionResource": {"Id"},
    "ReleaseTemplateResource": {"Id"},
    "RootResource": {"Id"},
    "RunbookRunPreviewResource": {"Id"},
    "RunbookRunTemplateResource": {"Id"},
    "RunbookSnapshotTemplateResource": {"Id"},
    "RunbooksProgressionResource": {"Id"},
    "ServerStatusHealthResource": {"Id"},
    "TaskDetailsResource": {"Id"},
    "UserResource": {"Password"},
}
"""Described properties that recorded answers do not have: they are null or only ever written."""

NULL = {"LastModifiedBy", "LastModifiedOn"}
"""Left out everywhere when they are null."""

GROWING = {"ConcurrencyToken", "LastModifiedOn", "Version"}
"""Properties that every write changes."""

ONE_WAY = {"projects/{}/logo", "tenants/{}/logo", "interruptions/{}/responsible"}
"""Routes whose PUT means something else than their GET."""

OPEN = {"Permission", "PropertyValueResource", "VariableType"}
"""Enumerations that grew, and values that may be a plain text too."""


@pytest.fixture(scope="module")
def swagger() -> Any:
    return json.loads(SWAGGER.read_text())


class Oracle:
    """Compares JSON with a definition and tells every difference with its place."""

    def __init__(self, swagger: Any) -> None:
        self.definitions = swagger["definitions"]
        self.permissions = set(self.definitions["Permission"]["enum"])
        self.scopes = set(self.definitions["VariableResource"]["properties"]["Scope"]["properties"])

    def differences(self, value: Any, schema: Any, where: str) -> Iterator[str]:
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            if name in OPEN and isinstance(value, str):
                return
            yield from self._of(value, self.definitions[name], name, f"{where}<{name}>")
        else:
            yield from self._of(value, schema, "", where)

    def _of(self, value: Any, schema: Any, name: str, where: str) -> Iterator[str]:
        kind = schema.get("type")
        if value is None or kind is None:
            return
        if not _is(value, kind):
            yield f"{where}: {type(value).__name__} in place of {kind}"
        elif "enum" in schema and value not in schema["enum"]:
            yield f"{where}: {value!r} is none of {schema['enum']}"
        elif kind == "array":
            for each in value:
                yield from self.differences(each, schema.get("items", {}), f"{where}[]")
        elif kind == "object":
            yield from self._object(value, schema, name, where)

    def _object(self, value: Any, schema: Any, name: str, where: str) -> Iterator[str]:
        known = schema.get("properties", {})
        more = schema.get("additionalProperties")
        if not known:
            for key, each in value.items():
                yield from self.differences(each, more or {}, f"{where}.{key}")
            return
        optional = NULL | ABSENT.get(name, set()) | ({"Id"} if "ItemType" in known else set())
        if set(known) <= self.permissions:
            return  # a permission nobody holds has no entry, and newer ones have
        if set(known) == self.scopes:
            optional = self.scopes  # a variable has only the keys it is scoped by
        for key in known.keys() - value.keys() - optional:
            yield f"{where}: {key} is missing"
        for key, each in value.items():
            if key in known:
                yield from self.differences(each, known[key], f"{where}.{key}")
            elif key not in NEWER.get(name, set()):
                yield f"{where}: {key} is not described"


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)


def _shape(path: str) -> str:
    """Return a path template with its parameters nameless, as both sides can be compared by."""
    return re.sub(r"\{[^}]*\}", "{}", path.strip("/").lower())


def _described(swagger: Any) -> dict[tuple[str, str], Any]:
    """Return the schema of each successful JSON answer, by method and path."""
    found: dict[tuple[str, str], Any] = {}
    for path, verbs in swagger["paths"].items():
        for verb, operation in verbs.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and "schema" in answer:
                    shape = _shape(path).removeprefix("{}/")
                    found.setdefault((verb.upper(), shape), answer["schema"])
    return found


def _served() -> Iterator[tuple[Route, str]]:
    for route in api_routes():
        yield route, _shape(route.template.removeprefix("api"))


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
    settings = {"Url": "https://git.example.com/shop.git"}
    convert = "/api/projects/Projects-1/git/convert"
    await api.post(convert, {"VersionControlSettings": settings}, status=200)
    return {
        "project": "Projects-1", "group": "ProjectGroups-1", "environment": "Environments-1",
        "env": "Environments-1", "lifecycle": "Lifecycles-1", "channel": "Channels-1",
        "release": release["Id"], "version": release["Version"], "user": me["Id"],
        "deployment": "Deployments-1", "task": task["Id"], "interruption": interruption["Id"],
        "process": "deploymentprocess-Projects-1", "set": "variableset-Projects-1",
        "space": "Spaces-1", "event": event["Id"], "team": "teams-administrators",
        "node": node["Id"], "feed": "feeds-builtin", "key": "apikeys-1",
        "role": "userroles-projectdeployer", "gitRef": "refs%2Fheads%2Fmain",
        **PLACES,
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
    oracle, described = Oracle(swagger), _described(swagger)
    places = await _places(simulator, admin)
    found: list[str] = []
    checked = 0
    for route, shape in _served():
        schema = described.get(("GET", shape))
        if route.method != "GET" or schema is None or "{nothing}" in route.template:
            continue
        path = re.sub(r"\{(\w+)\}", lambda part: places[part[1]], route.template)
        prefix = "/api/" if route.scope is not Scope.SPACE else "/api/Spaces-1/"
        path += "?packageId=Acme.WebShop" if path.endswith("versions") else ""
        path += "?packageIds=packages-Acme.WebShop.1.2.0" if path.endswith("packages/notes") else ""
        path += "?project=Projects-1" if path.endswith("variables/preview") else ""
        path += "?version=1.0" if path.endswith("rule-test") else ""
        path += "?host=web-2" if path.endswith("discover") else ""
        path += "?projectIds=Projects-1" if path.endswith("by-week") else ""
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
    oracle, described = Oracle(swagger), _described(swagger)
    places = await _places(simulator, admin)
    simulator.advance(3600)
    reads = {shape for route, shape in _served() if route.method == "GET"}
    found: list[str] = []
    checked = 0
    for route, shape in _served():
        schema = described.get(("PUT", shape)) or described.get(("GET", shape))
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
