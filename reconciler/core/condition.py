"""Conditions: how an environment stands, for people and for the next look.

Not Octopus' lifecycle phases: our own progress. A condition is in force with a reason and since
when; `Ready` is in force exactly when none of `Reconciling`, `Stalled` and `Blocked` is. The type
alone says who has to act: a person where it is `Stalled`, nobody where it is `Blocked` or
`Reconciling`. `REASONS` has every reason of every type.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import OPENS_BY_ITSELF, GateName
from reconciler.core.plan import Reason
from reconciler.core.text import clean
from reconciler.errors import (
    BadAnswer,
    CredentialRefused,
    Disposition,
    GitTrouble,
    LeaseHeld,
    ManifestsInvalid,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    RemoteRejected,
    RemoteUnreachable,
    SigningTrouble,
    StoreTrouble,
    Unreachable,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set
    from datetime import datetime

    from reconciler.core.gate import Gate
    from reconciler.core.livetree import Summary
    from reconciler.core.plan import Action, Plan
    from reconciler.errors import ReconcilerError


class ConditionType(StrEnum):
    """A closed list; docs/reasons.md says what to do about each."""

    READY = "Ready"  # what git asks for runs, or is left alone on purpose
    RECONCILING = "Reconciling"  # a pass works on it, or tries again by itself
    STALLED = "Stalled"  # a person has to do something first
    DRIFTED = "Drifted"  # something else runs than was last reached, and no commit asks for it
    HELD = "Held"  # pins are left alone because git, or a person's deployment, says so
    SUSPENDED = "Suspended"  # the whole environment is left alone because git says so
    BLOCKED = "Blocked"  # work waits for what ends or opens without anybody's doing
    DEGRADED = "Degraded"  # machines of it are not well; what git asks for may run all the same


class Word(StrEnum):
    """The reasons that are neither a gate nor a kind of failure."""

    IN_SYNC = "InSync"
    WORK_LEFT = "WorkLeft"
    WORKED_ON = "PassRuns"
    RECORDS_PENDING = "RecordsPending"
    DEPLOYMENT_FAILED = "DeploymentFailed"
    UNOBSERVED = "Unobserved"
    INVALID = "Invalid"
    NAMED_TWICE = "NamedTwice"
    SILENT = "Silent"
    NOT_ASKED_FOR = "NotAskedFor"
    HELD_IN_GIT = "HeldInGit"
    HELD_BY_HAND = "HeldByHand"
    NEW_TENANT = "NewTenant"
    RING_CONFLICT = "RingConflict"
    SUSPENDED_IN_GIT = "SuspendedInGit"
    MACHINE_OUTAGE = "MachineOutage"
    MACHINES_UNWELL = "MachinesUnwell"
    MACHINES_WITHOUT = "MachinesWithout"
    MACHINES_UNREAD = "MachinesUnread"


OF_FAILURE = {
    Disposition.RETRY: ConditionType.RECONCILING,
    Disposition.WAIT: ConditionType.BLOCKED,
    Disposition.STALL: ConditionType.STALLED,
}
"""What a failed look or pass makes of an environment."""

FAILURES: tuple[type[ReconcilerError], ...] = (
    UsageError,
    LeaseHeld,
    GitTrouble,
    RemoteUnreachable,
    Unreachable,
    RateLimited,
    BadAnswer,
    NotAllowed,
    CredentialRefused,
    RemoteRejected,
    OutcomeUnknown,
    StoreTrouble,
    SigningTrouble,
)
"""The kinds of failures that a look or a pass of the daemon ends with; each is told by its name.
`ManifestsInvalid` is told as `Invalid`."""


_STEADY = (ConditionType.READY, ConditionType.RECONCILING)  # a pass that runs replaces these
_WITHOUT_WORK = frozenset({GateName.UNSIGNED, GateName.ACCEPT})  # what shuts out any commit
_AS_FAILED = GateName.NEEDS_RETRY  # the failure it follows from is told, from the first look on


def _reasons(kind: ConditionType, words: Iterable[Word], gates: Iterable[GateName]) -> set[str]:
    """Return the words, the gates, and the failures that make this condition."""
    failures = {f.__name__ for f in FAILURES if OF_FAILURE[f.disposition] is kind}
    return {word.value for word in words} | {gate.value for gate in gates} | failures


_HELD = {
    Reason.HELD: Word.HELD_IN_GIT,
    Reason.HELD_BY_HAND: Word.HELD_BY_HAND,
    Reason.NEW_TENANT: Word.NEW_TENANT,
}
_STALLS = (
    Word.DEPLOYMENT_FAILED,
    Word.UNOBSERVED,
    Word.RING_CONFLICT,
    Word.INVALID,
    Word.NAMED_TWICE,
    Word.SILENT,
    Word.MACHINE_OUTAGE,
)

REASONS: Mapping[ConditionType, Set[str]] = {
    ConditionType.READY: {Word.IN_SYNC.value},
    ConditionType.RECONCILING: _reasons(
        ConditionType.RECONCILING, (Word.WORK_LEFT, Word.WORKED_ON, Word.RECORDS_PENDING), ()
    ),
    ConditionType.STALLED: _reasons(
        ConditionType.STALLED, _STALLS, {*GateName} - OPENS_BY_ITSELF - {_AS_FAILED}
    ),
    ConditionType.DRIFTED: {Word.NOT_ASKED_FOR.value},
    ConditionType.HELD: _reasons(ConditionType.HELD, _HELD.values(), ()),
    ConditionType.SUSPENDED: {Word.SUSPENDED_IN_GIT.value},
    ConditionType.BLOCKED: _reasons(ConditionType.BLOCKED, (), OPENS_BY_ITSELF),
    ConditionType.DEGRADED: {
        Word.MACHINES_UNWELL.value,
        Word.MACHINES_UNREAD.value,
        Word.MACHINES_WITHOUT.value,
    },
}
"""Every reason of every condition: the closed table of docs/reasons.md."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition in force: a reason in one word, a clean line for people, since when (UTC)."""

    type: ConditionType
    reason: str
    message: str
    since: datetime


