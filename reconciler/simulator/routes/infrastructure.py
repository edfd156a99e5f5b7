"""What every space is born with besides groups and lifecycles, and what the simulator has none of.

Lists of the latter are served, empty, since clients read them before they deploy; to write there is
a 405.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import missing
from reconciler.simulator.paging import matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.environments import environment_in
from reconciler.simulator.routes.projects import project_in

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

routes = Routes()

_NONE = {
    "accounts": ("Account", "AccountView"),
    "artifacts": ("Artifact", "ArtifactView"),
    "certificates": ("Certificate", "CertificateView"),
    "libraryvariablesets": ("Library Variable Set", "LibraryVariableSetView"),
    "machines": ("Machine", "MachineView"),
    "proxies": ("Proxy", "ProxyView"),
    "runbooks": ("Runbook", "RunbookView"),
    "runbookRuns": ("Runbook Run", "RunbookRunView"),
    "runbookSnapshots": ("Runbook Snapshot", "RunbookView"),
    "subscriptions": ("Subscription", "SubscriptionView"),
    "tagsets": ("Tag Set", "TenantView"),
    "tenants": ("Tenant", "TenantView"),
    "workers": ("Worker", "WorkerView"),
}
"""Collections without anything in them: kind and the permission to look."""


def _serve_empty(path: str, kind: str, permission: str) -> None:
    @routes.get(path)
    def listed(call: Call) -> object:
        call.demand_anywhere(permission)
        return page(call, kind.replace(" ", ""), [], lambda each: each)

    @routes.get(f"{path}/all")
    def every(call: Call) -> object:
        call.demand_anywhere(permission)
        return []

    @routes.on("GET", f"{path}/{{nothing}}")
    def one(call: Call) -> object:
        call.demand_anywhere(permission)
        raise missing(kind)


for _path, (_kind, _permission) in _NONE.items():
    _serve_empty(_path, _kind, _permission)


@routes.get("machineroles/all")
def machine_roles(call: Call) -> object:
    """GET /machineroles/all: no machine, no role."""
    call.demand_anywhere("MachineView")
    return []


@routes.get("environments/{environment}/machines")
def machines_of_environment(call: Call) -> object:
    """GET /environments/{id}/machines: none."""
    environment_in(call)
    return page(call, "DeploymentTarget", [], lambda each: each)


@routes.get("projects/{project}/runbooks")
def runbooks_of_project(call: Call) -> object:
    """GET /projects/{id}/runbooks: none."""
    call.demand("RunbookView", project_in(call))
    return page(call, "Runbook", [], lambda each: each)


class _Default:
    """The one default of a space, with what the shared filters look at."""

    def __init__(self, space: Space, kind: str, name: str) -> None:
        self.space = space
        self.id = f"{kind}-{space.id.removeprefix('Spaces-')}"
        self.name = name


def _policy(call: Call) -> _Default:
    call.demand("MachinePolicyView")
    return _Default(call.space, "MachinePolicies", "Default Machine Policy")


def policy_resource(policy: _Default) -> dict[str, object]:
    """Return the default machine policy as JSON."""
    own = f"/api/{policy.space.id}/machinepolicies/{policy.id}"
    script = {"RunType": "InheritFromDefault", "ScriptBody": None}
    return {
        "Id": policy.id,
        "SpaceId": policy.space.id,
        "Name": policy.name,
        "Description": "",
        "IsDefault": True,
        "MachineHealthCheckPolicy": {
            "HealthCheckType": "RunScript",
            "HealthCheckInterval": "1.00:00:00",
            "HealthCheckCron": None,
            "HealthCheckCronTimezone": "UTC",
            "PowerShellHealthCheckPolicy": script,
            "BashHealthCheckPolicy": script,
        },
        "MachineConnectivityPolicy": {"MachineConnectivityBehavior": "ExpectedToBeOnline"},
        "MachineCleanupPolicy": {
            "DeleteMachinesBehavior": "DoNotDelete",
            "DeleteMachinesElapsedTimeSpan": "00:00:00",
        },
        "MachineUpdatePolicy": {
            "CalamariUpdateBehavior": "UpdateOnDeployment",
            "TentacleUpdateBehavior": "NeverUpdate",
            "TentacleUpdateAccountId": None,
        },
        "ConnectionConnectTimeout": "00:01:00",
        "ConnectionRetryCountLimit": 5,
        "ConnectionRetrySleepInterval": "00:00:01",
        "ConnectionRetryTimeLimit": "00:05:00",
        "PollingRequestQueueTimeout": "00:02:00",
        "PollingRequestMaximumMessageProcessingTimeout": "00:10:00",
        "Links": {"Self": own, "Machines": f"{own}/machines"},
    }


@routes.get("machinepolicies")
def list_policies(call: Call) -> object:
    """GET /machinepolicies."""
    return page(call, "MachinePolicy", matching(call, [_policy(call)]), policy_resource)


@routes.get("machinepolicies/all")
def all_policies(call: Call) -> object:
    """GET /machinepolicies/all."""
    return [policy_resource(each) for each in matching(call, [_policy(call)])]


@routes.get("machinepolicies/{policy}")
def one_policy(call: Call) -> object:
    """GET /machinepolicies/{id}."""
    policy = _policy(call)
    if call.param("policy") != policy.id:
        raise missing("Machine Policy")
    return policy_resource(policy)


def _pool(call: Call) -> _Default:
    call.demand("WorkerView")
    return _Default(call.space, "WorkerPools", "Default Worker Pool")


def pool_resource(pool: _Default) -> dict[str, object]:
    """Return the default worker pool as JSON."""
    own = f"/api/{pool.space.id}/workerpools/{pool.id}"
    return {
        "Id": pool.id,
        "SpaceId": pool.space.id,
        "Name": pool.name,
        "Description": "",
        "IsDefault": True,
        "CanAddWorkers": False,
        "SortOrder": 0,
        "WorkerPoolType": "StaticWorkerPool",
        "Links": {"Self": own, "Workers": f"{own}/workers"},
    }


@routes.get("workerpools")
def list_pools(call: Call) -> object:
    """GET /workerpools."""
    return page(call, "WorkerPool", matching(call, [_pool(call)]), pool_resource)


@routes.get("workerpools/all")
def all_pools(call: Call) -> object:
    """GET /workerpools/all."""
    return [pool_resource(each) for each in matching(call, [_pool(call)])]


@routes.get("workerpools/{pool}")
def one_pool(call: Call) -> object:
    """GET /workerpools/{id}."""
    pool = _pool(call)
    if call.param("pool") != pool.id:
        raise missing("Worker Pool")
    return pool_resource(pool)
