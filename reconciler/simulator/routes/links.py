"""Link templates of the root documents.

Source: the link tables that Octopus' public clients rely on.
"""

from __future__ import annotations

__all__ = ["SPACE_TEMPLATES", "SYSTEM_TEMPLATES", "space_links"]

_PAGE = "{/id}{?skip,take,ids,partialName}"

SPACE_TEMPLATES = {
    "Projects": "projects{/id}{?name,skip,ids,clone,take,partialName,clonedFromProjectId}",
    "ProjectGroups": f"projectgroups{_PAGE}",
    "ProjectPulse": "projects/pulse{?projectIds}",
    "Environments": "environments{/id}{?name,skip,ids,take,partialName}",
    "EnvironmentSortOrder": "environments/sortorder",
    "EnvironmentsSummary": "environments/summary{?ids,partialName,machinePartialName,roles,"
    "isDisabled,healthStatuses,commStyles,tenantIds,tenantTags,hideEmptyEnvironments,shellNames,"
    "deploymentTargetTypes}",
    "Lifecycles": f"lifecycles{_PAGE}",
    "LifecyclePreviews": "lifecycles/previews{?ids}",
    "Channels": f"channels{_PAGE}",
    "VersionRuleTest": "channels/rule-test{?version,versionRange,preReleaseTag,feetType}",
    "Releases": "releases{/id}{?skip,ignoreChannelRules,take,ids}",
    "Deployments": "deployments{/id}{?skip,take,ids,projects,environments,tenants,channels,"
    "taskState,partialName}",
    "DeploymentProcesses": "deploymentprocesses{/id}{?skip,take,ids}",
    "Dashboard": "dashboard{?projectId,releaseId,selectedTenants,selectedTags,showAll,"
    "highestLatestVersionPerProjectAndEnvironment}",
    "DashboardDynamic": "dashboard/dynamic{?projects,environments,includePrevious}",
    "DashboardConfiguration": "dashboardconfiguration",
    "Machines": "machines{/id}{?skip,take,name,ids,partialName,roles,isDisabled,healthStatuses,"
    "commStyles,tenantIds,tenantTags,environmentIds,thumbprint,deploymentId,shellNames,"
    "deploymentTargetTypes}",
    "MachineRoles": "machineroles/all",
    "MachinePolicies": "machinepolicies{/id}{?skip,take,ids,partialName}",
    "MachinePolicyTemplate": "machinepolicies/template",
    "DiscoverMachine": "machines/discover{?host,port,type,proxyId}",
    "DiscoverWorker": "workers/discover{?host,port,type,proxyId}",
    "MachineOperatingSystems": "machines/operatingsystem/names/all",
    "MachineShells": "machines/operatingsystem/shells/all",
    "WorkerOperatingSystems": "workers/operatingsystem/names/all",
    "WorkerShells": "workers/operatingsystem/shells/all",
    "WorkerPoolsDynamicWorkerTypes": "workerpools/dynamicworkertypes",
    "WorkerPoolsSortOrder": "workerpools/sortorder",
    "WorkerPoolsSummary": "workerpools/summary{?ids,partialName,machinePartialName,isDisabled,"
    "healthStatuses,commStyles,hideEmptyWorkerPools,shellNames}",
    "WorkerPoolsSupportedTypes": "workerpools/supportedtypes",
    "ScheduledProjectTriggers": "scheduledprojecttriggers{/id}{?skip,take,ids}",
    "ProjectTriggers": "projecttriggers{/id}{?skip,take,ids,runbooks}",
    "Interruptions": "interruptions{/id}{?skip,take,regarding,pendingOnly,ids}",
    "ActionTemplates": f"actiontemplates{_PAGE}",
    "ActionTemplatesCategories": "actiontemplates/categories",
    "ActionTemplatesSearch": "actiontemplates/search{?type}",
    "GitCredentials": "git-credentials{/id}{?skip,take,name}",
    "Accounts": "accounts{/id}{?skip,take,ids,partialName,accountType}",
    "Certificates": "certificates{/id}{?skip,take,search,archived,tenant,firstResult,orderBy,ids,"
    "partialName}",
    "Proxies": f"proxies{_PAGE}",
    "WorkerPools": f"workerpools{_PAGE}",
    "Workers": "workers{/id}{?skip,take,name,ids,partialName,isDisabled,healthStatuses,commStyles,"
    "workerPoolIds,thumbprint,shellNames}",
    "Artifacts": "artifacts{/id}{?skip,take,regarding,ids,partialName,order}",
    "LibraryVariables": "libraryvariablesets{/id}{?skip,contentType,take,ids,partialName}",
    "Variables": "variables{/id}{?ids}",
    "VariableNames": "variables/names{?project,runbook,projectEnvironmentsFilter,gitRef}",
    "VariablePreview": "variables/preview{?project,runbook,environment,channel,tenant,action,"
    "machine,role,gitRef}",
    "Tenants": "tenants{/id}{?skip,projectId,name,tags,take,ids,clone,partialName,"
    "clonedFromTenantId}",
    "TenantVariables": "tenantvariables/all{?projectId}",
    "TenantsMissingVariables": "tenants/variables-missing{?tenantId,projectId,environmentId,"
    "includeDetails}",
    "TenantsStatus": "tenants/status",
    "TenantTagTest": "tenants/tag-test{?tenantIds,tags}",
    "TagSets": f"tagsets{_PAGE}",
    "TagSetSortOrder": "tagsets/sortorder",
    "Packages": "packages{/id}{?nuGetPackageId,filter,latest,skip,take,includeNotes}",
    "PackagesBulk": "packages/bulk{?ids}",
    "PackageNotesList": "packages/notes{?packageIds}",
    "PackageUpload": "packages/raw{?replace,overwriteMode}",
    "PackageDeltaSignature": "packages/{packageId}/{version}/delta-signature",
    "PackageDeltaUpload": "packages/{packageId}/{baseVersion}/delta{?replace,overwriteMode}",
    "BuildInformation": "build-information{/id}{?packageId,filter,latest,skip,take,overwriteMode}",
    "BuildInformationBulk": "build-information/bulk{?ids}",
    "Runbooks": "runbooks{/id}{?skip,take,ids,partialName,clone,projectIds}",
    "RunbookSnapshots": "runbookSnapshots{/id}{?skip,take,ids,publish}",
    "RunbookRuns": "runbookRuns{/id}{?skip,take,ids,projects,environments,tenants,runbooks,"
    "taskState,partialName}",
    "RunbookProcesses": "runbookProcesses{/id}{?skip,take,ids}",
    "Subscriptions": "subscriptions{/id}{?skip,take,ids,partialName,spaces}",
    "ActionTemplateLogo": "actiontemplates/{typeOrId}/logo{?cb}",
    "ActionTemplateVersionedLogo": "actiontemplates/{typeOrId}/versions/{version}/logo{?cb}",
    "ExportProjects": "projects/import-export/export",
    "ImportProjects": "projects/import-export/import",
    "ProjectImportFiles": "projects/import-export/import-files",
    "ProjectImportPreview": "projects/import-export/import/preview",
    "PackageMetadata": "package-metadata{/id}{?filter,latest,skip,take,replace,overwriteMode}",
    "ProjectsExperimentalSummaries": "projects/experimental/summaries{?ids}",
    "Reporting/DeploymentsCountedByWeek": "reporting/deployments-counted-by-week{?projectIds}",
    "UserOnboarding": "useronboarding",
}
"""Templates after `/api/{spaceId}/`."""

