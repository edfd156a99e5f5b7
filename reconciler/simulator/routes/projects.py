"""Projects and project groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, ProjectGroup, Space

routes = Routes()


def project_resource(space: Space, project: Project) -> dict[str, object]:
    """Return a project as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/projects/{project.id}"
    return {
        "Id": project.id,
        "SpaceId": space.id,
        "Name": project.name,
        "Slug": project.slug,
        "Description": project.description,
        "IsDisabled": project.is_disabled,
        "ProjectGroupId": project.group_id,
        "LifecycleId": project.lifecycle_id,
        "VariableSetId": project.variable_set_id,
        "DeploymentProcessId": project.process_id,
        "ClonedFromProjectId": None,
        "DiscreteChannelRelease": project.has_discrete_channels,
        "IncludedLibraryVariableSetIds": [],
        "DefaultToSkipIfAlreadyInstalled": False,
        "TenantedDeploymentMode": "Untenanted",
        "DefaultGuidedFailureMode": "EnvironmentDefault",
        "VersioningStrategy": {
            "Template": "#{Octopus.Version.LastMajor}.#{Octopus.Version.LastMinor}."
            "#{Octopus.Version.NextPatch}",
            "DonorPackage": None,
        },
        "ReleaseCreationStrategy": {
            "ChannelId": None,
            "ReleaseCreationPackage": None,
            "ReleaseCreationPackageStepId": None,
        },
        "Templates": [],
        "AutoDeployReleaseOverrides": [],
        "ReleaseNotesTemplate": None,
        "DeploymentChangesTemplate": None,
        "ForcePackageDownload": False,
        "Icon": None,
        "ExtensionSettings": [],
        "AutoCreateRelease": False,
        "IsVersionControlled": False,
        "PersistenceSettings": {"Type": "Database"},
        "ProjectConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": True,
            "ExcludeUnhealthyTargets": False,
        },
        "AllowIgnoreChannelRules": True,
        "Links": {
            "Self": own,
            "Variables": f"{home}/variables/{project.variable_set_id}",
            "Releases": f"{own}/releases{{/version}}{{?skip,take,searchByVersion}}",
            "Channels": f"{own}/channels{{/id}}{{?skip,take,partialName}}",
            "Triggers": f"{own}/triggers{{/id}}{{?skip,take,partialName,triggerActionType}}",
            "ScheduledTriggers": f"{own}/triggers/scheduled{{?skip,take,partialName}}",
            "OrderChannels": f"{own}/channels/order",
            "Progression": f"{own}/progression{{?releaseHistoryCount}}",
            "DeploymentProcess": f"{home}/deploymentprocesses/{project.process_id}",
            "DeploymentSettings": f"{own}/deploymentsettings",
            "Web": f"/app#/{space.id}/projects/{project.id}",
            "Logo": f"{own}/logo",
            "Metadata": f"{own}/metadata",
            "Runbooks": f"{own}/runbooks{{?skip,take,partialName}}",
            "RunbookSnapshots": f"{own}/runbookSnapshots{{/name}}{{?skip,take,searchByName}}",
            "Summary": f"{own}/summary",
            "RunbookTaskRunDashboardItemsTemplate": f"{home}/progression/runbooks/taskRuns"
            "{?skip,take,ids,projectIds,runbookIds,environmentIds,tenantIds,taskIds}",
            "ConvertToVcs": f"{own}/git/convert",
            "ConvertToGit": f"{own}/git/convert",
        },
    }


def group_resource(space: Space, group: ProjectGroup) -> dict[str, object]:
    """Return a project group as JSON."""
    own = f"/api/{space.id}/projectgroups/{group.id}"
    return {
        "Id": group.id,
        "SpaceId": space.id,
        "Name": group.name,
        "Description": group.description,
        "EnvironmentIds": [],
        "RetentionPolicyId": None,
        "Links": {"Self": own, "Projects": f"{own}/projects{{?skip,take,partialName}}"},
    }


def visible_projects(call: Call) -> list[Project]:
    """Return the projects the caller may view, by name."""
    held = call.demand_anywhere("ProjectView")
    seen = [each for each in call.space.projects.values() if held.allows(each)]
    return sorted(seen, key=by_name)


def project_in(call: Call) -> Project:
    """Return the project that the path names by id or slug, if the caller may view it."""
    wanted = call.param("project")
    project = call.space.projects.get(wanted)
    if project is None:
        low = wanted.casefold()
        every = call.space.projects.values()
        project = next((each for each in every if each.slug.casefold() == low), None)
    if project is None:
        raise missing("Project")
    call.demand("ProjectView", project)
    return project


_TEMPLATE = "{?name,skip,ids,clone,take,partialName,clonedFromProjectId}"


@routes.get("projects")
def list_projects(call: Call) -> object:
    """GET /projects."""
    found = matching(call, visible_projects(call))
    if call.query.text("clonedFromProjectId") is not None:
        found = []
    return page(call, "Project", found, lambda each: project_resource(call.space, each), _TEMPLATE)


@routes.get("projects/all")
def all_projects(call: Call) -> object:
    """GET /projects/all."""
    found = matching(call, visible_projects(call))
    return [project_resource(call.space, each) for each in found]


@routes.get("projects/{project}")
def one_project(call: Call) -> object:
    """GET /projects/{idOrSlug}."""
    return project_resource(call.space, project_in(call))


def _visible_groups(call: Call) -> list[ProjectGroup]:
    held = call.demand_anywhere("ProjectGroupView")
    seen = [each for each in call.space.groups.values() if held.allows_group(each.id)]
    return matching(call, sorted(seen, key=by_name))


def _group_in(call: Call) -> ProjectGroup:
    held = call.demand_anywhere("ProjectGroupView")
    group = call.space.groups.get(call.param("group"))
    if group is None or not held.allows_group(group.id):
        raise missing("Project Group")
    return group


@routes.get("projectgroups")
def list_groups(call: Call) -> object:
    """GET /projectgroups."""
    return page(
        call, "ProjectGroup", _visible_groups(call), lambda each: group_resource(call.space, each)
    )


@routes.get("projectgroups/all")
def all_groups(call: Call) -> object:
    """GET /projectgroups/all."""
    return [group_resource(call.space, each) for each in _visible_groups(call)]


@routes.get("projectgroups/{group}")
def one_group(call: Call) -> object:
    """GET /projectgroups/{id}."""
    return group_resource(call.space, _group_in(call))


@routes.get("projectgroups/{group}/projects")
def projects_of_group(call: Call) -> object:
    """GET /projectgroups/{id}/projects."""
    group = _group_in(call)
    found = [each for each in visible_projects(call) if each.group_id == group.id]
    return page(
        call, "Project", matching(call, found), lambda each: project_resource(call.space, each)
    )
