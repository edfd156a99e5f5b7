"""How far releases got: one release phase by phase, and a project's newest releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.progress import lifecycle_of, progress_of
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.channels import channel_resource
from reconciler.simulator.routes.dashboard import dashboard_item, reachable_by
from reconciler.simulator.routes.deployments import deployment_resource
from reconciler.simulator.routes.lifecycles import phase_resource
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.releases import release_in, release_resource
from reconciler.simulator.routes.tasks import task_resource

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, Release

routes = Routes()

_LONGEST_HISTORY = 100


@routes.get("releases/{release}/progression")
def release_progression(call: Call) -> object:
    """GET /releases/{id}/progression: phase by phase."""
    release = release_in(call)
    project = call.space.projects[release.project_id]
    steps = progress_of(call.space, project, release)
    held = call.access("DeploymentView")
    phases: list[dict[str, object]] = []
    current = next((step for step in steps if step.is_reachable and not step.is_complete), None)
    for step in steps:
        targets = {*step.phase.automatic, *step.phase.optional_targets}
        progress = "Complete" if step.is_complete else "Pending"
        if step is current:
            progress = "Current"
        shown = phase_resource(step.phase)
        del shown["ReleaseRetentionPolicy"], shown["TentacleRetentionPolicy"]
        phases.append(
            {
                **shown,
                "Id": None,
                "Blocked": step.is_blocked,
                "Progress": progress,
                "Deployments": [
                    {
                        "Task": task_resource(call.world, each.task),
                        "Deployment": deployment_resource(call.space, each),
                    }
                    for each in release.deployments
                    if each.environment_id in targets
                    and held.allows(project, each.environment_id, each.tenant_id)
                ],
            }
        )
    return {
        "Phases": phases,
        "NextDeployments": _next_deployments(call, project, release),
        "NextDeploymentsMinimumRequired": current.phase.minimum if current else 0,
        "Links": {},
    }


def _next_deployments(call: Call, project: Project, release: Release) -> list[str]:
    """Return the environments a release may go to now for the first time."""
    seen = {each.environment_id for each in release.deployments} | release.passed
    return [
        target
        for step in progress_of(call.space, project, release)
        if step.is_reachable and not step.is_blocked
        for target in (*step.phase.automatic, *step.phase.optional_targets)
        if target not in seen
    ]


@routes.get("projects/{project}/progression", "progression/{project}")
def project_progression(call: Call) -> object:
    """GET /projects/{id}/progression: the newest releases and where they went."""
    project = project_in(call)
    call.demand("ReleaseView", project)
    space = call.space
    count = call.query.number("releaseHistoryCount", 3)
    if not 0 < count <= _LONGEST_HISTORY:
        raise Refused(
            400,
            "The 'releaseHistoryCount' parameter must be greater than 0 and less than or equal "
            f"to {_LONGEST_HISTORY}.",
        )
    releases = list(reversed(project.releases))[:count]

    def columns(lifecycle_id: str) -> list[dict[str, str]]:
        reachable = reachable_by(call, lifecycle_id)
        ordered = space.environments_in_order()
        return [{"Id": each.id, "Name": each.name} for each in ordered if each.id in reachable]

    held = call.access("DeploymentView")
    shown: list[dict[str, object]] = []
    for release in releases:
        by_environment: dict[str, list[object]] = {}
        for each in reversed(release.deployments):
            if held.allows(project, each.environment_id, each.tenant_id):
                cell = space.cells[each.cell]
                item = dashboard_item(call, each, is_current=each is cell[-1])
                by_environment.setdefault(each.environment_id, []).append(item)
        shown.append(
            {
                "Release": release_resource(space, release),
                "Channel": channel_resource(space, space.channels[release.channel_id]),
                "Deployments": by_environment,
                "NextDeployments": _next_deployments(call, project, release),
                "HasUnresolvedDefect": release.defect is not None,
                "ReleaseRetentionPeriod": None,
                "TentacleRetentionPeriod": None,
            }
        )
    return {
        "Environments": columns(project.lifecycle_id),
        "ChannelEnvironments": {
            each.id: columns(each.lifecycle_id or project.lifecycle_id) for each in project.channels
        },
        "LifecycleEnvironments": {
            lifecycle_of(space, project, release).id: columns(
                lifecycle_of(space, project, release).id
            )
            for release in releases
        },
        "Releases": shown,
        "Links": {},
    }
