"""Migrations between servers and spaces: tasks that end well and move nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.chores import CHORES, queue_chore
from reconciler.simulator.multipart import first_file
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()

_IMPORT: dict[str, Any] = {
    "PackageId": None,
    "PackageVersion": None,
    "PackageFeedSpaceId": None,
    "IsEncryptedPackage": False,
    "IsDryRun": False,
    "OverwriteExisting": False,
    "DeletePackageOnCompletion": False,
    "SuccessCallbackUri": None,
    "FailureCallbackUri": None,
}
_EXPORT: dict[str, Any] = {
    "PackageId": None,
    "PackageVersion": None,
    "Projects": [],
    "SpaceId": None,
    "IgnoreCertificates": False,
    "IgnoreMachines": False,
    "IgnoreDeployments": False,
    "IgnoreTenants": False,
    "IncludeTaskLogs": False,
    "EncryptPackage": False,
    "DestinationApiKey": None,
    "DestinationPackageFeed": None,
    "DestinationPackageFeedSpaceId": None,
    "SuccessCallbackUri": None,
    "FailureCallbackUri": None,
}
_SECRETS = ("DestinationApiKey",)


def _queue(call: Call, body: Body, kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Queue a migration and return the command as it was given, without its secrets."""
    given = {
        name: body.get(name) if body.get(name) is not None else default
        for name, default in fields.items()
        if name not in _SECRETS
    }
    task = queue_chore(call.world, None, kind, CHORES[kind].title, {})
    hidden = {name: None for name in _SECRETS if name in fields}
    return {"Id": None, **given, **hidden, "Password": None, "TaskId": task.id, "Links": {}}


def _expect(body: Body, *names: str) -> None:
    for name in names:
        if not body.get(name):
            raise Refused(400, f"Missing expected '{name}' parameter.")


@routes.post("migrations/import", scope=Scope.SYSTEM)
def import_package(call: Call) -> object:
    """POST /migrations/import."""
    call.demand_system("AdministerSystem")
    body = call.body()
    _expect(body, "PackageId", "PackageVersion", "Password")
    return _queue(call, body, "MigrationImport", _IMPORT)


@routes.post("migrations/partialexport", scope=Scope.SYSTEM)
def partial_export(call: Call) -> object:
    """POST /migrations/partialexport."""
    call.demand_system("AdministerSystem")
    body = call.body()
    _expect(body, "Password", "Projects")
    return _queue(call, body, "MigrationPartialExport", _EXPORT)


@routes.post("projects/import-export/export")
def export_projects(call: Call) -> object:
    """POST /projects/import-export/export: for who may edit every project that is named."""
    call.demand_anywhere("ProjectEdit")
    body = call.body()
    wanted = body.texts("IncludedProjectIds")
    if not wanted:
        raise Refused(400, "Model validation failed.", ("IncludedProjectIds is required.",))
    for each in wanted:
        if each not in call.space.projects:
            raise missing("Project")
        call.demand("ProjectEdit", call.space.projects[each])
    task = queue_chore(call.world, call.space, "ExportProjects", "Export projects", {})
    return {"TaskId": task.id, "ProjectIds": list(wanted)}


@routes.post("projects/import-export/import")
def import_projects(call: Call) -> object:
    """POST /projects/import-export/import: from a file or from a space's export."""
    call.demand_anywhere("ProjectCreate")
    _source(call)
    task = queue_chore(call.world, call.space, "ImportProjects", "Import projects", {})
    return {"TaskId": task.id}


@routes.post("projects/import-export/import/preview")
def preview_import(call: Call) -> object:
    """POST /projects/import-export/import/preview: nothing is in any file."""
    call.demand_anywhere("ProjectCreate")
    _source(call)
    names = ("Accounts", "Certificates", "Environments", "Feeds", "Lifecycles", "Projects",
             "WorkerPools")  # fmt: skip
    return {name: [] for name in names}


def _source(call: Call) -> None:
    """Refuse a command whose source is not there: an unknown file, space or task."""
    given = call.body().get("ImportSource")
    source = Body(given if isinstance(given, dict) else {})
    if (source.text("Type") or "").casefold() == "upload":
        is_there = source.text("UploadedFileId") in call.space.import_files
    else:
        is_there = (
            source.text("SpaceId") in call.world.spaces
            and source.text("TaskId") in call.world.tasks
        )
    if not is_there:
        raise Refused(400, "The source of the import was not found.")


@routes.get("projects/import-export/import-files")
def import_files(call: Call) -> object:
    """GET /projects/import-export/import-files: those that were uploaded."""
    call.demand_anywhere("ProjectCreate")
    files = call.space.import_files.items()
    return {"ProjectImportFiles": [{"Id": own, "FileName": name} for own, name in files]}


@routes.post("projects/import-export/import-files")
def upload_import_file(call: Call) -> object:
    """POST /projects/import-export/import-files: its name is kept, its content is not."""
    call.demand_anywhere("ProjectCreate")
    found = first_file(call.raw_body)
    if found is None:
        raise Refused(400, "A file must be provided.")
    own = call.world.new_id("ProjectImportFiles")
    call.space.import_files[own] = found[0]
    return {"Id": own, "FileName": found[0]}
