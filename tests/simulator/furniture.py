"""One of each thing that seeds have none of, so that every route has something to show."""

from copy import deepcopy
from datetime import timedelta

from reconciler.simulator import Simulator
from reconciler.simulator.documents import Document
from reconciler.simulator.membership import Invitation, ScopedRole

__all__ = ["PLACES", "furnish"]

PLACES = {
    "account": "Accounts-1",
    "branch": "main",
    "gitRef": "main",
    "hash": "main",
    "reference": "v1",
    "tag": "v1",
    "community": "CommunityActionTemplates-1",
    "insightsReport": "InsightsReports-1",
    "job": "Retention",
    "resourceGroup": "x",
    "settings": "deploymentsettings-Projects-1",
    "spaceId": "Spaces-1",
    "webSite": "x",
    "artifact": "Artifacts-1",
    "cert": "Certificates-1",
    "credential": "GitCredentials-1",
    "ephemeral": "Environments-91",
    "monitor": "KubernetesMonitors-1",
    "parent": "Environments-90",
    "retention": "RetentionPolicies-LifecycleRelease-Spaces-1",
    "proxy": "Proxies-1",
    "subscription": "Subscriptions-1",
    "template": "ActionTemplates-1",
    "certificate": "certificate-global",
    "freeze": "DeploymentFreezes-1",
    "build": "BuildInformation-1",
    "library": "LibraryVariableSets-1",
    "edition": "1",
    "machine": "Machines-1",
    "name": "Acme.WebShop",
    "package": "packages-Acme.WebShop.1.2.0",
    "policy": "MachinePolicies-1",
    "pool": "WorkerPools-1",
    "ratePolicy": "RateLimitingPolicies-1",
    "run": "RunbookRuns-1",
    "runbook": "Runbooks-1",
    "runbookProcess": "RunbookProcess-Runbooks-1",
    "snapshot": "RunbookSnapshots-1",
    "invitation": "Invitations-1",
    "scopedRole": "ScopedUserRoles-1",
    "section": "authentication",
    "tagset": "TagSets-1",
    "tenant": "Tenants-1",
    "trigger": "ProjectTriggers-1",
    "worker": "Workers-1",
}
"""What `furnish` makes, by the parameters of paths."""

KEPT = {
    "accounts": Document("Accounts-1", "Build", {"AccountType": "AzureServicePrincipal"}),
    "actiontemplates": Document(
        "ActionTemplates-1",
        "Hello",
        {
            "ActionType": "Octopus.Script",
            "CommunityActionTemplateId": "CommunityActionTemplates-1",
            "Version": 1,
        },
        history=[{"Version": 1}],
    ),
    "artifacts": Document(
        "Artifacts-1",
        "log.txt",
        {"Created": None, "ServerTaskId": None, "Source": None, "LogCorrelationId": None},
    ),
    "certificates": Document("Certificates-1", "Own"),
    "git-credentials": Document("GitCredentials-1", "Robot"),
    "insights/reports": Document("InsightsReports-1", "Pace"),
    "ephemeralEnvironments": Document("Environments-91", "pr-7"),
    "observability/kubernetes-monitors": Document(
        "KubernetesMonitors-1", "web-1", {"MachineId": "Machines-1", "InstallationId": "x"}
    ),
    "parentEnvironments": Document("Environments-90", "Pulls"),
    "proxies": Document("Proxies-1", "Way out"),
    "subscriptions": Document("Subscriptions-1", "Watch"),
}
"""What clients keep in a space, by path."""


def furnish(simulator: Simulator, *, is_in_git: bool = True) -> None:
    """Put one of each thing into the small server, and its first project in git."""
    simulator.add_machine("web-1", environments=["Dev"], roles=["web"])
    simulator.add_worker("worker-1")
    for path, document in deepcopy(KEPT).items():
        simulator.world.spaces["Spaces-1"].documents[path] = {document.id: document}
    old = Document("Accounts-2", "Old Azure", {"AccountType": "AzureSubscription"})
    simulator.world.spaces["Spaces-1"].documents["accounts"][old.id] = old
    deploys = ScopedRole("ScopedUserRoles-1", "Teams-1", "userroles-projectviewer", "Spaces-1")
    simulator.world.scoped_roles[deploys.id] = deploys
    invited = Invitation("Invitations-1", "code", (), None, simulator.now + timedelta(days=7))
    simulator.world.invitations[invited.id] = invited
    simulator.freeze("Summer", "Newsletter", "Production")
    simulator.add_tag_set("Ring", ["Pilot", "Rest"])
    simulator.add_tenant("Acme", connected={"Web Shop": ["Dev"]}, tags=["Ring/Pilot"])
    simulator.add_runbook("Web Shop", "Backup")
    simulator.run_runbook("Web Shop", "Backup", "Dev")
    if is_in_git:
        simulator.keep_in_git("Web Shop")
        simulator.tag("Web Shop", "v1", at="main")
    simulator.add_trigger(
        "Web Shop",
        "New targets",
        filter={"FilterType": "MachineFilter"},
        action={"ActionType": "AutoDeploy"},
    )
