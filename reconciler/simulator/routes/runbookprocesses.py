"""Processes of runbooks, live and frozen, and the template a new snapshot starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.changes import note
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.processes import packages_in_template, step_resource
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.runbooks import runbook_in
from reconciler.simulator.steps import read_steps
from reconciler.simulator.world import letters

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Process, Space
    from reconciler.simulator.runbooks import Runbook

routes = Routes()

_LIST = ("runbookProcesses", "projects/{project}/runbookProcesses")
_ONE = ("runbookProcesses/{runbookProcess}", "projects/{project}/runbookProcesses/{runbookProcess}")


def process_resource(space: Space, process: Process) -> dict[str, Any]:
    """Return the process of a runbook, or a frozen copy, as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/runbookProcesses/{process.id}"
    return {
        "Id": process.id,
        "SpaceId": space.id,
        "ProjectId": process.project_id,
        "RunbookId": process.runbook_id,
        "Version": process.version,
        "LastSnapshotId": None,
        "Steps": [step_resource(step) for step in process.steps],
        "Links": {
            "Self": own,
            "Project": f"{home}/projects/{process.project_id}",
            "Runbook": f"{home}/runbooks/{process.runbook_id}",
            "RunbookSnapshotTemplate": f"{own}/runbookSnapshotTemplate",
        },
    }


@routes.get(*_LIST)
def list_processes(call: Call) -> object:
    """GET /runbookProcesses, and of one project: the live ones and the frozen ones."""
    inside = project_in(call).id if "project" in (call.params or {}) else None
    held = call.demand_anywhere("RunbookView")
    found = [
        each
        for each in by_ids(call, call.space.runbook_processes.values())
        if inside in (None, each.project_id) and held.allows(call.space.projects[each.project_id])
    ]
    return page(
        call,
        "RunbookProcess",
        found,
        lambda each: process_resource(call.space, each),
        "{/id}{?skip,take,ids}",
    )


def _process_in(call: Call, permission: str = "RunbookView") -> Process:
    inside = project_in(call).id if "project" in (call.params or {}) else None
    process = call.space.runbook_processes.get(call.param("runbookProcess"))
    if process is None or inside not in (None, process.project_id):
        raise missing("Runbook Process")
    call.demand(permission, call.space.projects[process.project_id])
    return process


@routes.get(*_ONE)
def one_process(call: Call) -> object:
    """GET /runbookProcesses/{id}, snapshots too."""
    return process_resource(call.space, _process_in(call))


@routes.put(*_ONE)
def change_process(call: Call) -> object:
    """PUT /runbookProcesses/{id}: all steps at once, for the version that was read."""
    process = _process_in(call, "RunbookEdit")
    body = call.body()
    if process.is_frozen:
        raise Refused(
            400,
            "You cannot modify this process because it is frozen. You'll need to create a new "
            "process instead.",
        )
    if body.get("Version") != process.version:
        raise Refused(
            400,
            "Changes to this process could not be saved, because another user has made changes to "
            "the process between when you started editing and when you saved your changes. Please "
            "reload or open a new tab to make your changes.",
        )
    process.steps = read_steps(body)
    process.version += 1
    note(call, "Modified", "Runbook process", process.id, process.id, process.project_id)
    return process_resource(call.space, process)


@routes.get(*(f"{each}/runbookSnapshotTemplate" for each in _ONE))
def template_of_process(call: Call) -> object:
    """GET /runbookProcesses/{id}/runbookSnapshotTemplate."""
    process = _process_in(call)
    return _template(call, call.space.runbooks[str(process.runbook_id)], process)


@routes.get(
    "runbooks/{runbook}/runbookSnapshotTemplate",
    "projects/{project}/runbooks/{runbook}/runbookSnapshotTemplate",
)
def template_of_runbook(call: Call) -> object:
    """GET /runbooks/{id}/runbookSnapshotTemplate."""
    runbook = runbook_in(call)
    return _template(call, runbook, call.space.runbook_processes[runbook.process_id])


def _template(call: Call, runbook: Runbook, process: Process) -> dict[str, object]:
    last = runbook.snapshots[-1].packages if runbook.snapshots else ()
    project = call.space.projects[runbook.project_id]
    return {
        "RunbookId": runbook.id,
        "RunbookProcessId": process.id,
        "NextNameIncrement": f"Snapshot {letters(runbook.id, len(runbook.snapshots))}",
        "Packages": packages_in_template(call.space, project, process, last),
        "GitResources": [],
        "Links": {},
    }
