"""The dashboard, static and dynamic: what was deployed where, newest and last success."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.simulator.paging import by_name
from reconciler.simulator.progress import phases_of
from reconciler.simulator.records import TaskState
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.boardsettings import (
    BoardSettings,
    board_settings,
    selected_tenants,
)
from reconciler.simulator.routes.tasks import shown_state
from reconciler.simulator.tenancy import mode_of
from reconciler.simulator.times import duration_text, stamp
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Deployment, Environment, Project
    from reconciler.simulator.tenancy import Tenant

routes = Routes()


@routes.get("dashboard")
def dashboard(call: Call) -> object:
    """GET /dashboard: one current item per cell, whatever its state, as the caller has set it.

    `showAll` lifts what the caller has set.
    """
    own = BoardSettings() if call.query.flag("showAll") else board_settings(call)
    return _board(
        call,
        own.within(call.query.many("projectId"), selected_tenants(call)),
        release=call.query.text("releaseId"),
        with_previous=False,
        by_version=bool(call.query.flag("highestLatestVersionPerProjectAndEnvironment")),
    )


@routes.get("dashboard/dynamic")
def dashboard_dynamic(call: Call) -> object:
    """GET /dashboard/dynamic: filters by ids; `includePrevious` adds each cell's last success."""
    return _board(
        call,
        BoardSettings(call.query.many("projects"), call.query.many("environments")),
        release=None,
        with_previous=bool(call.query.flag("includePrevious")),
        by_version=False,
    )


def _board(
    call: Call,
    chosen: BoardSettings,
    *,
    release: str | None,
    with_previous: bool,
    by_version: bool,
) -> dict[str, object]:
    space = call.space
    projects, environments, tenants = chosen.projects, chosen.environments, chosen.tenants
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
    sees_tenants = call.access("TenantView")
    customers = [
        each
        for each in sorted(space.tenants.values(), key=by_name)
        if sees_tenants.allows(tenant=each.id) and (tenants is None or each.id in tenants)
    ]
    narrowed = narrowed or len(customers) < len(space.tenants)
    if projects is not None:
        shown = [each for each in shown if each.id in projects]
    if environments is not None:
        columns = [each for each in columns if each.id in environments]
    shown.sort(key=by_name)
    items: list[object] = []
    rows: set[str | None] = {each.id for each in customers}
    if tenants is None:
        rows.add(None)
    by_project = _cells(call, {each.id for each in shown}, {each.id for each in columns}, rows)
    if chosen.hides_inactive:
        narrowed = narrowed or len(by_project) < len(shown)
        shown = [each for each in shown if each.id in by_project]
    limit = chosen.project_limit or call.world.project_limit
    if limit is not None:
        late = [each for each in shown[limit:] if _is_alarming(by_project.get(each.id, ()))]
        shown = shown[:limit] + late
    for project in shown:
        for cell in by_project.get(project.id, ()):
            first = cell[0]
            if not held.allows(project, first.environment_id, first.tenant_id):
                narrowed = True
                continue
            items += _items(call, project, cell, release, with_previous, by_version)
    groups = {each.group_id for each in shown}
    ways = {each: reachable_by(call, each) for each in {each.lifecycle_id for each in shown}}
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
        "Tenants": [_tenant(call, each) for each in customers],
        "Items": items,
        "PreviousItems": None,
        "ProjectLimit": limit,
        "IsFiltered": narrowed or not (projects is environments is tenants is None),
        "Links": {"Self": call.path},
    }


def _is_alarming(cells: Iterable[list[Deployment]]) -> bool:
    """Tell whether a project fails or runs somewhere: then no limit hides it."""
    states = {cell[-1].task.state for cell in cells}
    return bool(states & {TaskState.FAILED, TaskState.EXECUTING, TaskState.CANCELLING})


def _cells(
    call: Call, projects: set[str], environments: set[str], tenants: set[str | None]
) -> dict[str, list[list[Deployment]]]:
    """Gather the cells of the board by project; in order of the environments."""
    rank = {each.id: each.sort_order for each in call.space.environments.values()}
    found: dict[str, list[list[Deployment]]] = {}
    for (project, environment, tenant), deployments in call.space.cells.items():
        if project in projects and environment in environments and tenant in tenants:
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


def reachable_by(call: Call, lifecycle_id: str) -> set[str]:
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
        "TenantedDeploymentMode": mode_of(project),
        "CanPerformUntenantedDeployment": mode_of(project) != "Tenanted",
        "IsDisabled": project.is_disabled,
        "Links": {"Self": f"/api/{call.space.id}/projects/{project.id}"},
    }


def _tenant(call: Call, tenant: Tenant) -> dict[str, object]:
    return {
        "Id": tenant.id,
        "Name": tenant.name,
        "TenantTags": list(tenant.tags),
        "ProjectEnvironments": {
            project: list(environments) for project, environments in tenant.environments.items()
        },
        "IsDisabled": tenant.is_disabled,
        "Links": {"Self": f"/api/{call.space.id}/tenants/{tenant.id}"},
    }
