"""Gates: what stands between a plan and Octopus, and who or what can open it.

A closed gate is an answer to show, not an exception. Holding is the default (rule 11). Only closed
gates are values; an open gate has nothing to say. What closes them stands beside what they are
about: `brake`, `cellgate`, `retry`, `pausegate`, `deployers`, `signature`, `replaced`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey


class GateName(StrEnum):
    """A closed list; docs/reasons.md says what to do about each."""

    OBSERVE_ONLY = "observe-only"
    PAUSED = "paused"
    ACCEPT = "accept"
    BRAKE = "brake"
    NEEDS_RETRY = "needs-retry"
    IN_FLIGHT = "in-flight"
    SCHEDULED_ELSEWHERE = "scheduled-elsewhere"
    WAITING_FOR_PERSON = "waiting-for-person"
    PERMISSION = "permission"
    LIFECYCLE = "lifecycle"
    RELEASE_MISSING = "release-missing"
    RELEASE_REPLACED = "release-replaced"
    DEPENDENCY = "dependency"
    PRECONDITION = "precondition"
    MISSING_VALUES = "missing-values"
    PROJECT_DISABLED = "project-disabled"
    ALSO_DEPLOYED = "also-deployed"
    UNSIGNED = "unsigned"
    INVALID = "invalid"
    WINDOW = "window"
    NEEDS_APPROVAL = "needs-approval"
    START = "start"
    FREEZE = "freeze"
    MAINTENANCE = "maintenance"
    CHANNEL = "channel"
    RELEASE_BLOCKED = "release-blocked"
    PACKAGE_MISSING = "package-missing"
    NO_MACHINES = "no-machines"
    WAITING_FOR_CHANGE = "waiting-for-change"
    RUNBOOK = "runbook"


OPENS_BY_ITSELF = frozenset(
    {
        GateName.IN_FLIGHT,
        GateName.SCHEDULED_ELSEWHERE,
        GateName.LIFECYCLE,
        GateName.PRECONDITION,
        GateName.WINDOW,
        GateName.FREEZE,
        GateName.MAINTENANCE,
    }
)
"""Gates that the end of a task, a success of something else, time, or the end of somebody's work on
the whole server opens. Every other one needs a person; `dependency` either follows from another
gate, or asks for two commits."""

BY_APPROVAL = frozenset({GateName.BRAKE, GateName.NEEDS_APPROVAL, GateName.START})
"""Gates that a person's approval of the plan opens; accepting its commit does not."""

OF_POLICY = frozenset(
    {
        GateName.OBSERVE_ONLY,
        GateName.BRAKE,
        GateName.WINDOW,
        GateName.NEEDS_APPROVAL,
        GateName.START,
    }
)
"""Gates that the policy of the last accepted commit closes: while one is closed, on whatever, no
commit is accepted that changes the policy. It would loosen the rule it waits for."""


@dataclass(frozen=True, slots=True, order=True)
class Gate:
    """A closed gate: on one cell, or on the whole plan (`cell` is `WHOLE`, the empty key).

    `message` says what stands in the way, `opener` who or what can open it: clean lines.
    """

    cell: CellKey
    name: GateName
    message: str
    opener: str
