"""Ground: what git and the store say about one environment, before Octopus is asked."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.acceptance import PATH, AcceptedEnvironment, AuditState
from reconciler.core.changeset import earlier as earlier_of
from reconciler.core.manifest import DesiredState, Invalid
from reconciler.core.policy import STRICTEST
from reconciler.core.remote import RemoteEnvironment
from reconciler.core.snapshot import snapshot_path
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.history import History, read_history
from reconciler.engine.platforms import check_unedited
from reconciler.errors import GitTrouble, ManifestsInvalid, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.manifest import Environment, ManifestSet, SourceFile
    from reconciler.core.snapshot import Snapshot
    from reconciler.engine.doors import Doors

MOST_ASKED = 100_000
"""Earlier contents of broken files looked up at once (rule 47); one not asked for stops all."""


@dataclass(frozen=True, slots=True)
class AuditView:
    """What the audit branch says about one environment at its fetched tip."""

    state: AuditState
    snapshot: Snapshot | None
    snapshot_bytes: bytes | None


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


async def read_audit(doors: Doors, environment: str, formerly: str = "") -> AuditView:
    """Read what the fetched audit branch says of an environment, under its former name if need be.

    Raises: GitTrouble where its state is damaged.
    """
    audit = doors.audit
    if audit is None:
        return AuditView(AuditState(), None, None)

    def read() -> AuditView:
        state = parse_state(audit.read(PATH))
        if environment not in state.environments and formerly in state.environments:
            content = audit.read(snapshot_path(formerly))
            return AuditView(state, None if content is None else doors.read_snapshot(content), None)
        content = audit.read(snapshot_path(environment))
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
        environment = self.desired.environment
        return self.audit.state.of(environment.name, environment.formerly)

    @property
    def names_tenants(self) -> bool:
        """True where the environment is deployed tenant by tenant."""
        return bool(self.tip_state.environment.tenants)

    @property
    def serves_machines(self) -> bool:
        """True where the policy it is judged by gives machines deployments of their own."""
        return self.desired.policy.machines.serves

    @property
    def is_moved(self) -> bool:
        """True where the accepted server had another address: it is not contacted."""
        return self.shared is not None and self.shared.server_url != self.tip_state.space.server


def formerly_called(
    accepted: AcceptedEnvironment | None, environment: Environment
) -> tuple[str, ...]:
    """Return the names an environment had before, under which records of it are kept."""
    formers = () if accepted is None else accepted.formers
    named = (environment.formerly,) if environment.formerly else ()
    return tuple(dict.fromkeys((*named, *formers)))


async def lay_ground(doors: Doors, name: str, commit: str) -> Ground:
    """Read what git and the store say: the audit branch as fetched, the manifests at `commit`.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin.
    """
    if not await blocking(doors.repository.contains, commit):
        raise GitTrouble(  # not a rewritten branch: whoever removed the mirror took both
            f"commit {commit[:12]} is not in the mirror; nothing was applied",
            hint="it is fetched again by itself, at the next look or command",
        )
    manifests = await load_manifests(doors, commit)
    tip_state = pick(manifests, name, commit)
    formerly = tip_state.environment.formerly
    audit = await read_audit(doors, name, formerly)
    shared = audit.state.of(name, formerly)
    contains = shared is not None and await blocking(doors.repository.contains, shared.commit)
    earlier = shared.commit if shared is not None and contains else None
    judged, unchanged = tip_state, False
    accepted = None if earlier is None else await load_manifests(doors, earlier)
    await check_unedited(doors, tip_state, accepted)
    if accepted is not None:
        before = earlier_of(accepted, tip_state)
        if isinstance(before, DesiredState):
            phases = before.earlier_phases or tip_state.earlier_phases
            judged = replace(tip_state, policy=before.policy, earlier_phases=phases)
            unchanged = before == tip_state
        else:  # rule 11: the rules it must pass through cannot be read, so the strictest hold
            judged = replace(tip_state, policy=replace(STRICTEST, name=tip_state.policy.name))
    formers = formerly_called(shared, tip_state.environment)
    local = await blocking(doors.journal.accepted, name)
    if local is None and formerly and name not in audit.state.environments:
        local = await blocking(doors.journal.accepted, formerly)
    return Ground(
        commit=commit,
        tip_state=tip_state,
        desired=judged,
        audit=audit,
        history=await read_history(doors, name, tip_state.space.name, formers),
        local=local,
        store_writes=await blocking(doors.journal.writes),
        descends=earlier is not None
        and await blocking(doors.repository.is_ancestor, earlier, commit),
        unchanged=unchanged,
    )
