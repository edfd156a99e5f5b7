"""Every door to the world, each a small Protocol.

The engine knows the adapters only by these. Git, store and signing are called from worker threads
and block; Octopus and the clock are awaited. Failures arrive as `reconciler.errors`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.acceptance import AcceptedEnvironment
    from reconciler.core.act import Act
    from reconciler.core.approval import Approval, Approver, Committed
    from reconciler.core.approval import Known as KnownPeople
    from reconciler.core.authorship import Authorship, Step
    from reconciler.core.checkup import Keeping, KeySeen, ServerSeen
    from reconciler.core.deployers import Automation
    from reconciler.core.edit import Edit, Person
    from reconciler.core.fleet import Cleanup, Fleet, Sickness, Target
    from reconciler.core.halt import Halts
    from reconciler.core.intent import IntentRecord, Outcome
    from reconciler.core.interruption import Interruption
    from reconciler.core.logtree import TaskLog
    from reconciler.core.machine import ProcessTargets
    from reconciler.core.manifest import ManifestSet, SourceFile
    from reconciler.core.pause import Pause, Scope
    from reconciler.core.preview import Preview
    from reconciler.core.refresh import Refresh
    from reconciler.core.refusal import Refusal
    from reconciler.core.removed import Registration
    from reconciler.core.retryword import RetryWord
    from reconciler.core.role import Use
    from reconciler.core.runbook import FoundRunbook, RunDetail
    from reconciler.core.secret import Secret
    from reconciler.core.signature import Unsigned
    from reconciler.core.slots import Load, Room
    from reconciler.core.state import (
        DeploymentDetail,
        Permissions,
        ReleaseDetail,
        Server,
        SpaceState,
        Task,
        TaskState,
        User,
    )
    from reconciler.errors import ReconcilerError


class Clock(Protocol):
    """Time, so that tests can turn it."""

    def now(self) -> datetime:
        """Return the wall clock: aware UTC, for records and `until`, never for durations."""

    def monotonic(self) -> float:
        """Return seconds that never jump, for durations (rule 49)."""

    async def sleep(self, seconds: float) -> None:
        """Return after `seconds`."""


class Credential(Protocol):
    """A key or token, wherever it is kept; it may be replaced while we run."""

    @property
    def name(self) -> str:
        """Where it is, for people: `variable OCTOPUS_KEY`. Clean."""

    def current(self) -> Secret:
        """Return it as it is now: the same object for as long as its content is the same.

        Raises: UsageError where there is none.
        """


# --- git --------------------------------------------------------------------------------------


class Repository(Protocol):
    """A bare mirror of the manifest repository; objects are read by hash (rule 22)."""

    @property
    def root(self) -> str:
        """The folder of the manifests, without outer slashes; empty: the whole tree."""

    def fetch(self) -> str:
        """Bring the mirror up to date and return the tip of the watched branch (full hash).

        Raises: RemoteUnreachable, GitTrouble (no such branch, empty remote).
        """

    def known(self) -> str | None:
        """Return the tip as the last fetch found it, None where there was none. Asks nobody."""

    def tip(self) -> str:
        """Ask the remote for the tip of the watched branch now, without fetching objects."""

    def resolve(self, revision: str) -> str:
        """Return the full hash of the commit a person's words name. Raises: UsageError."""

    def contains(self, commit: str) -> bool:
        """Tell whether the mirror holds this commit (full hash)."""

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether `newer` descends from (or is) `older`; False if either is missing."""

    def people(self, since: str, tip: str) -> tuple[Committed, ...] | None:
        """Return who wrote and who committed what `tip` has that `since` has not (full hashes).

        None where that cannot be told: a commit is missing, or they are too many.
        """

    def files(self, commit: str) -> tuple[SourceFile, ...]:
        """List every file under the manifest root at `commit`, sorted by path, all modes."""

    def versions(self, commits: Collection[str], paths: Collection[str]) -> tuple[SourceFile, ...]:
        """List what stood at these paths in these commits, each blob once, as plain files."""

    def read(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of blobs by their ids, in one batch."""

    def blame(self, commit: str, path: str, line: int) -> Authorship | None:
        """Tell which commit wrote a line (from 1) as it stands at `commit`.

        None: there is no such line, or it could not be told in time.
        """

    def walk(self, tip: str, most: int) -> tuple[Step, ...]:
        """Return the history of the manifest root, newest first, children before parents.

        At most `most` commits. Raises: GitTrouble.
        """

    def standing(
        self, commits: Collection[str], paths: Collection[str]
    ) -> Mapping[str, tuple[SourceFile, ...]]:
        """Return what stood at these paths in each of these commits, as plain files."""

    def peek(self, blobs: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of those blobs that may be manifests; larger ones are left out."""

    def pack(self, now: datetime, halted: Callable[[], bool]) -> bool:
        """Pack the mirror if nobody has for a day and it is worth it; tell whether it was done.

        `now` is the wall clock's. It ends soon, undone, once `halted`.
        Raises: GitTrouble; the mirror is as good as before.
        """


@dataclass(frozen=True, slots=True)
class AuditChange:
    """What one audit commit adds or replaces.

    `records` are new files that never change afterwards (receipts, passes, certificates): the
    same bytes again is fine, other bytes at that path is an error (rule 24). `edits` are computed
    from the file's bytes on whatever tip they land on (None: no such file; returning None leaves
    it alone), because a rejected push rebuilds them (rule 25). Trailers are (key, value) pairs.
    """

    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...]
    records: Mapping[str, bytes]
    edits: Mapping[str, Callable[[bytes | None], bytes | None]]


@dataclass(frozen=True, slots=True)
class Lease:
    """A claim on one environment: `fence` grows with every taking, for ever.

    `ref_value` is the object the lease ref must still have; `expires_at` (UTC) is what others
    read; `deadline` is our own monotonic clock's, measured from before the request was sent.
    """

    environment: str
    fence: int
    holder: str
    ref_value: str
    expires_at: datetime
    deadline: float


class Signatures(Protocol):
    """Who must have signed commits: a door only where the settings require it (rule 28)."""

    def unsigned(self, tip: str, since: str | None) -> tuple[Unsigned, ...]:
        """Return commits that no allowed key signed: of `tip` and all it has that `since` has not.

        `since` None, or not in the mirror: of the tip alone. Newest first, a few of many.
        Raises: GitTrouble where it cannot be told.
        """


@dataclass(frozen=True, slots=True)
class Entry:
    """What one pass wants on the audit branch, and the lease under which it may write."""

    change: AuditChange
    lease: Lease


@dataclass(frozen=True, slots=True)
class Published:
    """What became of an entry: the commit it is in (None: it changed nothing), its new lease."""

    tip: str | None
    lease: Lease


class AuditBranch(Protocol):
    """The audit branch and the lease refs, on the remote that all writers share."""

    def fetch(self) -> str | None:
        """Bring the audit branch up to date; return its tip, or None while it does not exist."""

    def read(self, path: str) -> bytes | None:
        """Return a file of the last fetched or published tip, or None."""

    def written_at(self, path: str) -> datetime | None:
        """Tell when a file of that tip was last changed, None where there is none."""

    def read_at(self, revision: str, path: str) -> tuple[str, bytes | None]:
        """Return the commit of the branch's history that words name, and a file of it, or None.

        Words: a hash, `~N` behind it or alone, or nothing for that tip. Raises: UsageError.
        """

    def past(self, path: str, most: int) -> tuple[tuple[str, bytes], ...]:
        """Return (commit, bytes) of a file wherever its history changed it, newest first."""

    def list(self, folder: str) -> tuple[SourceFile, ...]:
        """List all files below `folder` at that tip, sorted by path."""

    def read_blobs(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of blobs by their ids, in one batch."""

    def pack(self, now: datetime, halted: Callable[[], bool]) -> bool:
        """Pack the mirror, as `Repository.pack` does."""

    def publish(self, entries: Sequence[Entry]) -> tuple[Published | ReconcilerError, ...]:
        """Push all entries, of different environments, as one commit with a renewal of each lease.

        Returns each one's own outcome. A rejection because the branch moved is answered by fetch,
        rebuild and push again here. Who fails alone (LeaseLost, RecordStands, what an edit raises,
        GitTrouble) is left out, and the others are pushed without it; RemoteUnreachable and
        PushRejected (after bounded tries) are all theirs.
        """

    def take_lease(self, environment: str, *, may_take_over: str | None, above: int) -> Lease:
        """Take the lease of an environment by compare-and-swap on its ref.

        `may_take_over`: a holder id whose unexpired lease may be taken because the caller has
        proved that this holder, if it is on this machine, is dead. The fence will be higher than
        `above`. Raises: LeaseHeld (names holder and expiry).
        """

    def renew_lease(self, lease: Lease) -> Lease:
        """Extend the lease. Raises: LeaseLost, RemoteUnreachable."""

    def rehearse(self) -> None:
        """Ask the remote whether it would take a push to the audit branch; writes nothing there.

        A hook or branch protection may still refuse the real one. Raises: RemoteUnreachable,
        GitTrouble.
        """

    def release_lease(self, lease: Lease) -> None:
        """Give the lease back, keeping its fence. Losing it meanwhile is no error."""


