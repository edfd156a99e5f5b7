"""Deployment processes, live and frozen, and the template a new release starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Process, Project, Space, Step

routes = Routes()

_FEED = "Octopus Server (built-in)"


def _action(step: Step) -> dict[str, object]:
    return {
        "Id": step.id,
        "Name": step.name,
        "Slug": step.slug,
        "ActionType": "Octopus.Script",
        "IsDisabled": False,
        "IsRequired": False,
        "CanBeUsedForProjectVersioning": bool(step.packages),
        "WorkerPoolId": None,
        "WorkerPoolVariable": None,
        "Container": {"Image": None, "FeedId": None},
        "Environments": [],
        "ExcludedEnvironments": [],
        "Channels": [],
        "TenantTags": [],
        "Packages": [
            {
                "Id": f"{step.id}-{index}",
                "Name": "" if index == 0 else package,
                "PackageId": package,
                "FeedId": "feeds-builtin",
                "AcquisitionLocation": "Server",
                "Properties": {},
            }
            for index, package in enumerate(step.packages)
        ],
        "Properties": {"Octopus.Action.RunOnServer": "true"},
        "Condition": "Success",
        "Notes": None,
        "Links": {},
    }


def process_resource(space: Space, process: Process) -> dict[str, object]:
    """Return a deployment process, or a frozen copy, as JSON."""
    own = f"/api/{space.id}/deploymentprocesses/{process.id}"
    return {
        "Id": process.id,
        "SpaceId": space.id,
        "ProjectId": process.project_id,
        "Version": process.version,
        "LastSnapshotId": None,
        "Steps": [
            {
                "Id": step.id,
                "Name": step.name,
                "Slug": step.slug,
                "PackageRequirement": "LetOctopusDecide",
                "Condition": "Success",
                "StartTrigger": "StartAfterPrevious",
                "Properties": {"Octopus.Action.TargetRoles": ""},
                "Actions": [_action(step)],
            }
            for step in process.steps
        ],
        "Links": {
            "Self": own,
            "Project": f"/api/{space.id}/projects/{process.project_id}",
            "Template": f"{own}/template{{?channel,releaseId}}",
        },
    }


def _process_in(call: Call) -> Process:
    process = call.space.processes.get(call.param("process"))
    if process is None:
        raise Refused(404, "The deployment process ID specified doesn't exist")
    call.demand("ProcessView", call.space.projects[process.project_id])
    return process


@routes.get("deploymentprocesses/{process}")
def one_process(call: Call) -> object:
    """GET /deploymentprocesses/{id}, snapshots too."""
    return process_resource(call.space, _process_in(call))


@routes.get("projects/{project}/deploymentprocesses")
def process_of_project(call: Call) -> object:
    """GET /projects/{id}/deploymentprocesses."""
    project = project_in(call)
    call.demand("ProcessView", project)
    return process_resource(call.space, call.space.processes[project.process_id])


@routes.get("deploymentprocesses/{process}/template")
def template_of_process(call: Call) -> object:
    """GET /deploymentprocesses/{id}/template."""
    process = _process_in(call)
    return _template(call, call.space.projects[process.project_id], process)


@routes.get("projects/{project}/deploymentprocesses/template")
def template_of_project(call: Call) -> object:
    """GET /projects/{id}/deploymentprocesses/template."""
    project = project_in(call)
    call.demand("ProcessView", project)
    return _template(call, project, call.space.processes[project.process_id])


def _template(call: Call, project: Project, process: Process) -> dict[str, object]:
    channel = call.query.text("channel")
    if channel is not None and channel not in {each.id for each in project.channels}:
        raise missing("Channel")
    if channel is None and len(project.channels) > 1:
        raise Refused(
            400, "A channelId must be provided when more than one exists for the project."
        )
    last = project.releases[-1] if project.releases else None
    before = (
        {(action, reference): version for action, reference, version in last.packages}
        if last
        else {}
    )
    return {
        "DeploymentProcessId": process.id,
        "LastReleaseVersion": last.version if last else None,
        "NextVersionIncrement": _next(last.version) if last else "0.0.1",
        "VersioningPackageStepName": None,
        "VersioningPackageReferenceName": None,
        "Packages": [
            {
                "ActionName": step.name,
                "StepName": step.name,
                "PackageReferenceName": "" if index == 0 else package,
                "PackageId": package,
                "NuGetPackageId": package,
                "FeedId": "feeds-builtin",
                "NuGetFeedId": "feeds-builtin",
                "FeedName": _FEED,
                "NuGetFeedName": _FEED,
                "ProjectName": project.name,
                "IsResolvable": True,
                "VersionSelectedLastRelease": before.get(
                    (step.name, "" if index == 0 else package)
                ),
            }
            for step in process.steps
            for index, package in enumerate(step.packages)
        ],
        "GitResources": [],
        "Links": {},
    }


def _next(version: str) -> str | None:
    """Return the version with its third number raised, None when that is not plain to do."""
    parts = version.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    return f"{parts[0]}.{parts[1]}.{int(parts[2]) + 1}"
