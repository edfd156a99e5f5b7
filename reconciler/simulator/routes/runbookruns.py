"""Runs of runbooks: lists, one, create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import has_dependants, note
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.prompts import prompted, refuse_missing, without_sensitive
from reconciler.simulator.records import TaskState
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.deployments import check_schedule, moment_of, read_options
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.runbooks import runbook_in
from reconciler.simulator.routes.runbooksnapshots import snapshot_in
from reconciler.simulator.running import (
    forget_run,
    published,
    refuse_run,
    run,
)
from reconciler.simulator.tenancy import check_tags, tenants_meant
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Environment, Space
    from reconciler.simulator.runbooks import Runbook, RunbookRun, RunbookSnapshot
    from reconciler.simulator.tenancy import Tenant

__all__ = ["cells_to_run", "environment_named", "order_run", "routes", "run_resource"]

routes = Routes()

_TEMPLATE = "{/id}{?skip,take,ids,projects,environments,tenants,runbooks,taskState,partialName}"
_LIST = ("runbookRuns", "projects/{project}/runbookRuns")
_ONE = ("runbookRuns/{run}", "projects/{project}/runbookRuns/{run}")


def run_resource(space: Space, made: RunbookRun) -> dict[str, Any]:
    """Return a run as JSON. It has no state: that is its task's."""
    home = f"/api/{space.id}"
    snapshot, task, options = made.snapshot, made.task, made.options
    runbook = snapshot.runbook
    return {
        "Id": made.id,
        "SpaceId": space.id,
        "ProjectId": runbook.project_id,
        "EnvironmentId": made.environment_id,
        "TenantId": made.tenant_id,
        "RunbookId": runbook.id,
        "RunbookSnapshotId": snapshot.id,
        "FrozenRunbookProcessId": snapshot.process_snapshot_id,
        "Name": f"Run {runbook.name} on {space.environments[made.environment_id].name}",
        "TaskId": task.id,
        "Created": stamp(made.created),
        "Comments": made.comments,
        "DeployedBy": made.run_by.username,
        "DeployedById": made.run_by.id,
        "FailureEncountered": task.state is TaskState.FAILED,
        "DeployedToMachineIds": list(task.machines),
        "ManifestVariableSetId": f"variableset-{made.id}",
        "TentacleRetentionPeriod": None,
        "FormValues": without_sensitive(
            prompted(space, snapshot.variable_sets, None), options.get("FormValues", {})
        ),
        "ForcePackageDownload": options.get("ForcePackageDownload", False),
        "SkipActions": options.get("SkipActions", []),
        "SpecificMachineIds": options.get("SpecificMachineIds", []),
        "ExcludedMachineIds": options.get("ExcludedMachineIds", []),
        "UseGuidedFailure": task.is_guided,
        "QueueTime": stamp(made.queue_time),
        "QueueTimeExpiry": stamp(made.queue_expiry),
        "Links": {
            "Self": f"{home}/runbookRuns/{made.id}",
            "Project": f"{home}/projects/{runbook.project_id}",
            "Environment": f"{home}/environments/{made.environment_id}",
            "Runbook": f"{home}/runbooks/{runbook.id}",
            "RunbookSnapshot": f"{home}/runbookSnapshots/{snapshot.id}",
            "RunbookProcess": f"{home}/runbookProcesses/{snapshot.process_snapshot_id}",
            "Task": f"/api/tasks/{task.id}",
            "Artifacts": f"{home}/artifacts?regarding={made.id}",
            "Interruptions": f"{home}/interruptions?regarding={made.id}",
            "Web": f"/app#/{space.id}/projects/{runbook.project_id}/operations/runbooks/"
            f"{runbook.id}/snapshots/{snapshot.id}/runs/{made.id}",
        },
    }


def _page(call: Call, found: list[RunbookRun], template: str) -> object:
    held = call.demand_anywhere("RunbookRunView")
    projects = call.space.projects
    seen = [
        each
        for each in found
        if held.allows(projects[each.runbook.project_id], each.environment_id, each.tenant_id)
    ]
    return page(
        call,
        "RunbookRun",
        call.shown(reversed(seen), "created"),
        lambda each: run_resource(call.space, each),
        template,
    )


