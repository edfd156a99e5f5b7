"""The server's words -> values of the core. Nothing here asks, waits or judges a cell."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.state import (
    ActiveTask,
    BoardItem,
    DeploymentDetail,
    Grant,
    OctopusEnvironment,
    Permissions,
    Project,
    ReleaseDetail,
    Task,
    TaskState,
    User,
)
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.octopus import wire

# Either word stands for "all" (Octopus' TypeScript contracts, `userPermissionRestriction`).
ALL_WORDS = ("all", "unrelated")
LONGEST_ERROR = 1000

_STATES = {state.value: state for state in TaskState}
_DEPLOY_TASK = "Deploy"


def utc(time: datetime) -> datetime:
    """Return an aware time in UTC; the edges of the calendar stay where they are."""
    if time.tzinfo is UTC:
        return time
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return time.replace(tzinfo=UTC)


def maybe_utc(time: datetime | None) -> datetime | None:
    """Return an aware time in UTC, or None."""
    return None if time is None else utc(time)


def task_state(word: str) -> TaskState:
    """Return the state; a word we do not know counts as still running (rule 17)."""
    return _STATES.get(word, TaskState.UNKNOWN)


def user(said: wire.User) -> User:
    """Return who a credential belongs to."""
    return User(said.id, said.username, said.display_name or "", said.is_service)


def permissions(said: wire.PermissionSet) -> Permissions:
    """Return what a user may do. Source: Octopus REST API, `GET /users/{id}/permissions`."""
    return Permissions(
        grants={
            name: tuple(
                Grant(
                    space_id=entry.space_id,
                    projects=_limit(entry.restricted_to_project_ids, "projects"),
                    environments=_limit(entry.restricted_to_environment_ids, "environments"),
                    tenants=_limit(entry.restricted_to_tenant_ids, "tenants"),
                    project_groups=_limit(entry.restricted_to_project_group_ids, "projectgroups"),
                )
                for entry in entries
            )
            for name, entries in said.space_permissions.items()
        },
        system=frozenset(said.system_permissions),
        complete=said.is_permissions_complete,
    )


def _limit(ids: list[str], dimension: str) -> frozenset[str] | None:
    """Return the ids a grant is limited to; None, unlimited: an empty list or the word for all."""
    if not ids or any(f"{dimension}-{word}" in ids for word in ALL_WORDS):
        return None
    return frozenset(ids)


def project(said: wire.Project) -> Project:
    """Return a project."""
    connectivity = said.project_connectivity_policy
    return Project(
        id=said.id,
        slug=said.slug,
        name=said.name,
        group_id=said.project_group_id,
        is_disabled=said.is_disabled,
        tenanted_mode=said.tenanted_deployment_mode,
        discrete_channels=said.discrete_channel_release,
        lifecycle_id=said.lifecycle_id or "",
        process_id=said.deployment_process_id or "",
        in_git=said.is_version_controlled,
        allows_no_machines=connectivity is not None
        and connectivity.allow_deployments_to_no_targets,
    )


def environment(said: wire.Environment) -> OctopusEnvironment:
    """Return an environment."""
    return OctopusEnvironment(said.id, said.name)


def board_item(said: wire.DashboardItem, *, is_previous: bool) -> BoardItem:
    """Return one square of the dashboard."""
    return BoardItem(
        deployment_id=said.deployment_id,
        project_id=said.project_id,
        environment_id=said.environment_id,
        tenant_id=said.tenant_id,
        release_id=said.release_id,
        version=said.release_version,
        task_id=said.task_id,
        state=task_state(said.state),
        created=maybe_utc(said.created),
        completed=maybe_utc(said.completed_time),
        has_warnings=said.has_warnings_or_errors,
        is_previous=is_previous or said.is_previous,
    )


def deployment(said: wire.Deployment) -> DeploymentDetail:
    """Return a deployment; partial where machines, targets or steps were left out or failed."""
    is_flawed = said.failure_encountered or any(
        (
            said.excluded_machine_ids,
            said.skip_actions,
            said.specific_target_tag_ids,
            said.excluded_target_tag_ids,
        )
    )
    reached = said.deployed_to_machine_ids
    return DeploymentDetail(
        id=said.id,
        project_id=said.project_id,
        environment_id=said.environment_id,
        tenant_id=said.tenant_id,
        release_id=said.release_id,
        task_id=said.task_id,
        created=utc(said.created),
        deployed_by=said.deployed_by or "",
        deployed_by_id=said.deployed_by_id or "",
        comments=said.comments or "",
        is_partial=is_flawed or bool(said.specific_machine_ids),
        machine_ids=tuple(sorted(said.specific_machine_ids or ())),
        reached=None if reached is None else tuple(sorted(reached)),
        is_flawed=is_flawed,
    )


def release(said: wire.Release) -> ReleaseDetail:
    """Return a release. A package is named by its action, `action:reference` beside the first."""
    return ReleaseDetail(
        id=said.id,
        project_id=said.project_id,
        version=said.version,
        assembled=utc(said.assembled),
        channel_id=said.channel_id,
        process_snapshot=said.project_deployment_process_snapshot_id or "",
        variable_snapshot=said.project_variable_set_snapshot_id or "",
        packages=tuple(
            sorted((_package_name(package), package.version) for package in said.selected_packages)
            if said.selected_packages
            else ()
        ),
        library_snapshots=tuple(sorted(said.library_variable_set_snapshot_ids or ())),
    )


def _package_name(package: wire.SelectedPackage) -> str:
    action = package.action_name or package.step_name or ""
    reference = package.package_reference_name
    return f"{action}:{reference}" if reference else action


def task(said: wire.Task) -> Task:
    """Return a task; its description and error are foreign text, cleaned and bounded."""
    return Task(
        id=said.id,
        state=task_state(said.state),
        description=clean(said.description or ""),
        queued=utc(said.queue_time),
        started=maybe_utc(said.start_time),
        completed=maybe_utc(said.completed_time),
        has_warnings=said.has_warnings_or_errors,
        has_pending_interruptions=said.has_pending_interruptions,
        error=clean(said.error_message or "", LONGEST_ERROR),
        has_pending_preconditions=said.has_pending_preconditions,
    )


def deployment_of(said: wire.Task) -> str | None:
    """Return the id of the deployment a task carries out, None for any other task."""
    if said.name != _DEPLOY_TASK or said.arguments is None:
        return None
    return said.arguments.deployment_id


def active_task(
    said: wire.Task, deployments: Mapping[str, DeploymentDetail], read_at: datetime
) -> ActiveTask:
    """Return a task that is not finished; its deployment tells environment and tenant."""
    deployment_id = deployment_of(said)
    detail = deployments.get(deployment_id or "")
    state = task_state(said.state)
    queued = utc(said.queue_time)
    return ActiveTask(
        id=said.id,
        name=said.name,
        description=clean(said.description or ""),
        state=state,
        project_id=said.project_id if detail is None else detail.project_id,
        environment_id=None if detail is None else detail.environment_id,
        tenant_id=None if detail is None else detail.tenant_id,
        deployment_id=deployment_id,
        queued_until=queued if state is TaskState.QUEUED and queued > read_at else None,
    )
