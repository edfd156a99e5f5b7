"""Releases: lists, one, create, variable snapshots and defects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.deploying import deploy_automatically
from reconciler.simulator.numbering import unmasked
from reconciler.simulator.packages import build_of
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.builds import release_build
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.rules import refuse_versions
from reconciler.simulator.times import stamp
from reconciler.simulator.versions import is_release_number, version_key
from reconciler.simulator.world import release_named

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Channel, Project, Release, Space

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
        "VariableSnapshotConcurrencyToken": None,
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


@routes.post("releases")
def create_release(call: Call) -> object:
    """POST /releases."""
    body = call.body()
    project_id = body.text("ProjectId")
    if project_id is None:
        raise Refused(400, "No project ID was specified.")
    project = call.space.projects.get(project_id)
    if project is None:
        raise missing("Project")
    call.demand("ReleaseCreate", project)
    ignore = body.flag("IgnoreChannelRules") or bool(call.query.flag("ignoreChannelRules"))
    release = assemble(
        call,
        project,
        version=body.need("Version"),
        channel=named_channel(call.space, project, body),
        chosen=chosen_packages(body),
        default_package=None,
        notes=body.text("ReleaseNotes"),
        ignore_channel_rules=ignore,
    )
    return created(release_resource(call.space, release))


def chosen_packages(body: Body) -> dict[tuple[str, str], str]:
    """Return the versions of `SelectedPackages` by action and reference name."""
    return {
        (
            each.text("ActionName") or each.need("StepName"),
            each.text("PackageReferenceName") or "",
        ): (each.text("Version") or "")
        for each in body.bodies("SelectedPackages")
    }


def named_channel(space: Space, project: Project, body: Body) -> Channel:
    """Return the channel that a release's body names, else the project's default one.

    Raises:
        Refused: 404 for an unknown one, 400 for one of another project.
    """
    wanted = body.text("ChannelId")
    if wanted is None:
        return default_channel(project)
    channel = space.channels.get(wanted)
    if channel is None:
        raise missing("Channel")
    if channel.project_id != project.id:
        raise Refused(
            400,
            f"The channel {channel.name} specified for this release belongs to the project "
            f"{channel.project_id}.",
        )
    return channel


def default_channel(project: Project) -> Channel:
    """Return the only channel of a project, or its default one.

    Raises:
        Refused: 400 when there is neither.
    """
    chosen = [each for each in project.channels if each.is_default] or project.channels
    if len(chosen) != 1:
        raise Refused(
            400,
            "A channelId must be provided for a release when more than one exists for that "
            "project and no default channel has been specified.",
        )
    return chosen[0]


def check_number(version: str, others: list[Release]) -> None:
    """Refuse a text that is no version, or equal to another release's of the project."""
    if not is_release_number(version):
        raise Refused(
            400,
            f"The release number '{version}' does not appear to be a valid version number. The "
            "version must consist of between 1 and 4 number only parts before the optional "
            "pre-release part. e.g. 2, 2.1, 2.4.0.23, 2.4-beta and 1-beta.2",
        )
    key = version_key(version)
    if any(version_key(each.version) == key for each in others):
        raise Refused(
            400,
            f"Release '{version}' already exists for this project. Please use a different "
            "version, or look at using a mask to auto-increment the number.",
        )


def assemble(
    call: Call,
    project: Project,
    *,
    version: str,
    channel: Channel,
    chosen: dict[tuple[str, str], str],
    default_package: str | None,
    notes: str | None,
    ignore_channel_rules: bool,
) -> Release:
    """Make a release after every check the server does.

    Raises:
        Refused: 400 in the server's words.
    """
    space = call.space
    if project.is_disabled:
        raise Refused(400, "The project is disabled, so releases cannot be created")
    version = unmasked(version, [each.version for each in project.releases])
    check_number(version, project.releases)
    packages: list[tuple[str, str, str]] = []
    for step in space.processes[project.process_id].steps:
        for each in step.packages:
            found = chosen.get((each.action, each.reference)) or default_package
            if not found:
                raise Refused(400, "A version must be specified for every included package.")
            packages.append((each.action, each.reference, found))
    if not ignore_channel_rules:
        refuse_versions(channel, packages)
    release = call.world.add_release(
        space,
        project,
        version,
        channel=channel,
        assembled=call.now,
        packages=tuple(packages),
        notes=notes,
        ignore_channel_rules=ignore_channel_rules,
    )
    names = {
        (each.action, each.reference): each.package
        for step in space.processes[project.process_id].steps
        for each in step.packages
    }
    builds = (build_of(space, names[action, name], taken) for action, name, taken in packages)
    release.builds = tuple(dict.fromkeys(each for each in builds if each is not None))
    call.world.record(
        "Created",
        f"Release {version} of project {project.name} was created",
        space=space,
        user=call.user,
        related=(release.id, project.id, channel.id),
    )
    deploy_automatically(call.world, space, release)
    return release
