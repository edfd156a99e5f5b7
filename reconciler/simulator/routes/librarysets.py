"""Library variable sets and script modules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.records import LibrarySet, VariableSet
from reconciler.simulator.router import Routes
from reconciler.simulator.templates import read_templates

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, Space

routes = Routes()

_KINDS = {each.casefold(): each for each in ("Variables", "ScriptModule")}


def library_resource(space: Space, found: LibrarySet) -> dict[str, object]:
    """Return a library variable set as JSON."""
    own = f"/api/{space.id}/libraryvariablesets/{found.id}"
    return {
        "Id": found.id,
        "SpaceId": space.id,
        "Name": found.name,
        "Description": found.description,
        "VariableSetId": found.variable_set_id,
        "ContentType": found.content_type,
        "Templates": found.templates,
        "Links": {
            "Self": own,
            "Variables": f"/api/{space.id}/variables/{found.variable_set_id}",
            "Usages": f"{own}/usages",
        },
    }


def _asked(call: Call) -> list[LibrarySet]:
    call.demand_anywhere("LibraryVariableSetView")
    kind = (call.query.text("contentType") or "").casefold()
    found = matching(call, sorted(call.space.library_sets.values(), key=by_name))
    return [each for each in found if kind in ("", each.content_type.casefold())]


@routes.get("libraryvariablesets")
def list_sets(call: Call) -> object:
    """GET /libraryvariablesets: by name."""
    template = "{/id}{?skip,contentType,take,ids,partialName}"
    return page(call, "LibraryVariableSet", _asked(call),
                lambda each: library_resource(call.space, each), template)  # fmt: skip


@routes.get("libraryvariablesets/all")
def all_sets(call: Call) -> object:
    """GET /libraryvariablesets/all."""
    return [library_resource(call.space, each) for each in _asked(call)]


@routes.get("libraryvariablesets/{library}")
def one_set(call: Call) -> object:
    """GET /libraryvariablesets/{id}."""
    return library_resource(call.space, _set_in(call, "LibraryVariableSetView"))


def _set_in(call: Call, permission: str) -> LibrarySet:
    call.demand_anywhere(permission)
    found = call.space.library_sets.get(call.param("library"))
    if found is None:
        raise missing("Library Variable Set")
    return found


@routes.post("libraryvariablesets")
def create_set(call: Call) -> object:
    """POST /libraryvariablesets: with an empty variable set."""
    call.demand_anywhere("LibraryVariableSetCreate")
    body, space = call.body(), call.space
    name = free_name("Library variable set", space.library_sets.values(), body)
    kind = body.text("ContentType") or "Variables"
    if kind.casefold() not in _KINDS:
        raise Refused(400, "Model validation failed.", (f"There is no content type '{kind}'.",))
    description = body.text("Description") or ""
    templates = read_templates(body.bodies("Templates"))
    own = call.world.new_id("LibraryVariableSets")
    made = LibrarySet(own, name, f"variableset-{own}", _KINDS[kind.casefold()], templates=templates)
    made.description = description
    space.library_sets[own] = made
    space.variables[made.variable_set_id] = VariableSet(made.variable_set_id, own, 0)
    note(call, "Created", "Library variable set", name, own)
    return created(library_resource(space, made))


@routes.put("libraryvariablesets/{library}")
def change_set(call: Call) -> object:
    """PUT /libraryvariablesets/{id}: its name, description and templates."""
    found = _set_in(call, "LibraryVariableSetEdit")
    body = call.body()
    name = free_name("Library variable set", call.space.library_sets.values(), body, own=found)
    description, templates = body.text("Description") or "", found.templates
    if body.get("Templates") is not None:
        templates = read_templates(body.bodies("Templates"))
    found.name, found.description, found.templates = name, description, templates
    note(call, "Modified", "Library variable set", name, found.id)
    return library_resource(call.space, found)


@routes.on("DELETE", "libraryvariablesets/{library}")
def delete_set(call: Call) -> object:
    """DELETE /libraryvariablesets/{id}: when no project includes it."""
    found = _set_in(call, "LibraryVariableSetDelete")
    space = call.space
    if any(_includes(each, found) for each in space.projects.values()):
        raise has_dependants("Library Variable Set")
    del space.library_sets[found.id]
    del space.variables[found.variable_set_id]
    note(call, "Deleted", "Library variable set", found.name, found.id)
    return library_resource(space, found)


def _includes(project: Project, found: LibrarySet) -> bool:
    return found.id in project.more.get("IncludedLibraryVariableSetIds", [])


@routes.get("libraryvariablesets/{library}/usages")
def usages(call: Call) -> object:
    """GET /libraryvariablesets/{id}/usages: projects that include it, and what has it frozen."""
    found = _set_in(call, "LibraryVariableSetView")
    space, sees = call.space, call.access("ProjectView")
    frozen = f"{found.variable_set_id}-s-"
    shown: list[object] = []
    hidden = {"Projects": 0, "Releases": 0, "RunbookSnapshots": 0}
    for project in sorted(space.projects.values(), key=by_name):
        releases = [each for each in project.releases if _has(each.library_snapshot_ids, frozen)]
        snapshots = [
            each
            for each in space.runbook_snapshots.values()
            if each.runbook.project_id == project.id and _has(each.library_snapshot_ids, frozen)
        ]
        uses = _includes(project, found)
        if not (uses or releases or snapshots):
            continue
        if not sees.allows(project):
            hidden["Projects"] += 1
            hidden["Releases"] += len(releases)
            hidden["RunbookSnapshots"] += len(snapshots)
            continue
        shown.append(
            {
                "ProjectId": project.id,
                "ProjectName": project.name,
                "ProjectSlug": project.slug,
                "IsCurrentlyBeingUsedInProject": uses,
                "Releases": [
                    {"ReleaseId": each.id, "ReleaseVersion": each.version} for each in releases
                ],
                "RunbookSnapshots": [
                    {"SnapshotId": each.id, "SnapshotName": each.name} for each in snapshots
                ],
            }
        )
    counts = {f"CountOf{name}UserCannotSee": count for name, count in hidden.items()}
    return {"Id": found.id, "Projects": shown, **counts, "Links": {"Self": call.path}}


def _has(snapshots: tuple[str, ...], prefix: str) -> bool:
    return any(each.startswith(prefix) for each in snapshots)
