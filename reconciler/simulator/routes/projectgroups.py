"""Project groups: folders of projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import created, missing
from reconciler.simulator.changes import changed_fields, free_name, has_dependants, note
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.routes.projects import visible_projects

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import ProjectGroup, Space

routes = Routes()


def group_resource(space: Space, group: ProjectGroup) -> dict[str, object]:
    """Return a project group as JSON."""
    own = f"/api/{space.id}/projectgroups/{group.id}"
    return {
        "Id": group.id,
        "SpaceId": space.id,
        "Name": group.name,
        "Description": group.description,
        "EnvironmentIds": [],
        "RetentionPolicyId": None,
        **group.more,
        "Links": {"Self": own, "Projects": f"{own}/projects"},
    }


def _visible_groups(call: Call) -> list[ProjectGroup]:
    held = call.demand_anywhere("ProjectGroupView")
    seen = [each for each in call.space.groups.values() if held.allows_group(each.id)]
    return matching(call, sorted(seen, key=by_name))


def _group_in(call: Call, permission: str = "ProjectGroupView") -> ProjectGroup:
    held = call.demand_anywhere("ProjectGroupView")
    group = call.space.groups.get(call.param("group"))
    if group is None or not held.allows_group(group.id):
        raise missing("Project Group")
    if not call.access(permission).allows_group(group.id):
        raise refuse(permission, group.id)
    return group


@routes.get("projectgroups")
def list_groups(call: Call) -> object:
    """GET /projectgroups."""
    return page(
        call, "ProjectGroup", _visible_groups(call), lambda each: group_resource(call.space, each)
    )


@routes.get("projectgroups/all")
def all_groups(call: Call) -> object:
    """GET /projectgroups/all."""
    return [group_resource(call.space, each) for each in _visible_groups(call)]


@routes.get("projectgroups/{group}")
def one_group(call: Call) -> object:
    """GET /projectgroups/{id}."""
    return group_resource(call.space, _group_in(call))


@routes.get("projectgroups/{group}/projects")
def projects_of_group(call: Call) -> object:
    """GET /projectgroups/{id}/projects."""
    group = _group_in(call)
    found = [each for each in visible_projects(call) if each.group_id == group.id]
    return page(
        call, "Project", matching(call, found), lambda each: project_resource(call.space, each)
    )


@routes.post("projectgroups")
def create_group(call: Call) -> object:
    """POST /projectgroups."""
    call.demand_anywhere("ProjectGroupCreate")
    body = call.body()
    name = free_name("Project group", call.space.groups.values(), body)
    description = body.text("Description") or ""
    group = call.world.add_group(call.space, name)
    group.description = description
    note(call, "Created", "Project group", name, group.id)
    return created(group_resource(call.space, group))


@routes.put("projectgroups/{group}")
def change_group(call: Call) -> object:
    """PUT /projectgroups/{id}."""
    group = _group_in(call, "ProjectGroupEdit")
    body = call.body()
    name = free_name("Project group", call.space.groups.values(), body, own=group)
    description, shown = body.text("Description") or "", group_resource(call.space, group)
    group.more = changed_fields(shown, body, "Description", kept=group.more)
    group.name, group.description = name, description
    note(call, "Modified", "Project group", group.name, group.id)
    return group_resource(call.space, group)


@routes.on("DELETE", "projectgroups/{group}")
def delete_group(call: Call) -> object:
    """DELETE /projectgroups/{id}: an empty one."""
    group = _group_in(call, "ProjectGroupDelete")
    if any(each.group_id == group.id for each in call.space.projects.values()):
        raise has_dependants("Project Group")
    del call.space.groups[group.id]
    note(call, "Deleted", "Project group", group.name, group.id)
    return group_resource(call.space, group)