class ManifestReader(Protocol):
    """YAML at a commit -> manifests. Keeps parsed files by blob id."""

    def load(
        self,
        files: Sequence[SourceFile],
        read: Callable[[Collection[str]], Mapping[str, bytes]],
        earlier: Callable[[Collection[str]], Sequence[SourceFile]] = lambda _: (),
    ) -> ManifestSet:
        """Load all manifests of a commit; only blobs never seen before are read.

        `earlier` is asked what stood at paths in accepted commits: a file that is too broken to
        say which environment it belongs to is laid at the doors its earlier contents name.
        """


class ManifestEditor(Protocol):
    """Edits of manifests that keep every byte that is not named (rule 24)."""

    def edit(self, path: str, data: bytes, edits: Sequence[Edit]) -> bytes:
        """Return the bytes of one manifest after the edits; equal bytes where nothing changes.

        Raises: EditRefused (not there, not editable, or more would change than is named).
        """


@dataclass(frozen=True, slots=True)
class ManifestCommit:
    """A commit of edited manifests on top of `parent` (full hash).

    `files` are the new bytes by path; each path is a plain file of the parent, and keeps its
    mode, or one of `new`, which the parent does not have. Trailers are (key, value) pairs. Texts
    are one line each, `body` may have more.
    """

    parent: str
    files: Mapping[str, bytes]
    author: Person
    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...]
    new: frozenset[str] = frozenset()


