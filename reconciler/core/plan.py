"""The plan: one action per cell, each with a reason, in waves.

`make_plan` is pure and total: every pinned cell gets exactly one action (`core.decide`), and doing
nothing has a reason. Equal inputs give equal bytes (rule 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.core.action import Action, Kind, Reason
from reconciler.core.canonical import digest_hex
from reconciler.core.cell import Excluded, Unobserved
from reconciler.core.decide import choose
from reconciler.core.expand import cell_order, cell_pins
from reconciler.core.platform import broken_alignment
from reconciler.core.text import clean
from reconciler.core.wave import dependants, dependencies, needed_changes, order, waves

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import DesiredState
    from reconciler.core.platform import Broken
    from reconciler.core.sighting import ObservedState

__all__ = ["Action", "Kind", "Plan", "Reason", "make_plan"]

_UNSEEN = frozenset({Unobserved, Excluded})
_BLINDING = frozenset({Reason.NEW_TENANT, Reason.RING_CONFLICT})
"""Why a cell is left out though something may have to run there first."""


@dataclass(frozen=True)
class Plan:
    """One action per cell of one environment at one commit, sorted by cell.

    `mixed` names changes that cannot be ordered because a neighbour moves the other way.
    `platform` is the platform version the environment runs on, empty where it runs on none, and
    `broken` are the pins that break the alignment with it.
    """

    environment: str
    commit: str
    read_at: datetime
    actions: tuple[Action, ...]
    mixed: frozenset[CellKey] = frozenset()
    platform: str = ""
    broken: tuple[Broken, ...] = ()

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

        Covers (cell, from, to, redeploy, machines) per cell to change, and whether its release's
        variables are refreshed first; not ignores, gates, commit, times or identity, so that a plan
        reviewed on a branch is the plan after merge.
        """
        return digest_hex(
            [
                {
                    "cell": f"{self.environment}/{a.cell}",
                    "from": a.from_version,
                    "machines": list(a.machines),
                    "redeploy": a.redeploy,
                    "to": a.to_version,
                }
                | ({"variables": "refresh"} if a.refresh else {})
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
        name: choose(desired, observed, observed.cells[name], pin, suspended)
        for name, pin in cell_pins(desired, observed).items()
    }
    _blind_dependants(desired, observed, actions)
    for name, version in observed.unmanaged:
        actions[name] = Action(
            name, Kind.IGNORE, Reason.UNMANAGED, version, None, "runs here, pinned nowhere"
        )
    changing = [name for name, action in actions.items() if action.kind is not Kind.IGNORE]
    downwards = frozenset(n for n in changing if actions[n].kind is Kind.DOWNGRADE)
    waits, mixed = order(needed_changes(cell_order(desired, observed), changing), downwards)
    for name, number in waves(waits).items():
        actions[name] = actions[name]._replace(wave=number, waits_for=tuple(sorted(waits[name])))
    platform = desired.environment.platform
    return Plan(
        environment=desired.environment.name,
        commit=commit,
        read_at=observed.read_at,
        actions=tuple(actions[name] for name in sorted(actions)),
        mixed=mixed,
        platform="" if platform is None else platform.name,
        broken=broken_alignment(desired.environment),
    )


def _blind_dependants(
    desired: DesiredState, observed: ObservedState, actions: dict[CellKey, Action]
) -> None:
    """Ignore every change that depends on a cell which could not be read, or is held (rule 3).

    The edges of downgrades are reversed: what a component needs does not go down blindly.
    """
    blind = {
        name
        for name, cell in observed.cells.items()
        if type(cell.sighting) in _UNSEEN
        and not (isinstance(cell.sighting, Excluded) and cell.sighting.reason not in _BLINDING)
    }
    if not blind:
        return
    after = cell_order(desired, observed)
    upwards, downwards = dependants(after, blind), dependencies(after, blind)

    def why(source: CellKey) -> str:
        match observed.cells[source].sighting:
            case Excluded(reason=reason):
                return f"is held ({reason.value})"
            case _:
                return "could not be read"

    for name, action in actions.items():
        if not action.is_change:
            continue
        if name in upwards:
            note = f"depends on {upwards[name]}, which {why(upwards[name])}"
        elif action.kind is Kind.DOWNGRADE and name in downwards:
            note = f"goes down, and {downwards[name]}, which depends on it, {why(downwards[name])}"
        else:
            continue
        actions[name] = action._replace(kind=Kind.IGNORE, reason=Reason.UNOBSERVED, note=note)
