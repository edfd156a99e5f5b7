"""Snapshots of runbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.assembling import chosen_packages
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.routes.runbooks import project_named, runbook_in
from reconciler.simulator.running import add_snapshot, forget_run
from reconciler.simulator.shelf import versions_for
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space
    from reconciler.simulator.runbooks import Runbook, RunbookSnapshot

__all__ = ["routes", "snapshot_in", "snapshot_resource"]

routes = Routes()

_ONE = ("runbookSnapshots/{snapshot}", "projects/{project}/runbookSnapshots/{snapshot}")


def snapshot_resource(space: Space, snapshot: RunbookSnapshot) -> dict[str, Any]:
    """Return a snapshot of a runbook as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/runbookSnapshots/{snapshot.id}"
    runbook = snapshot.runbook
    return {
        "Id": snapshot.id,
        "SpaceId": space.id,
        "ProjectId": runbook.project_id,
        "RunbookId": runbook.id,
        "Name": snapshot.name,
        "Notes": snapshot.notes,
        "Assembled": stamp(snapshot.assembled),
        "FrozenRunbookProcessId": snapshot.process_snapshot_id,
        "FrozenProjectVariableSetId": snapshot.variable_snapshot_id,
        "ProjectVariableSetSnapshotId": snapshot.variable_snapshot_id,
        "LibraryVariableSetSnapshotIds": list(snapshot.library_snapshot_ids),
        "SelectedPackages": [
            {
                "ActionName": action,
                "StepName": action,
                "PackageReferenceName": reference,
                "Version": version,
            }
            for action, reference, version in snapshot.packages
        ],
        "SelectedGitResources": [],
        "Links": {
            "Self": own,
            "Project": f"{home}/projects/{runbook.project_id}",
            "Runbook": f"{home}/runbooks/{runbook.id}",
            "RunbookRuns": f"{own}/runbookRuns{{?skip,take}}",
            "RunbookRunTemplate": f"{own}/runbookRuns/template",
            "RunbookRunPreview": f"{own}/runbookRuns/preview{{/environment}}{{/tenant}}",
            "SnapshotVariables": f"{own}/snapshot-variables",
            "ProjectVariableSnapshot": f"{home}/variables/{snapshot.variable_snapshot_id}",
            "RunbookProcess": f"{home}/runbookProcesses/{snapshot.process_snapshot_id}",
            "Artifacts": f"{home}/artifacts?regarding={snapshot.id}",
            "Web": f"/app#/{space.id}/projects/{runbook.project_id}/operations/runbooks/"
            f"{runbook.id}/snapshots/{snapshot.id}",
        },
    }


def _page(call: Call, found: list[RunbookSnapshot]) -> object:
    """Return one page of snapshots, newest first, by a part of the name."""
    part = (call.query.text("searchByName") or "").casefold()
    kept = [each for each in by_ids(call, reversed(found)) if part in each.name.casefold()]
    return page(
        call,
        "RunbookSnapshot",
        kept,
        lambda each: snapshot_resource(call.space, each),
        "{/id}{?skip,take,ids,searchByName,publish}",
    )


@routes.get("runbookSnapshots", "projects/{project}/runbookSnapshots")
def list_snapshots(call: Call) -> object:
    """GET /runbookSnapshots, and of one project: newest first."""
    inside = project_in(call).id if "project" in (call.params or {}) else None
    held = call.demand_anywhere("RunbookView")
    space = call.space
    return _page(
        call,
        [
            each
            for each in space.runbook_snapshots.values()
            if inside in (None, each.runbook.project_id)
            and held.allows(space.projects[each.runbook.project_id])
        ],
    )


@routes.get(
    "runbooks/{runbook}/runbookSnapshots", "projects/{project}/runbooks/{runbook}/runbookSnapshots"
)
def snapshots_of_runbook(call: Call) -> object:
    """GET /runbooks/{id}/runbookSnapshots: newest first."""
    return _page(call, runbook_in(call).snapshots)


