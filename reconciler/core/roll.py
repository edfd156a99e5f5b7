"""The roll: what people are told of an environment's machines, where its policy serves them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.core.cell import ObservedState
    from reconciler.core.cellkey import CellKey
    from reconciler.core.machine import Machine


@dataclass(frozen=True, slots=True)
class Roll:
    """Machines that are not ready, and what ready ones lack and are not given.

    `left` has the cells that each machine lacks. `doubts` says by cell why nobody can tell who
    lacks it, `unread` why nothing is known of any machine; it is empty where something is.
    """

    away: tuple[Machine, ...] = ()
    left: tuple[tuple[Machine, tuple[CellKey, ...]], ...] = ()
    doubts: tuple[tuple[CellKey, str], ...] = ()
    unread: str = ""

    @property
    def absent(self) -> tuple[str, ...]:
        """In clean words, who is not ready, and how it is: `web-3 (disabled)`."""
        return tuple(f"{one.label} ({one.state})" for one in self.away)

    @property
    def without(self) -> tuple[str, ...]:
        """In clean words, who lacks what: `web-2 without api and 3 more`."""
        return tuple(f"{one.label} without {_few(cells)}" for one, cells in self.left)

    @property
    def unknown(self) -> tuple[str, ...]:
        """In clean words, what could not be told, and why."""
        if self.unread:
            return (clean(self.unread, 200),)
        causes: dict[str, list[CellKey]] = {}
        for name, why in self.doubts:
            causes.setdefault(why, []).append(name)
        return tuple(f"{_few(names)} ({clean(why, 120)})" for why, names in causes.items())


def roll_of(observed: ObservedState) -> Roll | None:
    """Return the roll of an environment; None where no policy serves its machines."""
    muster = observed.muster
    if muster is None:
        return None
    left: dict[str, list[CellKey]] = {}
    for name in sorted(muster.lacking):
        for one in muster.lacking[name]:
            if one not in observed.cells[name].missed:
                left.setdefault(one, []).append(name)
    return Roll(
        away=muster.away,
        left=tuple((one, tuple(left[one.id])) for one in muster.machines if one.id in left),
        doubts=tuple(sorted(muster.doubts.items())),
        unread=muster.unread,
    )


def _few(names: tuple[CellKey, ...] | list[CellKey]) -> str:
    shown = ", ".join(clean(name, 100) for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
