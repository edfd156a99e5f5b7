"""Machine policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.changes import changed_fields, free_name, note
from reconciler.simulator.fleet import Machine, MachinePolicy, default_of
from reconciler.simulator.paging import by_name, matching, page
from reconciler.simulator.router import Routes
from reconciler.simulator.routes import machineparts as parts
from reconciler.simulator.routes.machines import machine_resource, visible_machines
from reconciler.simulator.routes.workers import workers_page

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

routes = Routes()


def _defaults() -> dict[str, Any]:
    script = {"RunType": "InheritFromDefault", "ScriptBody": None}
    return {
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
    }


def policy_resource(space: Space, policy: MachinePolicy) -> dict[str, Any]:
    """Return a machine policy as JSON."""
    own = f"/api/{space.id}/machinepolicies/{policy.id}"
    return {
        "Id": policy.id,
        "SpaceId": space.id,
        "Name": policy.name,
        "Description": policy.description,
        "IsDefault": policy.is_default,
        **_defaults(),
        **policy.more,
        "Links": {
            "Self": own,
            "Machines": f"{own}/machines{{?skip,take}}",
            "Workers": f"{own}/workers{{?skip,take}}",
        },
    }


def _policies(call: Call) -> list[MachinePolicy]:
    call.demand("MachinePolicyView")
    return matching(call, sorted(call.space.machine_policies.values(), key=by_name))


@routes.get("machinepolicies")
def list_policies(call: Call) -> object:
    """GET /machinepolicies."""
    return page(
        call, "MachinePolicy", _policies(call), lambda each: policy_resource(call.space, each)
    )


@routes.get("machinepolicies/all")
def all_policies(call: Call) -> object:
    """GET /machinepolicies/all."""
    return [policy_resource(call.space, each) for each in _policies(call)]


@routes.get("machinepolicies/template")
def template(call: Call) -> object:
    """GET /machinepolicies/template: what a new policy starts from."""
    call.demand("MachinePolicyView")
    shown = policy_resource(call.space, MachinePolicy("", ""))
    return {**shown, "Id": None, "Name": None, "Links": {}}


def _policy_in(call: Call, permission: str = "MachinePolicyView") -> MachinePolicy:
    call.demand(permission)
    policy = call.space.machine_policies.get(call.param("policy"))
    if policy is None:
        raise missing("Machine Policy")
    return policy


@routes.get("machinepolicies/{policy}")
def one_policy(call: Call) -> object:
    """GET /machinepolicies/{id}."""
    return policy_resource(call.space, _policy_in(call))


@routes.get("machinepolicies/{policy}/machines")
def machines_of_policy(call: Call) -> object:
    """GET /machinepolicies/{id}/machines."""
    policy = _policy_in(call)
    found = parts.chosen(call, [e for e in visible_machines(call) if e.policy_id == policy.id])
    return page(
        call,
        "DeploymentTarget",
        found,
        lambda each: machine_resource(call, each),
        "{?skip,take}",
    )


@routes.get("machinepolicies/{policy}/workers")
def workers_of_policy(call: Call) -> object:
    """GET /machinepolicies/{id}/workers."""
    policy = _policy_in(call)
    call.demand("WorkerView")
    return workers_page(call, [e for e in call.space.workers.values() if e.policy_id == policy.id])


@routes.post("machinepolicies")
def create_policy(call: Call) -> object:
    """POST /machinepolicies."""
    call.demand("MachinePolicyCreate")
    body = call.body()
    name = free_name("Machine policy", call.space.machine_policies.values(), body)
    made = MachinePolicy(call.world.new_id("MachinePolicies"), name)
    _write(call, made, body)
    call.space.machine_policies[made.id] = made
    note(call, "Created", "Machine policy", name, made.id)
    return created(policy_resource(call.space, made))


@routes.put("machinepolicies/{policy}")
def change_policy(call: Call) -> object:
    """PUT /machinepolicies/{id}."""
    policy = _policy_in(call, "MachinePolicyEdit")
    body = call.body()
    name = free_name("Machine policy", call.space.machine_policies.values(), body, own=policy)
    _write(call, policy, body)
    policy.name = name
    note(call, "Modified", "Machine policy", name, policy.id)
    return policy_resource(call.space, policy)


def _write(call: Call, policy: MachinePolicy, body: Body) -> None:
    shown = policy_resource(call.space, policy)
    description = body.text("Description") or ""
    policy.more = changed_fields(shown, body, "Description", "IsDefault", kept=policy.more)
    policy.description = description


@routes.on("DELETE", "machinepolicies/{policy}")
def delete_policy(call: Call) -> object:
    """DELETE /machinepolicies/{id}: its machines get the default one, which stays."""
    policy = _policy_in(call, "MachinePolicyDelete")
    if policy.is_default:
        raise Refused(400, "You cannot delete your default machine policy.")
    del call.space.machine_policies[policy.id]
    fallback = default_of(call.space.machine_policies.values()).id
    machines: tuple[Machine, ...] = (*call.space.machines.values(), *call.space.workers.values())
    for machine in machines:
        if machine.policy_id == policy.id:
            machine.policy_id = fallback
    note(call, "Deleted", "Machine policy", policy.name, policy.id)
    return policy_resource(call.space, policy)
