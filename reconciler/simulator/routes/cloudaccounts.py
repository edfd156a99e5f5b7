"""Accounts: the credentials that deployments sign in with elsewhere. Secrets never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.documents import SECRET, Kind, Verbs, users_of
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.documents import serve

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.calls import Body, Call

routes = Routes()

_AZURE: dict[str, Any] = {
    "SubscriptionNumber": None,
    "AzureEnvironment": "",
}
_SUBJECTS: dict[str, Any] = {
    "DeploymentSubjectKeys": [],
    "HealthCheckSubjectKeys": [],
    "AccountTestSubjectKeys": [],
    "CustomClaims": {},
}
_PRINCIPAL: dict[str, Any] = {
    **_AZURE,
    "ClientId": None,
    "TenantId": None,
    "ActiveDirectoryEndpointBaseUri": "",
    "ResourceManagementEndpointBaseUri": "",
}
_TYPES: dict[str, dict[str, Any]] = {
    "None": {},
    "UsernamePassword": {"Username": None, "Password": SECRET},
    "SshKeyPair": {"Username": None, "PrivateKeyFile": SECRET, "PrivateKeyPassphrase": SECRET},
    "Token": {"Token": SECRET},
    "GoogleCloudAccount": {"JsonKey": SECRET},
    "AmazonWebServicesAccount": {"AccessKey": None, "SecretKey": SECRET, "Region": None},
    "AmazonWebServicesRoleAccount": {"RoleArn": None, "SessionDuration": None, "Region": None},
    "AmazonWebServicesOidcAccount": {
        **_SUBJECTS,
        "RoleArn": None,
        "SessionDuration": None,
        "Audience": None,
        "Region": None,
    },
    "AzureSubscription": {
        **_AZURE,
        "CertificateBytes": SECRET,
        "CertificateThumbprint": None,
        "ServiceManagementEndpointBaseUri": "",
        "ServiceManagementEndpointSuffix": "",
    },
    "AzureServicePrincipal": {**_PRINCIPAL, "Password": SECRET},
    "AzureOidc": {**_PRINCIPAL, **_SUBJECTS, "Audience": None},
    "GenericOidcAccount": {**_SUBJECTS, "Audience": None},
}
"""Further fields of each type. Source: Octopus' public Go client, `pkg/accounts`."""

ACCOUNTS = Kind(
    path="accounts",
    param="account",
    item="Account",
    word="Account",
    ids="Accounts",
    verbs=Verbs.of("Account"),
    fields={
        "AccountType": "None",
        "Description": "",
        "EnvironmentIds": [],
        "TenantedDeploymentParticipation": "Untenanted",
        "TenantIds": [],
        "TenantTags": [],
    },
    links={
        "Usages": "/usages",
        "PublicKey": "/pk",
        "ResourceGroups": "/resourceGroups",
        "StorageAccounts": "/storageAccounts",
        "WebSites": "/websites",
        "WebSiteSlots": "/{resourceGroupName}/websites/{webSiteName}/slots",
        "FabricApplications": "/fabricApplications",
    },
    template="{?skip,take,ids,partialName,accountType}",
)


def _of_type(more: Mapping[str, Any], body: Body | None) -> Mapping[str, Any]:
    """Return the fields of an account's type.

    Raises:
        Refused: 400 for a type that is not known, or another than the account has.
    """
    had = more.get("AccountType")
    wanted = (body.text("AccountType") if body else None) or had
    if wanted not in _TYPES:
        raise Refused(400, "Model validation failed.", (f"'{wanted}' is no type of account.",))
    if had is not None and wanted != had:
        raise Refused(400, "Model validation failed.", ("The type of an account cannot change.",))
    return _TYPES[wanted]


serve(routes, ACCOUNTS, further=_of_type)


@routes.get("accounts/{account}/usages")
def usages(call: Call) -> object:
    """GET /accounts/{id}/usages: the targets that sign in with it."""
    account = ACCOUNTS.named(call)
    targets = [
        {"TargetId": machine_id, "TargetName": name}
        for machine_id, name in users_of(call.space, account.id)
    ]
    return {
        "Id": account.id,
        "Targets": targets,
        "DeploymentProcesses": [],
        "LibraryVariableSets": [],
        "ProjectVariableSets": [],
        "Releases": [],
        "RunbookProcesses": [],
        "RunbookSnapshots": [],
        "Links": {},
    }


def _azure(name: str, display: str, login: str, suffix: str) -> dict[str, str]:
    return {
        "Name": name,
        "DisplayName": display,
        "AuthenticationEndpoint": f"https://login.{login}/",
        "ResourceManagerEndpoint": f"https://management.{suffix}/",
        "GraphEndpoint": f"https://graph.{suffix}/",
        "ManagementEndpoint": f"https://management.core.{suffix}/",
        "StorageEndpointSuffix": f"core.{suffix}",
    }


@routes.get("accounts/azureenvironments", scope=Scope.MIXED)
def azure_environments(call: Call) -> object:
    """GET /accounts/azureenvironments: the isolated clouds."""
    del call
    return [
        _azure("AzureCloud", "Azure Global Cloud", "microsoftonline.com", "windows.net"),
        _azure("AzureChinaCloud", "Azure China", "chinacloudapi.cn", "chinacloudapi.cn"),
        _azure(
            "AzureUSGovernment", "Azure US Government", "microsoftonline.us", "usgovcloudapi.net"
        ),
    ]
