"""Channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Channel, Space

routes = Routes()


def channel_resource(space: Space, channel: Channel) -> dict[str, object]:
    """Return a channel as JSON."""
    own = f"/api/{space.id}/channels/{channel.id}"
    return {
        "Id": channel.id,
        "SpaceId": space.id,
        "ProjectId": channel.project_id,
        "Name": channel.name,
        "Slug": channel.slug,
        "Description": channel.description,
        "LifecycleId": channel.lifecycle_id,
        "IsDefault": channel.is_default,
        "TenantTags": [],
        "Rules": [],
        "GitReferenceRules": [],
        "GitResourceRules": [],
        "CustomFieldDefinitions": [],
        "Type": "Lifecycle",
        "Links": {
            "Self": own,
            "Project": f"/api/{space.id}/projects/{channel.project_id}",
            "Releases": f"{own}/releases{{?skip,take,searchByVersion}}",
        },
    }


def _visible(call: Call) -> list[Channel]:
    held = call.demand_anywhere("ProjectView")
    space = call.space
    seen = [
        each for each in space.channels.values() if held.allows(space.projects[each.project_id])
    ]
    return matching(call, sorted(seen, key=by_name))


@routes.get("channels")
def list_channels(call: Call) -> object:
    """GET /channels."""
    return page(call, "Channel", _visible(call), lambda each: channel_resource(call.space, each))


@routes.get("channels/all")
def all_channels(call: Call) -> object:
    """GET /channels/all."""
    return [channel_resource(call.space, each) for each in _visible(call)]


@routes.get("channels/{channel}", "projects/{project}/channels/{channel}")
def one_channel(call: Call) -> object:
    """GET /channels/{id}."""
    channel = call.space.channels.get(call.param("channel"))
    if channel is None:
        raise missing("Channel")
    call.demand("ProjectView", call.space.projects[channel.project_id])
    return channel_resource(call.space, channel)


@routes.get("projects/{project}/channels")
def channels_of_project(call: Call) -> object:
    """GET /projects/{id}/channels."""
    found = matching(call, sorted(project_in(call).channels, key=by_name))
    return page(
        call,
        "Channel",
        found,
        lambda each: channel_resource(call.space, each),
        "{/id}{?skip,take,partialName}",
    )