class ManifestBranches(Protocol):
    """Where edits that people ask for go: a new branch, or the watched one (rule 24)."""

    def commit(self, change: ManifestCommit) -> str:
        """Make the commit in the mirror and return its hash; no remote is asked.

        Raises: GitTrouble (its parent lacks a file, has no plain one there, or has a new one).
        """

    def propose(self, commit: str, verb: str, id_: str = "") -> str:
        """Push the commit as a new branch `reconciler/<verb>/<id>`; return the branch's name.

        Empty `id_`: one of its own making. A branch of a given one must not be there yet.

        Raises: RemoteUnreachable, GitTrouble (the remote refuses); nothing was written.
        """

    def standing(self, verb: str) -> frozenset[str]:
        """Return the ids of the branches `reconciler/<verb>/<id>` that the remote has now.

        Raises: RemoteUnreachable, GitTrouble.
        """

    def advance(self, commit: str, parent: str) -> str:
        """Move the watched branch from `parent` on to its child `commit`; return its name.

        Raises: PushRejected (it is not at `parent` any more), RemoteUnreachable, GitTrouble.
        """

    def watched(self) -> str:
        """Return the name of the watched branch. Raises: RemoteUnreachable, GitTrouble."""


# --- Octopus ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeploymentOrder:
    """One deployment to ask for. `comments` ends in the intent's tag.

    `form_values` are the values of prompted variables, by the ids of their form elements.
    `machine_ids` are the only machines it may go to; empty: all. `guided` None: as project and
    environment say. `forced`: packages that are installed already, too.
    """

    release_id: str
    environment_id: str
    comments: str
    form_values: tuple[tuple[str, str | Secret], ...] = ()
    tenant_id: str | None = None
    machine_ids: tuple[str, ...] = ()
    guided: bool | None = None
    forced: bool = False


