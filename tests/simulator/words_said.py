"""Requests that are refused, each with the product's own sentence for it."""

from typing import Any, NamedTuple

__all__ = ["BUILD", "CASES", "PROCESS", "WEB", "Case"]

WEB = {"ProjectId": "Projects-1"}
RELEASE = {**WEB, "Version": "9.0.0"}
PICKED = [{"ActionName": "Deploy Web Shop", "Version": "9.0.0"}]
FETCHED = {"ActionName": "Fetch", "Version": "9.0.0"}
ORDER = {"ReleaseId": "Releases-3", "EnvironmentId": "Environments-1"}
SELECT = {"Name": "Size", "DisplaySettings": {"Octopus.ControlType": "Select"}}
FILE = {"fileData": ("Acme.New.1.0.0.zip", b"x")}
EMPTY = {"fileData": ("Acme.New.1.0.0.zip", b"")}
PROCESS = "/api/deploymentprocesses/deploymentprocess-Projects-1"
VARIABLES = "/api/variables/variableset-Projects-1"
IMPORT = "/api/migrations/import"
STATE = "/api/tasks/ServerTasks-1/state"
BUILD = {"PackageId": "Acme.Web", "Version": "1", "OctopusBuildInformation": {}}
AGAIN = "To proceed anyway, specify an overwriteMode of OverwriteExisting or IgnoreIfExists."
ARC = "(see Automatic Release Creation settings, via Project > Triggers)"
STATES = "Canceled, Failed, Success."


class Case(NamedTuple):
    """A request and what is said to it. Text that is sent is a file, None is no body."""

    sentence: str
    method: str
    path: str
    body: Any = None
    status: int = 400


def _arc(channel: str | None, action: str | None, package: str = "") -> dict[str, Any]:
    named = {"DeploymentAction": action, "PackageReference": package} if action else None
    strategy = {"ChannelId": channel, "ReleaseCreationPackage": named}
    return {
        "Name": "Web Shop",
        "ProjectGroupId": "ProjectGroups-1",
        "LifecycleId": "Lifecycles-1",
        "AutoCreateRelease": True,
        "ReleaseCreationStrategy": strategy,
    }


