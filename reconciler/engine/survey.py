"""Survey: everything one pass needs to know, read afresh from git, the audit branch and Octopus."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.acceptance import AcceptedEnvironment, Standing, held_because
from reconciler.core.capture import capture
from reconciler.core.cellkey import cell_key
from reconciler.core.expand import pinned_components
from reconciler.core.sighting import (
    ObservedCell,
    ObservedState,
    Unobserved,
    environment_in,
    observe,
)
from reconciler.core.signature import unsigned_gate, untold_gate
from reconciler.core.state import Server
from reconciler.engine.arrivals import with_arrivals
from reconciler.engine.doors import blocking
from reconciler.engine.ground import AuditView, Ground, fetch_audit, formerly_called, lay_ground
from reconciler.engine.history import History, project_slugs, reached_now, receipted
from reconciler.errors import GitTrouble
from reconciler.ports import Known

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.manifest import DesiredState
    from reconciler.core.muster import Latecomers
    from reconciler.core.snapshot import Reached, Snapshot
    from reconciler.core.state import SpaceState, User
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus


@dataclass(frozen=True, slots=True)
class Situation:
    """One environment at one moment.

    `desired` is what the commit says, under the policy and the earlier phases it is judged by:
    those of the last accepted commit where it has some; `tip_state` has the commit's own. `held`
    says why a person must accept first, or is None. `distrust` is the gate before commits that are
    not signed as they must be, or is None (rule 28). `late` are machines that got ready while the
    pass ran.
    """

    commit: str
    tip_state: DesiredState
    desired: DesiredState
    observed: ObservedState
    audit: AuditView
    history: History
    held: str | None
    unchanged_since_accepted: bool
    is_rewritten: bool
    space_state: SpaceState | None
    reached: dict[CellKey, Reached] = field(default_factory=dict)
    distrust: Gate | None = None
    late: Latecomers | None = None

    @property
    def accepted(self) -> AcceptedEnvironment | None:
        """What the audit branch has as accepted for this environment."""
        environment = self.desired.environment
        return self.audit.state.of(environment.name, environment.formerly)

    @property
    def formers(self) -> tuple[str, ...]:
        """The names this environment had before."""
        return formerly_called(self.accepted, self.desired.environment)

    def captured(self) -> Snapshot:
        """Return what was observed as the snapshot that follows the last recorded one."""
        return capture(
            self.desired, self.observed, self.space_state, self.audit.snapshot, self.commit
        )

    def acceptance(self) -> AcceptedEnvironment | None:
        """Return the acceptance of this commit in the Octopus just seen; None if it was not."""
        observed = self.observed
        if observed.environment_id is None:
            return None
        return AcceptedEnvironment(
            environment=self.desired.environment.name,
            commit=self.commit,
            server_url=self.desired.space.server,
            server=observed.server.installation_id,
            space=observed.space_id,
            octopus_environment=observed.environment_id,
            formers=self.formers,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a space, and whom its deploy credential belongs to (None: there is none)."""

    state: SpaceState
    deployer: User | None

    def only(self, desired: DesiredState, *, machines: bool = False) -> Reading:
        """Return what it shows of one environment, which is all a judgement of that may see.

        `machines`: those of the environment too.
        """
        place, tenanted = environment_in(desired, self.state), bool(desired.environment.tenants)
        part = self.state.only(place, tenanted=tenanted, machines=machines)
        return replace(self, state=part)


async def read_space(
    doors: Doors, octopus: Octopus, *, tenants: bool, machines: bool = False
) -> Reading:
    """Read a space, its tenants and machines if an environment needs them, and its deployer."""
    state = await look(doors, octopus, tenants=tenants, machines=machines)
    return Reading(state, await octopus.deployer())


async def survey(
    doors: Doors,
    name: str,
    *,
    commit: str | None = None,
    consent: bool = False,
    late: Latecomers | None = None,
) -> Situation:
    """Read everything about one environment: at `commit`, or at the watched branch's tip.

    `consent`: a person accepts, so a changed server address may be contacted, and projects made
    anew under an old name are taken for what they are now. `late` are served as arrivals are.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin, OctopusTrouble and its kin.
    """
    if commit is None:
        commit = await doors.gathering.fetch(doors.repository)
    await fetch_audit(doors)
    ground = await lay_ground(doors, name, commit)
    if ground.is_moved and not consent:
        return await situate(doors, ground, None)
    octopus = doors.octopus(ground.tip_state.space)
    reading = await read_space(
        doors, octopus, tenants=ground.names_tenants, machines=ground.serves_machines
    )
    return await situate(doors, ground, reading, consent=consent, late=late)


