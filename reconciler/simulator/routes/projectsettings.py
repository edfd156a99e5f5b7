"""Deployment settings of projects: the project's own fields, under newer names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.changes import changed_fields, note
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projects import project_in, project_resource

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, Space

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


def _settings(space: Space, project: Project) -> dict[str, object]:
    shown = project_resource(space, project)
    own = f"/api/{space.id}/projects/{project.id}"
    return {
        "Id": f"deploymentsettings-{project.id}",
        "SpaceId": space.id,
        "ProjectId": project.id,
        **{name: shown[field] for name, field in _SETTINGS.items()},
        "Links": {"Self": f"{own}/deploymentsettings", "Project": own},
    }


@routes.get("projects/{project}/deploymentsettings")
def deployment_settings(call: Call) -> object:
    """GET /projects/{id}/deploymentsettings: the project's own fields, under newer names."""
    return _settings(call.space, project_in(call))


@routes.put("projects/{project}/deploymentsettings")
def change_settings(call: Call) -> object:
    """PUT /projects/{id}/deploymentsettings."""
    project = project_in(call)
    call.demand("ProjectEdit", project)
    before = _settings(call.space, project)
    fields = {name: before[name] for name in _SETTINGS}
    for name, value in changed_fields(fields, call.body()).items():
        project.more[_SETTINGS[name]] = value
    note(call, "Modified", "Settings of project", project.name, project.id)
    return _settings(call.space, project)
