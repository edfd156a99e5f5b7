"""The plan: one action per cell, each with a reason, in waves.

`make_plan` is pure and total: every pinned cell gets exactly one action, and doing nothing has a
reason. Equal inputs give equal bytes (rule 2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.core.canonical import digest_hex
from reconciler.core.cellkey import component_of
from reconciler.core.expand import cell_order, cell_pins
from reconciler.core.intent import CommentTag
from reconciler.core.policy import Mode
from reconciler.core.sighting import NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.text import clean
from reconciler.core.version import (
    Direction,
    direction,
    is_same_release,
    only_prerelease_lower,
)
from reconciler.core.wave import dependants, dependencies, needed_changes, order, waves

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState, Pin
    from reconciler.core.sighting import ObservedCell, ObservedState


class Kind(StrEnum):
    """What is done to a cell."""

    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    REDEPLOY = "redeploy"
    IGNORE = "ignore"


class Reason(StrEnum):
    """Why. A closed list; docs/reasons.md says what to do about each."""

    NEW_PIN = "new-pin"
    NOT_DEPLOYED = "not-deployed"
    DRIFT = "drift"
    REDEPLOY = "redeploy"
    UNSETTLED = "unsettled"
    IN_SYNC = "in-sync"
    UNMANAGED = "unmanaged"
    HELD = "held"
    HELD_BY_HAND = "held-by-hand"
    DRIFT_LEFT = "drift-left"
    SUSPENDED = "suspended"
    UNOBSERVED = "unobserved"
    UNKNOWN_DIRECTION = "unknown-direction"
    UP_ONLY = "up-only"


@dataclass(frozen=True, slots=True)
class Action:
    """What is done to one cell, from which version to which, in which wave (0: none), and why.

    `redeploy` is the pin's counter. `waits_for` names the changes that come first. `note` is one
    clean line for people.
    """

    cell: CellKey
    kind: Kind
    reason: Reason
    from_version: str | None
    to_version: str | None
    note: str = ""
    redeploy: int = 0
    wave: int = 0
    waits_for: tuple[CellKey, ...] = ()
    unknown_direction: bool = False

    @property
    def component(self) -> str:
        """The cell's component, as the stack names it."""
        return component_of(self.cell)

    @property
    def is_change(self) -> bool:
        """True for everything but ignore."""
        return self.kind is not Kind.IGNORE


@dataclass(frozen=True)
class Plan:
    """One action per cell of one environment at one commit, sorted by cell.

    `mixed` names changes that cannot be ordered because a neighbour moves the other way.
    """

    environment: str
    commit: str
    read_at: datetime
    actions: tuple[Action, ...]
    mixed: frozenset[CellKey] = frozenset()

    @cached_property
    def changes(self) -> tuple[Action, ...]:
        """The actions that do something, by wave, then by cell."""
        return tuple(
            sorted((a for a in self.actions if a.is_change), key=lambda a: (a.wave, a.cell))
        )

    @property
    def has_work(self) -> bool:
        """True if any cell is to change."""
        return bool(self.changes)

    @property
    def is_blind(self) -> bool:
        """True if not one pinned cell could be read: nothing to do is then no good news."""
        pinned = [a for a in self.actions if a.reason is not Reason.UNMANAGED]
        return bool(pinned) and all(a.reason is Reason.UNOBSERVED for a in pinned)

    @cached_property
    def digest(self) -> str:
        """64 hex digits over what would change, and nothing else.

        Covers (cell, from, to, redeploy, machines) per cell to change; not ignores, gates,
        commit, times or identity, so that a plan reviewed on a branch is the plan after merge.
        """
        return digest_hex(
            [
                {
                    "cell": f"{self.environment}/{a.cell}",
                    "from": a.from_version,
                    "machines": [],
                    "redeploy": a.redeploy,
                    "to": a.to_version,
                }
                for a in sorted(self.changes, key=lambda a: a.cell)
            ]
        )


