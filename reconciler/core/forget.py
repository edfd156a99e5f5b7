"""Which lost machines of an environment may be forgotten, and why the others may not.

Rules 44 and 45 as one total function over values: each machine that is not well gets exactly one
verdict, and only one of the verdicts deletes. What is not known holds (rule 11).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.fleet import Cleanup, Health
from reconciler.core.policy import Forget

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.fleet import Fleet, Sickness, Target
    from reconciler.core.policy import Machines


class Fate(StrEnum):
    """What becomes of a machine that is not well: a closed list, in the order it is asked."""

    DISABLED = "disabled"
    UNHEALTHY = "unhealthy"
    OUTAGE = "outage"
    PROTECTED = "protected"
    UNSEEN = "unseen"
    CLEANED_BY_OCTOPUS = "cleaned-by-octopus"
    NOT_YET = "not-yet"
    REPORTED = "reported"
    SHARED = "shared"
    BUSY = "busy"
    HELD = "held"
    OVER_LIMIT = "over-limit"
    FORGET = "forget"

    @property
    def is_alarm(self) -> bool:
        """True where a person is called (rule 45)."""
        return self is Fate.OUTAGE


@dataclass(frozen=True, slots=True)
class Verdict:
    """One machine that is not well, and what becomes of it; `why` is a clean line."""

    target: Target
    fate: Fate
    why: str
    sickness: Sickness | None = None


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else the verdicts on one environment's machines rest on.

    `busy` has the ids of environments in which something is being deployed or run. `agreeing` has
    the ids of those whose every manifest lets machines be forgotten. `removed_today`: machines of
    this environment that were removed in the last 24 hours. `held`: why nothing may be changed in
    the environment at all now, or empty.
    """

    environment_id: str
    rules: Machines
    sicknesses: Mapping[str, Sickness] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    agreeing: frozenset[str] = frozenset()
    removed_today: int = 0
    held: str = ""


def verdicts(fleet: Fleet, around: Circumstances) -> tuple[Verdict, ...]:
    """Return the verdict on each machine of an environment that is not well, by name.

    Pure and total. Of those that may be forgotten, the ones lost longest come first into the
    limits, so that the same looks give the same choice.
    """
    unwell = [one for one in fleet.of(around.environment_id) if _is_unwell(one)]
    found = [_verdict(one, fleet, around) for one in unwell]
    rules = around.rules
    left = min(rules.per_pass, rules.per_day - around.removed_today)
    may = [one for one in found if one.fate is Fate.FORGET]
    chosen = {one.target.id for one in sorted(may, key=_turn)[: max(left, 0)]}
    limits = f"{rules.per_pass} in a pass, {rules.per_day} in a day"
    told = (
        one
        if one.fate is not Fate.FORGET or one.target.id in chosen
        else Verdict(one.target, Fate.OVER_LIMIT, f"its turn comes later: {limits}", one.sickness)
        for one in found
    )
    return tuple(sorted(told, key=lambda one: (one.target.name.casefold(), one.target.id)))


def _is_unwell(target: Target) -> bool:
    return target.is_disabled or target.health.looks_dead


def _turn(one: Verdict) -> tuple[object, str]:
    if one.sickness is None:
        raise AssertionError("only a machine that was seen for a whole grace period has a turn")
    return one.sickness.since, one.target.id


def _verdict(target: Target, fleet: Fleet, around: Circumstances) -> Verdict:
    sickness = around.sicknesses.get(target.id)
    if sickness is not None and sickness.thumbprint != target.thumbprint:
        sickness = None
    fate, why = _fate(target, sickness, fleet, around)
    return Verdict(target, fate, why, sickness)


def _fate(
    target: Target, sickness: Sickness | None, fleet: Fleet, around: Circumstances
) -> tuple[Fate, str]:
    rules = around.rules
    if target.is_disabled:
        return Fate.DISABLED, "it is disabled: Octopus deploys nothing to it"
    if target.health is Health.UNHEALTHY:
        return Fate.UNHEALTHY, "it answers, and its health check fails: it needs mending"
    places = (around.environment_id, *target.environments)
    if any(map(fleet.is_outage, places)):
        dead, of_all = max(map(fleet.looks_dead, places))
        return Fate.OUTAGE, f"{dead} of {of_all} machines look dead at once: that is an outage"
    if _is_protected(target, rules):
        return Fate.PROTECTED, "the policy protects it by its name or a role"
    if not fleet.is_whole or fleet.at is None or sickness is None:
        return Fate.UNSEEN, "Octopus does not tell since when nothing reaches it"
    match fleet.cleanups.get(target.policy_id, Cleanup.UNKNOWN):
        case Cleanup.DELETES:
            return Fate.CLEANED_BY_OCTOPUS, "its machine policy in Octopus deletes it by itself"
        case Cleanup.UNKNOWN:
            why = "whether its machine policy in Octopus deletes it by itself cannot be read"
            return Fate.CLEANED_BY_OCTOPUS, why
        case Cleanup.LEAVES:
            pass
    grace = timedelta(hours=rules.grace_hours)
    if not (sickness.lasted(grace) and fleet.at - sickness.since >= grace):
        return Fate.NOT_YET, _not_yet(sickness, rules.grace_hours)
    if rules.forget is not Forget.DELETE:
        does = "only reports" if rules.forget is Forget.REPORT else "does not forget"
        return Fate.REPORTED, f"the policy {does} lost machines"
    others = set(target.environments) - around.agreeing
    if others:
        return Fate.SHARED, "it is in an environment too whose policy does not let it be forgotten"
    if target.is_busy or around.busy & {*target.environments}:
        return Fate.BUSY, "a task may be working on it"
    if around.held:
        return Fate.HELD, around.held
    return Fate.FORGET, f"nothing has reached it since {_time(sickness)}"


def _is_protected(target: Target, rules: Machines) -> bool:
    names = {target.name.casefold(), target.id.casefold()}
    roles = {role.casefold() for role in target.roles}
    return any(name.casefold() in names for name in rules.protected_machines) or any(
        role.casefold() in roles for role in rules.protected_roles
    )


def _not_yet(sickness: Sickness, hours: int) -> str:
    return (
        f"lost since {_time(sickness)}: it is left until a health check of Octopus, {hours} h "
        "later at least, finds it lost still"
    )


def _time(sickness: Sickness) -> str:
    return f"{sickness.since:%Y-%m-%d %H:%M} UTC"


def to_forget(found: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Return the verdicts that delete, the machine that was lost longest first."""
    return tuple(sorted((one for one in found if one.fate is Fate.FORGET), key=_turn))