@dataclass(frozen=True, slots=True)
class RunningDeployment:
    """A deployment of ours that a pass watches: its task, the task's state, since when (UTC).

    `wave` 0: of an interrupted pass, whose plan is not known.
    """

    component: str
    task: str
    state: str
    since: datetime
    wave: int = 0


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """How one environment stood when it was last looked at.

    `looked` is the time the reading began, `attempted` the last pass that asked Octopus for a
    change, `reached` the last look that found everything as git says; None: never yet. `failures`
    counts failed looks in a row, `pending` the records that the git remote does not have yet.
    `running` is by component, `progress` how the pass stands that works now. `next_look` is when it
    is looked at again where nothing wakes it.
    """

    environment: str
    commit: str = ""
    conditions: tuple[Condition, ...] = ()
    looked: datetime | None = None
    attempted: datetime | None = None
    reached: datetime | None = None
    failures: int = 0
    pending: int = 0
    running: tuple[RunningDeployment, ...] = ()
    progress: Summary | None = None
    next_look: datetime | None = field(default=None, compare=False)

    def has(self, kind: ConditionType) -> bool:
        """Tell whether a condition is in force."""
        return any(condition.type is kind for condition in self.conditions)

    def with_conditions(self, now: Iterable[Condition]) -> EnvironmentStatus:
        """Return this status with new conditions; one that stays keeps the time it began."""
        before = {(c.type, c.reason): c.since for c in self.conditions}
        kept = tuple(replace(c, since=before.get((c.type, c.reason), c.since)) for c in now)
        return replace(self, conditions=kept)


_DRIFTED = frozenset({Reason.DRIFT, Reason.HELD_BY_HAND, Reason.DRIFT_LEFT})
_ALARMS = frozenset({ConditionType.STALLED, ConditionType.BLOCKED, ConditionType.RECONCILING})