def make_plan(desired: DesiredState, observed: ObservedState, commit: str) -> Plan:
    """Choose one action for every cell and put the changes in order.

    `desired.policy` is the policy the commit is judged by. Every `until` is judged against
    `observed.read_at`.
    """
    suspend = desired.environment.suspend
    in_force = suspend is not None and suspend.in_force(observed.read_at)
    suspended = clean(suspend.reason) or "suspended" if suspend is not None and in_force else ""
    actions = {
        name: _aligned(_choose(desired, observed, observed.cells[name], pin, suspended), pin)
        for name, pin in cell_pins(desired).items()
    }
    _blind_dependants(desired, observed, actions)
    for name, version in observed.unmanaged:
        actions[name] = Action(
            name, Kind.IGNORE, Reason.UNMANAGED, version, None, "runs here, pinned nowhere"
        )
    changing = [name for name, action in actions.items() if action.is_change]
    downwards = frozenset(n for n in changing if actions[n].kind is Kind.DOWNGRADE)
    waits, mixed = order(needed_changes(cell_order(desired), changing), downwards)
    for name, number in waves(waits).items():
        actions[name] = replace(actions[name], wave=number, waits_for=tuple(sorted(waits[name])))
    return Plan(
        environment=desired.environment.name,
        commit=commit,
        read_at=observed.read_at,
        actions=tuple(actions[name] for name in sorted(actions)),
        mixed=mixed,
    )


SYSTEM = "users-system"
"""Octopus' own user, who makes what triggers, schedules and automatic phases deploy."""

_IN_SYNC = (Kind.IGNORE, Reason.IN_SYNC)


def is_new(cell: ObservedCell, pin: Pin) -> bool:
    """Tell whether a commit asks for this pin: it differs from the pin that was last reached."""
    reached = cell.reached
    if reached is None:
        return True
    return not is_same_release(reached.version, pin.version) or pin.redeploy != reached.redeploy


def made_by_us(cell: ObservedCell, me: str) -> bool:
    """Tell whether what the sighting speaks of is the reconciler's own deployment."""
    ours = cell.made_by_id == me and CommentTag.find(cell.comment) is not None
    return ours and cell.newest_is_judged


def _choose(
    desired: DesiredState, observed: ObservedState, cell: ObservedCell, pin: Pin, suspended: str
) -> Action:
    """Choose the one action that closes the gap for one cell."""
    sighting, reached = cell.sighting, cell.reached
    settled = isinstance(sighting, Settled) and sighting.version == pin.version
    raised = reached is not None and pin.redeploy > reached.redeploy
    if settled and not raised and not suspended and pin.hold is None:  # most cells of most plans
        return Action(cell.key, *_IN_SYNC, pin.version, pin.version, "", pin.redeploy)
    draft = Action(
        cell.key,
        *_IN_SYNC,
        cell.version,
        pin.version,
        redeploy=pin.redeploy,
    )
    if suspended:
        return replace(draft, reason=Reason.SUSPENDED, note=suspended)
    if pin.hold is not None and pin.hold.in_force(observed.read_at):
        return replace(draft, reason=Reason.HELD, note=clean(pin.hold.reason))
    match sighting:
        case Unobserved(why=why):
            # acting blind could undo a newer release
            return replace(draft, reason=Reason.UNOBSERVED, note=why)
        case NeverDeployed():
            return replace(draft, kind=Kind.UPGRADE, reason=Reason.NOT_DEPLOYED)
        case Settled(version=version):
            if is_same_release(version, pin.version):
                if raised:
                    note = "the redeploy counter was raised"
                    return replace(draft, kind=Kind.REDEPLOY, reason=Reason.REDEPLOY, note=note)
                return draft
            if not is_new(cell, pin):
                return _drifted(desired, draft, cell, observed.me, version, highest=version)
            return _move(desired, draft, version, highest=version)
        case Unsettled(version=last, attempted=attempted, why=why):
            if not is_new(cell, pin) and not made_by_us(cell, observed.me):
                return _drifted(desired, draft, cell, observed.me, last, highest=attempted)
            draft = replace(
                draft,
                reason=Reason.UNSETTLED,
                note=f"the last attempt, {clean(attempted, 60)}, ended {why}",
            )
            return _move(desired, draft, last, highest=attempted)


def _aligned(action: Action, pin: Pin) -> Action:
    """Note that a pin overrides its platform version's, where it does."""
    if pin.base is None or pin.base.version == pin.version:
        return action
    base = f"{pin.base.platform}, which has {clean(pin.base.version, 60)}"
    broken = f"breaks alignment with {base}"
    return replace(action, note=f"{action.note}; {broken}" if action.note else broken)


