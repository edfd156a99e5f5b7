"""What carrying out a plan would take: tasks, requests to Octopus, and time.

Times come from earlier deployments of the same components to the same environment. A change whose
duration nobody knows is left out of the time and counted, never guessed.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from reconciler.core.schedule import path_lengths

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.core.action import Action
    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Plan

LOOK = 10  # requests of one look while a task is active, with new deployments and halts
LOOKS = 2  # before the lease is taken, and again under it
PREFLIGHT = 3  # requests for each change, at each of these looks
REFRESH = 8  # to look at, to refresh and to read back a release whose variables are to be fresh
EACH = 2  # to ask for a deployment, and to read how it ended
USUAL = 5  # earlier deployments of a component whose median is its duration


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan would take. `duration` is None where no change's duration is known.

    `calls` are requests to Octopus, those that watch the tasks for `duration` included. `unknown`
    counts the changes whose duration nobody knows. Gates, and waits for a free slot of the server,
    are not in it.
    """

    tasks: int
    calls: int
    duration: timedelta | None
    unknown: int


def estimate(
    plan: Plan, durations: Mapping[CellKey, timedelta], at_once: int, poll: timedelta
) -> Estimate:
    """Estimate a plan as apply carries it out: a change starts when all it waits for has ended.

    Of those that may start, the one with the longest path goes first.
    `durations` by cell; `at_once` is how many may run together, from 1; `poll` the time
    between looks at running tasks.
    """
    changes = plan.changes
    known = sum(action.cell in durations for action in changes)
    times, starts = _schedule(plan.changes, durations, max(at_once, 1))
    total = max((end for _, end in times.values()), default=0.0)
    calls = 0
    if changes:
        polls = math.ceil(total / poll.total_seconds())
        calls = (
            LOOKS * (LOOK + PREFLIGHT * len(changes)) + starts * LOOK + EACH * len(changes) + polls
        )
        calls += REFRESH * sum(action.refresh for action in changes)
    return Estimate(
        tasks=len(changes),
        calls=calls,
        duration=timedelta(seconds=round(total)) if known else None,
        unknown=len(changes) - known,
    )


def usual_duration(durations: Sequence[timedelta]) -> timedelta | None:
    """Return the median of the newest of these (oldest first), None where there are none."""
    newest = [each.total_seconds() for each in durations[-USUAL:]]
    return timedelta(seconds=median(newest)) if newest else None


def timetable(
    changes: Sequence[Action], durations: Mapping[CellKey, timedelta], at_once: int
) -> dict[CellKey, tuple[timedelta, timedelta]]:
    """Return when each change is likely to begin and to end, from when the first begins.

    One whose duration nobody knows counts as over at once. `durations`, `at_once`: as `estimate`.
    """
    times, _ = _schedule(changes, durations, max(at_once, 1))
    return {
        name: (timedelta(seconds=begin), timedelta(seconds=end))
        for name, (begin, end) in times.items()
    }


def _schedule(
    changes: Sequence[Action], durations: Mapping[CellKey, timedelta], at_once: int
) -> tuple[dict[CellKey, tuple[float, float]], int]:
    """Return begin and end of each change in seconds, and at how many moments some are started."""
    known = {action.cell for action in changes}
    waits = {action.cell: [w for w in action.waits_for if w in known] for action in changes}
    left = {name: len(behind_it) for name, behind_it in waits.items()}
    behind: dict[CellKey, list[CellKey]] = {}
    times: dict[CellKey, tuple[float, float]] = {}
    lengths = path_lengths(changes, durations)
    for action in changes:
        for name in waits[action.cell]:
            behind.setdefault(name, []).append(action.cell)
    ready = [(-lengths[name], name) for name, number in left.items() if not number]
    heapq.heapify(ready)
    running: list[tuple[float, CellKey]] = []
    now, starts = 0.0, 0
    while ready or running:
        starts += bool(ready) and len(running) < at_once
        while ready and len(running) < at_once:
            _, name = heapq.heappop(ready)
            took = durations.get(name, timedelta()).total_seconds()
            times[name] = (now, now + took)
            heapq.heappush(running, (now + took, name))
        now, ended = heapq.heappop(running)
        while True:
            for name in behind.get(ended, ()):
                left[name] -= 1
                if not left[name]:
                    heapq.heappush(ready, (-lengths[name], name))
            if not running or running[0][0] > now:
                break
            now, ended = heapq.heappop(running)
    return times, starts
