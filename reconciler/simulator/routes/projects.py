"""Projects and project groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import (
    changed_fields,
    forget_release,
    free_name,
    has_dependants,
    note,
    unless_refused,
)
from reconciler.simulator.cloning import clone_into
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.releasecreation import check_release_creation
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.running import forget_runbook
from reconciler.simulator.slugs import slug_of
from reconciler.simulator.templates import read_templates
from reconciler.simulator.versioncontrol import GIT_FIELDS

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Project, Release, Space

__all__ = ["project_in", "routes", "visible_projects"]

routes = Routes()

_RESERVED = frozenset({"all", "pulse"})
"""Words that stand in the place of a project in an address."""


def visible_projects(call: Call) -> list[Project]:
    """Return the projects the caller may view, by name."""
    held = call.demand_anywhere("ProjectView")
    seen = [each for each in call.space.projects.values() if held.allows(each)]
    return sorted(seen, key=by_name)


def project_in(call: Call) -> Project:
    """Return the project that the path names by id or slug, if the caller may view it."""
    wanted = call.param("project")
    project = call.space.projects.get(wanted)
    if project is None:
        low = wanted.casefold()
        every = call.space.projects.values()
        project = next((each for each in every if each.slug.casefold() == low), None)
    if project is None:
        raise missing("Project")
    call.demand("ProjectView", project)
    return project


_TEMPLATE = "{?name,skip,ids,clone,take,partialName,clonedFromProjectId}"


@routes.get("projects")
def list_projects(call: Call) -> object:
    """GET /projects."""
    found = matching(call, visible_projects(call))
    origin = call.query.text("clonedFromProjectId")
    found = [each for each in found if origin in (None, each.cloned_from)]
    return page(call, "Project", found, lambda each: project_resource(call.space, each), _TEMPLATE)


@routes.get("projects/all")
def all_projects(call: Call) -> object:
    """GET /projects/all."""
    found = matching(call, visible_projects(call))
    return [project_resource(call.space, each) for each in found]


@routes.get("projects/{project}")
def one_project(call: Call) -> object:
    """GET /projects/{idOrSlug}."""
    return project_resource(call.space, project_in(call))


_SETTLED = (
    "Description",
    "IsDisabled",
    "ProjectGroupId",
    "LifecycleId",
    "VariableSetId",
    "DeploymentProcessId",
    "ClonedFromProjectId",
    "DiscreteChannelRelease",
    "IsVersionControlled",
    "PersistenceSettings",
    "Templates",
)


@routes.post("projects")
def create_project(call: Call) -> object:
    """POST /projects: with an empty process and variable set, or with what another one has."""
    call.demand_anywhere("ProjectCreate")
    body = call.body()
    name = _free_name(call, body)
    origin = _origin(call)
    group_id, lifecycle_id = _places(call, body, origin)
    if not call.access("ProjectCreate").allows_group(group_id):
        call.demand("ProjectCreate")
    made = call.world.add_project(
        call.space,
        name,
        group=call.space.groups[group_id],
        lifecycle=call.space.lifecycles[lifecycle_id],
        slug=_free_slug(call, body.text("Slug") or slug_of(name)),
    )
    call.space.processes[made.process_id].steps = ()
    call.space.processes[made.process_id].version = 0
    with unless_refused(lambda: _forget(call.space, made)):
        if origin is None:
            _write(call, made, body)
        else:
            made.description = body.text("Description") or ""
            clone_into(call.world, call.space, origin, made)
    note(call, "Created", "Project", name, made.id)
    return created(project_resource(call.space, made))


@routes.put("projects/{project}")
def change_project(call: Call) -> object:
    """PUT /projects/{id}."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    body = call.body()
    name = _free_name(call, body, own=project)
    places = _places(call, body)
    _write(call, project, body)
    project.name, (project.group_id, project.lifecycle_id) = name, places
    note(call, "Modified", "Project", name, project.id)
    return project_resource(call.space, project)