CASES = [
    Case("No request body was supplied.", "POST", "/api/releases"),
    Case("Model validation failed.", "POST", "/api/environments", {}),
    Case("Model validation failed", "POST", "/api/channels", {}),
    Case("Please provide a value for the name.", "POST", "/api/environments", {}),
    Case("No Deployment resource provided", "POST", "/api/deployments", status=415),
    Case("No Channel resource provided", "POST", "/api/channels", status=415),
    Case("No Worker Pool resource provided", "POST", "/api/workerpools", status=415),
    Case("No project ID was specified.", "POST", "/api/releases", {"Version": "9"}),
    Case(
        "A version must be specified for every included package.",
        "POST",
        "/api/releases",
        {**RELEASE, "SelectedPackages": [{"ActionName": "Deploy Web Shop", "Version": ""}]},
    ),
    Case(
        "A channelId must be provided for a release when more than one exists for that project and "
        "no default channel has been specified.",
        "POST",
        "/api/releases",
        {"ProjectId": "Projects-4", "Version": "12"},
    ),
    Case(
        "Release '1.0.0' already exists for this project. Please use a different version, or look "
        "at using a mask to auto-increment the number.",
        "POST",
        "/api/releases",
        {**RELEASE, "Version": "1.0.0", "SelectedPackages": PICKED},
    ),
    Case(
        "The release number 'one' does not appear to be a valid version number. The version must "
        "consist of between 1 and 4 number only parts before the optional pre-release part. "
        "e.g. 2, 2.1, 2.4.0.23, 2.4-beta and 1-beta.2",
        "POST",
        "/api/releases",
        {**RELEASE, "Version": "one"},
    ),
    Case(
        "The channel Default specified for this release belongs to the project Projects-2. It does "
        "not belong to the same project as the release.",
        "POST",
        "/api/releases",
        {**RELEASE, "ChannelId": "Channels-2"},
    ),
    Case(
        "The requested package versions for the following steps violate the channel version rules:",
        "POST",
        "/api/releases",
        {**RELEASE, "ChannelId": "Channels-6", "SelectedPackages": [*PICKED, FETCHED]},
    ),
    Case(
        "Unexpected VersionControlReference provided. Please remove this value or enable version "
        "control on this project.",
        "POST",
        "/api/releases",
        {**RELEASE, "VersionControlReference": {"GitRef": "main"}},
    ),
    Case(
        "Creating a release for a version controlled process requires GitRef to be set on "
        "VersionControlReference",
        "POST",
        "/api/releases",
        {"ProjectId": "Projects-3", "Version": "9.0.0"},
    ),
    Case(
        "The project is disabled, so releases cannot be created",
        "POST",
        "/api/releases",
        {"ProjectId": "Projects-5", "Version": "9.0.0"},
    ),
    Case(
        "A channelId must be provided when more than one exists for the project",
        "GET",
        f"{PROCESS}/template",
    ),
    Case("You must provide a description.", "POST", "/api/releases/Releases-1/defects", {}),
    Case(
        "An unresolved defect already exists for this release.",
        "POST",
        "/api/releases/Releases-2/defects",
        {"Description": "x"},
    ),
    Case("Defect has already been resolved.", "POST", "/api/releases/Releases-1/defects/resolve"),
    Case(
        "The 'releaseHistoryCount' parameter must be greater than 0 and less than or equal to 100.",
        "GET",
        "/api/projects/Projects-1/progression?releaseHistoryCount=101",
    ),
    Case(
        "Deployment creation failed.",
        "POST",
        "/api/deployments",
        {"ReleaseId": "Releases-3", "EnvironmentId": "Environments-3"},
    ),
    Case(
        "Deployment Schedule is invalid.",
        "POST",
        "/api/deployments",
        {**ORDER, "QueueTime": "2026-12-02T00:00:00Z", "QueueTimeExpiry": "2026-12-01T00:00:00Z"},
    ),
    Case(
        "RunbookRun Schedule is invalid.",
        "POST",
        "/api/runbookRuns",
        {
            "RunbookId": "Runbooks-1",
            "EnvironmentId": "Environments-1",
            "QueueTime": "2026-12-02T00:00:00Z",
            "QueueTimeExpiry": "2026-12-01T00:00:00Z",
        },
    ),
    Case(
        "RunbookRun creation failed.",
        "POST",
        "/api/runbookRuns",
        {"RunbookId": "Runbooks-1", "EnvironmentId": "Environments-1", "TenantId": "Tenants-1"},
    ),
    Case(
        "Runbook has no published snapshot.",
        "POST",
        "/api/runbookRuns",
        {"RunbookId": "Runbooks-2", "EnvironmentId": "Environments-1"},
    ),
    Case(
        "This interruption has already been submitted, possibly by another user.",
        "PUT",
        "/api/interruptions/Interruptions-1/responsible",
    ),
    Case(
        "The interruption has already been submitted.",
        "POST",
        "/api/interruptions/Interruptions-1/submit",
        {},
    ),
    Case(
        "You must take responsibility for this interruption before attempting to submit it.",
        "POST",
        "/api/interruptions/Interruptions-2/submit",
        {"Result": "Proceed"},
    ),
    Case(
        "Someone else has taken responsibility for this interruption, and only they are allowed to "
        "submit it.",
        "POST",
        "/api/interruptions/Interruptions-3/submit",
        {"Result": "Proceed"},
    ),
    Case(
        "There were errors with the form.",
        "POST",
        "/api/interruptions/Interruptions-4/submit",
        {"Result": "Perhaps"},
    ),
    Case("This task cannot be re-run.", "POST", "/api/tasks/rerun/ServerTasks-1"),
    Case("No body was provided.", "POST", STATE),
    Case("No state was provided.", "POST", STATE, {"reason": "x"}),
    Case("No reason was provided.", "POST", STATE, {"state": "Failed"}),
    Case(
        f"The task can not be put into the state.  Valid states are: {STATES}",
        "POST",
        STATE,
        {"state": "Executing", "reason": "x"},
    ),
    Case("The task is already in the state.", "POST", STATE, {"state": "Success", "reason": "x"}),
    Case(
        "The task state can not be changed to the selected state.  It can only be changed out of "
        f"the states: {STATES}",
        "POST",
        "/api/tasks/{executing}/state",
        {"state": "Failed", "reason": "x"},
    ),
    Case(
        "Changes to this deployment process could not be saved, because another user has made "
        "changes",
        "PUT",
        PROCESS,
        {"Version": 99, "Steps": []},
    ),
    Case(
        "Changes to this deployment process could not be saved, because it is frozen",
        "PUT",
        "/api/{process}",
        {"Version": 1, "Steps": []},
    ),
    Case(
        "You cannot modify this process because it is frozen. You'll need to create a new process "
        "instead.",
        "PUT",
        "/api/runbookProcesses/{runbookProcess}",
        {"Version": 1, "Steps": []},
    ),
    Case(
        "Changes to this process could not be saved, because another user has made changes to the "
        "process between when you started editing and when you saved your changes. Please reload "
        "or open a new tab to make your changes.",
        "PUT",
        "/api/runbookProcesses/RunbookProcess-Runbooks-1",
        {"Version": 99, "Steps": []},
    ),
    Case(
        "Changes to these variables could not be saved, because another user has made changes to "
        "the variables between when you started editing and when you saved your changes. Please "
        "reload or open a new tab to make your changes.",
        "PUT",
        VARIABLES,
        {"Version": 99, "Variables": []},
    ),
    Case(
        "You cannot modify this variable set because the set is frozen. You'll need to create a "
        "new variable set instead.",
        "PUT",
        "/api/{variables}",
        {"Version": 0, "Variables": []},
    ),
    Case(
        "Prompted variables cannot be scoped to anything except an environment.",
        "PUT",
        VARIABLES,
        {"Version": 0, "Variables": [{"Name": "x", "Prompt": {}, "Scope": {"Role": ["web"]}}]},
    ),
    Case(
        "Variable ids must be unique.",
        "PUT",
        VARIABLES,
        {"Version": 0, "Variables": [{"Id": "a", "Name": "x"}, {"Id": "a", "Name": "y"}]},
    ),
    Case("No project was provided.", "GET", "/api/variables/preview"),
    Case(
        "Variable template 'Size' does not have drop down options set.",
        "POST",
        "/api/libraryvariablesets",
        {"Name": "Shared", "Templates": [SELECT]},
    ),
    Case("You cannot delete the default channel.", "DELETE", "/api/channels/Channels-1"),
    Case("You cannot delete the only remaining channel.", "DELETE", "/api/channels/Channels-2"),
    Case(
        "The channel you are about to remove is used by 'Deploy Web Shop' step.",
        "DELETE",
        "/api/channels/Channels-6",
    ),
    Case(
        "You cannot delete your default machine policy.",
        "DELETE",
        "/api/machinepolicies/MachinePolicies-1",
    ),
    Case(
        "The Team is a built-in Team and cannot be deleted.", "DELETE", "/api/teams/teams-everyone"
    ),
    Case(
        "This resource is read-only and cannot be modified.",
        "PUT",
        "/api/userroles/userroles-systemadministrator",
        {"Name": "x"},
    ),
    Case(
        "This resource is read-only and cannot be deleted.",
        "DELETE",
        "/api/userroles/userroles-projectviewer",
    ),
    Case(
        "The Environment has dependent resources and cannot be deleted.",
        "DELETE",
        "/api/environments/Environments-1",
    ),
    Case(
        "The Lifecycle has dependent resources and cannot be deleted.",
        "DELETE",
        "/api/lifecycles/Lifecycles-1",
    ),
    Case(
        "The Project Group has dependent resources and cannot be deleted.",
        "DELETE",
        "/api/projectgroups/ProjectGroups-1",
    ),
    Case("A package file must be provided", "POST", "/api/packages/raw", {}),
    Case(
        "The uploaded package file had length equal to 0. Please upload a non-empty file.",
        "POST",
        "/api/packages/raw",
        EMPTY,
    ),
    Case(
        "Package Name is too long.",
        "POST",
        "/api/packages/raw",
        {"fileData": (f"{'a' * 300}.1.0.0.zip", b"x")},
    ),
    Case(
        f"A package with the same ID and version already exists. {AGAIN}",
        "POST",
        "/api/packages/raw",
        {"fileData": ("Acme.WebShop.1.0.0.zip", b"x")},
        409,
    ),
    Case("A delta file must be provided", "POST", "/api/packages/Acme.WebShop/1.0.0/delta", {}),
    Case(
        "The uploaded delta file had length equal to 0. Please upload a non-empty file.",
        "POST",
        "/api/packages/Acme.WebShop/1.0.0/delta",
        EMPTY,
    ),
    Case("Invalid semantic version supplied", "POST", "/api/packages/Acme.WebShop/one/delta", FILE),
    Case(
        "Only one of either nuGetPackageId or filter may be specified.",
        "GET",
        "/api/packages?nuGetPackageId=a&filter=b",
    ),
    Case("No ids parameter was provided.", "DELETE", "/api/packages/bulk"),
    Case(
        "The 'versionRange' parameter was not a valid NuGet version-range "
        "(see http://g.octopushq.com/NuGetVersioning)",
        "GET",
        "/api/feeds/feeds-builtin/packages?packageId=Acme.WebShop&versionRange=x",
    ),
    Case(
        "No packageId parameter was provided.", "GET", "/api/feeds/feeds-builtin/packages/versions"
    ),
    Case(
        f"Metadata for the specified Package ID and version already exists. {AGAIN}",
        "POST",
        "/api/build-information",
        {**BUILD, "PackageId": "Acme.Known"},
        409,
    ),
    Case(
        "Invalid package metadata",
        "POST",
        "/api/build-information",
        {**BUILD, "OctopusBuildInformation": None},
    ),
    Case(
        "The package ID contains invalid characters. Examples of valid package IDs include "
        "'MyPackage' and 'MyPackage.Sample'.",
        "POST",
        "/api/build-information",
        {**BUILD, "PackageId": "a/b"},
    ),
    Case(
        "The version is invalid. Please supply a valid semver version number.",
        "POST",
        "/api/build-information",
        {**BUILD, "Version": "one"},
    ),
    Case("Invalid image provided.", "PUT", "/api/projects/Projects-1/logo", FILE),
    Case("Invalid or unsupported image provided.", "POST", "/api/tenants/Tenants-1/logo", FILE),
    Case(
        "Please supply either the common name or organization.",
        "POST",
        "/api/certificates/generate",
        {},
    ),
    Case(
        "No Certificate Data was provided.", "POST", "/api/certificates/{certificate}/replace", {}
    ),
    Case(
        "Certificate Invalid.",
        "POST",
        "/api/certificates/{certificate}/replace",
        {"CertificateData": "eA=="},
    ),
    Case("Invalid format option.", "GET", "/api/certificates/{certificate}/export?format=doc"),
    Case(
        "You cannot unarchive a certificate that has been replaced.",
        "POST",
        "/api/certificates/{replaced}/unarchive",
    ),
    Case(
        "Passwords cannot be set for service user accounts.",
        "PUT",
        "/api/users/Users-2",
        {"Password": "secret"},
    ),
    Case("User creation failed.", "POST", "/api/users", {"Username": "alice"}),
    Case(
        "Username is reserved and can't be used to create new users.",
        "POST",
        "/api/users",
        {"Username": "System"},
    ),
    Case(
        "This ApiKey does not belong to the specified user.",
        "GET",
        "/api/users/Users-2/apikeys/{key}",
    ),
    Case("Tenant not found.", "GET", "/api/tenants/Tenants-99/variables", status=404),
    Case("User was not found.", "GET", "/api/teammembership?userId=Users-99", status=404),
    Case("User does not exist.", "GET", "/api/users/Users-99/permissions/export", status=404),
    Case("No Team resource provided", "POST", "/api/teammembership/previewteam", status=415),
    Case("Extension is disabled.", "POST", "/api/users/authenticate/OctopusID", {}),
    Case(
        "Account must be an Azure Service Principal Account.",
        "GET",
        "/api/accounts/Accounts-2/resourceGroups",
    ),
    Case(
        "Action Template already installed.",
        "POST",
        "/api/communityactiontemplates/{installed}/installation",
    ),
    Case(
        "Action template not yet installed.",
        "PUT",
        "/api/communityactiontemplates/{community}/installation",
    ),
    Case("Missing expected 'PackageId' parameter.", "POST", IMPORT, {}),
    Case("Missing expected 'PackageVersion' parameter.", "POST", IMPORT, {"PackageId": "a"}),
    Case(
        "Missing expected 'Password' parameter.",
        "POST",
        IMPORT,
        {"PackageId": "a", "PackageVersion": "1"},
    ),
    Case(
        "Missing expected 'Projects' parameter.",
        "POST",
        "/api/migrations/partialexport",
        {"Password": "x"},
    ),
    Case(
        "The deployment process ID specified doesn't exist",
        "GET",
        "/api/deploymentprocesses/x",
        status=404,
    ),
    Case(
        "A projectIds query string parameter is required.",
        "GET",
        "/api/reporting/deployments-counted-by-week",
    ),
    Case(
        "The hostname of the machine to discover must be supplied as URI parameter named 'host'.",
        "GET",
        "/api/machines/discover",
    ),
    Case("Please provide the text of the license.", "PUT", "/api/licenses/licenses-current", {}),
    Case(
        "The license you've provided doesn't seem to be valid XML. You should paste in the entire "
        "XML document, starting with <License> and ending at </License>.",
        "PUT",
        "/api/licenses/licenses-current",
        {"LicenseText": "x"},
    ),
    Case(
        "A project cannot be named 'All'", "POST", "/api/projects", {**_arc("", ""), "Name": "All"}
    ),
    Case(
        "A channel ID must be provided to enable Automatic Release Creation.",
        "PUT",
        "/api/projects/Projects-1",
        _arc(None, None),
    ),
    Case(
        "The specified Automatic Release Creation channel belongs to a different project.",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-2", None),
    ),
    Case(
        "A package step must be provided to enable Automatic Release Creation.",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-1", None),
    ),
    Case(
        f"The package step provided could not be found in the project's deployment process {ARC}.",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-1", "Nowhere"),
    ),
    Case(
        f"The package step provided is disabled {ARC}.",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-1", "Rest"),
    ),
    Case(
        f"The Automatic Release Creation package could not be found {ARC}",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-1", "Deploy Web Shop", "Other"),
    ),
    Case(
        "The Automatic Release Creation (ARC) package must be sourced from the Octopus built-in "
        "feed. ARC settings can be found at Project > Triggers "
        "https://g.octopushq.com/AutoReleaseCreation",
        "PUT",
        "/api/projects/Projects-1",
        _arc("Channels-1", "Fetch"),
    ),
]
