"""Survey: everything one pass needs to know, read afresh from git, the audit branch and Octopus."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.acceptance import (
    PATH,
    AcceptedEnvironment,
    AuditState,
    Standing,
    held_because,
)
from reconciler.core.capture import capture
from reconciler.core.cellkey import cell_key
from reconciler.core.expand import pinned_components
from reconciler.core.manifest import DesiredState, Invalid
from reconciler.core.policy import STRICTEST
from reconciler.core.remote import RemoteEnvironment
from reconciler.core.sighting import (
    ObservedCell,
    ObservedState,
    Unobserved,
    environment_in,
    observe,
)
from reconciler.core.signature import unsigned_gate, untold_gate
from reconciler.core.snapshot import snapshot_path
from reconciler.core.state import Server
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.history import (
    History,
    project_slugs,
    reached_now,
    read_history,
    receipted,
)
from reconciler.engine.platforms import check_unedited
from reconciler.errors import GitTrouble, ManifestsInvalid, UsageError
from reconciler.ports import Known

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.cellkey import CellKey
    from reconciler.core.gate import Gate
    from reconciler.core.manifest import ManifestSet, SourceFile
    from reconciler.core.snapshot import Reached, Snapshot
    from reconciler.core.state import SpaceState, User
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus

MOST_ASKED = 100_000
"""Earlier contents of broken files looked up at once (rule 47); one not asked for stops all."""


@dataclass(frozen=True, slots=True)
class AuditView:
    """What the audit branch says about one environment at its fetched tip."""

    state: AuditState
    snapshot: Snapshot | None
    snapshot_bytes: bytes | None


@dataclass(frozen=True, slots=True)
class Situation:
    """One environment at one moment.

    `desired` is what the commit says, under the policy and the earlier phases it is judged by:
    those of the last accepted commit where it has some; `tip_state` has the commit's own. `held`
    says why a person must accept first, or is None. `distrust` is the gate before commits that are
    not signed as they must be, or is None (rule 28).
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

    @property
    def accepted(self) -> AcceptedEnvironment | None:
        """What the audit branch has as accepted for this environment."""
        return self.audit.state.environments.get(self.desired.environment.name)

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
        )


async def load_manifests(doors: Doors, commit: str, earlier: str | None = None) -> ManifestSet:
    """Load all manifests at a commit (full hash).

    Whose file a broken one is, the accepted commits tell, and `earlier` (rule 4).
    """

    def before(paths: Collection[str]) -> tuple[SourceFile, ...]:
        content = None if doors.audit is None else doors.audit.read(PATH)
        commits = {one.commit for one in parse_state(content).environments.values()}
        if earlier is not None:
            commits.add(earlier)
        most = MOST_ASKED // max(len(commits), 1)
        return doors.repository.versions(sorted(commits), sorted(paths)[:most])

    def load() -> ManifestSet:
        repository = doors.repository
        return doors.manifests.load(repository.files(commit), repository.read, before)

    return await blocking(load)


class IsRemote(UsageError):
    """A RemoteEnvironment was named where only an environment of our own will do."""

    def __init__(self, remote: RemoteEnvironment, commit: str) -> None:
        super().__init__(
            f"{remote.name} is a RemoteEnvironment: it is deployed where its space "
            f"{remote.space.name} is; nothing was done",
            hint=f"`reconciler plan {remote.name}` shows what is expected there; to change it, do "
            "so where that space is",
        )
        self.remote = remote
        self.commit = commit


def pick(manifests: ManifestSet, name: str, commit: str) -> DesiredState:
    """Return one environment of a commit. Raises: UsageError, IsRemote, ManifestsInvalid."""
    match manifests.environments.get(name) or manifests.remotes.get(name):
        case None:
            raise _unknown(manifests, name, commit)
        case RemoteEnvironment() as remote:
            raise IsRemote(remote, commit)
        case Invalid(problems=problems):
            raise ManifestsInvalid(
                f"the manifests of {name} at {commit[:12]} are invalid; nothing was applied",
                lines=[str(problem) for problem in problems],
                hint="mend them and commit; `reconciler validate PATH` checks a work tree",
            )
        case DesiredState() as desired:
            return desired


def _unknown(manifests: ManifestSet, name: str, commit: str) -> UsageError | ManifestsInvalid:
    known = sorted(manifests.environments)
    near = [each for each in known if each.lower() == name.lower()]
    near = near or get_close_matches(name.lower(), known, n=1)
    if manifests.problems and not known:
        return ManifestsInvalid(
            f"no environment can be read at {commit[:12]}; nothing was applied",
            lines=[str(problem) for problem in manifests.problems],
            hint="mend them and commit; `reconciler validate PATH` checks a work tree",
        )
    hint = (
        f"did you mean {near[0]}?"
        if near
        else f"environments there: {', '.join(known[:20])}"
        if known
        else "there is none at all: see that RECONCILER_ROOT names the folder of the manifests"
    )
    return UsageError(f"no environment '{clean(name)}' at commit {commit[:12]}", hint=hint)


def parse_state(content: bytes | None) -> AuditState:
    """Return what `state.json` says. Raises: GitTrouble where it is damaged."""
    try:
        return AuditState.parse(content)
    except ValueError as error:
        raise GitTrouble(
            f"{error}; nothing was applied",
            hint=f"restore the last good {PATH} with a commit on the audit branch",
        ) from error


async def fetch_audit(doors: Doors) -> str | None:
    """Bring the audit branch up to date; return its tip, None where there is none."""
    return None if doors.audit is None else await doors.gathering.fetch(doors.audit)


