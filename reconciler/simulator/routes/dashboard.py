"""The dashboard, static and dynamic: what was deployed where, newest and last success."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator.paging import by_name
from reconciler.simulator.progress import lifecycle_of, phases_of, progress_of
from reconciler.simulator.records import TaskState
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.channels import channel_resource
from reconciler.simulator.routes.deployments import deployment_resource
from reconciler.simulator.routes.lifecycles import phase_resource
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.releases import release_in, release_resource
from reconciler.simulator.routes.tasks import shown_state, task_resource
from reconciler.simulator.times import duration_text, stamp
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Deployment, Environment, Project, Release

routes = Routes()


@routes.get("dashboard")
def dashboard(call: Call) -> object:
    """GET /dashboard: one current item per cell, whatever its state."""
    project = call.query.text("projectId")
    release = call.query.text("releaseId")
    return _board(
        call,
        projects=None if project is None else frozenset({project}),
        environments=None,
        release=release,
        with_previous=False,
        by_version=bool(call.query.flag("highestLatestVersionPerProjectAndEnvironment")),
    )


@routes.get("dashboard/dynamic")
def dashboard_dynamic(call: Call) -> object:
    """GET /dashboard/dynamic: filters by ids; `includePrevious` adds each cell's last success."""
    return _board(
        call,
        projects=call.query.many("projects"),
        environments=call.query.many("environments"),
        release=None,
        with_previous=bool(call.query.flag("includePrevious")),
        by_version=False,
    )


def _board(
    call: Call,
    *,
    projects: frozenset[str] | None,
    environments: frozenset[str] | None,
    release: str | None,
    with_previous: bool,
    by_version: bool,
) -> dict[str, object]:
    space = call.space
    sees_projects = call.access("ProjectView")
    sees_environments = call.access("EnvironmentView")
    held = call.access("DeploymentView")
    shown = [each for each in space.projects.values() if sees_projects.allows(each)]
    columns = [
        each
        for each in space.environments_in_order()
        if sees_environments.allows(environment=each.id)
    ]
    narrowed = len(shown) < len(space.projects) or len(columns) < len(space.environments)
    if projects is not None:
        shown = [each for each in shown if each.id in projects]
    if environments is not None:
        columns = [each for each in columns if each.id in environments]
    shown.sort(key=by_name)
    limit = call.world.project_limit
    if limit is not None:
        shown = shown[:limit]
    items: list[object] = []
    by_project = _cells(call, {each.id for each in shown}, {each.id for each in columns})
    for project in shown:
        for cell in by_project.get(project.id, ()):
            first = cell[0]
            if not held.allows(project, first.environment_id, first.tenant_id):
                narrowed = True
                continue
            items += _items(call, project, cell, release, with_previous, by_version)
    groups = {each.group_id for each in shown}
    ways = {each: _reachable(call, each) for each in {each.lifecycle_id for each in shown}}
    home = f"/api/{space.id}"
    return {
        "Projects": [_project(call, each, columns, ways[each.lifecycle_id]) for each in shown],
        "ProjectGroups": [
            {
                "Id": group.id,
                "Name": group.name,
                "EnvironmentIds": [each.id for each in columns],
                "Links": {"Self": f"{home}/projectgroups/{group.id}"},
            }
            for group in sorted(space.groups.values(), key=by_name)
            if group.id in groups
        ],
        "Environments": [
            {"Id": each.id, "Name": each.name, "Links": {"Self": f"{home}/environments/{each.id}"}}
            for each in columns
        ],
        "Tenants": [],
        "Items": items,
        "PreviousItems": None,
        "ProjectLimit": limit,
        "IsFiltered": narrowed or projects is not None or environments is not None,
        "Links": {"Self": call.path},
    }


def _cells(
    call: Call, projects: set[str], environments: set[str]
) -> dict[str, list[list[Deployment]]]:
    """Gather the cells of the board by project; in order of the environments."""
    rank = {each.id: each.sort_order for each in call.space.environments.values()}
    found: dict[str, list[list[Deployment]]] = {}
    for (project, environment, _), deployments in call.space.cells.items():
        if project in projects and environment in environments:
            kept = call.shown(deployments, "created")
            if kept:
                found.setdefault(project, []).append(kept)
    for cells in found.values():
        cells.sort(key=lambda cell: rank[cell[0].environment_id])
    return found


