"""Rollback: for each component of an environment, whether it can return to an earlier version."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.action import Reason
from reconciler.core.cellkey import component_of
from reconciler.core.snapshot import LEFT
from reconciler.core.text import clean
from reconciler.core.version import is_same_release

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.gate import Gate
    from reconciler.core.manifest import DesiredState, Environment
    from reconciler.core.plan import Plan
    from reconciler.core.snapshot import Snapshot

LEFT_ALONE = frozenset({Reason.UP_ONLY, Reason.UNKNOWN_DIRECTION})
"""Why a component is not taken back and does not keep the others from it: its stack says so."""

Versions = dict[str, str]
"""Versions by component."""


@dataclass(frozen=True, slots=True)
class Return:
    """One component on its way back from the version pinned now to an earlier one.

    `why` says what keeps it from returning, empty where nothing does. `stays`: its stack wants
    that, so that the others return without it.
    """

    component: str
    now: str
    back: str
    why: str = ""
    stays: bool = False

    @property
    def can(self) -> bool:
        """True where it can return."""
        return not self.why


def moves(
    environment: Environment, then: Mapping[str, str], excepted: Collection[str], at: datetime
) -> tuple[Versions, tuple[tuple[str, str], ...]]:
    """Return what is to return, and (component, why) for what is left as it is."""
    found: Versions = {}
    left: list[tuple[str, str]] = []
    for name, pin in sorted(environment.pins.items()):
        version = then.get(name)
        if name in excepted:
            continue
        if version is None:
            left.append((name, "it was not pinned then"))
        elif is_same_release(pin.version, version):
            continue
        elif pin.hold is not None and pin.hold.in_force(at):
            left.append((name, f"it is held: {clean(pin.hold.reason)}"))
        else:
            found[name] = version
    gone = sorted(then.keys() - environment.pins.keys() - set(excepted))
    left += [(name, "it is not pinned any more") for name in gone]
    for ring in environment.rings:
        for name in sorted(ring.pins.keys() & found.keys()):
            stays = f"ring '{ring.name}' pins {clean(ring.pins[name].version, 60)} of its own"
            left.append((name, stays))
    return found, tuple(left)


def as_it_was(desired: DesiredState, versions: Mapping[str, str]) -> DesiredState:
    """Return what would be asked for with only these pinned, and nothing suspended.

    It is for a look ahead: whether each of them could be deployed.
    """
    environment = desired.environment
    pins = {
        name: replace(pin, version=versions[name], hold=None, base=None)
        for name, pin in environment.pins.items()
        if name in versions
    }
    return replace(desired, environment=replace(environment, pins=pins, suspend=None))


def returns(
    environment: Environment, versions: Mapping[str, str], plan: Plan, gates: Sequence[Gate]
) -> tuple[Return, ...]:
    """Judge each component by the plan of `as_it_was` and by what Octopus said of its changes."""
    closed = {gate.cell: gate.message for gate in gates}
    why: dict[str, tuple[str, bool]] = {}
    for action in plan.actions:
        wanted = versions.get(action.component)
        if wanted is None or not is_same_release(action.to_version or "", wanted):
            continue  # a ring's own
        if action.is_change:
            said = closed.get(action.cell, "")
        elif action.reason is Reason.IN_SYNC:
            said = ""
        else:
            said = action.note or action.reason.value
        if said and action.component not in why:
            why[action.component] = (said, action.reason in LEFT_ALONE)
    return tuple(
        Return(name, environment.pins[name].version, version, *why.get(name, ("", False)))
        for name, version in sorted(versions.items())
    )


def settled_versions(snapshot: Snapshot) -> Versions | None:
    """Return what ran where everything was settled, each component in one version; else None."""
    found: Versions = {}
    for key, cell in snapshot.cells.items():
        if cell.state == LEFT:
            continue
        name = component_of(key)
        if cell.state != "settled" or cell.version is None:
            return None
        if not is_same_release(found.setdefault(name, cell.version), cell.version):
            return None
    return found


def was_reached(pins: Mapping[str, str], good: Sequence[Versions]) -> bool:
    """Tell whether all of these pins once ran together, settled."""
    return any(
        all(name in ran and is_same_release(ran[name], version) for name, version in pins.items())
        for ran in good
    )
