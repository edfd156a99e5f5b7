"""Projects in few words: what runs of them, what they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.paging import matching
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.projectresources import project_resource
from reconciler.simulator.routes.projects import project_in, visible_projects
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call

routes = Routes()


@routes.get("projects/pulse")
def pulse(call: Call) -> object:
    """GET /projects/pulse: when each project was deployed last, and what runs of it."""
    wanted = call.query.many("projectIds")
    held = call.demand_anywhere("DeploymentView")
    shown = []
    for project in visible_projects(call):
        if wanted is None or project.id in wanted:
            own = [
                each
                for release in project.releases
                for each in release.deployments
                if held.allows(project, each.environment_id, each.tenant_id)
            ]
            shown.append(
                {
                    "ProjectId": project.id,
                    "LastDeployed": stamp(max((each.created for each in own), default=None)),
                    "ActiveTasks": sum(not each.task.state.is_completed for each in own),
                    "Links": {"Self": f"/api/{call.space.id}/projects/{project.id}"},
                }
            )
    return shown


@routes.get("projects/experimental/summaries")
def summaries(call: Call) -> object:
    """GET /projects/experimental/summaries: every project in few words."""
    names = ("Id", "SpaceId", "Name", "Slug", "ProjectGroupId", "Description", "IsDisabled",
             "Links")  # fmt: skip
    found = matching(call, visible_projects(call))
    shown = [project_resource(call.space, each) for each in found]
    return [{name: each[name] for name in names} for each in shown]


@routes.get("projects/{project}/summary")
def project_summary(call: Call) -> object:
    """GET /projects/{id}/summary."""
    project = project_in(call)
    steps = call.space.processes[project.process_id].steps
    has_runbooks = any(each.project_id == project.id for each in call.space.runbooks.values())
    return {"HasDeploymentProcess": bool(steps), "HasRunbooks": has_runbooks}


@routes.get("projects/{project}/metadata")
def project_metadata(call: Call) -> object:
    """GET /projects/{id}/metadata: settings of extensions, of which there are none."""
    project_in(call)
    return []
