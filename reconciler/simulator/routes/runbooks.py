"""Runbooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import (
    changed_fields,
    free_name,
    has_dependants,
    note,
    unless_refused,
)
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.environments import environment_resource
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.running import add_runbook, environments_of, forget_runbook

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Project, Space
    from reconciler.simulator.runbooks import Runbook

__all__ = ["project_named", "routes", "runbook_in", "runbook_resource"]

routes = Routes()

_LIST = ("runbooks", "projects/{project}/runbooks")
_ONE = ("runbooks/{runbook}", "projects/{project}/runbooks/{runbook}")
_TEMPLATE = "{/id}{?skip,take,ids,partialName,clone,projectIds}"
_SCOPES = ("All", "Specified", "FromProjectLifecycles")


def runbook_resource(space: Space, runbook: Runbook) -> dict[str, Any]:
    """Return a runbook as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/runbooks/{runbook.id}"
    return {
        "Id": runbook.id,
        "SpaceId": space.id,
        "ProjectId": runbook.project_id,
        "Name": runbook.name,
        "Slug": runbook.slug,
        "Description": runbook.description,
        "RunbookProcessId": runbook.process_id,
        "PublishedRunbookSnapshotId": runbook.published_id,
        "MultiTenancyMode": "Untenanted",
        "EnvironmentScope": runbook.scope,
        "Environments": list(runbook.environments),
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "ConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": True,
            "ExcludeUnhealthyTargets": False,
        },
        "RunRetentionPolicy": {"QuantityToKeep": 100, "ShouldKeepForever": False},
        "ForcePackageDownload": False,
        **runbook.more,
        "Links": {
            "Self": own,
            "Project": f"{home}/projects/{runbook.project_id}",
            "RunbookProcesses": f"{home}/runbookProcesses/{runbook.process_id}",
            "RunbookSnapshots": f"{own}/runbookSnapshots{{?skip,take,searchByName}}",
            "RunbookSnapshotTemplate": f"{own}/runbookSnapshotTemplate",
            "RunbookRunTemplate": f"{own}/runbookRunTemplate",
            "RunbookRunPreview": f"{own}/runbookRuns/preview{{/environment}}{{/tenant}}"
            "{?includeDisabledSteps}",
            "RunbookEnvironments": f"{own}/environments",
            "CreateRunbookRun": f"{own}/run",
            "Progression": f"{home}/progression/runbooks/{runbook.id}",
            "Web": f"/app#/{space.id}/projects/{runbook.project_id}/operations/runbooks/"
            f"{runbook.id}",
        },
    }


def _seen(call: Call) -> list[Runbook]:
    """Return the runbooks the caller may view, of the project that the path names if it does."""
    space = call.space
    if "project" in (call.params or {}):
        project = project_in(call)
        call.demand("RunbookView", project)
        wanted: frozenset[str] | None = frozenset({project.id})
    else:
        wanted = call.query.many("projectIds")
    held = call.demand_anywhere("RunbookView")
    found = [
        each
        for each in space.runbooks.values()
        if wanted in (None, frozenset()) or each.project_id in (wanted or ())
    ]
    visible = [each for each in found if held.allows(space.projects[each.project_id])]
    return matching(call, sorted(visible, key=by_name))


@routes.get(*_LIST)
def list_runbooks(call: Call) -> object:
    """GET /runbooks, and of one project."""
    return page(
        call, "Runbook", _seen(call), lambda each: runbook_resource(call.space, each), _TEMPLATE
    )


@routes.get(*(f"{each}/all" for each in _LIST))
def all_runbooks(call: Call) -> object:
    """GET /runbooks/all, and of one project."""
    return [runbook_resource(call.space, each) for each in _seen(call)]


def runbook_in(call: Call, permission: str = "RunbookView") -> Runbook:
    """Return the runbook that the path names by id or slug, if the caller may."""
    inside = project_in(call) if "project" in (call.params or {}) else None
    wanted = call.param("runbook")
    for runbook in call.space.runbooks.values():
        named = wanted == runbook.id or (
            inside is not None and wanted.casefold() == runbook.slug.casefold()
        )
        if named and (inside is None or inside.id == runbook.project_id):
            call.demand(permission, call.space.projects[runbook.project_id])
            return runbook
    raise missing("Runbook")


