"""Deployment settings of projects: the project's own fields, under newer names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.changes import changed_fields, note
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.routes.projects import project_in
from reconciler.simulator.versioncontrol import commit_message, save

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, Space
    from reconciler.simulator.versioncontrol import Commit, Reference

__all__ = ["routes", "shown_settings", "write_settings"]

routes = Routes()

_SETTINGS = {
    "DefaultGuidedFailureMode": "DefaultGuidedFailureMode",
    "DefaultToSkipIfAlreadyInstalled": "DefaultToSkipIfAlreadyInstalled",
    "DeploymentChangesTemplate": "DeploymentChangesTemplate",
    "ForcePackageDownload": "ForcePackageDownload",
    "ReleaseNotesTemplate": "ReleaseNotesTemplate",
    "VersioningStrategy": "VersioningStrategy",
    "ConnectivityPolicy": "ProjectConnectivityPolicy",
}
"""Names of deployment settings, and the project's fields that hold them."""


def shown_settings(
    space: Space, project: Project, commit: Commit | None = None, own: str | None = None
) -> dict[str, object]:
    """Return a project's settings as JSON, as a commit has them if one is given."""
    shown = project_resource(space, project)
    if commit is not None:
        shown |= commit.settings
    project_path = f"/api/{space.id}/projects/{project.id}"
    own = own or f"{project_path}/deploymentsettings"
    return {
        "Id": f"deploymentsettings-{project.id}",
        "SpaceId": space.id,
        "ProjectId": project.id,
        **{name: shown[field] for name, field in _SETTINGS.items()},
        "Links": {"Self": own, "Project": project_path},
    }


@routes.get("projects/{project}/deploymentsettings")
def deployment_settings(call: Call) -> object:
    """GET /projects/{id}/deploymentsettings: the project's own fields, under newer names."""
    return shown_settings(call.space, project_in(call))


@routes.put("projects/{project}/deploymentsettings")
def change_settings(call: Call) -> object:
    """PUT /projects/{id}/deploymentsettings."""
    return write_settings(call, project_in(call))


@routes.get("deploymentsettings/{settings}")
def settings_by_id(call: Call) -> object:
    """GET /deploymentsettings/{id}: the id is `deploymentsettings-` and the project's."""
    return shown_settings(call.space, _project_of(call))


@routes.put("deploymentsettings/{settings}")
def change_settings_by_id(call: Call) -> object:
    """PUT /deploymentsettings/{id}."""
    return write_settings(call, _project_of(call))


def _project_of(call: Call) -> Project:
    project = call.space.projects.get(call.param("settings").removeprefix("deploymentsettings-"))
    if project is None:
        raise Refused(404, "The deployment settings ID specified doesn't exist")
    call.demand("ProjectView", project)
    return project


def write_settings(
    call: Call, project: Project, reference: Reference | None = None, own: str | None = None
) -> dict[str, object]:
    """Write a project's settings; of one in git onto a branch, else the default one."""
    call.demand("ProjectEdit", project)
    commit = reference.commit if reference else None
    before = shown_settings(call.space, project, commit)
    fields = {name: before[name] for name in _SETTINGS}
    body, repository = call.body(), project.repository
    made = {
        _SETTINGS[name]: value for name, value in changed_fields(fields, body.resource()).items()
    }
    if repository is None:
        project.more.update(made)
    else:
        branch = reference.branch if reference else repository.default_branch
        head = repository.commits[repository.branches[branch]]
        settings = {**head.settings, **made}
        commit = save(
            call.space,
            project,
            repository,
            branch,
            commit_message(body),
            call.now,
            settings=settings,
        )
    note(call, "Modified", "Settings of project", project.name, project.id)
    return shown_settings(call.space, project, commit, own)
