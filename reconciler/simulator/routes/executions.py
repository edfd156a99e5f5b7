"""The executions API: create a release, deploy a release, by names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.simulator.answers import Refused, created
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.deployments import order
from reconciler.simulator.routes.releases import assemble, default_channel
from reconciler.simulator.times import parse_time
from reconciler.simulator.versions import next_version, version_key
from reconciler.simulator.world import find, release_named

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Project, Release

routes = Routes()

T = TypeVar("T")


def _named(records: Iterable[T], wanted: str, kind: str) -> T:
    found = find(records, wanted)
    if found is None:
        raise Refused(400, f"{kind} '{wanted}' was not found.")
    return found


def _project(call: Call, body: Body) -> Project:
    """Return the project of a command after checking that the body means this space."""
    for name in ("spaceId", "spaceIdOrName"):
        given = body.text(name)
        if given is not None and find([call.space], given) is None:
            raise Refused(400, f"Space '{given}' is not the space of the address.")
    if body.text("spaceIdOrName") is None and body.text("spaceId") is None:
        raise Refused(400, "Model validation failed.", ("The spaceIdOrName field is required.",))
    wanted = body.text("projectName") or body.need("projectIdOrName")
    project = _named(call.space.projects.values(), wanted, "Project")
    call.demand("ProjectView", project)
    return project


@routes.post("releases/create/v1")
def create_release(call: Call) -> object:
    """POST /releases/create/v1."""
    body = call.body()
    project = _project(call, body)
    call.demand("ReleaseCreate", project)
    version = body.text("releaseVersion") or next_version(
        [each.version for each in project.releases]
    )
    if body.flag("ignoreIfAlreadyExists"):
        key = version_key(version)
        for release in project.releases:
            if version_key(release.version) == key:
                return {"ReleaseId": release.id, "ReleaseVersion": release.version}
    wanted = body.text("channelName") or body.text("channelIdOrName")
    chosen, default = _packages(call, project, body)
    release = assemble(
        call,
        project,
        version=version,
        channel=_named(project.channels, wanted, "Channel") if wanted else default_channel(project),
        chosen=chosen,
        default_package=default,
        notes=body.text("releaseNotes"),
        ignore_channel_rules=body.flag("ignoreChannelRules"),
    )
    return created({"ReleaseId": release.id, "ReleaseVersion": release.version})


def _packages(
    call: Call, project: Project, body: Body
) -> tuple[dict[tuple[str, str], str], str | None]:
    """Read `Step:Version`, `Package:Version`, `Step:Reference:Version` and `*:Version`."""
    default = body.text("packageVersion") or body.text("releaseVersion")
    chosen: dict[tuple[str, str], str] = {}
    steps = call.space.processes[project.process_id].steps
    for text in body.texts("packages"):
        parts = [part.strip() for part in text.split(":")]
        if len(parts) not in (2, 3) or not parts[-1]:
            raise Refused(400, f"The package version '{text}' is not of the form Step:Version.")
        if parts[0] == "*":
            default = parts[-1]
        for step in steps:
            for each in step.packages:
                by_step = parts[0].casefold() in (step.name.casefold(), each.action.casefold())
                by_package = parts[0].casefold() == each.package.casefold()
                right = len(parts) == 2 or parts[1] in (each.reference, each.package)
                if (by_step or by_package) and right:
                    chosen[each.action, each.reference] = parts[-1]
    return chosen, default


@routes.post("deployments/create/untenanted/v1")
def deploy_untenanted(call: Call) -> object:
    """POST /deployments/create/untenanted/v1: one task per environment, all or none."""
    body = call.body()
    project = _project(call, body)
    release = _release(project, body.need("releaseVersion"))
    names = body.texts("environmentNames")
    if not names:
        raise Refused(400, "Model validation failed.", ("The environmentNames field is required.",))
    environments = [_named(call.space.environments.values(), name, "Environment") for name in names]
    steps = call.space.processes[release.process_snapshot_id].steps
    skipped = [_named(steps, name, "Step").id for name in body.texts("skipStepNames")]
    machines = call.space.machines.values()
    specific, excluded = (
        [_named(machines, name, "Machine").id for name in body.texts(kind)]
        for kind in ("specificMachineNames", "excludedMachineNames")
    )
    variables = body.get("variables")
    options = {
        "FormValues": variables if isinstance(variables, dict) else {},
        "ForcePackageDownload": body.flag("forcePackageDownload"),
        "ForcePackageRedeployment": body.flag("forcePackageRedeployment"),
        "SkipActions": skipped,
        "SpecificMachineIds": specific,
        "ExcludedMachineIds": excluded,
        "UseGuidedFailure": None
        if body.get("useGuidedFailure") is None
        else body.flag("useGuidedFailure"),
        "Priority": body.text("priority"),
    }
    if body.flag("updateVariableSnapshot"):
        call.demand("ReleaseEdit", project)
        release.variable_snapshot_id = call.world.freeze_variables(call.space, project).id
    for environment in environments:
        call.demand("DeploymentCreate", project, environment.id)
    made = [
        order(
            call,
            release,
            environment,
            comments=body.text("comments"),
            queue_time=_moment(body, "runAt"),
            queue_expiry=_moment(body, "noRunAfter"),
            options=options,
        )
        for environment in environments
    ]
    return created(
        {
            "DeploymentServerTasks": [
                {"DeploymentId": each.id, "ServerTaskId": each.task.id} for each in made
            ]
        }
    )


def _release(project: Project, version: str) -> Release:
    try:
        return release_named(project, version)
    except Refused:
        raise Refused(
            400, f"Release '{version}' of project '{project.name}' was not found."
        ) from None


def _moment(body: Body, name: str) -> datetime | None:
    text = body.text(name)
    return None if text is None else parse_time(text, name=name)
