"""Spaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
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


@routes.put("spaces/{space}")
def change_space(call: Call) -> object:
    """PUT /spaces/{id}: name, description and TaskQueueStopped."""
    call.demand_system("SpaceEdit")
    space = call.world.spaces.get(call.param("space"))
    if space is None:
        raise missing("Space")
    body = call.body()
    space.name = body.need("Name")
    space.description = body.text("Description") or ""
    space.task_queue_stopped = body.flag("TaskQueueStopped")
    space.last_modified = call.now
    return space_resource(space)
