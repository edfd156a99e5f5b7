"""The product's own description of its API (2021.2), and how answers are compared with it.

The description is no part of this project: it is looked for in `OCTOPUS_SWAGGER` and beside the
checkout. `NEWER` lists what servers after it added or changed, each seen in public client sources.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reconciler.simulator.router import Route
from reconciler.simulator.routes import api_routes

__all__ = ["SWAGGER", "Oracle", "described", "described_routes", "served", "shape_of"]

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "octopus-swagger-2021.2.json"
SWAGGER = Path(os.environ.get("OCTOPUS_SWAGGER", _BESIDE))

_PENDING = {"HasPendingPreconditions", "PendingInterruptionTypes", "PendingPreconditionTypes"}

NEWER: dict[str, set[str]] = {
    "ActivityLogEntry": {"Number"},
    "AccountResource": {
        "ActiveDirectoryEndpointBaseUri", "AzureEnvironment", "CertificateBytes",
        "CertificateThumbprint", "ClientId", "Password", "ResourceManagementEndpointBaseUri",
        "ServiceManagementEndpointBaseUri", "ServiceManagementEndpointSuffix",
        "SubscriptionNumber", "TenantId", "Token",
    },
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
        "DeleteUnreleasedPackagesAfterDays", "DownloadAttempts", "FeedUri",
        "DownloadRetryBackoffSeconds", "Slug",
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

OPEN = {"Permission", "PropertyValueResource", "VariableType"}
"""Enumerations that grew, and values that may be a plain text too."""


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


def shape_of(path: str) -> str:
    """Return a path template with its parameters nameless, as both sides can be compared by."""
    return re.sub(r"\{[^}]*\}", "{}", path.strip("/").lower())


def described(swagger: Any) -> dict[tuple[str, str], Any]:
    """Return the schema of each successful JSON answer, by method and path."""
    found: dict[tuple[str, str], Any] = {}
    for path, verbs in swagger["paths"].items():
        for verb, operation in verbs.items():
            for status, answer in operation["responses"].items():
                if status.startswith("2") and "schema" in answer:
                    shape = shape_of(path).removeprefix("{}/")
                    found.setdefault((verb.upper(), shape), answer["schema"])
    return found


def described_routes(swagger: Any) -> set[tuple[str, str]]:
    """Return every route by method and path, without the prefix of a space."""
    return {
        (verb.upper(), shape_of(path).removeprefix("{}/"))
        for path, verbs in swagger["paths"].items()
        for verb in verbs
        if verb in ("get", "put", "post", "delete")
    }


def served() -> Iterator[tuple[Route, str]]:
    """Yield the simulator's routes, each with its path as both sides can be compared by."""
    for route in api_routes():
        yield route, shape_of(route.template.removeprefix("api"))
