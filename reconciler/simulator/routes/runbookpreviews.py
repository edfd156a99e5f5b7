"""What a run of a runbook would do before it is made: where it may run, on which machines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.fleet import policy_of, targets_of
from reconciler.simulator.paging import by_name
from reconciler.simulator.prompts import form, prompted
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.previews import is_changed, steps_to_execute
from reconciler.simulator.routes.runbookruns import environment_named
from reconciler.simulator.routes.runbooks import runbook_in
from reconciler.simulator.routes.runbooksnapshots import snapshot_in
from reconciler.simulator.running import environments_of, tenancy_of

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Process
    from reconciler.simulator.runbooks import Runbook, RunbookSnapshot
    from reconciler.simulator.tenancy import Tenant

routes = Routes()


def _run_template(call: Call, runbook: Runbook, shown: RunbookSnapshot | None) -> dict[str, object]:
    space = call.space
    project = space.projects[runbook.project_id]
    held, sees = call.access("RunbookRunCreate"), call.access("TenantView")
    own = f"/api/{space.id}/runbooks/{runbook.id}/runbookRuns/preview"
    live = space.runbook_processes[runbook.process_id]
    frozen = space.runbook_processes[shown.process_snapshot_id] if shown else live

    def targets(tenant: Tenant | None) -> list[dict[str, object]]:
        whose = f"/{tenant.id}" if tenant else ""
        return [
            {
                "Id": each.id,
                "Name": each.name,
                "Links": {"RunbookRunPreview": f"{own}/{each.id}{whose}{{?includeDisabledSteps}}"},
            }
            for each in environments_of(space, runbook)
            if (tenant is None or tenant.is_connected(project, each.id))
            and held.allows(project, each.id, tenant.id if tenant else None)
        ]

    return {
        "IsRunbookProcessModified": frozen.version != live.version,
        "IsVariableSetModified": shown is not None
        and is_changed(space, shown.variable_snapshot_id),
        "IsLibraryVariableSetModified": shown is not None
        and any(is_changed(space, each) for each in shown.library_snapshot_ids),
        "PromoteTo": [] if tenancy_of(runbook) == "Tenanted" else targets(None),
        "TenantPromotions": [
            {"Id": each.id, "Name": each.name, "PromoteTo": found, "Links": {}}
            for each in sorted(space.tenants.values(), key=by_name)
            if tenancy_of(runbook) != "Untenanted"
            and sees.allows(tenant=each.id)
            and (found := targets(each))
        ],
        "Links": {},
    }


@routes.get(
    "runbooks/{runbook}/runbookRunTemplate",
    "projects/{project}/runbooks/{runbook}/runbookRunTemplate",
)
def template_of_runbook(call: Call) -> object:
    """GET /runbooks/{id}/runbookRunTemplate: where it may run now."""
    runbook = runbook_in(call)
    published_one = call.space.runbook_snapshots.get(runbook.published_id or "")
    return _run_template(call, runbook, published_one)


@routes.get(
    "runbookSnapshots/{snapshot}/runbookRuns/template",
    "projects/{project}/runbookSnapshots/{snapshot}/runbookRuns/template",
)
def template_of_snapshot(call: Call) -> object:
    """GET /runbookSnapshots/{id}/runbookRuns/template."""
    snapshot = snapshot_in(call)
    return _run_template(call, snapshot.runbook, snapshot)


@routes.get(
    "runbooks/{runbook}/runbookRuns/preview/{environment}",
    "runbooks/{runbook}/runbookRuns/preview/{environment}/{tenant}",
    "projects/{project}/runbooks/{runbook}/runbookRuns/preview/{environment}",
    "projects/{project}/runbooks/{runbook}/runbookRuns/preview/{environment}/{tenant}",
)
def preview_of_runbook(call: Call) -> object:
    """GET /runbooks/{id}/runbookRuns/preview/{env}: of what is published, else the draft."""
    return _preview_now(call, runbook_in(call), *_place(call))


def _place(call: Call) -> tuple[str, str | None]:
    """Return the ids of the environment and the tenant that the path names."""
    return call.param("environment"), (call.params or {}).get("tenant")


@routes.post(
    "runbooks/{runbook}/runbookRuns/previews",
    "projects/{project}/runbooks/{runbook}/runbookRuns/previews",
)
def previews_of_runbook(call: Call) -> object:
    """POST /runbooks/{id}/runbookRuns/previews: one for each place of `DeploymentPreviews`."""
    runbook = runbook_in(call)
    return [
        _preview_now(call, runbook, each.need("EnvironmentId"), each.text("TenantId"))
        for each in call.body().bodies("DeploymentPreviews")
    ]


@routes.post(
    "runbookSnapshots/{snapshot}/runbookRuns/previews",
    "projects/{project}/runbookSnapshots/{snapshot}/runbookRuns/previews",
)
def previews_of_snapshot(call: Call) -> object:
    """POST /runbookSnapshots/{id}/runbookRuns/previews."""
    snapshot = snapshot_in(call)
    return [
        _preview_of(call, snapshot, each.need("EnvironmentId"), each.text("TenantId"))
        for each in call.body().bodies("DeploymentPreviews")
    ]


def _preview_now(
    call: Call, runbook: Runbook, environment: str, tenant: str | None
) -> dict[str, object]:
    space = call.space
    shown = space.runbook_snapshots.get(runbook.published_id or "")
    if shown is not None:
        return _preview_of(call, shown, environment, tenant)
    project = space.projects[runbook.project_id]
    included = project.more.get("IncludedLibraryVariableSetIds", [])
    libraries = (space.library_sets[each].variable_set_id for each in included)
    process = space.runbook_processes[runbook.process_id]
    sets = (project.variable_set_id, *libraries)
    return _preview(call, runbook, process, sets, environment, tenant)


@routes.get(
    "runbookSnapshots/{snapshot}/runbookRuns/preview/{environment}",
    "runbookSnapshots/{snapshot}/runbookRuns/preview/{environment}/{tenant}",
    "projects/{project}/runbookSnapshots/{snapshot}/runbookRuns/preview/{environment}",
    "projects/{project}/runbookSnapshots/{snapshot}/runbookRuns/preview/{environment}/{tenant}",
)
def preview_of_snapshot(call: Call) -> object:
    """GET /runbookSnapshots/{id}/runbookRuns/preview/{env}."""
    return _preview_of(call, snapshot_in(call), *_place(call))


def _preview_of(
    call: Call, snapshot: RunbookSnapshot, environment: str, tenant: str | None
) -> dict[str, object]:
    process = call.space.runbook_processes[snapshot.process_snapshot_id]
    sets = snapshot.variable_sets
    return _preview(call, snapshot.runbook, process, sets, environment, tenant)


def _preview(
    call: Call,
    runbook: Runbook,
    process: Process,
    variable_sets: tuple[str, ...],
    environment_id: str,
    tenant: str | None,
) -> dict[str, object]:
    environment = environment_named(call.space, environment_id)
    if tenant is not None and tenant not in call.space.tenants:
        raise missing("Tenant")
    policy = policy_of(runbook.more, "ConnectivityPolicy")
    targets = targets_of(call.space, policy, process, environment.id, tenant, {})
    return {
        "StepsToExecute": steps_to_execute(targets),
        "Form": form(prompted(call.space, variable_sets, environment.id)),
        "UseGuidedFailureModeByDefault": environment.use_guided_failure,
        "Links": {},
    }
