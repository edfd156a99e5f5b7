"""Making releases: the number, the channel, the packages and the git reference of a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.deploying import deploy_automatically
from reconciler.simulator.numbering import unmasked
from reconciler.simulator.packages import build_of
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.releases import release_resource
from reconciler.simulator.rules import refuse_versions
from reconciler.simulator.versioncontrol import HEADS, Reference, no_reference
from reconciler.simulator.versions import is_release_number, version_key

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Channel, Project, Release, Space
    from reconciler.simulator.versioncontrol import Repository

routes = Routes()


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
        reference=_reference(project, body),
        custom=custom_fields(body),
    )
    return created(release_resource(call.space, release))


def custom_fields(body: Body) -> dict[str, Any]:
    """Return the custom fields of a release to be."""
    given = body.get("CustomFields")
    if given is not None and not isinstance(given, dict):
        raise Refused(
            400, "Model validation failed.", ("The CustomFields field has the wrong type.",)
        )
    return given or {}


def _reference(project: Project, body: Body) -> Reference | None:
    """Return the git reference that a body wants the release to be made from.

    Raises:
        Refused: 400 when a project in git lacks one, or another project has one.
    """
    given = body.get("VersionControlReference")
    wanted = Body(given) if isinstance(given, dict) else Body({})
    if project.repository is None:
        if wanted.text("GitRef") or wanted.text("GitCommit"):
            raise Refused(
                400,
                "Unexpected VersionControlReference provided. Please remove this value or enable "
                "version control on this project.",
            )
        return None
    name = wanted.text("GitRef")
    if name is None:
        raise Refused(
            400,
            "Creating a release for a version controlled process requires GitRef to be set on "
            "VersionControlReference",
        )
    return git_reference(project.repository, name, wanted.text("GitCommit"))


def git_reference(repository: Repository, name: str | None, commit: str | None) -> Reference:
    """Return what a branch or tag and a commit name: the commit wins, no name is the default's.

    Raises:
        Refused: 404 for one that is unknown.
    """
    name = name or HEADS + repository.default_branch
    found = repository.find(name)
    if commit is None:
        if found is None:
            raise no_reference(name)
        return found
    exact = repository.find(commit)
    if exact is None:
        raise no_reference(commit)
    return Reference(found.name if found else name, exact.commit)


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
            f"{channel.project_id}. It does not belong to the same project as the release.",
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
    reference: Reference | None,
    custom: dict[str, Any],
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
    steps = space.processes[project.process_id].steps
    if reference is not None:
        steps = reference.commit.steps
    for step in steps:
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
        reference=reference,
    )
    if custom:
        release.more["CustomFields"] = custom
    names = {
        (each.action, each.reference): each.package for step in steps for each in step.packages
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
