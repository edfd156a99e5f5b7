"""Boards of runbooks: what ran where, newest first."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.runbooks import runbook_in
from reconciler.simulator.routes.tasks import shown_state
from reconciler.simulator.running import environments_of
from reconciler.simulator.times import duration_text, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.runbooks import RunbookRun

routes = Routes()

_TEMPLATE = "{?skip,take,ids,projectIds,runbookIds,environmentIds,tenantIds,taskIds}"


def item_resource(call: Call, made: RunbookRun) -> dict[str, object]:
    """Return a run as boards show it."""
    task, snapshot = made.task, made.snapshot
    state = shown_state(call.world, task)
    span = (task.completed_time or call.now) - task.start_time if task.start_time else timedelta()
    home = f"/api/{made.space_id}"
    return {
        "Id": made.id,
        "ProjectId": snapshot.runbook.project_id,
        "EnvironmentId": made.environment_id,
        "TenantId": made.tenant_id,
        "RunbookId": snapshot.runbook.id,
        "RunbookSnapshotId": snapshot.id,
        "RunbookSnapshotName": snapshot.name,
        "RunbookSnapshotNotes": snapshot.notes,
        "RunBy": made.run_by.username,
        "TaskId": task.id,
        "Created": stamp(made.created),
        "QueueTime": stamp(task.queue_time),
        "StartTime": stamp(task.start_time),
        "CompletedTime": stamp(task.completed_time),
        "State": state,
        "HasPendingInterruptions": task.is_waiting,
        "HasWarningsOrErrors": task.has_warnings,
        "ErrorMessage": task.error_message,
        "Duration": duration_text(span),
        "IsCompleted": state.is_completed,
        "Links": {
            "Self": f"{home}/runbookRuns/{made.id}",
            "RunbookSnapshot": f"{home}/runbookSnapshots/{snapshot.id}",
            "Task": f"/api/tasks/{task.id}",
        },
    }


def _visible(call: Call, runs: list[RunbookRun]) -> list[RunbookRun]:
    held = call.demand_anywhere("RunbookRunView")
    projects = call.space.projects
    return [
        each
        for each in reversed(runs)
        if held.allows(projects[each.runbook.project_id], each.environment_id, each.tenant_id)
    ]


@routes.get("progression/runbooks/taskRuns")
def task_runs(call: Call) -> object:
    """GET /progression/runbooks/taskRuns: newest first; filters take ids."""
    found = _visible(call, by_ids(call, call.space.runbook_runs.values()))
    tests: tuple[tuple[str, Callable[[RunbookRun], str | None]], ...] = (
        ("projectIds", lambda each: each.runbook.project_id),
        ("runbookIds", lambda each: each.runbook.id),
        ("environmentIds", lambda each: each.environment_id),
        ("tenantIds", lambda each: each.tenant_id),
        ("taskIds", lambda each: each.task.id),
    )
    for name, value in tests:
        wanted = call.query.many(name)
        if wanted is not None:
            found = [each for each in found if value(each) in wanted]
    return page(
        call, "RunbooksDashboardItem", found, lambda each: item_resource(call, each), _TEMPLATE
    )


@routes.get("progression/runbooks/{runbook}", "projects/{project}/progression/runbooks/{runbook}")
def progression(call: Call) -> object:
    """GET /progression/runbooks/{id}: where a runbook may run, and its runs there, newest first."""
    runbook = runbook_in(call)
    columns = environments_of(call.space, runbook)
    runs = [each for each in call.space.runbook_runs.values() if each.runbook is runbook]
    found = _visible(call, runs)
    return {
        "Environments": [{"Id": each.id, "Name": each.name} for each in columns],
        "RunbookRuns": {
            column.id: [
                item_resource(call, each) for each in found if each.environment_id == column.id
            ]
            for column in columns
        },
        "Links": {},
    }