@routes.get(*_LIST)
def list_runs(call: Call) -> object:
    """GET /runbookRuns, and of one project: newest first; filters take ids."""
    inside = project_in(call).id if "project" in (call.params or {}) else None
    query = call.query
    projects, environments = query.many("projects"), query.many("environments")
    tenants, runbooks = query.many("tenants"), query.many("runbooks")
    state = (query.text("taskState") or "").casefold()
    part = (query.text("partialName") or "").casefold()
    found = [
        each
        for each in by_ids(call, call.space.runbook_runs.values())
        if inside in (None, each.runbook.project_id)
        and (projects is None or each.runbook.project_id in projects)
        and (environments is None or each.environment_id in environments)
        and (tenants is None or each.tenant_id in tenants)
        and (runbooks is None or each.runbook.id in runbooks)
        and (not state or each.task.state.casefold() == state)
        and part in each.runbook.name.casefold()
    ]
    return _page(call, found, _TEMPLATE)


@routes.get(
    "runbookSnapshots/{snapshot}/runbookRuns",
    "projects/{project}/runbookSnapshots/{snapshot}/runbookRuns",
)
def runs_of_snapshot(call: Call) -> object:
    """GET /runbookSnapshots/{id}/runbookRuns: newest first."""
    return _page(call, snapshot_in(call).runs, "{?skip,take}")


def _run_in(call: Call, permission: str = "RunbookRunView") -> RunbookRun:
    inside = project_in(call).id if "project" in (call.params or {}) else None
    found = call.space.runbook_runs.get(call.param("run"))
    if found is None or inside not in (None, found.runbook.project_id):
        raise missing("Runbook Run")
    project = call.space.projects[found.runbook.project_id]
    call.demand(permission, project, found.environment_id, found.tenant_id)
    return found


@routes.get(*_ONE)
def one_run(call: Call) -> object:
    """GET /runbookRuns/{id}."""
    return run_resource(call.space, _run_in(call))


@routes.on("DELETE", *_ONE)
def delete_run(call: Call) -> object:
    """DELETE /runbookRuns/{id}: when it is completed."""
    found = _run_in(call, "RunbookRunDelete")
    if not found.task.state.is_completed:
        raise has_dependants("Runbook Run")
    shown = run_resource(call.space, found)
    forget_run(call.world, call.space, found)
    note(call, "Deleted", "Runbook run", found.id, found.id, found.runbook.id)
    return shown


@routes.post(*_LIST)
def create_run(call: Call) -> object:
    """POST /runbookRuns: of the snapshot it names, else of the published one."""
    body = call.body()
    space = call.space
    wanted = body.text("RunbookSnapshotId")
    runbook = space.runbooks.get(body.text("RunbookId") or "")
    if wanted is None:
        if runbook is None:
            raise missing("Runbook")
        snapshot = published(space, runbook)
    else:
        found = space.runbook_snapshots.get(wanted)
        if found is None or runbook not in (None, found.runbook):
            raise missing("Runbook Snapshot")
        snapshot = found
    environment = environment_named(space, body.need("EnvironmentId"))
    named = body.text("TenantId")
    tenant = space.tenants.get(named) if named else None
    if named and tenant is None:
        raise missing("Tenant")
    made = order_run(
        call,
        snapshot,
        environment,
        tenant,
        comments=body.text("Comments"),
        queue_time=moment_of(body, "QueueTime"),
        queue_expiry=moment_of(body, "QueueTimeExpiry"),
        options=read_options(space, body),
    )
    return created(run_resource(space, made))


def environment_named(space: Space, wanted: str) -> Environment:
    """Return the environment with an id."""
    found = space.environments.get(wanted)
    if found is None:
        raise missing("Environment")
    return found


