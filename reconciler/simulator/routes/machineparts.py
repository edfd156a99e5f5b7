"""What targets and workers have in common: shape, endpoint, filters, and how bodies are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.changes import changed_fields, without_secrets
from reconciler.simulator.fleet import (
    TENTACLE_VERSION,
    TENTACLES,
    Health,
    Machine,
    default_of,
    endpoint_of,
    thumbprint_of,
)
from reconciler.simulator.paging import by_name, matching
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space
    from reconciler.simulator.world import World

__all__ = [
    "chosen",
    "common_fields",
    "connection_of",
    "discover",
    "filtered",
    "has_changed",
    "policy_of",
    "read_endpoint",
    "write_common",
]

_STYLES = (
    "None", "TentaclePassive", "TentacleActive", "Ssh", "OfflineDrop", "AzureWebApp", "Ftp",
    "AzureCloudService", "AzureServiceFabricCluster", "Kubernetes", "KubernetesTentacle",
    "StepPackage",
)  # fmt: skip
_SUMMARIES = {
    Health.HEALTHY: "Octopus was able to successfully establish a connection with this machine.",
    Health.HAS_WARNINGS: "The last health check of this machine finished with warnings.",
    Health.UNHEALTHY: "The last health check of this machine failed.",
    Health.UNAVAILABLE: "This machine could not be contacted at the last health check.",
    Health.UNKNOWN: "This machine was recently added. Please perform a health check.",
}


def _status(machine: Machine) -> str:
    """Return the state as servers before 3.5 called it."""
    if machine.is_disabled:
        return "Disabled"
    match machine.health:
        case Health.UNKNOWN:
            return "Unknown"
        case Health.UNAVAILABLE:
            return "Offline"
        case _:
            return "Online" if machine.has_calamari else "CalamariNeedsUpgrade"


def is_deployed_to(world: World, machine: Machine) -> bool:
    """Tell whether a deployment or a runbook run works on a machine at this moment."""
    return any(
        machine.id in task.machines and task.start_time is not None and task.cell is not None
        for task in world.engine.active.values()
    )


def common_fields(world: World, space: Space, machine: Machine) -> dict[str, Any]:
    """Return the fields that targets and workers share."""
    endpoint = machine.endpoint
    own = f"/api/{space.id}/{'workers' if machine.is_worker else 'machines'}/{machine.id}"
    busy = any(
        machine.id in task.machines and task.start_time is not None
        for task in world.engine.active.values()
    )
    return {
        "Id": machine.id,
        "SpaceId": space.id,
        "Name": machine.name,
        "Slug": machine.slug,
        "Thumbprint": endpoint.get("Thumbprint"),
        "Uri": endpoint.get("Uri"),
        "IsDisabled": machine.is_disabled,
        "MachinePolicyId": machine.policy_id,
        "HealthStatus": machine.health,
        "Status": _status(machine),
        "StatusSummary": _SUMMARIES[machine.health],
        "HasLatestCalamari": machine.has_calamari,
        "IsInProcess": busy,
        "Endpoint": endpoint,
        "OperatingSystem": "Linux" if machine.last_checked else "Unknown",
        "ShellName": "Bash" if machine.last_checked else "Unknown",
        "ShellVersion": "5.2" if machine.last_checked else "Unknown",
        "Architecture": "x64" if machine.last_checked else "Unknown",
        "SkipInitialHealthCheck": False,
        **machine.more,
        "Links": {
            "Self": own,
            "Connection": f"{own}/connection",
            "TasksTemplate": f"{own}/tasks{{?skip,take,type}}",
        },
    }


def read_endpoint(body: Body) -> dict[str, Any]:
    """Return the endpoint of a written machine, completed.

    Raises:
        Refused: 400 when it is missing, of a style that is not known, or without an address.
    """
    given = body.get("Endpoint")
    if not isinstance(given, dict):
        raise _bad("The Endpoint field is required.")
    made = endpoint_of({name: without_secrets(value) for name, value in given.items()})
    style = made["CommunicationStyle"]
    if style not in _STYLES:
        raise _bad(f"The communication style '{style}' is not known.")
    for name in ("Uri", "Thumbprint") if style == "TentaclePassive" else ():
        if not isinstance(made[name], str) or not made[name]:
            raise _bad(f"The {name} of a listening Tentacle is required.")
    return made


def policy_of(space: Space, body: Body) -> str:
    """Return the machine policy that a body names, else the default one."""
    wanted = body.text("MachinePolicyId") or default_of(space.machine_policies.values()).id
    if wanted not in space.machine_policies:
        raise missing("Machine Policy")
    return wanted


_READ_ONLY = (
    "Thumbprint", "Uri", "IsDisabled", "MachinePolicyId", "HealthStatus", "Status", "StatusSummary",
    "HasLatestCalamari", "IsInProcess", "Endpoint", "OperatingSystem", "ShellName", "ShellVersion",
    "Architecture", "EnvironmentIds", "Roles", "TenantIds", "TenantTags", "WorkerPoolIds",
    "TenantedDeploymentParticipation",
)  # fmt: skip


def write_common(machine: Machine, shown: dict[str, Any], body: Body, policy: str) -> None:
    """Write what targets and workers share, besides the name and the endpoint."""
    is_disabled = body.flag("IsDisabled")
    machine.more = changed_fields(shown, body, *_READ_ONLY, kept=machine.more)
    machine.policy_id, machine.is_disabled = policy, is_disabled


def has_changed(before: Machine, after: dict[str, Any]) -> bool:
    """Tell whether a write changed what deployments depend on."""
    return any(getattr(before, name) != value for name, value in after.items())


def chosen(call: Call, machines: Iterable[Machine]) -> list[Machine]:
    """Return the machines that the filters of lists ask for, by name."""
    return filtered(call, matching(call, sorted(machines, key=by_name)))


def filtered(call: Call, machines: Iterable[Machine]) -> list[Machine]:
    """Return the machines that the filters besides ids and names ask for."""
    query, found = call.query, list(machines)
    disabled = query.flag("isDisabled")
    if disabled is not None:
        found = [each for each in found if each.is_disabled is disabled]
    if query.text("deploymentId") is not None:
        deployment = call.space.deployments.get(query.text("deploymentId") or "")
        reached = deployment.task.machines if deployment else ()
        found = [each for each in found if each.id in reached]
    for name, values in _VALUES.items():
        wanted = query.many(name)
        if wanted is not None:
            low = {each.casefold() for each in wanted}
            found = [each for each in found if any(one.casefold() in low for one in values(each))]
    return found


_VALUES: dict[str, Callable[[Machine], tuple[str, ...]]] = {
    "roles": lambda each: each.roles,
    "healthStatuses": lambda each: (each.health,),
    "commStyles": lambda each: (each.endpoint["CommunicationStyle"],),
    "tenantIds": lambda each: each.tenants,
    "tenantTags": lambda each: each.tenant_tags,
    "environmentIds": lambda each: each.environments,
    "workerPoolIds": lambda each: each.pools,
    "thumbprint": lambda each: (str(each.endpoint.get("Thumbprint")),),
    "shellNames": lambda each: ("Bash" if each.last_checked else "Unknown",),
    "deploymentTargetTypes": lambda each: (each.endpoint["CommunicationStyle"],),
}
"""Filters that take several values, and what they look at."""


def connection_of(machine: Machine) -> dict[str, object]:
    """Return what the last contact with a machine was like."""
    checked = stamp(machine.last_checked)
    is_tentacle = machine.endpoint["CommunicationStyle"] in TENTACLES
    return {
        "Id": None,
        "MachineId": machine.id,
        "LastChecked": checked,
        "Status": _status(machine),
        "CurrentTentacleVersion": TENTACLE_VERSION if is_tentacle else None,
        "Logs": [
            {
                "Category": "Error" if machine.health is Health.UNAVAILABLE else "Info",
                "OccurredAt": checked,
                "MessageText": _SUMMARIES[machine.health],
                "Detail": None,
            }
        ]
        if checked
        else [],
        "Links": {},
    }


def discover(call: Call) -> dict[str, object]:
    """Return the machine that a host name and a port lead to; hosts in `.invalid` do not answer.

    Raises:
        Refused: 400 without a host, or when it does not answer.
    """
    host = call.query.text("host")
    if host is None:
        raise Refused(
            400,
            "The hostname of the machine to discover must be supplied as URI parameter named "
            "'host'.",
        )
    if host.casefold().endswith(".invalid"):
        raise Refused(400, "There was a controlled failure.", (f"The host {host} is not known.",))
    style = call.query.text("type") or "TentaclePassive"
    if style not in _STYLES:
        raise _bad(f"The communication style '{style}' is not known.")
    port = call.query.number("port", 22 if style == "Ssh" else 10933)
    thumbprint = thumbprint_of(host)
    uri = f"{'ssh' if style == 'Ssh' else 'https'}://{host}:{port}/"
    endpoint = endpoint_of(
        {
            "CommunicationStyle": style,
            "Uri": uri,
            "Thumbprint": thumbprint,
            "ProxyId": call.query.text("proxyId"),
        }
    )
    return {
        "Id": None,
        "Name": host,
        "Thumbprint": thumbprint,
        "Uri": uri,
        "IsDisabled": False,
        "MachinePolicyId": None,
        "HealthStatus": "Unknown",
        "Status": "Unknown",
        "StatusSummary": None,
        "HasLatestCalamari": False,
        "IsInProcess": False,
        "Endpoint": endpoint,
        "OperatingSystem": None,
        "ShellName": None,
        "ShellVersion": None,
        "Architecture": None,
        "Links": {},
    }


def _bad(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))
