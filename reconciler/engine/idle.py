"""Idle: a judgement that found nothing to do holds for as long as all it rests on stays the same.

It rests on the ground, on the part of a reading that shows the environment and, through every
`until`, on when that was read (rule 2). Pauses and preflight stand before changes only. What this
store has not pushed yet is queued by a pass of the environment, which ends the judgement, or by
another process, and then the ground is laid anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.manifest import DesiredState
    from reconciler.engine.ground import Ground
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Reading, Situation


@dataclass(frozen=True, slots=True)
class Idle:
    """What an environment without work was judged on; `until`: the first end of a hold in it."""

    ground: Ground
    reading: Reading
    until: datetime | None

    def holds(self, ground: Ground, reading: Reading) -> bool:
        """Tell whether a judgement on these could only find the same again."""
        then, now = self.reading.state.read_at, reading.state.read_at
        return (
            ground is self.ground
            and then <= now
            and (self.until is None or now < self.until)
            and reading.deployer == self.reading.deployer
            and reading.state.at(then) == self.reading.state
        )


def idle_of(
    ground: Ground, reading: Reading, situation: Situation, planned: Planned
) -> Idle | None:
    """Return what a judgement rests on; None if anything is to be done, or awaits a person.

    `reading` is the one that was judged: what it leaves out, the judgement has not seen. Where the
    situation that was planned is another, Octopus was asked more (about drift that may be healed).
    """
    waits = planned.gates or situation.held is not None or not situation.unchanged_since_accepted
    looks_on = planned.tending is not None  # machines fall ill without anything else changing
    owes = bool(planned.around.debts)
    if waits or looks_on or owes or planned.plan.has_work or planned.situation is not situation:
        return None
    return Idle(ground, reading, first_end(ground.desired, reading.state.read_at))


def first_end(desired: DesiredState, at: datetime) -> datetime | None:
    """Return when the first hold or suspension ends that is in force at a time."""
    environment = desired.environment
    pins = (environment.pins, *(ring.pins for ring in environment.rings))
    stated = [environment.suspend, *(pin.hold for each in pins for pin in each.values())]
    ends = (each.until for each in stated if each is not None)
    return min((end for end in ends if end is not None and at < end), default=None)