SYSTEM_TEMPLATES = {
    "Tasks": "tasks{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,"
    "hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem,"
    "description,fromCompletedDate,toCompletedDate,fromQueueDate,toQueueDate,fromStartDate,"
    "toStartDate}",
    "TaskTypes": "tasks/tasktypes",
    "Events": "events{/id}{?skip,regarding,regardingAny,user,users,projects,projectGroups,"
    "environments,eventGroups,eventCategories,eventAgents,tags,tenants,from,to,internal,"
    "fromAutoId,toAutoId,documentTypes,asCsv,take,ids,spaces,includeSystem,excludeDifference}",
    "EventCategories": "events/categories{?appliesTo}",
    "EventGroups": "events/groups{?appliesTo}",
    "EventAgents": "events/agents",
    "EventDocumentTypes": "events/documenttypes",
    "CurrentUser": "users/me",
    "Users": "users{/id}{?skip,take,ids,filter}",
    "SignIn": "users/login{?returnUrl}",
    "SignOut": "users/logout",
    "Spaces": "spaces{/id}{?skip,ids,take,partialName}",
    "SpaceHome": "{spaceId}",
    "SpaceSearch": "spaces/{id}/search{?keyword}",
    "Teams": "teams{/id}{?skip,take,ids,partialName,spaces,includeSystem}",
    "UserRoles": f"userroles{_PAGE}",
    "ScopedUserRoles": "scopeduserroles{/id}{?skip,take,ids,partialName,spaces,includeSystem}",
    "PermissionDescriptions": "permissions/all",
    "OctopusServerNodes": f"octopusservernodes{_PAGE}",
    "OctopusServerClusterSummary": "octopusservernodes/summary",
    "ServerStatus": "serverstatus",
    "ServerHealthStatus": "serverstatus/health",
    "Timezones": "serverstatus/timezones",
    "CurrentLicense": "licenses/licenses-current",
    "CurrentLicenseStatus": "licenses/licenses-current-status",
    "Authentication": "authentication",
    "AzureEnvironments": "accounts/azureenvironments",
    "BuiltInFeedStats": "feeds/stats",
    "CertificateConfiguration": f"configuration/certificates{_PAGE}",
    "CommunityActionTemplates": "communityactiontemplates{/id}{?skip,take,ids}",
    "Configuration": "configuration{/id}",
    "DynamicExtensionsFeaturesMetadata": "dynamic-extensions/features/metadata",
    "DynamicExtensionsFeaturesValues": "dynamic-extensions/features/values",
    "ExternalSecurityGroupProviders": "externalsecuritygroupproviders",
    "UserAuthentication": "users/authentication{/userId}",
    "ExtensionStats": "serverstatus/extensions",
    "FeaturesConfiguration": "featuresconfiguration",
    "LetsEncryptConfiguration": "letsencryptconfiguration",
    "MaintenanceConfiguration": "maintenanceconfiguration",
    "PerformanceConfiguration": "performanceconfiguration",
    "RetentionDefaultConfiguration": "configuration/retention-default",
    "Scheduler": "scheduler/{name}/logs{?verbose,tail}",
    "ServerConfiguration": "serverconfiguration",
    "ServerConfigurationSettings": "serverconfiguration/settings",
    "SmtpConfiguration": "smtpconfiguration",
    "SmtpIsConfigured": "smtpconfiguration/isconfigured",
    "UpgradeConfiguration": "upgradeconfiguration",
    "Feeds": "feeds{/id}{?skip,take,ids,partialName,feedType,name}",
    "CloudTemplate": "cloudtemplate/{id}/metadata{?packageId,feedId}",
    "DynamicExtensionsScripts": "dynamic-extensions/scripts",
    "ExternalUserSearch": "users/external-search{?partialName}",
    "IssueTrackers": "issuetrackers{?skip,take,ids,partialName}",
    "Invitations": "users/invitations{/id}",
    "JiraConnectAppCredentialsTest": "jiraintegration/connectivitycheck/connectapp",
    "JiraCredentialsTest": "jiraintegration/connectivitycheck/jira",
    "LoginInitiated": "authentication/checklogininitiated",
    "MigrationsImport": "migrations/import",
    "MigrationsPartialExport": "migrations/partialexport",
    "Register": "users/register",
    "TeamMembership": "teammembership{?userId,spaces,includeSystem}",
    "TeamMembershipPreviewTeam": "teammembership/previewteam",
    "TelemetryConfiguration": "telemetryconfiguration",
    "UserIdentityMetadata": "users/identity-metadata",
    "VersionControlClearCache": "configuration/versioncontrol/clear-cache",
}
"""Templates after `/api/`."""


def space_links(space_id: str) -> dict[str, str]:
    """Return the templates of one space, each with its prefix."""
    home = f"/api/{space_id}"
    return {name: f"{home}/{template}" for name, template in SPACE_TEMPLATES.items()}
