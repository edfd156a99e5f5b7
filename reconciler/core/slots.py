"""Slots: how many deployments of ours a server runs at once, and how passes share them.

They belong to the server, for all its spaces. What others run is not ours, and some stay free for
people. What is asked for beyond the slots would wait in Octopus' own queue, before people's.
"""

from __future__ import annotations

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


def ours_at_once(load: Load | None, most: int | None, ours: int, others: int) -> int:
    """Return how many deployments of ours may run on a server at once.

    `load` None: it cannot be read. `most` is the configured limit; where there is no load, it is
    taken at its word. `ours` run now, and `others` of other people were seen in the spaces read.
    One is always allowed: where the server is full, it waits in Octopus' queue like everybody's.
    """
    if load is None and most is not None:
        return most
    cap = TASK_CAP if load is None else load.cap
    taken = others if load is None else max(others, load.running - ours)
    free = max(cap - max(cap // FOR_PEOPLE, 1) - taken, 1)
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
