"""The one action that closes the gap of one cell: what is seen there against what is pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.action import Action, Kind, Reason
from reconciler.core.cell import Excluded, NeverDeployed, Settled, Unobserved, Unsettled
from reconciler.core.intent import CommentTag
from reconciler.core.policy import Mode
from reconciler.core.text import clean
from reconciler.core.version import (
    Direction,
    direction,
    is_same_release,
    only_prerelease_lower,
)

if TYPE_CHECKING:
    from reconciler.core.cell import Config, ObservedCell, ObservedState
    from reconciler.core.manifest import DesiredState, Pin, Until

SYSTEM = "users-system"
"""Octopus' own user, who makes what triggers, schedules and automatic phases deploy."""
MOST_NAMED = 3
"""Machines that the note of an action names."""


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


def choose(
    desired: DesiredState, observed: ObservedState, cell: ObservedCell, pin: Pin, suspended: str
) -> Action:
    """Choose the one action that closes the gap for one cell.

    `suspended`: why the whole environment is left alone, empty where it is not.
    """
    sighting, reached = cell.sighting, cell.reached
    settled = isinstance(sighting, Settled) and sighting.version == pin.version
    raised = reached is not None and pin.redeploy > reached.redeploy
    plain = cell.config is None and not suspended and pin.hold is None and not cell.missed
    if settled and plain and not raised:  # most cells of most plans
        action = Action(
            cell.key, Kind.IGNORE, Reason.IN_SYNC, pin.version, pin.version, "", pin.redeploy
        )
    else:
        action = _choose(desired, observed, cell, pin, suspended, raised=raised)
        if pin.refresh and action.is_change:
            action = action._replace(refresh=True)
        if cell.missed and action.reason is Reason.IN_SYNC:
            action = _served(action, observed, cell)
    return action if pin.base is None else _aligned(action, pin)


def _holds(pin: Pin, hold: Until, cell: ObservedCell, observed: ObservedState) -> bool:
    """Tell whether a pin is left alone now: not before it got where its hold wants it."""
    on_its_way = bool(hold.at) and is_same_release(hold.at, pin.version) and is_new(cell, pin)
    return hold.in_force(observed.read_at) and not on_its_way


def _choose(
    desired: DesiredState,
    observed: ObservedState,
    cell: ObservedCell,
    pin: Pin,
    suspended: str,
    *,
    raised: bool,
) -> Action:
    sighting = cell.sighting
    draft = Action(
        cell.key,
        Kind.IGNORE,
        Reason.IN_SYNC,
        cell.version,
        pin.version,
        redeploy=pin.redeploy,
    )
    if isinstance(sighting, Excluded):
        return draft._replace(reason=sighting.reason, note=sighting.why)
    if suspended:
        return draft._replace(reason=Reason.SUSPENDED, note=suspended)
    if pin.hold is not None and _holds(pin, pin.hold, cell, observed):
        return draft._replace(reason=Reason.HELD, note=clean(pin.hold.reason))
    match sighting:
        case Unobserved(why=why):
            # acting blind could undo a newer release
            return draft._replace(reason=Reason.UNOBSERVED, note=why)
        case NeverDeployed():
            return draft._replace(kind=Kind.UPGRADE, reason=Reason.NOT_DEPLOYED)
        case Settled(version=version):
            if is_same_release(version, pin.version):
                if raised:
                    note = "the redeploy counter was raised"
                    return draft._replace(kind=Kind.REDEPLOY, reason=Reason.REDEPLOY, note=note)
                return _configured(draft, cell.config)
            if not is_new(cell, pin):
                return _drifted(desired, draft, cell, observed.me, version, highest=version)
            return _move(desired, draft, version, highest=version)
        case Unsettled(version=last, attempted=attempted, why=why):
            if not is_new(cell, pin) and not made_by_us(cell, observed.me):
                return _drifted(desired, draft, cell, observed.me, last, highest=attempted)
            draft = draft._replace(
                reason=Reason.UNSETTLED,
                note=f"the last attempt, {clean(attempted, 60)}, ended {why}",
            )
            return _move(desired, draft, last, highest=attempted)


