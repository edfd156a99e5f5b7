"""Tag sets and their tags, by canonical names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import free_name, has_dependants, note
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.tenancy import Tag, TagSet, rename_tags, tags_in_use

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

routes = Routes()


def tag_set_resource(space: Space, found: TagSet) -> dict[str, object]:
    """Return a tag set as JSON."""
    return {
        "Id": found.id,
        "SpaceId": space.id,
        "Name": found.name,
        "Description": found.description,
        "SortOrder": found.sort_order,
        "Tags": [
            {
                "Id": tag.id,
                "Name": tag.name,
                "CanonicalTagName": found.canonical(tag),
                "Color": tag.color,
                "Description": tag.description,
                "SortOrder": order,
            }
            for order, tag in enumerate(found.tags)
        ],
        "Links": {"Self": f"/api/{space.id}/tagsets/{found.id}"},
    }


def _in_order(call: Call) -> list[TagSet]:
    call.demand_anywhere("TenantView")
    ordered = sorted(call.space.tag_sets.values(), key=lambda each: (each.sort_order, each.id))
    return matching(call, ordered)


@routes.get("tagsets")
def list_sets(call: Call) -> object:
    """GET /tagsets: by sort order."""
    template = "{/id}{?skip,take,ids,partialName}"
    shown = _in_order(call)
    return page(call, "TagSet", shown, lambda each: tag_set_resource(call.space, each), template)


@routes.get("tagsets/all")
def all_sets(call: Call) -> object:
    """GET /tagsets/all."""
    return [tag_set_resource(call.space, each) for each in _in_order(call)]


@routes.get("tagsets/{tagset}")
def one_set(call: Call) -> object:
    """GET /tagsets/{id}."""
    return tag_set_resource(call.space, _set_in(call, "TenantView"))


def _set_in(call: Call, permission: str) -> TagSet:
    call.demand_anywhere(permission)
    found = call.space.tag_sets.get(call.param("tagset"))
    if found is None:
        raise missing("Tag Set")
    return found


@routes.post("tagsets")
def create_set(call: Call) -> object:
    """POST /tagsets: at the end of the order."""
    call.demand_anywhere("TagSetCreate")
    body = call.body()
    sets = call.space.tag_sets
    name = _name(free_name("Tag set", sets.values(), body))
    order = 1 + max((each.sort_order for each in sets.values()), default=-1)
    description = body.text("Description") or ""
    made = TagSet(call.world.new_id("TagSets"), name, order, description)
    made.tags = _tags(call, made, body)
    sets[made.id] = made
    note(call, "Created", "Tag set", name, made.id)
    return created(tag_set_resource(call.space, made))


@routes.put("tagsets/sortorder")
def sort_sets(call: Call) -> object:
    """PUT /tagsets/sortorder: the body is an array of ids; sets it leaves out come after."""
    call.demand_anywhere("TagSetEdit")
    wanted: Any = call.json()
    sets = call.space.tag_sets
    if not isinstance(wanted, list) or not all(each in sets for each in wanted):
        raise Refused(400, "Model validation failed.", ("The body must be ids of tag sets.",))
    rest = sorted((each for each in sets.values() if each.id not in wanted), key=_sort_order)
    for order, each in enumerate([*(sets[name] for name in wanted), *rest]):
        each.sort_order = order
    return [tag_set_resource(call.space, each) for each in sorted(sets.values(), key=_sort_order)]


def _sort_order(found: TagSet) -> int:
    return found.sort_order


@routes.put("tagsets/{tagset}")
def change_set(call: Call) -> object:
    """PUT /tagsets/{id}: what bears a renamed tag follows; a tag in use cannot be left out."""
    found = _set_in(call, "TagSetEdit")
    body = call.body()
    name = _name(free_name("Tag set", call.space.tag_sets.values(), body, own=found))
    description = body.text("Description") or ""
    tags = found.tags if body.get("Tags") is None else _tags(call, found, body)
    kept = {each.id for each in tags}
    used = tags_in_use(call.space)
    if any(each.id not in kept and found.canonical(each) in used for each in found.tags):
        raise has_dependants("Tag")
    before = {each.id: found.canonical(each) for each in found.tags}
    found.name, found.tags = name, tags
    found.description = description
    order = body.get("SortOrder")
    found.sort_order = order if type(order) is int else found.sort_order
    rename_tags(
        call.space,
        {before[each.id]: found.canonical(each) for each in tags if each.id in before},
    )
    note(call, "Modified", "Tag set", name, found.id)
    return tag_set_resource(call.space, found)


@routes.on("DELETE", "tagsets/{tagset}")
def delete_set(call: Call) -> object:
    """DELETE /tagsets/{id}: when none of its tags is in use."""
    found = _set_in(call, "TagSetDelete")
    if tags_in_use(call.space) & {found.canonical(each) for each in found.tags}:
        raise has_dependants("Tag Set")
    del call.space.tag_sets[found.id]
    note(call, "Deleted", "Tag set", found.name, found.id)
    return tag_set_resource(call.space, found)


def _name(name: str) -> str:
    if "/" in name:
        raise Refused(400, "Model validation failed.", ("The name must not contain a slash.",))
    return name


def _tags(call: Call, found: TagSet, body: Body) -> list[Tag]:
    """Read the tags in the order they are written in; known ids keep their tags."""
    own = {each.id for each in found.tags}
    made: list[Tag] = []
    for each in body.bodies("Tags"):
        wanted = each.text("Id")
        made.append(
            Tag(
                wanted if wanted in own else f"{found.id}/{call.world.new_id('Tags')}",
                _name(free_name("Tag", made, each)),
                each.text("Color") or "#333333",
                each.text("Description") or "",
            )
        )
    return made
