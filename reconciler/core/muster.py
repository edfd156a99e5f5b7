"""The muster: the machines of one environment, and which of them lack what belongs on them.

A machine lacks the release a cell is settled on where it is ready, the release's steps go to it,
and no deployment that brought the release to the cell went, or was sent, to it. It is served alone
only as an arrival: what a ready machine lacked already when the environment's machines were first
looked at is a gap, kept in the snapshot, and left. A gap ends when its machine stops being ready,
because one that comes back returns, and when the cell settles on another release.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.cell import Settled
from reconciler.core.state import TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.cell import ObservedCell
    from reconciler.core.cellkey import CellKey
    from reconciler.core.machine import Machine
    from reconciler.core.state import DeploymentDetail

Gaps = "Mapping[str, Mapping[CellKey, str]]"
"""What machines lack that is left so: by machine id and cell, the id of the release."""


@dataclass(frozen=True, slots=True)
class Muster:
    """The machines of one environment as one reading shows them, by id.

    `lacking` are the ready machines, by id, that lack what a settled cell runs; a cell that could
    not be judged is not among `judged`, and `doubts` says why where that is not plain. `unread`
    says why the machines could not be read, or is empty: nothing is known of any then.
    """

    machines: tuple[Machine, ...] = ()
    lacking: Mapping[CellKey, tuple[str, ...]] = field(default_factory=dict)
    judged: frozenset[CellKey] = frozenset()
    doubts: Mapping[CellKey, str] = field(default_factory=dict)
    unread: str = ""

    @property
    def ready(self) -> frozenset[str]:
        """The ids of the machines that may be deployed to."""
        return frozenset(one.id for one in self.machines if one.is_ready)

    @property
    def away(self) -> tuple[Machine, ...]:
        """The machines that may not be deployed to now: disabled, or not found healthy."""
        return tuple(one for one in self.machines if not one.is_ready)

    def labels(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Return machines as people call them; those that are gone by their ids."""
        known = {one.id: one.label for one in self.machines}
        return tuple(known.get(one, one) for one in ids)


@dataclass(frozen=True, slots=True)
class Latecomers:
    """Machines that got ready while a pass ran, and the cells that it had deployed before.

    `names` are the machines as people call them.
    """

    machines: frozenset[str]
    cells: frozenset[CellKey]
    names: str = ""


def gaps_after(
    before: Mapping[str, Mapping[CellKey, str]] | None,
    muster: Muster,
    cells: Mapping[CellKey, ObservedCell],
) -> Mapping[str, Mapping[CellKey, str]]:
    """Return the gaps that are left after a look; `before` None: it was the first one."""
    found: dict[str, dict[CellKey, str]] = {}
    if before is None:
        for name in sorted(muster.lacking):
            release = settled_release(cells[name])
            for one in muster.lacking[name] if release is not None else ():
                found.setdefault(one, {})[name] = release or ""
        return found
    ready = muster.ready
    for one, gaps in before.items():
        kept = {
            name: release
            for name, release in gaps.items()
            if name in cells
            and (
                name not in muster.judged
                or (one in muster.lacking.get(name, ()) and settled_release(cells[name]) == release)
            )
        }
        if kept and one in ready:
            found[one] = kept
    return found


def missed(
    muster: Muster,
    cell: ObservedCell,
    gaps: Mapping[str, Mapping[CellKey, str]] | None,
    late: Latecomers | None,
    *,
    serves_arrivals: bool,
) -> tuple[str, ...]:
    """Return the machines, by id, that are to get what a cell runs, each alone.

    `gaps` None: nobody has looked at these machines before, so none of them has arrived.
    """
    release = settled_release(cell)
    left = {} if gaps is None else gaps

    def is_served(one: str) -> bool:
        if late is not None and one in late.machines and cell.key in late.cells:
            return True
        return serves_arrivals and gaps is not None and left.get(one, {}).get(cell.key) != release

    return tuple(one for one in muster.lacking.get(cell.key, ()) if is_served(one))


def settled_release(cell: ObservedCell) -> str | None:
    """Return the id of the release a cell is settled on; None where it is on none."""
    return cell.sighting.release_id if isinstance(cell.sighting, Settled) else None


def sent_to(
    newest_first: Iterable[tuple[DeploymentDetail, TaskState]],
) -> frozenset[str] | None:
    """Return the machines that a cell's release went, or was sent, to; None where nobody can tell.

    `newest_first` are the deployments of the cell from the one it is settled on, with how each
    ended. Those that served newcomers are looked through, back to the one that served all.
    """
    found: set[str] = set()
    release: str | None = None
    for one, state in newest_first:
        release = release or one.release_id
        if state is not TaskState.SUCCESS:
            continue
        if one.release_id != release or one.reached is None:
            return None
        found.update(one.reached, one.machine_ids)
        if not one.is_partial:
            return frozenset(found)
    return None
