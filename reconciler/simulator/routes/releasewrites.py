"""Changes of releases: their numbers, packages and variables, what they miss, their removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import changed_fields, forget_release, note
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.assembling import check_number, chosen_packages, named_channel
from reconciler.simulator.routes.releases import release_in, release_resource
from reconciler.simulator.rules import refuse_versions
from reconciler.simulator.shelf import missing_packages
from reconciler.simulator.world import letters

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


@routes.put("releases/{release}")
def change_release(call: Call) -> object:
    """PUT /releases/{id}: its number, notes, packages and channel."""
    release = release_in(call, "ReleaseEdit")
    space, body = call.space, call.body()
    project = space.projects[release.project_id]
    version = body.need("Version")
    others = [each for each in project.releases if each is not release]
    check_number(version, others)
    channel = named_channel(space, project, body) if body.text("ChannelId") else None
    chosen = chosen_packages(body)
    unknown = chosen.keys() - {(action, name) for action, name, _ in release.packages}
    if any(not each for each in chosen.values()):
        raise Refused(400, "A version must be specified for every included package.")
    if unknown:
        raise Refused(
            400, "Model validation failed.", ("The release has no package of that step and name.",)
        )
    moved = channel or space.channels[release.channel_id]
    packages = tuple(
        (action, name, chosen.get((action, name), before))
        for action, name, before in release.packages
    )
    ignores = release.ignore_channel_rules or bool(call.query.flag("ignoreChannelRules"))
    if not ignores and packages != release.packages:
        refuse_versions(moved, packages)
    release.version = version
    release.notes = body.text("ReleaseNotes")
    release.channel_id, release.packages = moved.id, packages
    custom = {"CustomFields": release.more.get("CustomFields", {})}
    release.more = changed_fields(custom, body, kept=release.more)
    for deployment in release.deployments:
        deployment.item_as_current = deployment.item_as_previous = None
    note(call, "Modified", "Release", version, release.id, project.id)
    return release_resource(space, release)


@routes.on("DELETE", "releases/{release}")
def delete_release(call: Call) -> object:
    """DELETE /releases/{id}: with its deployments, when they are completed."""
    release = release_in(call, "ReleaseDelete")
    shown = release_resource(call.space, release)
    forget_release(call.world, call.space, release)
    note(call, "Deleted", "Release", release.version, release.id, release.project_id)
    return shown


@routes.post(
    "releases/{release}/snapshot-variables", "releases/{release}/snapshot-variables-by-name"
)
def snapshot_variables(call: Call) -> object:
    """POST /releases/{id}/snapshot-variables: freezes the variables anew."""
    release = release_in(call, "ReleaseEdit")
    project = call.space.projects[release.project_id]
    given = call.json()
    token = Body(given).get("VariableSnapshotConcurrencyToken") if isinstance(given, dict) else None
    if token not in (None, letters(*release.variable_sets)):
        raise Refused(
            400,
            "The variable snapshot could not be updated, because it has been updated since. "
            "Please reload the release and try again.",
        )
    call.world.refresh_variables(call.space, project, release)
    note(call, "Modified", "Release", release.version, release.id, project.id)
    return release_resource(call.space, release)


@routes.get("releases/{release}/missingpackages")
def packages_that_are_missing(call: Call) -> object:
    """GET /releases/{id}/missingpackages: those that were deleted from the built-in feed."""
    release = release_in(call)
    process = call.space.processes[release.process_snapshot_id]
    missing = missing_packages(call.space, process, release.packages)
    return {"Packages": [{"Id": package, "Version": version} for package, version in missing]}
