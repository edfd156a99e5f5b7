"""Answers as Octopus' public API description has them, made by hand, and a clock to turn."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pytest_httpserver import HTTPServer, URIPattern
from werkzeug import Request, Response

from reconciler.credentials import Given
from reconciler.octopus.key import ServerKey
from reconciler.octopus.options import ClientOptions

Json = dict[str, Any]

QUICK = ClientOptions(
    connect_timeout=timedelta(seconds=1),
    silence_timeout=timedelta(seconds=0.3),
    deploy_timeout=timedelta(seconds=0.6),
    retries=2,
    body_limit=1_000_000,
)


class TurnedClock:
    """A clock on which waiting takes no time and is remembered."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - datetime(2026, 1, 1, tzinfo=UTC)).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.turn(seconds)

    def turn(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


def fixed(key: str) -> ServerKey:
    """Return a key that never changes."""
    return ServerKey(Given("test", key))


def page(items: list[Json], total: int | None = None) -> Json:
    return {
        "ItemType": "Thing",
        "TotalResults": len(items) if total is None else total,
        "ItemsPerPage": 30,
        "Items": items,
        "Links": {},
    }


def project(number: int, **more: Any) -> Json:
    return {
        "Id": f"Projects-{number}",
        "Slug": f"p{number}",
        "Name": f"P {number}",
        "ProjectGroupId": "ProjectGroups-1",
        "IsDisabled": False,
        "TenantedDeploymentMode": "Untenanted",
        "DiscreteChannelRelease": False,
        "LifecycleId": "Lifecycles-1",
        "DeploymentProcessId": f"deploymentprocess-Projects-{number}",
        "IsVersionControlled": False,
        **more,
    }


def trigger(number: int, action: Json, waits_for: Json, **more: Any) -> Json:
    """Return a trigger of project 1."""
    return {
        "Id": f"ProjectTriggers-{number}",
        "SpaceId": "Spaces-1",
        "ProjectId": "Projects-1",
        "Name": f"T{number}",
        "Description": "",
        "IsDisabled": False,
        "Filter": {"Id": None, "Links": {}, **waits_for},
        "Action": {"Id": None, "Links": {}, "TenantIds": [], "TenantTags": [], **action},
        **more,
    }


def phase(*automatic: str, optional: bool = False) -> Json:
    return {
        "Id": "aaaa-1",
        "Name": "Test",
        "AutomaticDeploymentTargets": list(automatic),
        "OptionalDeploymentTargets": ["Environments-9"],
        "MinimumEnvironmentsBeforePromotion": 0,
        "IsOptionalPhase": optional,
        "ReleaseRetentionPolicy": None,
    }


def lifecycle(number: int, *phases: Json) -> Json:
    return {"Id": f"Lifecycles-{number}", "Name": f"L{number}", "Phases": list(phases)}


def channel(number: int, lifecycle_id: str | None = None) -> Json:
    """Return a channel of the project of the same number."""
    return {
        "Id": f"Channels-{number}",
        "ProjectId": f"Projects-{number}",
        "LifecycleId": lifecycle_id,
        "Name": "Default",
    }


def process(number: int, *actions: Json, frozen: str = "") -> Json:
    """Return the process of project `number` with one step for each action."""
    return {
        "Id": f"deploymentprocess-Projects-{number}{frozen}",
        "ProjectId": f"Projects-{number}",
        "Version": 3,
        "Steps": [
            {"Id": "s", "Name": "Step", "Properties": {}, "Actions": [action]} for action in actions
        ],
    }


def deploys(child: Any, **more: Any) -> Json:
    """Return an action that deploys a release of another project."""
    return {
        "Id": "a",
        "Name": "Deploy a release",
        "ActionType": "Octopus.DeployRelease",
        "IsDisabled": False,
        "Environments": [],
        "ExcludedEnvironments": [],
        "Properties": {
            "Octopus.Action.RunOnServer": "true",
            "Octopus.Action.DeployRelease.ProjectId": child,
        },
        **more,
    }


def item(number: int, **more: Any) -> Json:
    """Return a dashboard item: deployment, release, project and task all have this number."""
    return {
        "Id": f"Deployments-{number}",
        "ProjectId": f"Projects-{number}",
        "EnvironmentId": "Environments-1",
        "ReleaseId": f"Releases-{number}",
        "DeploymentId": f"Deployments-{number}",
        "TaskId": f"ServerTasks-{number}",
        "TenantId": None,
        "ChannelId": "Channels-1",
        "ReleaseVersion": "1.4.0",
        "Created": "2026-11-20T09:59:00.000+00:00",
        "CompletedTime": "2026-11-20T12:00:00.000+02:00",
        "State": "Success",
        "HasPendingInterruptions": False,
        "HasWarningsOrErrors": False,
        "IsCurrent": True,
        "IsPrevious": False,
        **more,
    }


def deployment(number: int, **more: Any) -> Json:
    return {
        "Id": f"Deployments-{number}",
        "ProjectId": f"Projects-{number}",
        "EnvironmentId": "Environments-1",
        "TenantId": None,
        "ReleaseId": f"Releases-{number}",
        "TaskId": f"ServerTasks-{number}",
        "Created": "2026-11-20T09:59:00.000+00:00",
        "DeployedBy": "Ann",
        "DeployedById": "Users-7",
        "Comments": "night shift",
        "FailureEncountered": False,
        "SpecificMachineIds": [],
        "ExcludedMachineIds": [],
        "SkipActions": [],
        "DeployedToMachineIds": ["Machines-2", "Machines-1"],
        **more,
    }


def release(number: int, **more: Any) -> Json:
    return {
        "Id": f"Releases-{number}",
        "ProjectId": f"Projects-{number}",
        "Version": "1.4.0",
        "Assembled": "2026-11-19T16:02:11.000+00:00",
        "ChannelId": "Channels-1",
        "ProjectDeploymentProcessSnapshotId": f"deploymentprocess-Projects-{number}-s-7-ABCDE",
        "ProjectVariableSetSnapshotId": f"variableset-Projects-{number}-s-3-ABCDE",
        "SelectedPackages": [
            {"ActionName": "Web", "PackageReferenceName": "tool", "Version": "3.0"},
            {"ActionName": "Web", "PackageReferenceName": "", "Version": "1.4.0"},
        ],
        **more,
    }


def task(number: int, **more: Any) -> Json:
    return {
        "Id": f"ServerTasks-{number}",
        "SpaceId": "Spaces-1",
        "Name": "Deploy",
        "Description": "Deploy Web release 1.4.0 to Test",
        "Arguments": {"DeploymentId": f"Deployments-{number}"},
        "State": "Executing",
        "QueueTime": "2026-11-20T09:59:00.000+00:00",
        "StartTime": "2026-11-20T09:59:02.000+00:00",
        "CompletedTime": None,
        "ErrorMessage": "",
        "HasPendingInterruptions": False,
        "HasWarningsOrErrors": False,
        "ProjectId": f"Projects-{number}",
        **more,
    }


def grant(**more: Any) -> Json:
    return {
        "SpaceId": "Spaces-1",
        "RestrictedToProjectIds": ["projects-all"],
        "RestrictedToEnvironmentIds": ["environments-all"],
        "RestrictedToTenantIds": ["tenants-all"],
        "RestrictedToProjectGroupIds": ["projectgroups-unrelated"],
        **more,
    }


def permissions(**more: Any) -> Json:
    return {
        "Id": "userpermissions-Users-1",
        "SpacePermissions": {"ProjectView": [grant()]},
        "SystemPermissions": ["SpaceView"],
        "IsPermissionsComplete": True,
        "IsTeamsComplete": True,
        **more,
    }


ENDED = ("Success", "Failed", "Canceled", "TimedOut")


@dataclass
class Board:
    """A whole space, served: change its parts, then look. `asked` lists path?query in order."""

    server: HTTPServer
    items: list[Json] = field(default_factory=lambda: [item(1), item(2)])
    previous: list[Json] | None = None
    projects: list[Json] = field(default_factory=lambda: [project(1), project(2)])
    tasks: list[Json] = field(default_factory=list)
    interruptions: list[Json] = field(default_factory=list)
    deployments: dict[str, Json] = field(default_factory=dict)
    releases: dict[str, Json] = field(default_factory=dict)
    triggers: list[Json] = field(default_factory=list)
    lifecycles: list[Json] = field(default_factory=lambda: [lifecycle(1)])
    channels: list[Json] = field(default_factory=lambda: [channel(1), channel(2)])
    processes: list[Json] = field(default_factory=lambda: [process(1), process(2)])
    allowed: Json = field(default_factory=permissions)
    limit: int | None = None
    largest_page: int = 10_000
    asked: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    odd: dict[str, Response] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for one in range(1, 10):
            self.deployments[f"Deployments-{one}"] = deployment(one)
            self.releases[f"Releases-{one}"] = release(one)
        self.server.expect_request("/api", method="GET").respond_with_handler(self._answer)
        self.server.expect_request(_Below("/api/")).respond_with_handler(self._answer)

    @property
    def url(self) -> str:
        return self.server.url_for("")

    def below_space(self) -> list[str]:
        """Return what was asked of the space itself, sorted."""
        asked = (one for one in self.asked if "/users/" in one or "/Spaces-1/" in one)
        return sorted(
            one.removeprefix("/api/").removeprefix("Spaces-1/")
            for one in asked
            if one != "/api/users/me"
        )

    def _answer(self, request: Request) -> Response:
        query = request.query_string.decode()
        self.asked.append(request.path + (f"?{query}" if query else ""))
        self.keys.append(request.headers.get("X-Octopus-ApiKey", ""))
        for path, response in self.odd.items():
            if request.path == path:
                return response
        said = self._say(request.path.removeprefix("/api").removeprefix("/Spaces-1"), request)
        if said is None:
            return reply(404, {"ErrorMessage": "There is nothing here.", "Errors": []})
        return reply(200, said)

    def _say(self, path: str, request: Request) -> Any:
        match path:
            case "":
                return {"Version": "2026.3.1", "InstallationId": "1111", "ApiVersion": "3.0.0"}
            case "/users/me":
                return {
                    "Id": "Users-1",
                    "Username": "svc",
                    "DisplayName": "Service",
                    "IsService": True,
                }
            case "/spaces":
                return page([{"Id": "Spaces-2", "Name": "Default 2"}, SPACE])
            case "/users/Users-1/permissions":
                return self.allowed
            case "/dashboard/dynamic":
                return self._dashboard(request.args.get("projects"))
            case "/projects/all":
                return self.projects
            case "/environments/all":
                return [{"Id": "Environments-1", "Name": "Test"}]
            case "/tasks":
                live = [one for one in self.tasks if one["State"] not in ENDED]
                asked = self.tasks if "ids" in request.args else live
                return self._paged(asked, request)
            case "/interruptions":
                return self._paged(self.interruptions, request)
            case "/deployments":
                return self._paged(list(self.deployments.values()), request)
            case "/releases":
                return self._paged(list(self.releases.values()), request)
            case "/projecttriggers":
                return self._paged(self.triggers, request)
            case "/lifecycles/all":
                return self.lifecycles
            case "/channels/all":
                return self.channels
            case "/deploymentprocesses":
                return self._paged(self.processes, request)
        return None

    def _dashboard(self, projects: str | None) -> Json:
        wanted = [p for p in self.projects if projects is None or p["Id"] in projects.split(",")]
        shown = wanted[: self.limit]
        ids = {one["Id"] for one in shown}
        return {
            "Projects": shown,
            "Environments": [{"Id": "Environments-1", "Name": "Test"}],
            "Items": [one for one in self.items if one["ProjectId"] in ids or not projects],
            "PreviousItems": self.previous,
            "ProjectLimit": self.limit,
            "IsFiltered": True,
        }

    def _paged(self, items: list[Json], request: Request) -> Json:
        if "ids" in request.args:
            items = [one for one in items if one["Id"] in request.args["ids"].split(",")]
        for name, key in (("projects", "ProjectId"), ("environments", "EnvironmentId")):
            if name in request.args:
                items = [one for one in items if one[key] in request.args[name].split(",")]
        skip = int(request.args.get("skip", "0"))
        take = min(int(request.args.get("take", "30")), self.largest_page)
        return page(items[skip : skip + take], total=len(items))


SPACE = {"Id": "Spaces-1", "Name": "Default"}


def reply(status: int, said: Any, **headers: str) -> Response:
    return Response(
        json.dumps(said),
        status=status,
        content_type="application/json; charset=utf-8",
        headers=headers,
    )


class _Below(URIPattern):
    """Matches every path that starts so."""

    def __init__(self, start: str) -> None:
        self._start = start

    def match(self, uri: str) -> bool:
        return uri.startswith(self._start)