async def read_audit(doors: Doors, environment: str) -> AuditView:
    """Read what the fetched audit branch says. Raises: GitTrouble where its state is damaged."""
    audit = doors.audit
    if audit is None:
        return AuditView(AuditState(), None, None)

    def read() -> AuditView:
        content = audit.read(snapshot_path(environment))
        state = parse_state(audit.read(PATH))
        snapshot = None if content is None else doors.read_snapshot(content)
        return AuditView(state, snapshot, content)

    return await blocking(read)


@dataclass(frozen=True, slots=True)
class Ground:
    """What git and the store say about one environment: half of a situation.

    It stands as long as the commit, the audit branch's tip and the store's own records do.
    `descends`: the commit descends from the accepted one. `is_moved`: the server's address is
    another than the accepted one.
    """

    commit: str
    tip_state: DesiredState
    desired: DesiredState
    audit: AuditView
    history: History
    local: AcceptedEnvironment | None
    store_writes: int
    descends: bool
    unchanged: bool

    @property
    def shared(self) -> AcceptedEnvironment | None:
        """What the audit branch has as accepted."""
        return self.audit.state.environments.get(self.desired.environment.name)

    @property
    def names_tenants(self) -> bool:
        """True where the environment is deployed tenant by tenant."""
        return bool(self.tip_state.environment.tenants)

    @property
    def is_moved(self) -> bool:
        """True where the accepted server had another address: it is not contacted."""
        return self.shared is not None and self.shared.server_url != self.tip_state.space.server


async def lay_ground(doors: Doors, name: str, commit: str) -> Ground:
    """Read what git and the store say: the audit branch as fetched, the manifests at `commit`.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin.
    """
    audit = await read_audit(doors, name)
    shared = audit.state.environments.get(name)
    contains = shared is not None and await blocking(doors.repository.contains, shared.commit)
    earlier = shared.commit if shared is not None and contains else None
    if earlier is None and not await blocking(doors.repository.contains, commit):
        raise GitTrouble(  # not a rewritten branch: whoever removed the mirror took both
            f"commit {commit[:12]} is not in the mirror; nothing was applied",
            hint="it is fetched again by itself, at the next look or command",
        )
    manifests = await load_manifests(doors, commit)
    tip_state = pick(manifests, name, commit)
    judged, unchanged = tip_state, False
    accepted = None if earlier is None else await load_manifests(doors, earlier)
    await check_unedited(doors, tip_state, accepted)
    if accepted is not None:
        before = accepted.environments.get(name)
        if isinstance(before, DesiredState):
            phases = before.earlier_phases or tip_state.earlier_phases
            judged = replace(tip_state, policy=before.policy, earlier_phases=phases)
            unchanged = before == tip_state
        else:  # rule 11: the rules it must pass through cannot be read, so the strictest hold
            judged = replace(tip_state, policy=replace(STRICTEST, name=tip_state.policy.name))
    return Ground(
        commit=commit,
        tip_state=tip_state,
        desired=judged,
        audit=audit,
        history=await read_history(doors, name, tip_state.space.name),
        local=await blocking(doors.journal.accepted, name),
        store_writes=await blocking(doors.journal.writes),
        descends=earlier is not None
        and await blocking(doors.repository.is_ancestor, earlier, commit),
        unchanged=unchanged,
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a space, and whom its deploy credential belongs to (None: there is none)."""

    state: SpaceState
    deployer: User | None

    def only(self, desired: DesiredState) -> Reading:
        """Return what it shows of one environment, which is all a judgement of that may see."""
        place, tenanted = environment_in(desired, self.state), bool(desired.environment.tenants)
        return replace(self, state=self.state.only(place, tenanted=tenanted))


async def read_space(doors: Doors, octopus: Octopus, *, tenants: bool) -> Reading:
    """Read a space, its tenants if an environment names some, and its deployer."""
    return Reading(await look(doors, octopus, tenants=tenants), await octopus.deployer())


async def survey(
    doors: Doors, name: str, *, commit: str | None = None, consent: bool = False
) -> Situation:
    """Read everything about one environment: at `commit`, or at the watched branch's tip.

    `consent`: a person accepts, so a changed server address may be contacted, and projects made
    anew under an old name are taken for what they are now.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin, OctopusTrouble and its kin.
    """
    if commit is None:
        commit = await doors.gathering.fetch(doors.repository)
    await fetch_audit(doors)
    ground = await lay_ground(doors, name, commit)
    if ground.is_moved and not consent:
        return await situate(doors, ground, None)
    octopus = doors.octopus(ground.tip_state.space)
    reading = await read_space(doors, octopus, tenants=ground.names_tenants)
    return await situate(doors, ground, reading, consent=consent)


async def situate(
    doors: Doors, ground: Ground, reading: Reading | None, *, consent: bool = False
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


async def look(doors: Doors, octopus: Octopus, *, tenants: bool) -> SpaceState:
    """Read a space, with its tenants if asked, and remember what need not be asked again."""
    server, space_id = await octopus.identity()
    known = await blocking(doors.journal.known, server.installation_id, space_id)
    state = await octopus.look(known, tenants=tenants)
    # a deployment that still runs may yet turn out partial: it is not kept
    new = state.deployments.keys() - known.deployments.keys()
    if new:
        new -= {i.deployment_id for i in state.items if not i.state.is_finished}
        new -= {task.deployment_id for task in state.active if task.deployment_id is not None}
    fresh = Known(
        {i: state.deployments[i] for i in new},
        {i: state.releases[i] for i in state.releases.keys() - known.releases.keys()},
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
    return observe(desired, state, snapshot, known, joinable=joinable)


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
