"""The check of a change: what every environment it touches would do, judged by the base (rule 36).

Only reads are sent, and only to spaces as the base names them, with the credentials it names: a
change cannot send a key elsewhere, loosen the policy it is judged by, or have anything run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.approval import Standing, approval_gates
from reconciler.core.brake import brakes, observe_gates
from reconciler.core.cellkey import WHOLE
from reconciler.core.changeset import Changeset, compare, judged_by, phases_before, space_of
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Plan, make_plan
from reconciler.core.recorded import recorded_state
from reconciler.core.snapshot import snapshot_path
from reconciler.core.windowgate import window_gates
from reconciler.engine.deeds import estimate_of
from reconciler.engine.doors import blocking
from reconciler.engine.ground import fetch_audit, lay_ground, load_manifests, read_audit
from reconciler.engine.planning import judge_situation
from reconciler.engine.survey import read_space, situate
from reconciler.errors import ReconcilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.deployers import Others
    from reconciler.core.estimate import Estimate
    from reconciler.core.manifest import DesiredState, ManifestSet, Space
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Reading


class Observed(StrEnum):
    """Where what runs is known from."""

    LIVE = "live"
    SNAPSHOT = "snapshot"


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One touched environment with its plan; `trouble` says why there is none.

    `observed` tells where what runs is known from, and the plan's `read_at` from when. `is_told`
    False: there is no snapshot, so nothing is known.
    """

    name: str
    is_new: bool
    observed: Observed
    plan: Plan | None
    is_told: bool = True
    gates: tuple[Gate, ...] = ()
    others: Mapping[CellKey, Others] | None = None
    estimate: Estimate | None = None
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """What a change from `base` to `head` (full hashes) would do. `at`: when it was asked.

    `is_behind`: the head does not contain the base, so its pins may be older than the base's.
    """

    base: str
    head: str
    at: datetime
    is_behind: bool
    changes: Changeset
    environments: tuple[Reviewed, ...]

    @property
    def has_work(self) -> bool:
        """True if any environment is to change."""
        return any(one.plan is not None and one.plan.has_work for one in self.environments)


async def review(doors: Doors, base: str, head: str, observed: Observed | None) -> Review:
    """Plan every environment that lies between two commits (full hashes). Changes nothing.

    `observed` None: live where the base's space has a key here, else the last snapshot.

    Raises: UsageError (`live`, and a credential is not there), GitTrouble and its kin. A server
    that does not answer is told as the trouble of its environments.
    """
    await fetch_audit(doors)
    before, after = await load_manifests(doors, base), await load_manifests(doors, head, base)
    changes = compare(before, after)
    readings: dict[Space, Reading | ReconcilerError] = {}
    return Review(
        base=base,
        head=head,
        at=doors.clock.now(),
        is_behind=not await blocking(doors.repository.is_ancestor, base, head),
        changes=changes,
        environments=tuple(
            [
                await _reviewed(doors, _Asked(before, changes, base, head, one), observed, readings)
                for one in changes.touched
            ]
        ),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """One touched environment: what its change asks, and the base it is judged by."""

    before: ManifestSet
    changes: Changeset
    base: str
    head: str
    wanted: DesiredState

    @property
    def name(self) -> str:
        return self.wanted.environment.name

    @property
    def is_new(self) -> bool:
        return self.name in self.changes.added


async def _reviewed(
    doors: Doors,
    asked: _Asked,
    observed: Observed | None,
    readings: dict[Space, Reading | ReconcilerError],
) -> Reviewed:
    space = space_of(asked.before, asked.wanted)
    if space is None or observed is Observed.SNAPSHOT:
        return await _from_snapshot(doors, asked)
    try:
        octopus = doors.octopus(space)
    except UsageError:
        if observed is Observed.LIVE:
            raise
        return await _from_snapshot(doors, asked)
    try:
        if space not in readings:
            try:
                touched = asked.changes.touched
                tenants = any(one.environment.tenants for one in touched)
                rules = (judged_by(asked.before, one).machines for one in touched)
                machines = any(one.serves for one in rules)
                readings[space] = await read_space(
                    doors, octopus, tenants=tenants, machines=machines
                )
            except ReconcilerError as error:
                readings[space] = error
        reading = readings[space]
        if isinstance(reading, ReconcilerError):
            raise reading
        return await _live(doors, asked, space, reading)
    except ReconcilerError as error:
        return Reviewed(asked.name, asked.is_new, Observed.LIVE, None, trouble=error.message)


async def _live(doors: Doors, asked: _Asked, space: Space, reading: Reading) -> Reviewed:
    """Plan as a pass would after the merge, by the base's policy and in the base's space."""
    ground = await lay_ground(doors, asked.name, asked.head)
    tip_state = replace(ground.tip_state, space=space)
    judged = replace(
        tip_state,
        policy=judged_by(asked.before, asked.wanted),
        earlier_phases=phases_before(asked.before, asked.wanted),
    )
    shared = ground.shared
    descends = ground.descends or (
        shared is not None
        and await blocking(doors.repository.is_ancestor, shared.commit, asked.base)
    )
    # this machine need not be the daemon's: that its store is new here says nothing of the change
    writes = ground.audit.state.writers.get(doors.journal.store_id, 0)
    ground = replace(
        ground,
        tip_state=tip_state,
        desired=judged,
        local=shared,
        descends=descends,
        store_writes=max(ground.store_writes, writes),
    )
    situation = await situate(doors, ground, None if ground.is_moved else reading)
    planned = await judge_situation(doors, situation, name_others=True)
    return Reviewed(
        name=asked.name,
        is_new=asked.is_new,
        observed=Observed.LIVE,
        plan=planned.plan,
        gates=planned.gates,
        others=planned.others,
        estimate=estimate_of(doors, planned),
    )


async def _from_snapshot(doors: Doors, asked: _Asked) -> Reviewed:
    """Plan on what the audit branch has; whatever only Octopus knows stays open."""
    try:
        view = await read_audit(doors, asked.name, asked.wanted.environment.formerly)
    except ReconcilerError as error:
        return Reviewed(asked.name, asked.is_new, Observed.SNAPSHOT, None, trouble=error.message)
    path = snapshot_path(asked.name)
    now = doors.clock.now()
    written = None if doors.audit is None else await blocking(doors.audit.written_at, path)
    judged = replace(asked.wanted, policy=judged_by(asked.before, asked.wanted))
    seen = recorded_state(judged, view.snapshot, now)
    plan = make_plan(judged, seen, asked.head)
    too_much = brakes(plan, len(seen.cells), judged.policy)
    gates = [
        *observe_gates(plan, judged.policy),
        *approval_gates(plan, judged.policy, Standing(), too_much),
        *window_gates(plan, judged.policy, {}, now),
    ]
    accepted = view.state.of(asked.name, asked.wanted.environment.formerly)
    if accepted is None and plan.has_work:
        opener = f"`reconciler accept {asked.name}` after a look at its plan"
        words = "first contact with this environment"
        gates.append(Gate(WHOLE, GateName.ACCEPT, words, opener))
    return Reviewed(
        name=asked.name,
        is_new=asked.is_new,
        observed=Observed.SNAPSHOT,
        plan=replace(plan, read_at=now if written is None else written),
        is_told=view.snapshot is not None,
        gates=tuple(sorted(gates)),
    )