@routes.get(*_ONE)
def one_runbook(call: Call) -> object:
    """GET /runbooks/{id}; within its project by slug too."""
    return runbook_resource(call.space, runbook_in(call))


@routes.get(*(f"{each}/environments" for each in _ONE))
def environments_of_runbook(call: Call) -> object:
    """GET /runbooks/{id}/environments: where it may run and the caller may run it."""
    runbook = runbook_in(call)
    held = call.access("RunbookRunCreate")
    project = call.space.projects[runbook.project_id]
    return [
        environment_resource(call.space, each)
        for each in environments_of(call.space, runbook)
        if held.allows(project, each.id)
    ]


def project_named(call: Call, body: Body) -> Project:
    """Return the project that the path names, else the body."""
    if "project" in (call.params or {}):
        return project_in(call)
    found = call.space.projects.get(body.need("ProjectId"))
    if found is None:
        raise missing("Project")
    return found


@routes.post(*_LIST)
def create_runbook(call: Call) -> object:
    """POST /runbooks: with an empty process."""
    body = call.body()
    project = project_named(call, body)
    call.demand("RunbookEdit", project)
    name = free_name("Runbook", _siblings(call, project.id), body)
    scope = _scope(call, body)
    made = add_runbook(call.world, call.space, project, name)
    with unless_refused(lambda: forget_runbook(call.world, call.space, made)):
        _write(call, made, body)
    made.scope, made.environments = scope
    note(call, "Created", "Runbook", name, made.id, project.id)
    return created(runbook_resource(call.space, made))


@routes.put(*_ONE)
def change_runbook(call: Call) -> object:
    """PUT /runbooks/{id}: publishing is a change of `PublishedRunbookSnapshotId`."""
    runbook = runbook_in(call, "RunbookEdit")
    body = call.body()
    name = free_name("Runbook", _siblings(call, runbook.project_id), body, own=runbook)
    scope = _scope(call, body)
    wanted = body.text("PublishedRunbookSnapshotId")
    if wanted is not None and wanted not in {each.id for each in runbook.snapshots}:
        raise missing("Runbook Snapshot")
    _write(call, runbook, body)
    runbook.scope, runbook.environments = scope
    runbook.name, runbook.published_id = name, wanted
    note(call, "Modified", "Runbook", name, runbook.id, runbook.project_id)
    return runbook_resource(call.space, runbook)


def _siblings(call: Call, project_id: str) -> list[Runbook]:
    return [each for each in call.space.runbooks.values() if each.project_id == project_id]


def _scope(call: Call, body: Body) -> tuple[str, tuple[str, ...]]:
    scope = body.text("EnvironmentScope") or "All"
    if scope not in _SCOPES:
        raise Refused(400, "Model validation failed.", (f"'{scope}' is no environment scope.",))
    for each in body.texts("Environments"):
        if each not in call.space.environments:
            raise missing("Environment")
    return scope, body.texts("Environments")


def _write(call: Call, runbook: Runbook, body: Body) -> None:
    settled = (
        "ProjectId", "Description", "RunbookProcessId", "PublishedRunbookSnapshotId",
        "EnvironmentScope", "Environments",
    )  # fmt: skip
    description, shown = body.text("Description") or "", runbook_resource(call.space, runbook)
    runbook.more = changed_fields(shown, body, *settled, kept=runbook.more)
    runbook.description = description


@routes.on("DELETE", *_ONE)
def delete_runbook(call: Call) -> object:
    """DELETE /runbooks/{id}: with its snapshots and completed runs, when no trigger runs it."""
    runbook = runbook_in(call, "RunbookEdit")
    shown = runbook_resource(call.space, runbook)
    if any(each.action.get("RunbookId") == runbook.id for each in call.space.triggers.values()):
        raise has_dependants("Runbook")
    forget_runbook(call.world, call.space, runbook)
    note(call, "Deleted", "Runbook", runbook.name, runbook.id, runbook.project_id)
    return shown
