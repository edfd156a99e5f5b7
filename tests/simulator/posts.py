"""A body for every POST that the product's description has an answer of, in an order that works.

Keys are paths as in the routes; `{...}` in them and in bodies stands for what the test has made.
"""

from typing import Any

__all__ = ["POSTS"]

_NAME = {"Name": "Another"}
_RUN = {"RunbookId": "Runbooks-1", "RunbookSnapshotId": "RunbookSnapshots-1"}
_PLACE = {"EnvironmentId": "Environments-1"}
_RELEASE = {
    "ProjectId": "Projects-1",
    "SelectedPackages": [{"ActionName": "Deploy Web Shop", "Version": "1.2.0"}],
    "VersionControlReference": {"GitRef": "main"},
}
_TRIGGER = {
    "ProjectId": "Projects-1",
    "Filter": {"FilterType": "MachineFilter"},
    "Action": {"ActionType": "AutoDeploy"},
}
_BUILD = {"PackageId": "Acme.Other", "Version": "1.0.0"}
_LISTENING = {
    "CommunicationStyle": "TentaclePassive",
    "Uri": "https://web-9:10933",
    "Thumbprint": "3D9F27B1A0C5E8D4F6A7B8C9D0E1F2A3B4C5D6E7",
}
_ACTIONS = {"ActionsToUpdate": [], "Version": 1, "Overrides": {}, "DefaultPropertyValues": {}}
_GIT = "projects/{project}/{gitRef}/"

POSTS: dict[str, dict[str, Any] | list[Any]] = {
    "accounts": {**_NAME, "AccountType": "Token"},
    "actiontemplates": {**_NAME, "ActionType": "Octopus.Script"},
    "actiontemplates/{template}/actionsUpdate": _ACTIONS,
    "artifacts": {"Filename": "x.txt"},
    "authentication/checklogininitiated": {"EncodedQueryString": "x"},
    "azuredevopsissuetracker/connectivitycheck": {"BaseUrl": "https://dev.example.com"},
    "build-information": {**_BUILD, "OctopusBuildInformation": {"BuildNumber": "1"}},
    "package-metadata": {**_BUILD, "Version": "2.0.0", "OctopusPackageMetadata": {}},
    "certificates/generate": {**_NAME, "SubjectCommonName": "x"},
    "channels": {**_NAME, "ProjectId": "Projects-1"},
    "channels/rule-test": {"Version": "1.0"},
    "cloudtemplate/{template}/metadata": {"Template": '{"Parameters": {"A": {"Type": "String"}}}'},
    "communityactiontemplates/{community}/installation/{spaceId}": {},
    "deployments": {"ReleaseId": "{release}", **_PLACE},
    "environments": _NAME,
    "feeds": {**_NAME, "FeedType": "NuGet", "FeedUri": "https://feed.example.com"},
    "jiraintegration/connectivitycheck/connectapp": {"BaseUrl": "https://jira.example.com"},
    "jiraintegration/connectivitycheck/jira": {"BaseUrl": "https://jira.invalid"},
    "libraryvariablesets": _NAME,
    "lifecycles": _NAME,
    "machinepolicies": _NAME,
    "machines": {
        "Name": "web-9",
        "EnvironmentIds": ["Environments-1"],
        "Roles": ["web"],
        "Endpoint": _LISTENING,
    },
    "migrations/import": {"PackageId": "x", "PackageVersion": "1", "Password": "x"},
    "migrations/partialexport": {"Password": "x", "Projects": ["Web Shop"]},
    "projectgroups": _NAME,
    "projects": {
        **_NAME,
        "ProjectGroupId": "ProjectGroups-1",
        "LifecycleId": "Lifecycles-1",
    },
    "projects/{project}/git/connectivity-test": {"Url": "https://git.example.com/x"},
    "projects/{otherProject}/git/convert": {"Url": "https://git.example.com/x"},
    "projecttriggers": {**_TRIGGER, "Name": "One"},
    "projects/{project}/triggers": {**_TRIGGER, "Name": "Two"},
    f"{_GIT}triggers": {**_TRIGGER, "Name": "Three"},
    "proxies": {**_NAME, "Host": "proxy.example.com"},
    "releases": {**_RELEASE, "Version": "20.0.0"},
    "releases/{release}/defects/resolve": {},
    "releases/{release}/defects": {"Description": "x"},
    "releases/{release}/deployments/previews": {"DeploymentPreviews": [_PLACE]},
    "releases/{release}/snapshot-variables": {},
    "runbooks": {"Name": "One", "ProjectId": "Projects-1"},
    "projects/{project}/runbooks": {"Name": "Two", "ProjectId": "Projects-1"},
    f"{_GIT}runbooks": {"Name": "Three", "ProjectId": "Projects-1"},
    "runbookSnapshots": {"Name": "One", "ProjectId": "Projects-1", "RunbookId": "Runbooks-1"},
    "projects/{project}/runbookSnapshots": {"Name": "Two", "RunbookId": "Runbooks-1"},
    f"{_GIT}runbookSnapshots": {"Name": "Three", "RunbookId": "Runbooks-1"},
    "runbookSnapshots/{snapshot}/snapshot-variables": {},
    "projects/{project}/runbookSnapshots/{snapshot}/snapshot-variables": {},
    f"{_GIT}runbookSnapshots/{{snapshot}}/snapshot-variables": {},
    "runbookRuns": {**_RUN, **_PLACE},
    "projects/{project}/runbookRuns": {**_RUN, **_PLACE},
    f"{_GIT}runbookRuns": {**_RUN, **_PLACE},
    "runbooks/{runbook}/run": _PLACE,
    "projects/{project}/runbooks/{runbook}/run": _PLACE,
    f"{_GIT}runbooks/{{runbook}}/run": _PLACE,
    "scopeduserroles": {
        "TeamId": "Teams-1",
        "UserRoleId": "userroles-projectviewer",
        "SpaceId": "Spaces-1",
    },
    "spaces": {**_NAME, "SpaceManagersTeams": ["teams-administrators"]},
    "subscriptions": {**_NAME, "Type": "Event"},
    "tagsets": {**_NAME, "Tags": [{"Name": "x", "Color": "#333333"}]},
    "teammembership/previewteam": {**_NAME, "SpaceId": "Spaces-1", "MemberUserIds": ["Users-1"]},
    "teams": {**_NAME, "SpaceId": "Spaces-1"},
    "tenants": _NAME,
    "tenants/{tenant}/variables": {},
    "tasks": {"Name": "Health", "Description": "x", "SpaceId": "Spaces-1"},
    "tasks/{task}/cancel": {},
    "tasks/{task}/state": {"State": "Failed", "Reason": "x"},
    "tasks/rerun/{chore}": {},
    "userroles": {**_NAME, "GrantedSpacePermissions": ["ProjectView"]},
    "users": {"Username": "another"},
    "users/invitations": {"AddToTeamIds": []},
    "users/{user}/apikeys": {"Purpose": "x"},
    "workerpools": {**_NAME, "WorkerPoolType": "StaticWorkerPool"},
    "workers": {"Name": "worker-9", "WorkerPoolIds": ["WorkerPools-1"], "Endpoint": _LISTENING},
    "certificates": {"Name": "Third", "CertificateData": {"HasValue": True, "NewValue": "{der}"}},
    "certificates/{cert}/replace": {"CertificateData": "{der}"},
    "interruptions/{interruption}/submit": {"Notes": "", "Result": "Proceed"},
    "communityactiontemplates/{otherCommunity}/installation": {},
}
