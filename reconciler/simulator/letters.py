"""Names in bodies: clients write them in letters of their own, and the server keeps the product's.

What a handler reads itself it finds in any letters (`calls.Body`). What is kept as it was written
would keep the client's letters too, and so it is renamed first, at any depth.
"""

from __future__ import annotations

import re
from typing import Any

__all__ = ["product_names"]

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_SECRET = ("HasValue", "Hint", "IsSensitive", "NewValue", "SensitiveValue")
_NESTED = """
    AcquisitionLocation ActionName ActionPackages ActionType AllowDeploymentsToNoTargets
    AllowedRepositories BashHealthCheckPolicy BasePath CalamariUpdateBehavior ChannelId
    CommunicationStyle ConversionState CronExpression DefaultBranch DefaultValue
    DeleteMachinesBehavior DeleteMachinesElapsedTimeSpan DeploymentAction DeploymentActionSlug
    DisplayName DisplaySettings DocumentTypes DonorPackage EmailTeams EnvironmentId EnvironmentIds
    EnvironmentGroups EventAgents EventCategories EventGroups ExcludeUnhealthyTargets FeedId
    FilterType GitRef HealthCheckCron HealthCheckCronTimezone HealthCheckInterval HealthCheckType
    HelpText InitialCommitBranchName IsDisabled MachineConnectivityBehavior PackageId
    PackageReference PackageReferenceName PowerShellHealthCheckPolicy ProjectGroups
    ProtectedBranchNamePatterns ProtectedDefaultBranch QuantityToKeep ReleaseCreationPackage
    ReleaseCreationPackageStepId ReleaseId RunType ScriptBody ShouldKeepForever
    SkipMachineBehavior TargetRoles TentacleUpdateAccountId TentacleUpdateBehavior TenantId
    TenantIds TenantTags VariablesAreInGit VersionRange WebhookHeaderKey WebhookHeaderValue
    WebhookTeams WebhookTimeout WebhookURI
"""
_KNOWN = {name.casefold(): name for name in (*_SECRET, *_NESTED.split())}
_MAPS = frozenset(
    name.casefold()
    for name in (
        *("Arguments", "CustomFields", "DefaultPropertyValues", "DisplaySettings", "FormValues"),
        *("LibraryVariables", "Overrides", "ProjectEnvironments", "ProjectEnvironmentScope"),
        *("ProjectVariables", "Properties", "Scope", "Values", "Variables"),
    )
)
"""Fields that may hold maps, whose keys are data and keep their letters."""


def product_names(value: Any, *, is_map: bool = False) -> Any:
    """Return a JSON value with its names in the product's letters; those of maps stay.

    A name that is not known gets a capital first letter. The names of a sensitive value are known
    everywhere, so that it is never taken for something else.
    """
    if isinstance(value, list):
        return [product_names(each, is_map=is_map) for each in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for name, each in value.items():
        inner = is_map or (name.casefold() in _MAPS and isinstance(each, dict))
        made[_renamed(name, is_map=is_map)] = product_names(each, is_map=inner)
    return made


def _renamed(name: str, *, is_map: bool) -> str:
    known = _KNOWN.get(name.casefold())
    if is_map:
        return known if known in _SECRET else name
    if known is not None or not _WORD.fullmatch(name):
        return known or name
    return name[0].upper() + name[1:]
