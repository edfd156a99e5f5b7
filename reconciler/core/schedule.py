"""Schedule: whose turn it is among the changes of a plan, and when to look at what runs.

Longest path first: of the changes that may start, the one that the most work waits behind. It is
the usual rule for a graph on a few machines, and never takes twice as long as the best order
(Graham, "Bounds on multiprocessing timing anomalies", 1969).
"""

from __future__ import annotations

from datetime import timedelta
from statistics import median
from typing import TYPE_CHECKING

from reconciler.core.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from reconciler.core.action import Action
    from reconciler.core.cell import ObservedState
    from reconciler.core.cellkey import CellKey
    from reconciler.core.state import SpaceState

UNKNOWN = timedelta(minutes=2)
"""How long a change is taken to last where no component of its plan was deployed here before."""
LATE = 0.03
"""A look comes late by this part of the time a task has run at most: 5 % are all there is."""
NEAR = 0.25
"""Of the time a task usually goes on, this part passes before the next look."""


def last_durations(observed: ObservedState, state: SpaceState | None) -> dict[CellKey, timedelta]:
    """Return how long the last success of each cell took, by the dashboard that was read anyway.

    With its time in the queue: good enough to weigh, and there where no receipt tells more.
    """
    found: dict[CellKey, timedelta] = {}
    if state is None:
        return found
    for name, cell in observed.cells.items():
        squares = state.squares_of(observed.environment_id or "", cell.tenant_id or "")
        for item in () if cell.project is None else squares.get(cell.project.id, ()):
            if item.state is TaskState.SUCCESS and item.created and item.completed:
                found[name] = max(item.completed - item.created, timedelta())
    return found


def path_lengths(
    changes: Collection[Action], takes: Mapping[CellKey, timedelta]
) -> dict[CellKey, timedelta]:
    """Return how long the longest path takes that begins with each change.

    `takes`: how long a cell is likely to take. One that is not there counts as much as the median
    of those that are: nothing at all would put what was never deployed last.
    """
    known = [takes[action.cell].total_seconds() for action in changes if action.cell in takes]
    usual = timedelta(seconds=median(known)) if known else UNKNOWN
    behind: dict[CellKey, timedelta] = {}
    lengths: dict[CellKey, timedelta] = {}
    for action in sorted(changes, key=lambda action: -action.wave):  # what waits comes first
        own = takes.get(action.cell, usual) + behind.get(action.cell, timedelta())
        lengths[action.cell] = own
        for name in action.waits_for:
            behind[name] = max(behind.get(name, timedelta()), own)
    return lengths


def in_turn(
    pending: Iterable[Action],
    succeeded: Collection[CellKey],
    lengths: Mapping[CellKey, timedelta],
    last_wave: int = 0,
) -> tuple[Action, ...]:
    """Return the pending changes whose every dependency succeeded, longest path first.

    Of equal ones, by name. `last_wave`: those of later waves are left out; 0: none is.
    """
    ready = [
        action
        for action in pending
        if all(name in succeeded for name in action.waits_for)
        and (not last_wave or action.wave <= last_wave)
    ]
    return tuple(sorted(ready, key=lambda action: (-lengths[action.cell], action.cell)))


def next_look(running: Iterable[tuple[float, float | None]], least: float, most: float) -> float:
    """Return the seconds until the next look at tasks: from `least` to `most`.

    Of each task: for how long it has run, and how long it usually does (None: nobody knows). Soon
    while one is new or about to end, and less often while all of them go on for long.
    """
    due = most
    for age, usual in running:
        left = 0.0 if usual is None else (usual - age) * NEAR
        due = min(due, max(left, age * LATE))
    return max(due, least)