def conditions_of(
    plan: Plan,
    gates: Sequence[Gate],
    failed: Sequence[str],
    at: datetime,
    *,
    is_pending: bool = False,
    beside: Sequence[Condition] = (),
) -> tuple[Condition, ...]:
    """Return the conditions after a look or a pass: what its last plan and its failures say.

    `beside` are those of its machines.
    `failed` names components whose deployment failed, was refused, or is unknown in this pass.
    `is_pending`: records of it are on this machine only, so nobody may call it done (rule 26).
    """
    found: list[Condition] = []

    def add(kind: ConditionType, reason: Word | GateName, message: str) -> None:
        found.append(Condition(kind, reason.value, message, at))

    def listed(kind: ConditionType, reason: Word, names: Sequence[str]) -> None:
        if names:
            add(kind, reason, _listed(names))

    suspended = [a for a in plan.actions if a.reason is Reason.SUSPENDED]
    if suspended:
        add(ConditionType.SUSPENDED, Word.SUSPENDED_IN_GIT, suspended[0].note)
    for reason, word in _HELD.items():
        held = [_why(a) for a in plan.actions if a.reason is reason]
        listed(ConditionType.HELD, word, held)
    listed(ConditionType.DRIFTED, Word.NOT_ASKED_FOR, _named(plan, _DRIFTED))
    tried = {g.cell for g in gates if g.name is _AS_FAILED and g.cell}
    listed(ConditionType.STALLED, Word.DEPLOYMENT_FAILED, sorted(tried.union(failed)))
    closed = _in_the_way(plan, gates)
    by_person = [gate for gate in closed if gate.name not in OPENS_BY_ITSELF]
    by_itself = [gate for gate in closed if gate.name in OPENS_BY_ITSELF]
    for gate in by_person[:1]:
        add(ConditionType.STALLED, gate.name, _said(gate))
    listed(ConditionType.STALLED, Word.UNOBSERVED, _named(plan, {Reason.UNOBSERVED}))
    torn = [_why(a) for a in plan.actions if a.reason is Reason.RING_CONFLICT]
    listed(ConditionType.STALLED, Word.RING_CONFLICT, torn)
    for gate in by_itself[:1]:
        add(ConditionType.BLOCKED, gate.name, _said(gate))
    shut = {gate.cell for gate in gates}
    left = [a.cell for a in plan.changes if not failed and not shut & {a.cell, ""}]
    listed(ConditionType.RECONCILING, Word.WORK_LEFT, left)
    if is_pending:
        what = "records wait on this machine until the git remote takes them"
        add(ConditionType.RECONCILING, Word.RECORDS_PENDING, what)
    found += beside
    if not any(condition.type in _ALARMS for condition in found):
        count = sum(a.reason is Reason.IN_SYNC for a in plan.actions)
        add(ConditionType.READY, Word.IN_SYNC, f"{count} of {len(plan.actions)} as pinned")
    return tuple(found)


def condition_of(error: ReconcilerError, at: datetime) -> Condition:
    """Return the condition after a look or a pass that failed, under a name that is listed."""
    invalid = isinstance(error, ManifestsInvalid)
    kind = next((each for each in type(error).__mro__ if each in FAILURES), type(error))
    reason = Word.INVALID.value if invalid else kind.__name__
    return Condition(OF_FAILURE[error.disposition], reason, error.message, at)


def conditions_in_pass(before: Iterable[Condition], at: datetime) -> tuple[Condition, ...]:
    """Return the conditions while a pass runs: those it does not speak of stay as they were."""
    runs = Condition(ConditionType.RECONCILING, Word.WORKED_ON.value, "a pass works on it", at)
    return (*(c for c in before if c.type not in _STEADY), runs)


def _in_the_way(plan: Plan, gates: Sequence[Gate]) -> list[Gate]:
    """Return the closed gates that work waits behind, but those that only follow from others."""
    changing = {action.cell for action in plan.changes}
    if plan.has_work or plan.is_blind:
        changing.add(WHOLE)
    return [
        gate
        for gate in gates
        if (gate.cell in changing or gate.name in _WITHOUT_WORK)
        and gate.name is not _AS_FAILED
        and (gate.name is not GateName.DEPENDENCY or gate.cell in plan.mixed)
    ]


def _said(gate: Gate) -> str:
    where = f"{gate.cell}: " if gate.cell else ""
    return f"{where}{gate.message}; opens: {gate.opener}"


def _why(action: Action) -> str:
    """Return what runs in a cell that is left alone, and who says so since when."""
    runs = clean(action.from_version or "nothing", 60)
    return f"{action.cell} {runs} ({action.note})"


def _named(plan: Plan, reasons: Set[Reason]) -> list[str]:
    return [action.cell for action in plan.actions if action.reason in reasons]


def _listed(names: Sequence[str]) -> str:
    """Return a few names and how many more there are."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