def _items(
    call: Call,
    project: Project,
    cell: list[Deployment],
    release: str | None,
    with_previous: bool,
    by_version: bool,
) -> Iterable[object]:
    """Yield the items of one cell: the latest by creation, then the last success before it."""
    groups: dict[str, list[Deployment]] = {}
    for each in cell:
        if release is None or each.release.id == release:
            key = each.channel_id if project.has_discrete_channels else ""
            groups.setdefault(key, []).append(each)
    for deployments in groups.values():
        latest = deployments[-1]
        if by_version:
            latest = max(deployments, key=lambda each: version_key(each.release.version))
        yield dashboard_item(call, latest, is_current=True)
        if with_previous:
            previous = next(
                (
                    each
                    for each in reversed(deployments)
                    if each is not latest and each.task.state is TaskState.SUCCESS
                ),
                None,
            )
            if previous is not None:
                yield dashboard_item(call, previous, is_current=False)


def dashboard_item(call: Call, deployment: Deployment, *, is_current: bool) -> Any:
    """Return one deployment as an item of a board; a completed one is encoded only once."""
    if not deployment.task.state.is_completed:
        return _item(call, deployment, is_current=is_current)
    known = deployment.item_as_current if is_current else deployment.item_as_previous
    if known is None:
        made = _item(call, deployment, is_current=is_current)
        known = msgspec.Raw(msgspec.json.encode(made))
        if is_current:
            deployment.item_as_current = known
        else:
            deployment.item_as_previous = known
    return known


def _item(call: Call, deployment: Deployment, *, is_current: bool) -> dict[str, object]:
    home = f"/api/{deployment.space_id}"
    release, task = deployment.release, deployment.task
    state = shown_state(call.world, task)
    span = (task.completed_time or call.now) - task.start_time if task.start_time else timedelta()
    return {
        "Id": deployment.id,
        "ProjectId": release.project_id,
        "EnvironmentId": deployment.environment_id,
        "ReleaseId": release.id,
        "DeploymentId": deployment.id,
        "TaskId": task.id,
        "TenantId": deployment.tenant_id,
        "ChannelId": deployment.channel_id,
        "ReleaseVersion": release.version,
        "Created": stamp(deployment.created),
        "QueueTime": stamp(task.queue_time),
        "StartTime": stamp(task.start_time),
        "CompletedTime": stamp(task.completed_time),
        "State": state,
        "HasPendingInterruptions": task.is_waiting,
        "HasWarningsOrErrors": task.has_warnings,
        "HasPendingPreconditions": False,
        "PendingInterruptionTypes": [
            "GuidedFailure" if waited.is_guidance else "ManualIntervention"
            for waited in task.waits
            if waited.is_pending
        ],
        "PendingPreconditionTypes": [],
        "ErrorMessage": task.error_message,
        "Duration": duration_text(span),
        "IsCurrent": is_current,
        "IsPrevious": not is_current,
        "IsCompleted": state.is_completed,
        "Links": {
            "Self": f"{home}/deployments/{deployment.id}",
            "Release": f"{home}/releases/{release.id}",
            "Task": f"/api/tasks/{task.id}",
        },
    }


def _reachable(call: Call, lifecycle_id: str) -> set[str]:
    """Return the environments that a lifecycle leads to."""
    return {
        target
        for phase in phases_of(call.space, call.space.lifecycles[lifecycle_id])
        for target in (*phase.automatic, *phase.optional_targets)
    }


def _project(
    call: Call, project: Project, columns: list[Environment], reachable: set[str]
) -> dict[str, object]:
    return {
        "Id": project.id,
        "Name": project.name,
        "Slug": project.slug,
        "ProjectGroupId": project.group_id,
        "EnvironmentIds": [each.id for each in columns if each.id in reachable],
        "TenantedDeploymentMode": "Untenanted",
        "CanPerformUntenantedDeployment": True,
        "IsDisabled": project.is_disabled,
        "Links": {"Self": f"/api/{call.space.id}/projects/{project.id}"},
    }


@routes.get("releases/{release}/progression")
def release_progression(call: Call) -> object:
    """GET /releases/{id}/progression: phase by phase."""
    release = release_in(call)
    project = call.space.projects[release.project_id]
    steps = progress_of(call.space, project, release)
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
    count = min(100, max(1, call.query.number("releaseHistoryCount", 3)))
    releases = list(reversed(project.releases))[:count]

    def columns(lifecycle_id: str) -> list[dict[str, str]]:
        reachable = _reachable(call, lifecycle_id)
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
