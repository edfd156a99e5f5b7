"""The executions API for runbooks: run one, by names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created
from reconciler.simulator.prompts import by_ids, prompted
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.commands import (
    environments_named,
    named,
    project_of,
    read_options,
)
from reconciler.simulator.routes.deployments import moment_of
from reconciler.simulator.routes.runbookruns import cells_to_run, order_run
from reconciler.simulator.running import published
from reconciler.simulator.tenancy import check_tags

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


@routes.post("runbook-runs/create/v1")
def run_runbook(call: Call) -> object:
    """POST /runbook-runs/create/v1: one task per environment and tenant, all or none."""
    body = call.body()
    project = project_of(call, body)
    call.demand("RunbookView", project)
    own = [each for each in call.space.runbooks.values() if each.project_id == project.id]
    wanted = body.text("runbookName") or body.need("runbookIdOrName")
    runbook = named(own, wanted, "Runbook")
    name = body.text("snapshot")
    snapshot = (
        published(call.space, runbook)
        if name is None
        else named(runbook.snapshots, name, "Runbook snapshot")
    )
    environments = environments_named(call, body)
    process = call.space.runbook_processes[snapshot.process_snapshot_id]
    options = read_options(call, body, process)
    asked = prompted(call.space, snapshot.variable_sets, None)
    options["FormValues"] = by_ids(asked, options["FormValues"])
    every = call.space.tenants.values()
    tenants = [named(every, each, "Tenant") for each in body.texts("tenants")]
    tags = check_tags(call.space, body.texts("tenantTags"))
    values = options["FormValues"]
    cells = cells_to_run(call, snapshot, environments, tenants, tags, values)
    made = [
        order_run(
            call,
            snapshot,
            environment,
            tenant,
            comments=body.text("comments"),
            queue_time=moment_of(body, "runAt"),
            queue_expiry=moment_of(body, "noRunAfter"),
            options=options,
        )
        for environment, tenant in cells
    ]
    return created(
        {
            "RunbookRunServerTasks": [
                {"RunbookRunId": each.id, "ServerTaskId": each.task.id} for each in made
            ]
        }
    )


@routes.post("runbook-runs/git/create/v1")
def run_from_git(call: Call) -> object:
    """POST /runbook-runs/git/create/v1: no project here keeps its runbooks in git."""
    project = project_of(call, call.body())
    call.demand("RunbookView", project)
    raise Refused(400, f"The runbooks of project '{project.name}' are not version controlled.")