def snapshot_in(call: Call, permission: str = "RunbookView") -> RunbookSnapshot:
    """Return the snapshot that the path names by id, within a project by name too."""
    inside = project_in(call).id if "project" in (call.params or {}) else None
    wanted = call.param("snapshot")
    found = call.space.runbook_snapshots.get(wanted)
    if found is None and inside is not None:
        low = wanted.casefold()
        found = next(
            (
                each
                for each in call.space.runbook_snapshots.values()
                if each.runbook.project_id == inside and each.name.casefold() == low
            ),
            None,
        )
    if found is None or inside not in (None, found.runbook.project_id):
        raise missing("Runbook Snapshot")
    call.demand(permission, call.space.projects[found.runbook.project_id])
    return found


@routes.get(*_ONE)
def one_snapshot(call: Call) -> object:
    """GET /runbookSnapshots/{id}."""
    return snapshot_resource(call.space, snapshot_in(call))


@routes.post("runbookSnapshots", "projects/{project}/runbookSnapshots")
def create_snapshot(call: Call) -> object:
    """POST /runbookSnapshots: and publishes it with `publish=true`."""
    body = call.body()
    project = project_named(call, body)
    call.demand("RunbookEdit", project)
    runbook = call.space.runbooks.get(body.need("RunbookId"))
    if runbook is None or runbook.project_id != project.id:
        raise missing("Runbook")
    name = free_name("Snapshot", runbook.snapshots, body)
    made = add_snapshot(
        call.world,
        call.space,
        runbook,
        name,
        packages=_packages(call, runbook, body),
        notes=body.text("Notes"),
    )
    if call.query.flag("publish") is True:
        runbook.published_id = made.id
    note(call, "Created", "Runbook snapshot", name, made.id, runbook.id, project.id)
    return created(snapshot_resource(call.space, made))


def _packages(call: Call, runbook: Runbook, body: Body) -> tuple[tuple[str, str, str], ...]:
    """Return the chosen package versions; what nobody chose is the newest there is."""
    process = call.space.runbook_processes[runbook.process_id]
    chosen = chosen_packages(body)
    found = tuple(
        (action, reference, chosen.get((action, reference)) or version)
        for action, reference, version in versions_for(call.space, process, "", newest=True)
    )
    if not all(version for _, _, version in found):
        raise Refused(400, "A version must be specified for every included package.")
    return found


@routes.put(*_ONE)
def change_snapshot(call: Call) -> object:
    """PUT /runbookSnapshots/{id}: its name, notes and packages."""
    snapshot = snapshot_in(call, "RunbookEdit")
    body = call.body()
    name = free_name("Snapshot", snapshot.runbook.snapshots, body, own=snapshot)
    chosen = chosen_packages(body)
    snapshot.name, snapshot.notes = name, body.text("Notes")
    snapshot.packages = tuple(
        (action, reference, chosen.get((action, reference)) or version)
        for action, reference, version in snapshot.packages
    )
    note(call, "Modified", "Runbook snapshot", name, snapshot.id, snapshot.runbook.id)
    return snapshot_resource(call.space, snapshot)


@routes.on("DELETE", *_ONE)
def delete_snapshot(call: Call) -> object:
    """DELETE /runbookSnapshots/{id}: with its runs; not the published one, nor while one runs."""
    snapshot = snapshot_in(call, "RunbookEdit")
    runbook = snapshot.runbook
    shown = snapshot_resource(call.space, snapshot)
    active = any(not each.task.state.is_completed for each in snapshot.runs)
    if runbook.published_id == snapshot.id or active:
        raise has_dependants("Runbook Snapshot")
    for each in list(snapshot.runs):
        forget_run(call.world, call.space, each)
    runbook.snapshots.remove(snapshot)
    del call.space.runbook_snapshots[snapshot.id]
    note(call, "Deleted", "Runbook snapshot", snapshot.name, snapshot.id, runbook.id)
    return shown


@routes.post(*(f"{each}/snapshot-variables" for each in _ONE))
def snapshot_variables(call: Call) -> object:
    """POST /runbookSnapshots/{id}/snapshot-variables: freezes the variables anew."""
    snapshot = snapshot_in(call, "RunbookEdit")
    project = call.space.projects[snapshot.runbook.project_id]
    call.world.refresh_variables(call.space, project, snapshot)
    return snapshot_resource(call.space, snapshot)
