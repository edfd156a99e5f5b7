"""What an environment's pins became over time, and what was deployed for them: values and joining.

Newest first. A deployment stands beside the commit that pinned its version; one that no commit of
the history explains stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.authorship import Authorship
    from reconciler.core.manifest import Environment, Pin


@dataclass(frozen=True, slots=True)
class PinChange:
    """One pin as a commit changed it; None: there was, or is, none.

    `ring` is the ring that it is for, empty for the environment.
    """

    component: str
    before: Pin | None
    after: Pin | None
    ring: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """One deployment as its receipt tells it; `component` is the project's slug where unknown.

    `tenant` is an id, None where it was for none.
    """

    component: str
    tenant: str | None
    version: str
    outcome: str
    commit: str
    receipt: str
    asked_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit that changed pins, with what was deployed for it; or a deployment alone.

    `written` None: a deployment alone. `is_merge`: what it brought from another branch, which its
    own commits tell too. `note` says what no pin does: the environment came or went, or its
    manifests were invalid.
    """

    written: Authorship | None
    is_merge: bool = False
    changes: tuple[PinChange, ...] = ()
    note: str = ""
    deployments: tuple[Deployed, ...] = field(default=())

    @property
    def at(self) -> datetime | None:
        """When it was written, or ended."""
        if self.written is not None:
            return self.written.at
        return None if not self.deployments else self.deployments[0].ended_at


Pins = dict[tuple[str, str], "Pin"]
"""Pins by component and ring."""


def pins_of(environment: Environment) -> Pins:
    """Return all pins of an environment, those of its rings too."""
    found: Pins = {(name, ""): pin for name, pin in environment.pins.items()}
    for ring in environment.rings:
        found |= {(name, ring.name): pin for name, pin in ring.pins.items()}
    return found


def pin_changes(before: Pins, after: Pins, component: str | None) -> tuple[PinChange, ...]:
    """Compare the pins of two commits: of one component, or (None) of all, by name and ring.

    Version, redeploy counter, hold and fresh variables count; where a pin is written does not.
    """
    return tuple(
        PinChange(key[0], before.get(key), after.get(key), key[1])
        for key in sorted(before.keys() | after.keys())
        if component in {None, key[0]} and _says(before.get(key)) != _says(after.get(key))
    )


def _says(pin: Pin | None) -> tuple[object, ...] | None:
    return None if pin is None else (pin.version, pin.redeploy, pin.hold, pin.refresh)


def join(
    entries: Sequence[Entry], deployments: Iterable[Deployed], order: Mapping[str, int]
) -> tuple[Entry, ...]:
    """Put each deployment beside the commit that pinned its version.

    `entries` newest first; `order` gives each commit of the history its place in it, newest 0. A
    commit that is newer than the one a deployment was made for does not explain it.
    """
    found: dict[int, list[Deployed]] = {}
    alone: list[Deployed] = []
    for each in deployments:
        since = order.get(each.commit)
        number = next((n for n, e in enumerate(entries) if _explains(e, each, since, order)), None)
        if number is None:
            alone.append(each)
        else:
            found.setdefault(number, []).append(each)
    rows = [
        replace(entry, deployments=tuple(sorted(found.get(n, ()), key=_when)))
        for n, entry in enumerate(entries)
    ]
    for each in sorted(alone, key=_when):
        place = next((n for n, row in enumerate(rows) if _is_before(row, each)), len(rows))
        rows.insert(place, Entry(None, deployments=(each,)))
    return tuple(rows)


def _explains(entry: Entry, each: Deployed, since: int | None, order: Mapping[str, int]) -> bool:
    """Tell whether a commit pinned what was deployed, at or before the commit it was made for."""
    if entry.written is None:
        return False
    if since is None:
        if entry.at is None or entry.at > each.asked_at:
            return False
    elif order.get(entry.written.commit, -1) < since:
        return False
    return any(
        change.component == each.component
        and change.after is not None
        and change.after.version == each.version
        for change in entry.changes
    )


def _when(each: Deployed) -> datetime:
    return each.ended_at or each.asked_at


def _is_before(row: Entry, each: Deployed) -> bool:
    return row.at is not None and row.at <= _when(each)
