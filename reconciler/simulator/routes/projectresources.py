"""Projects as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.simulator.records import Project, Space

__all__ = ["project_resource"]


def project_resource(space: Space, project: Project) -> dict[str, object]:
    """Return a project as JSON."""
    home = f"/api/{space.id}"
    own = f"{home}/projects/{project.id}"
    git = "{/gitRef}" if project.repository else ""
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
        "ClonedFromProjectId": project.cloned_from,
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
        "IsVersionControlled": project.repository is not None,
        "PersistenceSettings": (
            project.repository.settings if project.repository else {"Type": "Database"}
        ),
        "ProjectConnectivityPolicy": {
            "SkipMachineBehavior": "None",
            "TargetRoles": [],
            "AllowDeploymentsToNoTargets": True,
            "ExcludeUnhealthyTargets": False,
        },
        "AllowIgnoreChannelRules": True,
        **project.more,
        "Links": {
            "Self": own,
            "Variables": f"{home}/variables/{project.variable_set_id}",
            "Releases": f"{own}/releases{{/version}}{{?skip,take,searchByVersion}}",
            "Channels": f"{own}{git}/channels{{/id}}{{?skip,take,partialName}}",
            "Triggers": f"{own}{git}/triggers{{/id}}{{?skip,take,partialName,triggerActionType}}",
            "ScheduledTriggers": f"{own}/triggers/scheduled{{?skip,take,partialName}}",
            "OrderChannels": f"{own}/channels/order",
            "Progression": f"{own}/progression{{?releaseHistoryCount}}",
            "DeploymentProcess": (
                f"{own}{git}/deploymentprocesses"
                if project.repository
                else f"{home}/deploymentprocesses/{project.process_id}"
            ),
            "DeploymentSettings": f"{own}{git}/deploymentsettings",
            "Web": f"/app#/{space.id}/projects/{project.id}",
            "Logo": f"{own}/logo",
            "Metadata": f"{own}/metadata",
            "Runbooks": f"{own}/runbooks{{/id}}{{?skip,take,partialName}}",
            "RunbookSnapshots": f"{own}/runbookSnapshots{{/name}}{{?skip,take,searchByName}}",
            "Summary": f"{own}{git}/summary",
            "RunbookTaskRunDashboardItemsTemplate": f"{home}/progression/runbooks/taskRuns"
            "{?skip,take,ids,projectIds,runbookIds,environmentIds,tenantIds,taskIds}",
            **_git_links(own, is_in_git=project.repository is not None),
        },
    }


def _git_links(own: str, *, is_in_git: bool) -> dict[str, str]:
    if not is_in_git:
        return {
            "ConvertToVcs": f"{own}/git/convert",
            "ConvertToGit": f"{own}/git/convert",
            "VersionControlCompatibilityReport": f"{own}/git/compatibility-report",
        }
    return {
        "Branches": f"{own}/git/branches{{/name}}{{?skip,take,searchByName,refresh}}",
        "Tags": f"{own}/git/tags{{/name}}{{?skip,take,searchByName,refresh}}",
        "Commits": f"{own}/git/commits{{/hash}}{{?skip,take,refresh}}",
        "SensitiveVariables": f"{own}/variables",
        "RepositoryModified": f"{own}/git/repository-modified",
    }