async def situate(
    doors: Doors,
    ground: Ground,
    reading: Reading | None,
    *,
    consent: bool = False,
    late: Latecomers | None = None,
) -> Situation:
    """Put a reading of Octopus on its ground; None: Octopus was not asked."""
    judged, state = ground.desired, None if reading is None else reading.state
    if reading is None:
        observed = _not_contacted(doors, judged)
    else:
        snapshot = ground.audit.snapshot
        if consent and snapshot is not None:
            cells = {n: replace(c, project=None) for n, c in snapshot.cells.items()}
            snapshot = replace(snapshot, cells=cells)
        joinable = consent or not ground.unchanged
        observed = judge(judged, reading.state, snapshot, ground.history, joinable=joinable)
        if reading.deployer is not None:  # whose deployments are ours
            observed = replace(observed, me=reading.deployer.id)
        octopus = doors.octopus(judged.space)
        observed = await with_arrivals(octopus, judged, observed, reading.state, snapshot, late)
    reached = await reached_now(doors, judged, observed, ground.history)
    observed = with_reached(observed, reached)
    audit_state = ground.audit.state
    standing = Standing(
        shared=ground.shared,
        local=ground.local,
        descends=ground.descends,
        store_writes=ground.store_writes,
        audit_writes=audit_state.writers.get(doors.journal.store_id, 0),
        url=ground.tip_state.space.server,
        now=None
        if state is None
        else (state.server.installation_id, state.space_id, observed.environment_id),
    )
    return Situation(
        commit=ground.commit,
        tip_state=ground.tip_state,
        desired=judged,
        observed=observed,
        audit=ground.audit,
        history=ground.history,
        held=held_because(standing),
        unchanged_since_accepted=ground.unchanged,
        is_rewritten=ground.shared is not None and not ground.descends,
        space_state=state,
        reached=reached,
        distrust=await _distrust(doors, ground),
        late=late,
    )


async def _distrust(doors: Doors, ground: Ground) -> Gate | None:
    """Return the gate where the commits since the accepted one may not be acted on (rule 28).

    What cannot be told holds, and stops nothing that runs (rule 11).
    """
    if doors.signatures is None:
        return None
    since = None if ground.shared is None else ground.shared.commit
    try:
        return unsigned_gate(await blocking(doors.signatures.unsigned, ground.commit, since))
    except GitTrouble as error:
        return untold_gate(error.message, error.hint)


async def look(
    doors: Doors, octopus: Octopus, *, tenants: bool, machines: bool = False
) -> SpaceState:
    """Read a space, with tenants and machines if asked; remember what need not be asked again."""
    server, space_id = await octopus.identity()
    known = await blocking(doors.journal.known, server.installation_id, space_id)
    state = await octopus.look(known, tenants=tenants, machines=machines)
    # a deployment that still runs may yet turn out partial: it is not kept
    new = state.deployments.keys() - known.deployments.keys()
    if new:
        new -= {i.deployment_id for i in state.items if not i.state.is_finished}
        new -= {task.deployment_id for task in state.active if task.deployment_id is not None}
    fresh = Known(
        {i: state.deployments[i] for i in new},
        {i: r for i, r in state.releases.items() if known.releases.get(i) != r},
    )
    if fresh.deployments or fresh.releases:
        await blocking(doors.journal.remember, server.installation_id, space_id, fresh)
    return state


def judge(
    desired: DesiredState,
    state: SpaceState,
    snapshot: Snapshot | None,
    history: History,
    *,
    joinable: bool,
) -> ObservedState:
    """Judge one environment's cells from a reading of its space.

    `joinable`: a commit or a person asks for what is to run, so tenants may join it.
    """
    known = receipted(history, project_slugs(desired, state))
    state = _as_meant(state, history)
    return observe(desired, state, snapshot, known, joinable=joinable)


def _as_meant(state: SpaceState, history: History) -> SpaceState:
    """Return a reading in which deployments to the machines that a runbook named are whole."""
    meant = {
        record.deployment_id
        for record in history.intents.values()
        if record.runbook and record.intent.machines and record.settled
    }
    whole = {
        id_: replace(detail, is_partial=detail.is_flawed)
        for id_, detail in state.deployments.items()
        if id_ in meant
    }
    return replace(state, deployments={**state.deployments, **whole}) if whole else state


def _not_contacted(doors: Doors, desired: DesiredState) -> ObservedState:
    """Return what is known of a server whose changed address nobody accepted: nothing."""
    why = Unobserved("the server's address changed and was not contacted")
    return ObservedState(
        read_at=doors.clock.now(),
        server=Server("", ""),
        space_id="",
        environment_id=None,
        me="",
        cells={
            key: ObservedCell(key, why)
            for key in map(cell_key, pinned_components(desired.environment))
        },
    )


def with_reached(observed: ObservedState, reached: dict[CellKey, Reached]) -> ObservedState:
    """Return the observation with pins that are now known to have been reached."""
    if not reached:
        return observed
    cells = {
        name: replace(cell, reached=reached[name]) if name in reached else cell
        for name, cell in observed.cells.items()
    }
    return replace(observed, cells=cells)


def with_config_of(observed: ObservedState, before: ObservedState) -> ObservedState:
    """Return the observation with what was told of the variables of the same deployments."""
    told = {name: cell for name, cell in before.cells.items() if cell.config is not None}
    if not told:
        return observed
    cells = {
        name: replace(cell, config=told[name].config)
        if name in told and cell.sighting == told[name].sighting
        else cell
        for name, cell in observed.cells.items()
    }
    return replace(observed, cells=cells)