def check_run(
    call: Call,
    snapshot: RunbookSnapshot,
    environment: Environment,
    tenant: Tenant | None,
    values: dict[str, Any],
) -> None:
    """Do every check the server does before it queues a run, but for the schedule's.

    Raises:
        Refused: 403 without RunbookRunCreate; 400 against the runbook's scope or tenancy, or
            without a value for a variable that needs one.
    """
    runbook = snapshot.runbook
    project = call.space.projects[runbook.project_id]
    call.demand("RunbookRunCreate", project, environment.id, tenant.id if tenant else None)
    refuse_run(call.space, runbook, environment, tenant)
    asked = prompted(call.space, snapshot.variable_sets, environment.id)
    refuse_missing(asked, values, "RunbookRun creation failed.")


def cells_to_run(
    call: Call,
    snapshot: RunbookSnapshot,
    environments: Sequence[Environment],
    tenants: Sequence[Tenant],
    tags: Sequence[str],
    values: dict[str, Any],
) -> list[tuple[Environment, Tenant | None]]:
    """Return each environment with each tenant that is named, or meant by a tag there.

    Raises: what `check_run` raises for one of them, before anything ran.
    """
    project = call.space.projects[snapshot.runbook.project_id]
    cells: list[tuple[Environment, Tenant | None]] = []
    for environment in environments:
        meant = [*tenants, *tenants_meant(call.space, project, environment.id, (), tags)]
        whom = dict.fromkeys(meant) if tenants or tags else [None]
        cells += [(environment, each) for each in whom]
    for environment, tenant in cells:
        check_run(call, snapshot, environment, tenant, values)
    return cells


def order_run(
    call: Call,
    snapshot: RunbookSnapshot,
    environment: Environment,
    tenant: Tenant | None,
    *,
    comments: str | None,
    queue_time: datetime | None,
    queue_expiry: datetime | None,
    options: dict[str, Any],
) -> RunbookRun:
    """Queue a run after `check_run` and a look at the schedule, which raise what they do."""
    check_schedule(call, queue_time, queue_expiry, "RunbookRun")
    check_run(call, snapshot, environment, tenant, options["FormValues"])
    return run(
        call.world,
        call.space,
        snapshot,
        environment,
        call.user,
        tenant=tenant,
        comments=comments,
        queue_time=None if queue_time is not None and queue_time <= call.now else queue_time,
        queue_expiry=queue_expiry,
        options=options,
    )


@routes.post("runbooks/{runbook}/run", "projects/{project}/runbooks/{runbook}/run")
def run_command(call: Call) -> object:
    """POST /runbooks/{id}/run: in each environment, for each tenant there; all or none."""
    runbook = runbook_in(call)
    body = call.body()
    space = call.space
    wanted = body.text("RunbookSnapshotNameOrId")
    snapshot = published(space, runbook) if wanted is None else _snapshot(runbook, wanted)
    single = body.text("EnvironmentId")
    names = body.texts("EnvironmentIds") or ((single,) if single else ())
    if not names:
        raise Refused(400, "RunbookRun creation failed.", ("An environment is required.",))
    environments = [environment_named(space, each) for each in names]
    one = body.text("TenantId")
    tenants = (*body.texts("TenantIds"), *([one] if one else []))
    for each in tenants:
        if each not in space.tenants:
            raise missing("Tenant")
    tags = check_tags(space, body.texts("TenantTagNames"))
    options = read_options(space, body)
    named = [space.tenants[each] for each in tenants]
    cells = cells_to_run(call, snapshot, environments, named, tags, options["FormValues"])
    made = [
        order_run(
            call,
            snapshot,
            environment,
            tenant,
            comments=body.text("Comments"),
            queue_time=moment_of(body, "QueueTime"),
            queue_expiry=moment_of(body, "QueueTimeExpiry"),
            options=options,
        )
        for environment, tenant in cells
    ]
    return created([run_resource(space, each) for each in made])


def _snapshot(runbook: Runbook, wanted: str) -> RunbookSnapshot:
    for each in runbook.snapshots:
        if wanted == each.id or wanted.casefold() == each.name.casefold():
            return each
    raise missing("Runbook Snapshot")