@dataclass(frozen=True, slots=True)
class RunOrder:
    """One run of a runbook's snapshot to ask for. `comments` ends in the intent's tag.

    `guided` as of a deployment.
    """

    runbook_id: str
    snapshot_id: str
    environment_id: str
    comments: str
    tenant_id: str | None = None
    guided: bool | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Deployments and releases read before, which need not be asked for again."""

    deployments: Mapping[str, DeploymentDetail]
    releases: Mapping[str, ReleaseDetail]


class OctopusCheckup(Protocol):
    """What `doctor` asks beside a look; every method raises what `Octopus.look` does."""

    async def server(self) -> ServerSeen:
        """Return what the server says of itself: version, clock, maintenance, freezes."""

    async def key(self, use: Use) -> KeySeen | None:
        """Return what the server says of a key; None where none is configured for that use."""

    async def keeping(self) -> tuple[Keeping, ...]:
        """Return how long each lifecycle keeps releases."""

    async def still_there(self, releases: Collection[str]) -> frozenset[str]:
        """Return those of these release ids that the server still has."""


class OctopusPerson(Protocol):
    """One Octopus space as a person, with their own key and no other (rules 29, 31).

    What it changes is asked for once. Raises what `Octopus.look` does, and OutcomeUnknown.
    """

    async def identity(self) -> tuple[Server, str]:
        """Return the server and the id of the space."""

    async def approver(self, user_id: str | None = None) -> Approver | None:
        """Return a person as of now; without an id, whoever the key belongs to."""

    def registry(self) -> MachineRegistry:
        """Return the door to the machines of the space, which they change as themselves."""

    async def names(self) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return the names of the environments and of the projects they may see, by id."""

    async def team_names(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of teams by id, of those they may see."""

    async def interruptions(self) -> tuple[Interruption, ...]:
        """Return what waits for a person in the space, as they see it, newest first."""

    async def interruption(self, interruption_id: str) -> Interruption | None:
        """Return one, answered ones too; None: they are shown none of this id."""

    async def responsible(self, interruption_id: str) -> str:
        """Return the name of who took it; empty: nobody, or it cannot be told."""

    async def take(self, interruption_id: str) -> None:
        """Take the responsibility for one."""

    async def submit(self, interruption_id: str, values: Mapping[str, str | None]) -> None:
        """Answer one, with the values of its form."""

    async def tasks(self, task_ids: Collection[str]) -> tuple[Task, ...]:
        """Return tasks by id; those they are not shown are missing."""

    async def cancel(self, task_id: str) -> None:
        """Ask for the end of a task; one that has ended stays as it is."""


class MachineRegistry(Protocol):
    """The machines of a space: how they are, and their removal and return (rules 44 to 46).

    Every method that reads raises what `Octopus.look` does, and NotAllowed ends that request only.
    """

    @property
    def may_change(self) -> bool:
        """True where there is a credential for changing machines; no other stands in for it."""

    async def fleet(self, environment_ids: Collection[str]) -> Fleet:
        """Return the machines that are in any of these environments, at the server's time."""

    async def checked(self, machine_ids: Collection[str]) -> Mapping[str, datetime]:
        """Return when Octopus last checked machines, where it tells: one request for each."""

    async def cleanups(self) -> Mapping[str, Cleanup]:
        """Return what each machine policy does to machines by itself, where it can be read."""

    async def whole(self, machine_id: str) -> tuple[Target, Registration] | None:
        """Return a machine as it is now, with all it is registered with; None: it is gone."""

    async def is_worked_on(self, machine_id: str) -> bool:
        """Tell whether any task of a machine is not finished (rule 17)."""

    async def named(self, name: str) -> tuple[Target, ...]:
        """Return the machines of a name, in small letters or not."""

    async def remove(
        self, machine_id: str, within: float, before: Callable[[], Awaitable[None]]
    ) -> None:
        """Ask for the deletion of a machine, as `Octopus.deploy` asks for a deployment."""

    async def register(self, machine: Registration) -> str:
        """Ask for a machine to be registered again, once; return its new id."""


class Octopus(Protocol):
    """One Octopus space under one credential for reading and, where given, one for deploying."""

    async def identity(self) -> tuple[Server, str]:
        """Return the server and the id of the space; asked once per start, then kept."""

    async def look(
        self, known: Known, *, tenants: bool = False, machines: bool = False
    ) -> SpaceState:
        """Read the state of the whole space: a constant number of requests (see ARCHITECTURE).

        `tenants`, `machines`: those of the space too, which is one request more for each.

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """

    async def automation(self, state: SpaceState) -> Automation:
        """Return what deploys by itself in the space just looked at, read at most ten minutes ago.

        What could not be read is told in it, and nothing is raised for it.
        """

    async def targets(self, process_ids: Collection[str]) -> Mapping[str, ProcessTargets]:
        """Return where the steps of frozen processes go, by id; each is read once.

        Those that cannot be read are missing.
        """

    async def attempts(
        self, newest: DeploymentDetail
    ) -> tuple[tuple[DeploymentDetail, TaskState], ...]:
        """Return the last deployments of a cell, newest first, and how each ended; read once.

        `newest` has ended, and is the first of them; nothing is returned where another has come.
        """

    async def project_groups(self, state: SpaceState) -> Mapping[str, str]:
        """Return the names of project groups by id; empty where the key may not see them."""

    def registry(self) -> MachineRegistry:
        """Return the door to the machines of the space."""

    def checkup(self) -> OctopusCheckup:
        """Return what answers `doctor`, with the same keys and connections."""

    async def deployer(self) -> User | None:
        """Tell whom the deploy credential belongs to, asked once for each key; None without one."""

    async def deployer_may(self) -> Permissions | None:
        """Tell what that user may do, read afresh: asked where something is to be deployed."""

    async def halts(self, environment_id: str) -> Halts:
        """Return what keeps one environment from being deployed to now: three requests."""

    def room(self) -> Room:
        """Return how many requests the server's budget has room for; asks nobody."""

    async def load(self) -> Load | None:
        """Return what the server can run at once and runs now; None: it does not tell us."""

    async def approver(self, user_id: str | None = None) -> Approver | None:
        """Return a person as of now, and what they may do in the space; None: there is no such.

        Without an id, it is whoever the observing key belongs to. Raises: NotAllowed and its kin.
        """

    async def known_people(self) -> KnownPeople:
        """Return the ids of all users by e-mail. Raises: NotAllowed and its kin."""

    async def find_release(self, project_id: str, version: str) -> ReleaseDetail | None:
        """Return the project's release with exactly this version, or None if there is none."""

    async def promotable(self, release_id: str, tenant_id: str | None = None) -> frozenset[str]:
        """Return the ids of the environments the lifecycle lets this release go to now.

        For a tenant, where one is given.
        """

    async def preview(
        self, release_id: str, environment_id: str, tenant_id: str | None = None
    ) -> Preview:
        """Return what a deployment of a release there would ask for, and where it would go."""

    async def known_releases(
        self, wanted: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], ReleaseDetail]:
        """Return those of (project id, version) that were seen before, read afresh.

        One request for each hundred; none where none was seen.
        """

    async def missing_packages(self, release_id: str) -> tuple[str, ...]:
        """Return the packages of a release that the built-in feed has no more: clean words."""

    async def defect(self, release_id: str) -> str | None:
        """Return in whose words a release is blocked now (clean); None: it is not."""

    async def release(self, release_id: str) -> ReleaseDetail | None:
        """Return a release as it is now, None where there is none any more."""

    async def variables_modified(self, release_id: str, *, afresh: bool = False) -> bool:
        """Tell whether the variables are others today than a release froze.

        That they are not was read at most five minutes ago; now, with `afresh`.
        """

    async def refresh_variables(
        self, release_id: str, within: float, before: Callable[[], Awaitable[None]]
    ) -> None:
        """Snapshot the variables of a release anew, for all environments. Never repeated here.

        `within`, `before` and what it raises are those of `deploy`; read the release after an
        OutcomeUnknown.
        """

    async def channel_names(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of channels by id, one request for each hundred."""

    async def channel_versions(self, project_id: str, channel: str) -> tuple[str, ...] | None:
        """Return the versions of a channel's newest releases, 100 at most; None: no such channel.

        The channel is meant by its name. Two requests.
        """

    async def rehearse(self, order: DeploymentOrder | RunOrder) -> tuple[str, dict[str, Any]]:
        """Return the path and the fields of the request an order would be; sends nothing.

        Secrets among the fields are hidden.
        """

    async def deploy(
        self,
        order: DeploymentOrder,
        within: float,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[str, str]:
        """Ask for one deployment; return (deployment id, task id). Never repeated here.

        The request leaves within so many seconds, or not at all (RateLimited). `before` is awaited
        last, after every wait for the server's request budget: what it raises leaves as it is, and
        nothing was sent then (rule 21).

        Raises: RemoteRejected, NotAllowed, RateLimited, Unreachable (nothing happened);
        OutcomeUnknown (search first).
        """

    async def run(
        self,
        order: RunOrder,
        within: float,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[str, str]:
        """Ask for one run of a runbook; return (run id, task id). As `deploy` in all else."""

    async def runbooks(self, projects: Collection[str]) -> tuple[FoundRunbook, ...]:
        """Return the runbooks of projects (ids), one request for each hundred projects."""

    async def runs(self, ids: Collection[str]) -> tuple[RunDetail, ...]:
        """Return runs of runbooks by id, as many as there are; one request for each hundred."""

    async def runs_of(
        self, runbook_id: str, environment_id: str, take: int, tenant_id: str | None
    ) -> tuple[RunDetail, ...]:
        """Return the newest runs of a runbook in a cell, for this tenant (None: for none)."""

    async def deployments_of(
        self,
        project_id: str | None,
        environment_id: str,
        take: int,
        tenant_id: str | None = None,
    ) -> tuple[DeploymentDetail, ...]:
        """Return the newest deployments of a cell (project None: of the environment).

        `tenant_id` None: whoever they are for.
        """

    async def interruptions(self) -> tuple[Interruption, ...]:
        """Return what waits for a person in the space; only a person answers it (OctopusPerson)."""

    async def deployments(self, ids: Collection[str]) -> tuple[DeploymentDetail, ...]:
        """Return deployments by id, 100 to a request; ids the server does not know are missing."""

    async def tasks(self, task_ids: Collection[str]) -> tuple[Task, ...]:
        """Return tasks by id in batches; ids the server does not know are missing."""

    async def task_log(self, task_id: str, tail: int, *, verbose: bool = False) -> TaskLog:
        """Return the log tree of a task with the last lines of each branch, in one request.

        Foreign text, cleaned, bounded, and without our own keys.
        """

    async def task_page(self, task_id: str) -> str:
        """Return the address of a task's page, for a person's browser."""

    async def close(self) -> None:
        """Close connections."""


# --- signing ----------------------------------------------------------------------------------


class Signer(Protocol):
    """The signing key of one space, with its certificate."""

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""

    @property
    def fingerprint(self) -> str:
        """`sha256:<hex of the certificate's DER>`."""

    def sign(self, payload_type: str, payload: bytes) -> bytes:
        """Return the bytes of the DSSE envelope file: compact JSON and one LF."""


# --- store ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChainLink:
    """The place of one receipt in the chain of its (environment, project slug, tenant).

    `took`: seconds from queued to completed; None where the receipt, or this store, cannot tell.
    """

    environment: str
    project: str
    tenant: str | None
    sequence: int
    digest: str  # sha256:<hex of the payload>
    path: str  # on the audit branch
    intent: str
    deployment_id: str
    version: str
    outcome: Outcome
    commit: str
    took: int | None = None


@dataclass(frozen=True, slots=True)
class QueuedRecord:
    """A receipt (or pass record) that is made, durable, and not yet on the remote (rule 26)."""

    environment: str
    path: str
    content: bytes


class Journal(Protocol):
    """The durable memory of this machine: promises, receipts not yet pushed, caches.

    Every write about an environment carries the fence of the lease it was made under; a write
    with a lower fence than the journal has seen is refused with LeaseLost (rule 19). A write that
    returned is on disk (rule 13).
    """

    @property
    def store_id(self) -> str:
        """Random id made with the store: a lost store comes back as another."""

    def fence(self, environment: str) -> int:
        """Return the highest fence this store has seen for an environment, 0 if none."""

    def raise_fence(self, environment: str, fence: int) -> None:
        """Remember the fence of a lease just taken; never lowers it."""

    def rename(self, former: str, environment: str, fence: int) -> None:
        """Let everything known of an environment under its former name be under the new one."""

    def promise(self, record: IntentRecord, fence: int) -> None:
        """Write an intent before its request, or again after it was proved absent."""

    def launched(self, intent: str, deployment_id: str, task_id: str, fence: int) -> None:
        """Note that Octopus has the deployment."""

    def void(self, intent: str, fence: int) -> None:
        """Note that the intent is proved absent from Octopus."""

    def refuse(self, intent: str, why: str, fence: int) -> None:
        """Note that Octopus refused the intent, which is absent there, and count it (rule 20)."""

    def refusals(self, environment: str) -> Mapping[str, Refusal]:
        """Return the refusals of an environment by intent; what was launched since has none."""

    def finished(self, intent: str, outcome: Outcome, *, settled: bool, fence: int) -> None:
        """Note how the deployment ended."""

    def adopt(self, record: IntentRecord, fence: int) -> None:
        """Write an intent found in Octopus that this store does not know."""

    def intents(self, environment: str) -> tuple[IntentRecord, ...]:
        """Return all intents of an environment, oldest promise first."""

    def promise_refresh(self, refresh: Refresh, fence: int) -> None:
        """Write a refresh before its request, where none of the same release is unresolved."""

    def settle_refresh(self, refresh: Refresh, fence: int) -> None:
        """Note what became of a refresh."""

    def refreshes(self, environment: str) -> tuple[Refresh, ...]:
        """Return the refreshes of an environment, oldest promise first."""

    def queue_receipt(self, record: QueuedRecord, link: ChainLink, fence: int) -> None:
        """Keep a receipt until the remote has it; its intent becomes `receipted`."""

    def queue_record(self, record: QueuedRecord, fence: int) -> None:
        """Keep a pass record until the remote has it."""

    def queued(self, environment: str) -> tuple[QueuedRecord, ...]:
        """Return what the remote does not have yet, oldest first."""

    def pending(self, environment: str) -> int:
        """Return how many records the remote does not have yet (rule 26)."""

    def recorded(self, paths: Collection[str]) -> None:
        """Forget queued records that the remote now has."""

    def superseded(self, paths: Collection[str]) -> None:
        """Forget queued records, and their links, that another writer told in other bytes."""

    def index_receipts(self, links: Sequence[ChainLink]) -> None:
        """Add links read from the audit branch to the index; known paths are left alone."""

    def links(self, environment: str) -> tuple[ChainLink, ...]:
        """Return all known links of an environment, by project and sequence."""

    def last_link(self, environment: str, project: str, tenant: str | None) -> ChainLink | None:
        """Return the link with the highest sequence of one chain, None where there is none."""

    def accepted(self, environment: str) -> AcceptedEnvironment | None:
        """Return what this store knows as accepted for an environment."""

    def accept(self, accepted: AcceptedEnvironment) -> None:
        """Remember an acceptance."""

    def doubt_accepted(self) -> None:
        """Know no environment as accepted any more, until it is accepted again (rule 10)."""

    def accepted_everywhere(self) -> tuple[AcceptedEnvironment, ...]:
        """Return what this store knows as accepted, by environment."""

    def pause(self, pause: Pause) -> Pause | None:
        """Keep a pause; return the one of the same scope that it takes the place of (rule 21)."""

    def unpause(self, scope: Scope, who: str) -> Pause | None:
        """Lift the pause of exactly this scope and note who did; None: there was none."""

    def pauses(self) -> tuple[Pause, ...]:
        """Return the pauses that stand now, whoever wrote them, oldest first."""

    def pause_history(self) -> tuple[Pause, ...]:
        """Return every pause there ever was in this store, lifted ones too, oldest first."""

    def approve(self, approval: Approval) -> None:
        """Keep an approval; it is on disk when this returns (rule 32)."""

    def approvals(self, environment: str | None = None) -> tuple[Approval, ...]:
        """Return every approval ever given, revoked and expired ones too, oldest first."""

    def revoke_approvals(self, environment: str, digest: str, who: str) -> tuple[Approval, ...]:
        """Take back the approvals of plans whose digest begins so; return those that stood."""

    def retry(self, words: Sequence[RetryWord]) -> None:
        """Keep a person's words for retries, all or none; on disk when this returns (rule 12)."""

    def retries(self, environment: str | None = None) -> tuple[RetryWord, ...]:
        """Return every word for a retry ever given, used ones too, oldest first."""

    def heard(self) -> Mapping[str, int]:
        """Return how often people said something here, by environment; empty: of more than one.

        Approvals, retries and pauses count, and whatever was taken back or lifted counts again.
        """

    def act(self, act: Act) -> int:
        """Keep what a person is about to do as themselves; return its number (rule 33)."""

    def act_ended(self, number: int, outcome: str) -> None:
        """Note what became of it."""

    def acts(self, environment: str | None = None) -> tuple[Act, ...]:
        """Return what people did as themselves, oldest first."""

    def sicknesses(self, environment: str, server: str, space: str) -> tuple[Sickness, ...]:
        """Return what looks have seen of the lost machines of an environment (rule 44).

        `server`: the installation id; `space`: the space's id.
        """

    def keep_sicknesses(
        self, environment: str, server: str, space: str, found: Sequence[Sickness]
    ) -> None:
        """Know this of an environment's lost machines, in place of what was known."""

    def next_write(self) -> int:
        """Count and return this store's audit writes, for each try of a push.

        It is higher than every count this store drew before, which tells an older store (rule 10).
        """

    def proposals(self, environment: str) -> Mapping[str, str]:
        """Return the version that was proposed last for a pin that tracks, by component."""

    def proposed(self, environment: str, component: str, version: str) -> None:
        """Remember that a version was proposed for a pin that tracks; on disk on return."""

    def stamp(self) -> int:
        """Return a number that is another one once anybody else has written to the store."""

    def writes(self) -> int:
        """Return the count without raising it."""

    def known(self, server: str, space_id: str) -> Known:
        """Return the cached deployments and releases of a space."""

    def remember(self, server: str, space_id: str, known: Known) -> None:
        """Add deployments and releases to the cache."""

    def close(self) -> None:
        """Close the store."""
