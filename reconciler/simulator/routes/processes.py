"""Deployment processes, live and frozen, and the template a new release starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import note
from reconciler.simulator.numbering import donor_of, next_number
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.feeds import feed_name
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.steps import read_steps
from reconciler.simulator.versioncontrol import commit_message, process_at, save

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Process, Project, Space, Step

__all__ = [
    "check_steps",
    "packages_in_template",
    "process_resource",
    "release_template",
    "routes",
    "step_resource",
    "write_process",
]

routes = Routes()


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
                "Name": each.reference,
                "PackageId": each.package,
                "FeedId": each.feed,
                "AcquisitionLocation": "Server",
                "Properties": {},
            }
            for index, each in enumerate(step.packages)
        ],
        "Properties": {"Octopus.Action.RunOnServer": "false" if step.roles else "true"},
        "Condition": "Success",
        "Notes": None,
        "Links": {},
    }


def step_resource(step: Step) -> dict[str, object]:
    """Return a step as JSON: as a client wrote it, or a seeded one."""
    if step.document is not None:
        return step.document
    return {
        "Id": step.id,
        "Name": step.name,
        "Slug": step.slug,
        "PackageRequirement": "LetOctopusDecide",
        "Condition": "Success",
        "StartTrigger": "StartAfterPrevious",
        "Properties": {"Octopus.Action.TargetRoles": ",".join(step.roles)},
        "Actions": [_action(step)],
    }


def process_resource(space: Space, process: Process, own: str | None = None) -> dict[str, object]:
    """Return a deployment process, or a frozen copy, as JSON; `own` is its address in git."""
    own = own or f"/api/{space.id}/deploymentprocesses/{process.id}"
    return {
        "Id": process.id,
        "SpaceId": space.id,
        "ProjectId": process.project_id,
        "Version": process.version,
        "LastSnapshotId": None,
        "Steps": [step_resource(step) for step in process.steps],
        "Links": {
            "Self": own,
            "Project": f"/api/{space.id}/projects/{process.project_id}",
            "Template": f"{own}/template{{?channel,releaseId}}",
            "Validation": f"{own}/validate",
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


@routes.get("deploymentprocesses")
def list_processes(call: Call) -> object:
    """GET /deploymentprocesses: the live ones and the frozen ones."""
    held = call.demand_anywhere("ProcessView")
    found = [
        each
        for each in by_ids(call, call.space.processes.values())
        if held.allows(call.space.projects[each.project_id])
    ]
    return page(
        call,
        "DeploymentProcess",
        found,
        lambda each: process_resource(call.space, each),
        "{/id}{?skip,take,ids}",
    )


@routes.put("deploymentprocesses/{process}")
def change_process(call: Call) -> object:
    """PUT /deploymentprocesses/{id}: all steps at once, for the version that was read."""
    return write_process(call, _process_in(call))


@routes.put("projects/{project}/deploymentprocesses")
def change_process_of_project(call: Call) -> object:
    """PUT /projects/{id}/deploymentprocesses."""
    return write_process(call, call.space.processes[project_in(call).process_id])


def write_process(
    call: Call, process: Process, branch: str | None = None, own: str | None = None
) -> dict[str, object]:
    """Write the steps of a process; of a project in git onto a branch, else the default one."""
    project = call.space.projects[process.project_id]
    call.demand("ProcessEdit", project)
    body = call.body().resource()
    if process.is_frozen:
        raise Refused(
            400,
            "Changes to this deployment process could not be saved, because it is frozen.",
        )
    if body.get("Version") != process.version:
        raise Refused(
            400,
            "Changes to this deployment process could not be saved, because another user has made "
            "changes since it was read. Please read it again.",
        )
    steps, repository = read_steps(body), project.repository
    if repository is None:
        process.steps = steps
        process.version += 1
    else:
        branch = branch or repository.default_branch
        message = commit_message(call.body())
        made = save(call.space, project, repository, branch, message, call.now, steps=steps)
        process = process_at(project, made)
    note(call, "Modified", "Deployment process of project", project.name, process.id, project.id)
    return process_resource(call.space, process, own)


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
    return release_template(call, call.space.projects[process.project_id], process)


@routes.get("projects/{project}/deploymentprocesses/template")
def template_of_project(call: Call) -> object:
    """GET /projects/{id}/deploymentprocesses/template."""
    project = project_in(call)
    call.demand("ProcessView", project)
    return release_template(call, project, call.space.processes[project.process_id])


@routes.post("deploymentprocesses/{process}/validate")
def validate(call: Call) -> object:
    """POST /deploymentprocesses/{id}/validate: the steps of the body, without keeping them."""
    process = _process_in(call)
    call.demand("ProcessView", call.space.projects[process.project_id])
    return check_steps(call)


@routes.post("projects/{project}/deploymentprocesses/validate")
def validate_of_project(call: Call) -> object:
    """POST /projects/{id}/deploymentprocesses/validate."""
    call.demand("ProcessView", project_in(call))
    return check_steps(call)


def check_steps(call: Call) -> dict[str, object]:
    """Return which steps of a body go to roles that no machine has.

    Raises:
        Refused: 400 for steps that could not be saved.
    """
    body = call.body().resource()
    steps = read_steps(Body(body.get("Process")) if isinstance(body.get("Process"), dict) else body)
    known = {role for each in call.space.machines.values() for role in each.roles}
    without: dict[str, list[str]] = {}
    for step in steps:
        written = (step.document or {}).get("Properties", {}).get("Octopus.Action.TargetRoles")
        roles = [each.strip() for each in str(written or "").split(",") if each.strip()]
        if set(roles) - known:
            without[step.id] = sorted(set(roles) - known)
    return {"HasWarnings": bool(without), "TagsWithoutTargetsByStepId": without, "Details": {}}


def release_template(call: Call, project: Project, process: Process) -> dict[str, object]:
    """Return what a new release of a project starts from.

    Raises:
        Refused: 404 for an unknown channel, 400 for none where there are several.
    """
    channel = call.query.text("channel")
    if channel is not None and channel not in {each.id for each in project.channels}:
        raise missing("Channel")
    if channel is None and len(project.channels) > 1:
        raise Refused(
            400, "A channelId must be provided when more than one exists for the project."
        )
    last = project.releases[-1] if project.releases else None
    donor = donor_of(project)
    return {
        "DeploymentProcessId": process.id,
        "LastReleaseVersion": last.version if last else None,
        "NextVersionIncrement": next_number(project, call.now),
        "VersioningPackageStepName": donor[0] if donor else None,
        "VersioningPackageReferenceName": donor[1] if donor else None,
        "Packages": packages_in_template(
            call.space, project, process, last.packages if last else ()
        ),
        "GitResources": [],
        "Links": {},
    }


def packages_in_template(
    space: Space, project: Project, process: Process, last: tuple[tuple[str, str, str], ...]
) -> list[dict[str, object]]:
    """Return the packages that a new release or snapshot needs, with the versions of the last."""
    before = {(action, reference): version for action, reference, version in last}
    return [
        {
            "ActionName": each.action,
            "StepName": step.name,
            "PackageReferenceName": each.reference,
            "PackageId": each.package,
            "NuGetPackageId": each.package,
            "FeedId": each.feed,
            "NuGetFeedId": each.feed,
            "FeedName": feed_name(space, each.feed),
            "NuGetFeedName": feed_name(space, each.feed),
            "ProjectName": project.name,
            "IsResolvable": True,
            "VersionSelectedLastRelease": before.get((each.action, each.reference)),
        }
        for step in process.steps
        for each in step.packages
    ]
