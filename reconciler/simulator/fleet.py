"""Deployment targets and workers, their policies and pools, and which of them a step goes to."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.simulator.tenancy import missing_tags

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from reconciler.simulator.records import Process, Space, Step

__all__ = [
    "TENTACLES",
    "TENTACLE_VERSION",
    "Health",
    "Machine",
    "MachinePolicy",
    "Targets",
    "WorkerPool",
    "default_of",
    "endpoint_of",
    "roles_of",
    "targets_of",
    "thumbprint_of",
]


TENTACLES = ("TentaclePassive", "TentacleActive", "KubernetesTentacle")
TENTACLE_VERSION = "8.2.3"

T = TypeVar("T", "MachinePolicy", "WorkerPool")


class Health(StrEnum):
    """What the last health check found."""

    HEALTHY = "Healthy"
    HAS_WARNINGS = "HasWarnings"
    UNHEALTHY = "Unhealthy"
    UNAVAILABLE = "Unavailable"
    UNKNOWN = "Unknown"


@dataclass(slots=True, eq=False)
class Machine:
    """A deployment target, or a worker: that one has pools in place of environments and roles."""

    id: str
    name: str
    slug: str
    policy_id: str
    endpoint: dict[str, Any]
    is_worker: bool = False
    environments: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    tenant_tags: tuple[str, ...] = ()
    participation: str = "Untenanted"
    pools: tuple[str, ...] = ()
    is_disabled: bool = False
    health: Health = Health.UNKNOWN
    truth: Health = Health.HEALTHY
    """What a health check will find."""
    has_calamari: bool = False
    last_checked: datetime | None = None
    runs: dict[tuple[str, str, str | None], str] = field(default_factory=dict)
    """The release of each cell that reached this machine last, with success."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""

    @property
    def is_gone(self) -> bool:
        """Tell whether nothing can reach the machine, whatever the last check found."""
        return self.truth is Health.UNAVAILABLE


@dataclass(slots=True, eq=False)
class MachinePolicy:
    """How machines are checked and kept up to date; the settings as a client set them."""

    id: str
    name: str
    is_default: bool = False
    description: str = ""
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class WorkerPool:
    """Workers that steps run on in place of the server."""

    id: str
    name: str
    sort_order: int
    is_default: bool = False
    kind: str = "StaticWorkerPool"
    description: str = ""
    more: dict[str, Any] = field(default_factory=dict)


def default_of(records: Iterable[T]) -> T:
    """Return the default policy or pool, which every space has."""
    return next(each for each in records if each.is_default)


def thumbprint_of(name: str) -> str:
    """Return the thumbprint that a machine of this name or host shows, always the same."""
    return hashlib.sha1(name.casefold().encode(), usedforsecurity=False).hexdigest().upper()


def endpoint_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an endpoint with every field that its style has; names keep the product's letters."""
    made: dict[str, Any] = {"Id": None, "CommunicationStyle": None}
    style = next((fields[each] for each in fields if each.casefold() == "communicationstyle"), None)
    if style in TENTACLES:
        made |= {
            "Uri": None,
            "Thumbprint": None,
            "ProxyId": None,
            "TentacleVersionDetails": {
                "Version": TENTACLE_VERSION,
                "UpgradeLocked": False,
                "UpgradeSuggested": False,
                "UpgradeRequired": False,
                "UpgradeAvailable": False,
            },
            "CertificateSignatureAlgorithm": "sha256RSA",
        }
    known = {name.casefold(): name for name in (*made, "Links")}
    for name, value in fields.items():
        made[known.get(name.casefold(), name)] = value
    return {**made, "Id": None, "Links": {}}


def policy_of(more: dict[str, Any], field: str) -> dict[str, Any]:
    """Return the connectivity policy among the fields that a client set of something."""
    return more.get(field) or {}


def roles_of(step: Step) -> frozenset[str]:
    """Return the roles a step goes to, folded; none for a step that runs on the server."""
    document = step.document
    parts = [document, *document["Actions"]] if document else []
    named = [str(part["Properties"].get("Octopus.Action.TargetRoles") or "") for part in parts]
    written = (role.strip() for text in named for role in text.split(","))
    return frozenset(role.casefold() for role in (*written, *step.roles) if role)


@dataclass(frozen=True, slots=True)
class Targets:
    """Where one step goes: machines that take part, and those left out, with why."""

    step: Step
    machines: tuple[Machine, ...]
    unavailable: tuple[Machine, ...]
    """Of the machines, those that cannot be reached as far as the last check told."""
    excluded: tuple[Machine, ...]

    @property
    def has_none(self) -> bool:
        """Tell whether the step needs machines and finds none."""
        return bool(roles_of(self.step)) and not self.machines


def targets_of(
    space: Space,
    policy: dict[str, Any],
    process: Process,
    environment: str,
    tenant: str | None,
    options: dict[str, Any],
) -> tuple[Targets, ...]:
    """Return the targets of every step, in order, under a project's or runbook's policy."""
    skips = policy.get("SkipMachineBehavior") == "SkipUnavailableMachines"
    only_healthy = bool(policy.get("ExcludeUnhealthyTargets"))
    specific = set(options.get("SpecificMachineIds") or ())
    excluded = set(options.get("ExcludedMachineIds") or ())
    found: list[Targets] = []
    for step in process.steps:
        roles = roles_of(step)
        fitting = [
            each
            for each in space.machines.values()
            if environment in each.environments
            and not each.is_disabled
            and any(role.casefold() in roles for role in each.roles)
            and _takes(space, each, tenant)
        ]
        out = [
            each
            for each in fitting
            if each.id in excluded
            or (specific and each.id not in specific)
            or (skips and each.health is Health.UNAVAILABLE)
            or (only_healthy and each.health is Health.UNHEALTHY)
        ]
        kept = tuple(each for each in fitting if each not in out)
        gone = tuple(each for each in kept if each.health is Health.UNAVAILABLE)
        found.append(Targets(step, kept, gone, tuple(out)))
    return tuple(found)


def _takes(space: Space, machine: Machine, tenant: str | None) -> bool:
    if tenant is None:
        return machine.participation != "Tenanted"
    if machine.participation == "Untenanted":
        return False
    tags = machine.tenant_tags
    return tenant in machine.tenants or bool(
        tags and not missing_tags(space.tenants[tenant].tags, tags)
    )
