"""Releases: lists, one, create, variable snapshots and defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.builds import release_build
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.times import stamp
from reconciler.simulator.world import letters, release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Release, Space

routes = Routes()


def release_resource(space: Space, release: Release) -> dict[str, object]:
    """Return a release as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/releases/{release.id}"
    project = f"{home}/projects/{release.project_id}"
    return {
        "Id": release.id,
        "SpaceId": space.id,
        "ProjectId": release.project_id,
        "Version": release.version,
        "ChannelId": release.channel_id,
        "ReleaseNotes": release.notes,
        "Assembled": stamp(release.assembled),
        "IgnoreChannelRules": release.ignore_channel_rules,
        "ProjectDeploymentProcessSnapshotId": release.process_snapshot_id,
        "ProjectVariableSetSnapshotId": release.variable_snapshot_id,
        "LibraryVariableSetSnapshotIds": list(release.library_snapshot_ids),
        "SelectedPackages": [
            {
                "ActionName": action,
                "StepName": action,
                "PackageReferenceName": reference,
                "Version": version,
            }
            for action, reference, version in release.packages
        ],
        "SelectedGitResources": [],
        "BuildInformation": [release_build(each) for each in release.builds],
        "VersionControlReference": None,
        "CustomFields": {},
        "VariableSnapshotConcurrencyToken": letters(*release.variable_sets),
        **release.more,
        "Links": {
            "Self": own,
            "Project": project,
            "Channel": f"{home}/channels/{release.channel_id}",
            "Progression": f"{own}/progression",
            "Deployments": f"{own}/deployments{{?skip,take}}",
            "DeploymentTemplate": f"{own}/deployments/template",
            "Artifacts": f"{home}/artifacts?regarding={release.id}",
            "ProjectVariableSnapshot": f"{home}/variables/{release.variable_snapshot_id}",
            "ProjectDeploymentProcessSnapshot": f"{home}/deploymentprocesses/"
            f"{release.process_snapshot_id}",
            "Web": f"/app#/{space.id}/releases/{release.id}",
            "SnapshotVariables": f"{own}/snapshot-variables",
            "Defects": f"{own}/defects",
            "ReportDefect": f"{own}/defects",
            "ResolveDefect": f"{own}/defects/resolve",
            "DeploymentPreviews": f"{own}/deployments/previews",
            "Variables": f"{project}/releases/{release.id}/variables",
        },
    }


def release_in(call: Call, permission: str = "ReleaseView") -> Release:
    """Return the release that the path names by id, if the caller holds the permission for it."""
    release = call.space.releases.get(call.param("release"))
    if release is None:
        raise missing("Release")
    call.demand(permission, call.space.projects[release.project_id])
    return release


def newest_first(call: Call, releases: list[Release]) -> list[Release]:
    """Return releases by assembly, newest first, as a lagging list would show them."""
    return call.shown(reversed(releases), "assembled")


@routes.get("releases")
def list_releases(call: Call) -> object:
    """GET /releases: newest first by assembly."""
    held = call.demand_anywhere("ReleaseView")
    space = call.space
    seen = [
        each
        for each in by_ids(call, space.releases.values())
        if held.allows(space.projects[each.project_id])
    ]
    seen.sort(key=lambda each: each.assembled)
    template = "{/id}{?skip,ignoreChannelRules,take,ids}"
    found = newest_first(call, seen)
    return page(call, "Release", found, lambda each: release_resource(space, each), template)


@routes.get("releases/{release}")
def one_release(call: Call) -> object:
    """GET /releases/{id}."""
    return release_resource(call.space, release_in(call))


@routes.get("projects/{project}/releases")
def releases_of_project(call: Call) -> object:
    """GET /projects/{id}/releases: newest first; `searchByVersion` is a part of the version."""
    project = project_in(call)
    call.demand("ReleaseView", project)
    return _page_of(call, project.releases)


@routes.get("projects/{project}/channels/{channel}/releases", "channels/{channel}/releases")
def releases_of_channel(call: Call) -> object:
    """GET /projects/{id}/channels/{channelId}/releases."""
    channel = call.space.channels.get(call.param("channel"))
    if channel is None:
        raise missing("Channel")
    project = call.space.projects[channel.project_id]
    call.demand("ReleaseView", project)
    return _page_of(call, [each for each in project.releases if each.channel_id == channel.id])


def _page_of(call: Call, releases: list[Release]) -> object:
    part = (call.query.text("searchByVersion") or "").casefold()
    found = [each for each in newest_first(call, releases) if part in each.version.casefold()]
    return page(
        call,
        "Release",
        found,
        lambda each: release_resource(call.space, each),
        "{/version}{?skip,take,searchByVersion}",
    )


@routes.get("projects/{project}/releases/{version}")
def release_by_version(call: Call) -> object:
    """GET /projects/{id}/releases/{version}; an id is accepted in place of a version."""
    project = project_in(call)
    call.demand("ReleaseView", project)
    wanted = call.param("version")
    by_id = call.space.releases.get(wanted)
    if by_id is not None and by_id.project_id == project.id:
        return release_resource(call.space, by_id)
    return release_resource(call.space, release_named(project, wanted))
