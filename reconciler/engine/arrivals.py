"""Arrivals: which machines lack what belongs on them, found out for the cells that are settled.

Where no policy serves machines nothing is read. Else a look costs one request, all machines of the
space; the processes of releases, and the deployments behind one that served newcomers only, are
read once each.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.board import is_elsewhere
from reconciler.core.cell import Settled
from reconciler.core.intent import SUCCEEDED
from reconciler.core.muster import Muster, missed, sent_to
from reconciler.core.text import clean
from reconciler.engine.doors import side_by_side
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.cell import ObservedCell, ObservedState
    from reconciler.core.cellkey import CellKey
    from reconciler.core.machine import Machine
    from reconciler.core.manifest import DesiredState
    from reconciler.core.muster import Latecomers
    from reconciler.core.snapshot import Snapshot
    from reconciler.core.state import DeploymentDetail, ReleaseDetail, SpaceState
    from reconciler.engine.watch import Finished
    from reconciler.ports import Octopus

AT_ONCE = 8
"""Cells whose earlier deployments are asked for side by side."""
MOST_NAMED = 5
"""Machines that one line names."""


async def with_arrivals(
    octopus: Octopus,
    desired: DesiredState,
    observed: ObservedState,
    state: SpaceState,
    snapshot: Snapshot | None,
    late: Latecomers | None = None,
) -> ObservedState:
    """Return the observation with its muster, and each cell with the machines that missed it.

    What the key may not see is told in the muster. Raises: Unreachable, RateLimited, BadAnswer,
    CredentialRefused, as the look itself does.
    """
    rules, place = desired.policy.machines, observed.environment_id
    if not rules.serves or place is None:
        return observed
    if state.machines is None:
        return replace(observed, muster=Muster(unread=clean(state.machines_unread, 200)))
    machines = tuple(one for one in state.machines if place in one.environments)
    try:
        cells = [each for each in observed.cells.values() if not _is_chosen_for(desired, each)]
        muster = await _Muster(octopus, state, place, machines).take(cells)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected) as error:
        return replace(observed, muster=Muster(machines, unread=error.message))
    known = snapshot is not None and not is_elsewhere(snapshot, state, place)
    gaps = snapshot.gaps if snapshot is not None and known else None
    served = dict(observed.cells)
    serves = rules.deploy_on_arrival
    for name in muster.lacking:
        whom = missed(muster, served[name], gaps, late, serves_arrivals=serves)
        served[name] = replace(served[name], missed=whom)
    return replace(observed, cells=served, muster=muster)


def _is_chosen_for(desired: DesiredState, cell: ObservedCell) -> bool:
    """Tell whether a runbook names the machines of a cell: then none is missed by its roles."""
    component = desired.stack.components[cell.component]
    return any(each.machines for each in component.runbooks.before)


@dataclass(frozen=True, slots=True)
class _Question:
    """A settled cell, and the ready machines that its deployment did not go to."""

    cell: ObservedCell
    detail: DeploymentDetail
    release: ReleaseDetail
    without: tuple[Machine, ...]


class _Muster:
    """One muster being taken."""

    def __init__(
        self, octopus: Octopus, state: SpaceState, place: str, machines: tuple[Machine, ...]
    ) -> None:
        self._octopus = octopus
        self._state = state
        self._place = place
        self._machines = machines
        self._ready = tuple(one for one in machines if one.is_ready)
        self._judged: set[CellKey] = set()
        self._doubts: dict[CellKey, str] = {}

    async def take(self, cells: Iterable[ObservedCell]) -> Muster:
        """Return the muster. Raises: OctopusTrouble and its kin."""
        asked = [q for cell in cells if (q := self._question(cell)) is not None]
        processes = {q.release.process_snapshot for q in asked} - {""}
        targets = await self._octopus.targets(processes) if processes else {}
        lacking: dict[CellKey, tuple[str, ...]] = {}
        newcomers: list[_Question] = []
        for q in asked:
            name = q.cell.key
            goes = targets.get(q.release.process_snapshot)
            if goes is None or goes.doubt:
                self._doubts[name] = "its process could not be read" if goes is None else goes.doubt
                continue
            where = (self._place, q.release.channel_id, q.cell.tenant)
            without = tuple(one for one in q.without if goes.goes_to(one, *where))
            if without and q.detail.is_partial:
                newcomers.append(replace(q, without=without))
                continue
            self._judged.add(name)
            if without:
                lacking[name] = tuple(one.id for one in without)
        turn = asyncio.Semaphore(AT_ONCE)
        await side_by_side(self._behind(q, lacking, turn) for q in newcomers)
        judged = frozenset(self._judged)
        return Muster(self._machines, lacking, judged, self._doubts)

    def _question(self, cell: ObservedCell) -> _Question | None:
        """Return what is to be asked about a cell; None where nothing is, or nothing can be."""
        sighting = cell.sighting
        if not isinstance(sighting, Settled) or not cell.newest_is_judged or cell.running:
            return None
        detail = self._state.deployments.get(sighting.deployment_id)
        release = self._state.releases.get(sighting.release_id)
        if detail is None or release is None or detail.reached is None:
            self._doubts[cell.key] = "Octopus does not say which machines it went to"
            return None
        reached = {*detail.reached, *detail.machine_ids}
        without = tuple(
            one for one in self._ready if one.id not in reached and one.serves(cell.tenant)
        )
        if without:
            return _Question(cell, detail, release, without)
        self._judged.add(cell.key)
        return None

    async def _behind(
        self, q: _Question, lacking: dict[CellKey, tuple[str, ...]], turn: asyncio.Semaphore
    ) -> None:
        """Look behind a deployment that served some machines only, for those served before."""
        async with turn:
            attempts = await self._octopus.attempts(q.detail)
        before = sent_to(attempts)
        if before is None:
            self._doubts[q.cell.key] = "Octopus does not show any more which machines it went to"
            return
        self._judged.add(q.cell.key)
        without = tuple(one.id for one in q.without if one.id not in before)
        if without:
            lacking[q.cell.key] = without


def left_out_of(finished: Finished, foreseen: Mapping[str, str]) -> str:
    """Say in a line which machines a deployment that succeeded did not reach; empty: none.

    `foreseen` are those that Octopus said it would go to, names by id; of one that was limited to
    some, only those count.
    """
    if finished.reached is None or finished.outcome not in SUCCEEDED:
        return ""
    meant = foreseen.keys() & (finished.record.intent.machines or foreseen.keys())
    missed = sorted(clean(foreseen[one], 80) for one in meant - set(finished.reached))
    if not missed:
        return ""
    more = f" and {len(missed) - MOST_NAMED} more" if len(missed) > MOST_NAMED else ""
    version = clean(finished.record.intent.version, 60)
    names = ", ".join(missed[:MOST_NAMED])
    return f"{finished.record.cell} {version} did not reach {names}{more}: Octopus left them out"