def _configured(draft: Action, config: Config | None) -> Action:
    """Deploy a cell in sync again where its variables changed and its pin asks for fresh ones."""
    if config is None:
        return draft
    if not config.is_changed:
        return draft._replace(note=config.note)
    return draft._replace(kind=Kind.REDEPLOY, reason=Reason.CONFIG_CHANGED, note=config.note)


def _served(action: Action, observed: ObservedState, cell: ObservedCell) -> Action:
    """Give what a cell in sync runs to the machines that missed it, and to no other."""
    names = () if observed.muster is None else observed.muster.labels(cell.missed)
    shown = ", ".join(names[:MOST_NAMED])
    more = len(names) - MOST_NAMED
    return action._replace(
        kind=Kind.REDEPLOY,
        reason=Reason.NEW_MACHINE,
        machines=tuple(sorted(cell.missed)),
        note=f"only to {shown}" + (f" and {more} more" if more > 0 else ""),
    )


def _aligned(action: Action, pin: Pin) -> Action:
    """Note that a pin overrides its platform version's, where it does."""
    if pin.base is None or pin.base.version == pin.version:
        return action
    base = f"{pin.base.platform}, which has {clean(pin.base.version, 60)}"
    broken = f"breaks alignment with {base}"
    return action._replace(note=f"{action.note}; {broken}" if action.note else broken)


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
        return draft._replace(reason=Reason.HELD_BY_HAND, note=note)
    left = draft._replace(reason=Reason.DRIFT_LEFT, note="no commit asks for it")
    if desired.policy.mode is not Mode.HEAL:
        return left
    if not cell.newest_is_judged or cell.made_by_id != SYSTEM:
        return left._replace(note="not healed: nothing shows that Octopus brought it by itself")
    pin = draft.to_version or ""
    for seen in (last or highest, highest):
        match direction(seen, pin):
            case Direction.DOWN:
                only = " (by its prerelease part)" if only_prerelease_lower(seen, pin) else ""
                why = f"{clean(seen, 60)} is higher{only}, and no commit asks for a downgrade"
                return left._replace(note=f"not healed: {why}")
            case Direction.UNKNOWN:
                why = f"{clean(seen, 60)} cannot be compared with {pin}"
                return left._replace(note=f"not healed: {why}")
            case Direction.UP | Direction.SAME:
                pass
    same = last is not None and direction(last, pin) is Direction.SAME
    kind = Kind.REDEPLOY if same else Kind.UPGRADE
    return draft._replace(kind=kind, reason=Reason.DRIFT, note=note)


def _move(desired: DesiredState, draft: Action, last: str | None, highest: str) -> Action:
    """Move a cell from `last` to its pin; `highest` is what may partly run there."""
    pin = draft.to_version or ""
    if desired.stack.components[draft.component].up_only:
        for seen in (last or highest, highest):
            match direction(seen, pin):
                case Direction.UNKNOWN:
                    note = f"up-only, and {clean(seen, 60)} cannot be compared with {pin}"
                    return draft._replace(reason=Reason.UNKNOWN_DIRECTION, note=note)
                case Direction.DOWN:
                    note = f"up-only: {clean(seen, 60)} is higher"
                    return draft._replace(reason=Reason.UP_ONLY, note=note)
                case Direction.UP | Direction.SAME:
                    pass
    reason = Reason.UNSETTLED if draft.reason is Reason.UNSETTLED else Reason.NEW_PIN
    if last is None:
        return draft._replace(kind=Kind.UPGRADE, reason=reason)
    match direction(last, pin):
        case Direction.UP:
            return draft._replace(kind=Kind.UPGRADE, reason=reason)
        case Direction.SAME:
            note = (
                draft.note if is_same_release(last, pin) else "another release of an equal version"
            )
            return draft._replace(kind=Kind.REDEPLOY, reason=reason, note=note)
        case Direction.UNKNOWN:  # handled like a downgrade (rule 8)
            note = f"change of unknown direction: {clean(last, 60)} is no version we can order"
            return draft._replace(
                kind=Kind.DOWNGRADE, reason=reason, note=note, unknown_direction=True
            )
        case Direction.DOWN:
            only_pre = only_prerelease_lower(last, pin)
            note = "only the prerelease part makes it lower" if only_pre else draft.note
            return draft._replace(kind=Kind.DOWNGRADE, reason=reason, note=note)
