"""Slots: how many deployments of ours a server runs at once, and how passes share them.

They belong to the server, for all its spaces. What others run is not ours, and some stay free for
people. What is asked for beyond the slots would wait in Octopus' own queue, before people's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Name = TypeVar("Name")

TASK_CAP = 5
"""Tasks at once of a server whose cap cannot be read: Octopus' own default for a node."""
FOR_PEOPLE = 10
"""Of so many slots one is left for people; at least one."""


@dataclass(frozen=True, slots=True)
class Load:
    """What a server can run at once (`cap`, of the nodes that take tasks), and what it runs now."""

    cap: int
    running: int


@dataclass(frozen=True, slots=True)
class Room:
    """How many requests a server's budget lets go now, and in a minute; infinite without one."""

    now: float
    per_minute: float

    def allows(self, wanted: int, first: int) -> int:
        """Return how many of the wanted requests may leave at once, after `first` others.

        One while the budget is full: else one that never holds so many would stop for ever.
        """
        if math.isinf(self.now):
            return wanted
        return min(wanted, max(int(self.now) - first, int(self.now >= self.per_minute)))

    def apart(self, requests: int) -> float:
        """Return the least seconds between two rounds of requests that leave half for the rest."""
        return requests * 120 / self.per_minute


def ours_at_once(cap: int | None, most: int | None, others: int) -> int:
    """Return how many deployments of ours may run on a server at once.

    `cap` None: it cannot be read. `most` is the configured limit; without a cap it is taken at its
    word. `others` are the tasks of everybody else. One is always allowed: where the server is full,
    it waits in Octopus' queue like everybody's.
    """
    if cap is None and most is not None:
        return most
    cap = TASK_CAP if cap is None else cap
    free = max(cap - max(cap // FOR_PEOPLE, 1) - others, 1)
    return free if most is None else min(free, most)


def fair_shares(total: int, wanted: Mapping[Name, int], order: Sequence[Name]) -> dict[Name, int]:
    """Share slots among passes, one by one in turn: none gets more than it wants.

    `order` names all of them, the one that has waited longest first.
    """
    given = dict.fromkeys(order, 0)
    while total > 0:
        hungry = [name for name in order if given[name] < wanted[name]][:total]
        if not hungry:
            break
        for name in hungry:
            given[name] += 1
        total -= len(hungry)
    return given
