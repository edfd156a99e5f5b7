"""Reevaluate: before a pass ends, machines that got ready during it get what the pass deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.muster import Latecomers
from reconciler.core.plan import Reason, make_plan
from reconciler.engine.arrivals import with_arrivals
from reconciler.engine.events import Said
from reconciler.engine.survey import survey

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.cell import ObservedState
    from reconciler.core.cellkey import CellKey
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation


async def reevaluated(
    doors: Doors, first: ObservedState, last: Situation, deployed: Collection[CellKey]
) -> Situation | None:
    """Return the situation in which latecomers miss what was deployed; None: the pass may end.

    `first` is what was observed when the pass began, `last` what it planned on. It is done once in
    a pass: who comes later still has arrived when the next one looks.
    """
    if not last.desired.policy.machines.reevaluate or last.late is not None or not deployed:
        return None
    now = await survey(doors, last.desired.environment.name)
    late, state = _latecomers(first, now.observed, deployed), now.space_state
    if late is None or state is None or now.desired != last.desired:
        return None
    octopus = doors.octopus(now.desired.space)
    observed = await with_arrivals(
        octopus, now.desired, now.observed, state, now.audit.snapshot, late
    )
    plan = make_plan(now.desired, observed, now.commit)
    if not any(action.reason is Reason.NEW_MACHINE for action in plan.changes):
        return None
    names = (
        "" if observed.muster is None else ", ".join(observed.muster.labels(sorted(late.machines)))
    )
    doors.tell(Said(f"while this ran, {names} got ready; planning anew for what was missed"))
    return replace(now, observed=observed, late=late)


def _latecomers(
    first: ObservedState, now: ObservedState, deployed: Collection[CellKey]
) -> Latecomers | None:
    """Return the machines that got ready between two observations, if any did."""
    if first.muster is None or now.muster is None or first.muster.unread or now.muster.unread:
        return None
    came = now.muster.ready - first.muster.ready
    names = ", ".join(now.muster.labels(sorted(came)))
    return Latecomers(came, frozenset(deployed), names) if came else None
