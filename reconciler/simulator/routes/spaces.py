"""Spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import forget_task, free_name, note, unless_refused
from reconciler.simulator.membership import work_out_permissions
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

routes = Routes(Scope.SYSTEM)


def space_resource(space: Space) -> dict[str, object]:
    """Return a space as JSON."""
    home = f"/api/{space.id}"
    return {
        "Id": space.id,
        "Name": space.name,
        "Slug": space.slug,
        "Description": space.description,
        "IsDefault": space.is_default,
        "IsPrivate": space.is_private,
        "TaskQueueStopped": space.task_queue_stopped,
        "SpaceManagersTeams": list(space.manager_teams),
        "SpaceManagersTeamMembers": list(space.manager_members),
        "Icon": None,
        "ExtensionSettings": [],
        "LastModifiedOn": stamp(space.last_modified),
        "Links": {
            "Self": f"/api/spaces/{space.id}",
            "SpaceHome": home,
            "Web": f"/app#/{space.id}",
            "Logo": f"/api/spaces/{space.id}/logo",
            "Search": f"/api/spaces/{space.id}/search{{?keyword}}",
        },
    }


@routes.get("spaces")
def list_spaces(call: Call) -> object:
    """GET /spaces: those the caller sees, by name."""
    template = "{?skip,ids,take,partialName,name}"
    return page(call, "Space", matching(call, call.spaces()), space_resource, template)


@routes.get("spaces/all")
def all_spaces(call: Call) -> object:
    """GET /spaces/all."""
    return [space_resource(each) for each in matching(call, call.spaces())]


@routes.get("spaces/{space}")
def one_space(call: Call) -> object:
    """GET /spaces/{idOrSlug}."""
    wanted = call.param("space").casefold()
    for space in call.spaces():
        if wanted in (space.id.casefold(), space.slug):
            return space_resource(space)
    raise missing("Space")


@routes.post("spaces")
def create_space(call: Call) -> object:
    """POST /spaces: with a default group and lifecycle; needs somebody to manage it."""
    call.demand_system("SpaceCreate")
    body = call.body()
    name = free_name("Space", call.world.spaces.values(), body)
    if not body.texts("SpaceManagersTeams") and not body.texts("SpaceManagersTeamMembers"):
        raise Refused(
            400,
            "Model validation failed.",
            ("A space needs at least one team or user to manage it.",),
        )
    slug = body.text("Slug")
    space = call.world.add_space(name)

    def undo() -> None:
        del call.world.spaces[space.id], call.world.teams[f"teams-spacemanagers-{space.id}"]

    space.slug = _free_slug(call, slug or space.slug, space)
    with unless_refused(undo):
        _write(call, space, body)
    note(call, "Created", "Space", name, space.id)
    return created(space_resource(space))


@routes.put("spaces/{space}")
def change_space(call: Call) -> object:
    """PUT /spaces/{id}: name, description, managers and TaskQueueStopped."""
    call.demand_system("SpaceEdit")
    space = _space_in(call)
    body = call.body()
    name = free_name("Space", call.world.spaces.values(), body, own=space)
    _write(call, space, body)
    space.name = name
    note(call, "Modified", "Space", space.name, space.id)
    return space_resource(space)


def _space_in(call: Call) -> Space:
    space = call.world.spaces.get(call.param("space"))
    if space is None:
        raise missing("Space")
    return space


def _write(call: Call, space: Space, body: Body) -> None:
    description, is_default = body.text("Description") or "", body.flag("IsDefault")
    is_stopped, is_private = body.flag("TaskQueueStopped"), body.flag("IsPrivate")
    own = f"teams-spacemanagers-{space.id}"
    teams = list(dict.fromkeys((own, *body.texts("SpaceManagersTeams"))))
    members = list(dict.fromkeys(body.texts("SpaceManagersTeamMembers")))
    if any(each not in call.world.users for each in members):
        raise missing("User")
    space.description = description
    space.task_queue_stopped, space.is_private = is_stopped, is_private
    if body.get("SpaceManagersTeams") is not None:
        space.manager_teams = teams
    if body.get("SpaceManagersTeamMembers") is not None:
        space.manager_members = members
        call.world.teams[own].members = list(members)
    if is_default:
        for each in call.world.spaces.values():
            each.is_default = each is space
    elif body.get("IsDefault") is False:
        space.is_default = False
    space.last_modified = call.now
    work_out_permissions(call.world)


def _free_slug(call: Call, wanted: str, own: Space) -> str:
    taken = {each.slug for each in call.world.spaces.values() if each is not own}
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


@routes.on("DELETE", "spaces/{space}")
def delete_space(call: Call) -> object:
    """DELETE /spaces/{id}: only with a stopped queue and nothing running."""
    call.demand_system("SpaceDelete")
    space = _space_in(call)
    if not space.task_queue_stopped:
        raise Refused(
            400,
            "There was a problem with your request.",
            ("The task queue of the space must be stopped before it can be deleted.",),
        )
    engine = call.world.engine
    for task in [each for each in engine.active.values() if each.space_id == space.id]:
        engine.cancel(task)
    if any(each.space_id == space.id for each in engine.active.values()):
        raise Refused(
            400,
            "There was a problem with your request.",
            ("The space has tasks that have not ended yet.",),
        )
    shown = space_resource(space)
    for task in [each for each in call.world.tasks.values() if each.space_id == space.id]:
        forget_task(call.world, space, task)
    for team in [each for each in call.world.teams.values() if each.space_id == space.id]:
        del call.world.teams[team.id]
    roles = call.world.scoped_roles
    for held in [each for each in roles.values() if each.space_id == space.id]:
        del roles[held.id]
    del call.world.spaces[space.id]
    work_out_permissions(call.world)
    note(call, "Deleted", "Space", space.name, space.id)
    return shown


@routes.get("spaces/{space}/search")
def search_space(call: Call) -> object:
    """GET /spaces/{id}/search: projects and environments whose names contain the keyword."""
    space = next((each for each in call.spaces() if each.id == call.param("space")), None)
    if space is None:
        raise missing("Space")
    word = (call.query.text("keyword") or "").casefold()
    projects, environments = (
        call.access("ProjectView", space),
        call.access("EnvironmentView", space),
    )
    found = [
        (each.id, each.name, "Project") for each in space.projects.values() if projects.allows(each)
    ]
    found += [
        (each.id, each.name, "Environment")
        for each in space.environments_in_order()
        if environments.allows(environment=each.id)
    ]
    return [
        {"Id": own, "Name": name, "Type": kind}
        for own, name, kind in found
        if word in name.casefold()
    ]
