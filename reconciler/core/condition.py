"""Conditions: how an environment stands, for people and for the next look.

Not Octopus' lifecycle phases: our own progress. A condition is in force with a reason and since
when; `Ready` is in force exactly when nothing else asks for attention.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.gate import GateName
from reconciler.core.plan import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from reconciler.core.gate import Gate
    from reconciler.core.plan import Plan


class ConditionType(StrEnum):
    """A closed list; docs/reasons.md says what to do about each."""

    READY = "Ready"  # what git asks for runs, or is left alone on purpose
    RECONCILING = "Reconciling"  # a pass works on it, or tries again by itself
    STALLED = "Stalled"  # a person has to change something first
    DRIFTED = "Drifted"  # something else runs than was last reached, and no commit asks for it
    HELD = "Held"  # pins are left alone because git, or a person's deployment, says so
    SUSPENDED = "Suspended"  # the whole environment is left alone because git says so
    BLOCKED = "Blocked"  # work waits behind a gate


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition in force: a reason in one word, a clean line for people, since when (UTC)."""

    type: ConditionType
    reason: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """How one environment stood when it was last looked at.

    `looked` is the time the reading began, `attempted` the last pass that asked Octopus for a
    change, `reached` the last look that found everything as git says; None: never yet. `failures`
    counts failed looks in a row.
    """

    environment: str
    commit: str = ""
    conditions: tuple[Condition, ...] = ()
    looked: datetime | None = None
    attempted: datetime | None = None
    reached: datetime | None = None
    failures: int = 0
    next_look: datetime | None = field(default=None, compare=False)

    def has(self, kind: ConditionType) -> bool:
        """Tell whether a condition is in force."""
        return any(condition.type is kind for condition in self.conditions)

    def with_conditions(self, now: Iterable[Condition]) -> EnvironmentStatus:
        """Return this status with new conditions; one that stays keeps the time it began."""
        before = {(c.type, c.reason): c.since for c in self.conditions}
        kept = tuple(replace(c, since=before.get((c.type, c.reason), c.since)) for c in now)
        return replace(self, conditions=kept)


_HELD = {Reason.HELD: "HeldInGit", Reason.HELD_BY_HAND: "HeldByHand"}
_DRIFTED = frozenset({Reason.HELD_BY_HAND, Reason.DRIFT_LEFT})


def conditions_of(
    plan: Plan,
    gates: Sequence[Gate],
    failed: Sequence[str],
    at: datetime,
    *,
    is_pending: bool = False,
) -> tuple[Condition, ...]:
    """Return the conditions after a pass: what its last plan and the failures in it say.

    `failed` names components whose deployment failed, was refused, or is unknown in this pass.
    `is_pending`: records of it are on this machine only, so nobody may call it done (rule 26).
    """
    found: list[Condition] = []

    def add(kind: ConditionType, reason: str, message: str) -> None:
        found.append(Condition(kind, reason, message, at))

    suspended = [a for a in plan.actions if a.reason is Reason.SUSPENDED]
    if suspended:
        add(ConditionType.SUSPENDED, "SuspendedInGit", suspended[0].note)
    for reason, word in _HELD.items():
        names = [a.component for a in plan.actions if a.reason is reason]
        if names:
            add(ConditionType.HELD, word, _listed(names))
    drifted = [a.component for a in plan.actions if a.reason in _DRIFTED]
    if drifted:
        add(ConditionType.DRIFTED, "NotAskedFor", _listed(drifted))
    if failed:
        add(ConditionType.STALLED, "DeploymentFailed", _listed(sorted(failed)))
    blind = [a.component for a in plan.actions if a.reason is Reason.UNOBSERVED]
    if blind:
        add(ConditionType.STALLED, "Unobserved", _listed(blind))
    standing = [gate for gate in gates if plan.has_work or gate.name is GateName.UNSIGNED]
    if standing:
        first = standing[0]
        where = f"{first.component}: " if first.component else ""
        add(ConditionType.BLOCKED, first.name.value, f"{where}{first.message}")
    elif plan.has_work and not failed:
        add(ConditionType.RECONCILING, "WorkLeft", _listed([a.component for a in plan.changes]))
    if is_pending:
        what = "records wait on this machine until the git remote takes them"
        add(ConditionType.RECONCILING, "RecordsPending", what)
    alarms = {ConditionType.STALLED, ConditionType.BLOCKED, ConditionType.RECONCILING}
    if not any(condition.type in alarms for condition in found):
        count = sum(a.reason is Reason.IN_SYNC for a in plan.actions)
        add(ConditionType.READY, "InSync", f"{count} of {len(plan.actions)} as pinned")
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    """Return a few names and how many more there are."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
