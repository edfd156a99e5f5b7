"""Channels."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.rules import read_rules
from reconciler.simulator.tenancy import check_tags

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Channel, Space

routes = Routes()


_EPHEMERAL: dict[str, object] = {
    "ParentEnvironmentId": None,
    "AutomaticEphemeralEnvironmentDeployments": False,
    "EphemeralEnvironmentNameTemplate": None,
}
"""Further fields of channels of type `EphemeralEnvironment`."""


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
        **channel.more,
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


def channel_in(call: Call, permission: str = "ProjectView") -> Channel:
    """Return the channel that the path names, if the caller holds the permission for it."""
    channel = call.space.channels.get(call.param("channel"))
    if channel is None:
        raise missing("Channel")
    call.demand(permission, call.space.projects[channel.project_id])
    return channel


@routes.get("channels/{channel}", "projects/{project}/channels/{channel}")
def one_channel(call: Call) -> object:
    """GET /channels/{id}."""
    return channel_resource(call.space, channel_in(call))


@routes.post("channels", "projects/{project}/channels")
def create_channel(call: Call) -> object:
    """POST /channels: the new default takes the mark from the old one."""
    body = call.body("Channel")
    project_id = (call.params or {}).get("project") or body.need("ProjectId")
    project = call.space.projects.get(project_id)
    if project is None:
        raise missing("Project")
    call.demand("ProcessEdit", project)
    name = free_name("Channel", project.channels, body)
    _lifecycle(call, body)
    _type(body)
    made = call.world.add_channel(call.space, project, name)

    def undo() -> None:
        project.channels.remove(made)
        del call.space.channels[made.id]

    with unless_refused(undo):
        _write(call, made, body)
    note(call, "Created", "Channel", name, made.id, project.id)
    return created(channel_resource(call.space, made))


@routes.put("channels/{channel}", "projects/{project}/channels/{channel}")
def change_channel(call: Call) -> object:
    """PUT /channels/{id}."""
    channel = channel_in(call, "ProcessEdit")
    project = call.space.projects[channel.project_id]
    body = call.body()
    name = free_name("Channel", project.channels, body, own=channel)
    _lifecycle(call, body)
    _type(body)
    _write(call, channel, body)
    channel.name = name
    note(call, "Modified", "Channel", channel.name, channel.id, project.id)
    return channel_resource(call.space, channel)


def _lifecycle(call: Call, body: Body) -> str | None:
    wanted = body.text("LifecycleId")
    if wanted is not None and wanted not in call.space.lifecycles:
        raise missing("Lifecycle")
    return wanted


def _type(body: Body) -> str | None:
    kind = body.text("Type")
    if kind not in (None, "Lifecycle", "EphemeralEnvironment"):
        raise Refused(400, "Model validation failed.", (f"'{kind}' is no type of channel.",))
    return kind


def _write(call: Call, channel: Channel, body: Body) -> None:
    description, is_default = body.text("Description") or "", body.flag("IsDefault")
    settled = ("Description", "LifecycleId", "IsDefault", "ProjectId")
    shown = channel_resource(call.space, channel)
    if (_type(body) or shown["Type"]) == "EphemeralEnvironment":
        shown = {**_EPHEMERAL, **shown}
    rules, tags = read_rules(body.bodies("Rules")), check_tags(call.space, body.texts("TenantTags"))
    channel.more = changed_fields(shown, body, *settled, kept=channel.more)
    if body.get("Rules") is not None:
        channel.more["Rules"] = rules
    if body.get("TenantTags") is not None:
        channel.more["TenantTags"] = list(tags)
    channel.description, channel.lifecycle_id = description, _lifecycle(call, body)
    if is_default:
        for each in call.space.projects[channel.project_id].channels:
            each.is_default = each is channel


@routes.on("DELETE", "channels/{channel}", "projects/{project}/channels/{channel}")
def delete_channel(call: Call) -> object:
    """DELETE /channels/{id}: not the only one, not the default one, none with releases."""
    channel = channel_in(call, "ProcessEdit")
    project = call.space.projects[channel.project_id]
    if len(project.channels) == 1:
        raise Refused(400, "You cannot delete the only remaining channel.")
    if channel.is_default:
        raise Refused(400, "You cannot delete the default channel.")
    for step in call.space.processes[project.process_id].steps:
        actions = step.document["Actions"] if step.document else []
        if any(channel.id in each["Channels"] for each in actions):
            raise Refused(
                400, f"The channel you are about to remove is used by '{step.name}' step."
            )
    if any(each.channel_id == channel.id for each in project.releases):
        raise has_dependants("Channel")
    project.channels.remove(channel)
    del call.space.channels[channel.id]
    note(call, "Deleted", "Channel", channel.name, channel.id, project.id)
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