def _drifted(
    desired: DesiredState,
    draft: Action,
    cell: ObservedCell,
    me: str,
    last: str | None,
    highest: str,
) -> Action:
    """Correct a drift that Octopus made by itself, where the policy heals; leave any other.

    A person's is held and says who. Nothing that no commit asks for goes down (rule 9): not below
    `last`, the last full success, nor `highest`, which may partly run.
    """
    when = "" if cell.made_at is None else f" at {cell.made_at:%Y-%m-%d %H:%M}Z"
    said = clean(cell.comment, 80)
    note = f"by {cell.made_by or 'Octopus'}{when}" + (f": {said}" if said else "")
    if cell.newest_is_judged and cell.made_by and cell.made_by_id not in {me, SYSTEM}:
        return replace(draft, reason=Reason.HELD_BY_HAND, note=note)
    left = replace(draft, reason=Reason.DRIFT_LEFT, note="no commit asks for it")
    if desired.policy.mode is not Mode.HEAL:
        return left
    if not cell.newest_is_judged or cell.made_by_id != SYSTEM:
        return replace(left, note="not healed: nothing shows that Octopus brought it by itself")
    pin = draft.to_version or ""
    for seen in (last or highest, highest):
        match direction(seen, pin):
            case Direction.DOWN:
                only = " (by its prerelease part)" if only_prerelease_lower(seen, pin) else ""
                why = f"{clean(seen, 60)} is higher{only}, and no commit asks for a downgrade"
                return replace(left, note=f"not healed: {why}")
            case Direction.UNKNOWN:
                why = f"{clean(seen, 60)} cannot be compared with {pin}"
                return replace(left, note=f"not healed: {why}")
            case Direction.UP | Direction.SAME:
                pass
    same = last is not None and direction(last, pin) is Direction.SAME
    kind = Kind.REDEPLOY if same else Kind.UPGRADE
    return replace(draft, kind=kind, reason=Reason.DRIFT, note=note)


def _move(desired: DesiredState, draft: Action, last: str | None, highest: str) -> Action:
    """Move a cell from `last` to its pin; `highest` is what may partly run there."""
    pin = draft.to_version or ""
    if desired.stack.components[draft.component].up_only:
        for seen in (last or highest, highest):
            match direction(seen, pin):
                case Direction.UNKNOWN:
                    note = f"up-only, and {clean(seen, 60)} cannot be compared with {pin}"
                    return replace(draft, reason=Reason.UNKNOWN_DIRECTION, note=note)
                case Direction.DOWN:
                    note = f"up-only: {clean(seen, 60)} is higher"
                    return replace(draft, reason=Reason.UP_ONLY, note=note)
                case Direction.UP | Direction.SAME:
                    pass
    reason = Reason.UNSETTLED if draft.reason is Reason.UNSETTLED else Reason.NEW_PIN
    if last is None:
        return replace(draft, kind=Kind.UPGRADE, reason=reason)
    match direction(last, pin):
        case Direction.UP:
            return replace(draft, kind=Kind.UPGRADE, reason=reason)
        case Direction.SAME:
            other = "another release of an equal version"
            note = draft.note if is_same_release(last, pin) else other
            return replace(draft, kind=Kind.REDEPLOY, reason=reason, note=note)
        case Direction.UNKNOWN:  # handled like a downgrade (rule 8)
            note = f"change of unknown direction: {clean(last, 60)} is no version we can order"
            return replace(
                draft, kind=Kind.DOWNGRADE, reason=reason, note=note, unknown_direction=True
            )
        case Direction.DOWN:
            only_pre = only_prerelease_lower(last, pin)
            note = "only the prerelease part makes it lower" if only_pre else draft.note
            return replace(draft, kind=Kind.DOWNGRADE, reason=reason, note=note)


def _blind_dependants(
    desired: DesiredState, observed: ObservedState, actions: dict[CellKey, Action]
) -> None:
    """Ignore every change that depends on a cell which could not be read (rule 3).

    The edges of downgrades are reversed: what a component needs does not go down blindly.
    """
    blind = {n for n, c in observed.cells.items() if isinstance(c.sighting, Unobserved)}
    if not blind:
        return
    after = cell_order(desired)
    upwards, downwards = dependants(after, blind), dependencies(after, blind)
    for name, action in actions.items():
        if not action.is_change:
            continue
        if name in upwards:
            note = f"depends on {upwards[name]}, which could not be read"
        elif action.kind is Kind.DOWNGRADE and name in downwards:
            note = f"goes down, and {downwards[name]}, which depends on it, could not be read"
        else:
            continue
        actions[name] = replace(action, kind=Kind.IGNORE, reason=Reason.UNOBSERVED, note=note)
