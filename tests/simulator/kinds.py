"""A body for every kind of resource that clients create, with what is nested in it.

The world is the small one with its furniture (see furniture.py), without git.
"""

from typing import Any

__all__ = ["FREE", "KINDS", "in_small_letters"]

FREE = frozenset(
    {
        *("CustomFields", "DisplaySettings", "ProjectEnvironments", "ProjectEnvironmentScope"),
        *("Properties", "Scope", "Variables"),
    }
)
"""Fields that hold maps, whose keys are data and keep their letters."""

_SCOPE = {"EnvironmentIds": ["Environments-1"], "TenantIds": [], "TenantTags": []}
_TENTACLE = {
    "CommunicationStyle": "TentaclePassive",
    "Uri": "https://web-9:10933",
    "Thumbprint": "3D9F27B1A0C5E8D4F6A7B8C9D0E1F2A3B4C5D6E7",
}
_KEPT = {"Strategy": "Count", "Unit": "Days", "QuantityToKeep": 3, "ShouldKeepForever": False}
_TEMPLATE = {
    "Name": "Size",
    "Label": "Size",
    "HelpText": "How large",
    "DefaultValue": "a",
    "DisplaySettings": {"Octopus.ControlType": "SingleLineText"},
}

KINDS: dict[str, dict[str, Any]] = {
    "accounts": {
        "Name": "Robot",
        "AccountType": "UsernamePassword",
        "Username": "robot",
        "Password": {"HasValue": True, "NewValue": "secret"},
        **_SCOPE,
    },
    "actiontemplates": {
        "Name": "Say hello",
        "ActionType": "Octopus.Script",
        "Properties": {"Octopus.Action.Script.Syntax": "Bash"},
        "Parameters": [_TEMPLATE],
        "Packages": [{"Name": "", "PackageId": "Acme.Web", "FeedId": "feeds-builtin"}],
    },
    "channels": {
        "ProjectId": "Projects-1",
        "Name": "Beta",
        "LifecycleId": "Lifecycles-1",
        "TenantTags": ["Ring/Pilot"],
        "Rules": [
            {
                "VersionRange": "[1.0,2.0)",
                "Tag": "^$",
                "ActionPackages": [{"DeploymentAction": "Deploy Web Shop", "PackageReference": ""}],
            }
        ],
    },
    "deployments": {
        "ReleaseId": "Releases-3",
        "EnvironmentId": "Environments-1",
        "Comments": "Again",
        "UseGuidedFailure": True,
        "SkipActions": ["x"],
    },
    "environments": {
        "Name": "Sandbox",
        "UseGuidedFailure": True,
        "AllowDynamicInfrastructure": True,
    },
    "feeds": {
        "Name": "Others",
        "FeedType": "NuGet",
        "FeedUri": "https://feed.example.com",
        "Password": {"HasValue": True, "NewValue": "secret"},
    },
    "git-credentials": {
        "Name": "Robot 2",
        "Details": {"Type": "UsernamePassword", "Username": "robot", "Password": {"NewValue": "x"}},
        "RepositoryRestrictions": {"Enabled": True, "AllowedRepositories": ["https://a.example"]},
    },
    "libraryvariablesets": {"Name": "Shared", "Description": "x", "Templates": [_TEMPLATE]},
    "lifecycles": {
        "Name": "Web",
        "ReleaseRetentionPolicy": _KEPT,
        "Phases": [
            {
                "Name": "Test",
                "OptionalDeploymentTargets": ["Environments-1"],
                "MinimumEnvironmentsBeforePromotion": 1,
                "ReleaseRetentionPolicy": _KEPT,
            }
        ],
    },
    "machinepolicies": {
        "Name": "Strict",
        "MachineHealthCheckPolicy": {
            "HealthCheckInterval": "00:10:00",
            "BashHealthCheckPolicy": {"RunType": "Inline", "ScriptBody": "exit 0"},
        },
        "MachineConnectivityPolicy": {"MachineConnectivityBehavior": "ExpectedToBeOnline"},
        "MachineCleanupPolicy": {"DeleteMachinesBehavior": "DoNotDelete"},
    },
    "machines": {
        "Name": "web-9",
        "EnvironmentIds": ["Environments-1"],
        "Roles": ["web"],
        "Endpoint": _TENTACLE,
        "SkipInitialHealthCheck": True,
    },
    "projectgroups": {"Name": "Second", "Description": "x"},
    "projects": {
        "Name": "Newcomer",
        "ProjectGroupId": "ProjectGroups-1",
        "LifecycleId": "Lifecycles-1",
        "ProjectConnectivityPolicy": {"SkipMachineBehavior": "SkipUnavailableMachines"},
        "VersioningStrategy": {
            "Template": "1.2.i",
            "DonorPackage": {"DeploymentAction": "A", "PackageReference": ""},
        },
        "Templates": [_TEMPLATE],
        "AutoDeployReleaseOverrides": [
            {"EnvironmentId": "Environments-1", "TenantId": None, "ReleaseId": "Releases-1"}
        ],
    },
    "projecttriggers": {
        "ProjectId": "Projects-1",
        "Name": "Nightly",
        "Filter": {"FilterType": "CronExpressionSchedule", "CronExpression": "0 0 2 * * *"},
        "Action": {
            "ActionType": "DeployLatestRelease",
            "SourceEnvironmentIds": ["Environments-1"],
            "DestinationEnvironmentId": "Environments-2",
        },
    },
    "proxies": {
        "Name": "Out",
        "Host": "proxy.example.com",
        "Port": 8080,
        "Password": {"HasValue": True, "NewValue": "x"},
    },
    "releases": {
        "ProjectId": "Projects-1",
        "Version": "9.0.0",
        "ReleaseNotes": "x",
        "SelectedPackages": [
            {"ActionName": "Deploy Web Shop", "PackageReferenceName": "", "Version": "1.2.0"}
        ],
        "CustomFields": {"Ticket": "1"},
    },
    "runbookRuns": {
        "RunbookId": "Runbooks-1",
        "RunbookSnapshotId": "RunbookSnapshots-1",
        "EnvironmentId": "Environments-1",
        "Comments": "x",
    },
    "runbookSnapshots": {
        "ProjectId": "Projects-1",
        "RunbookId": "Runbooks-1",
        "Name": "Second",
        "Notes": "x",
    },
    "runbooks": {
        "ProjectId": "Projects-1",
        "Name": "Tidy",
        "ConnectivityPolicy": {"SkipMachineBehavior": "SkipUnavailableMachines"},
        "RunRetentionPolicy": {"QuantityToKeep": 3, "ShouldKeepForever": False},
    },
    "scopeduserroles": {
        "TeamId": "Teams-1",
        "UserRoleId": "userroles-projectviewer",
        "SpaceId": "Spaces-1",
        "ProjectIds": ["Projects-1"],
    },
    "spaces": {"Name": "Second", "SpaceManagersTeams": ["teams-administrators"]},
    "subscriptions": {
        "Name": "Hook",
        "Type": "Event",
        "EventNotificationSubscription": {
            "Filter": {"EventCategories": ["DeploymentSucceeded"], "Projects": ["Projects-1"]},
            "WebhookURI": "https://hook.example.com",
            "WebhookTimeout": "00:00:20",
        },
    },
    "tagsets": {"Name": "Region", "Tags": [{"Name": "North", "Color": "#333333"}]},
    "teams": {
        "Name": "Testers",
        "SpaceId": "Spaces-1",
        "MemberUserIds": ["Users-1"],
        "ExternalSecurityGroups": [{"Id": "g-1", "DisplayName": "Group"}],
    },
    "tenants": {
        "Name": "Globex",
        "TenantTags": ["Ring/Pilot"],
        "ProjectEnvironments": {"Projects-2": ["Environments-1"]},
    },
    "userroles": {"Name": "Watcher", "GrantedSpacePermissions": ["ProjectView"]},
    "users": {"Username": "dora", "DisplayName": "Dora", "EmailAddress": "dora@example.com"},
    "workerpools": {"Name": "Fast", "WorkerPoolType": "StaticWorkerPool"},
    "workers": {
        "Name": "worker-9",
        "WorkerPoolIds": ["WorkerPools-1"],
        "Endpoint": _TENTACLE,
        "SkipInitialHealthCheck": True,
    },
}


def in_small_letters(value: Any) -> Any:
    """Return a body with the first letter of each name made small, as some clients write them."""
    if isinstance(value, list):
        return [in_small_letters(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name[0].lower() + name[1:]: each if name in FREE else in_small_letters(each)
        for name, each in value.items()
    }