def _forget(space: Space, project: Project) -> None:
    """Take back a project that has nothing but what it is born with."""
    for channel in project.channels:
        del space.channels[channel.id]
    del space.processes[project.process_id], space.variables[project.variable_set_id]
    del space.projects[project.id]


def _write(call: Call, project: Project, body: Body) -> None:
    shown = project_resource(call.space, project)
    for each in body.texts("IncludedLibraryVariableSetIds"):
        if each not in call.space.library_sets:
            raise missing("Library Variable Set")
    templates = None if body.get("Templates") is None else read_templates(body.bodies("Templates"))
    settled = (*_SETTLED, *GIT_FIELDS) if project.repository else _SETTLED
    more = changed_fields(shown, body, *settled, kept=project.more)
    if templates is not None:
        more["Templates"] = templates
    check_release_creation(call.space, project, more)
    description = body.text("Description") or ""
    is_disabled, is_discrete = body.flag("IsDisabled"), body.flag("DiscreteChannelRelease")
    project.description, project.more = description, more
    project.is_disabled, project.has_discrete_channels = is_disabled, is_discrete


def _free_name(call: Call, body: Body, own: Project | None = None) -> str:
    """Return the name of a body, when no other project has it and no address needs the word."""
    name = free_name("Project", call.space.projects.values(), body, own=own)
    if name.casefold() in _RESERVED:
        raise Refused(400, "Model validation failed.", (f"A project cannot be named '{name}'",))
    return name


def _origin(call: Call) -> Project | None:
    """Return the project that the new one is a clone of, if it is one."""
    wanted = call.query.text("clone")
    if wanted is None:
        return None
    origin = call.space.projects.get(wanted)
    if origin is None:
        raise missing("Project")
    call.demand("ProjectView", origin)
    return origin


def _places(call: Call, body: Body, origin: Project | None = None) -> tuple[str, str]:
    """Return the group and the lifecycle that a body names; a clone may leave them to the other."""
    group, lifecycle = body.text("ProjectGroupId"), body.text("LifecycleId")
    if origin is not None:
        group, lifecycle = group or origin.group_id, lifecycle or origin.lifecycle_id
    group, lifecycle = group or body.need("ProjectGroupId"), lifecycle or body.need("LifecycleId")
    if group not in call.space.groups:
        raise missing("Project Group")
    if lifecycle not in call.space.lifecycles:
        raise missing("Lifecycle")
    return group, lifecycle


def _free_slug(call: Call, wanted: str) -> str:
    taken = {each.slug for each in call.space.projects.values()}
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


@routes.on("DELETE", "projects/{project}")
def delete_project(call: Call) -> object:
    """DELETE /projects/{id}: with its releases, deployments and tasks, when all are completed."""
    project = project_in(call)
    call.demand("ProjectDelete", project)
    space = call.space
    shown = project_resource(space, project)
    own = [
        each.task for each in space.runbook_runs.values() if each.runbook.project_id == project.id
    ]
    if any(not task.state.is_completed for task in own):
        raise has_dependants("Project")
    pending = [each for each in project.releases if not _is_over(each)]
    for release in pending or list(project.releases):
        forget_release(call.world, space, release)
    for runbook in [each for each in space.runbooks.values() if each.project_id == project.id]:
        forget_runbook(call.world, space, runbook)
    for channel in project.channels:
        del space.channels[channel.id]
    for store in (space.processes, space.variables):
        for key in [key for key in store if _belongs(key, project.id)]:
            del store[key]
    for trigger in [each for each in space.triggers.values() if each.project_id == project.id]:
        del space.triggers[trigger.id]
    for tenant in space.tenants.values():
        tenant.environments.pop(project.id, None)
    del space.projects[project.id]
    note(call, "Deleted", "Project", project.name, project.id)
    return shown


def _is_over(release: Release) -> bool:
    return all(each.task.state.is_completed for each in release.deployments)


def _belongs(document_id: str, project_id: str) -> bool:
    return document_id.endswith(f"-{project_id}") or f"-{project_id}-s-" in document_id
