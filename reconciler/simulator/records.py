"""What the server stores. Records change in place: this package plays the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.accesstokens import OidcIdentity
    from reconciler.simulator.documents import Document
    from reconciler.simulator.fleet import Machine, MachinePolicy, WorkerPool
    from reconciler.simulator.packages import BuildInformation, Feed, Package
    from reconciler.simulator.runbooks import Runbook, RunbookRun, RunbookSnapshot
    from reconciler.simulator.tenancy import TagSet, Tenant
    from reconciler.simulator.versioncontrol import Repository

__all__ = [
    "CACHE",
    "Cell",
    "Channel",
    "ChildStep",
    "Defect",
    "Deployment",
    "Environment",
    "Event",
    "Grant",
    "Interruption",
    "LibrarySet",
    "Lifecycle",
    "Outcome",
    "PackageReference",
    "Phase",
    "Process",
    "Project",
    "ProjectGroup",
    "Release",
    "Script",
    "Space",
    "Step",
    "Task",
    "TaskState",
    "Team",
    "Trigger",
    "User",
    "VariableSet",
]

CACHE = {"kept": False}
"""Metadata of a field that is worked out again instead of being kept in a state file."""

Cell = tuple[str, str, str | None]
"""Project id, environment id and tenant id: what never deploys twice at once."""


class TaskState(StrEnum):
    """The states of a server task, as the product spells them."""

    QUEUED = "Queued"
    EXECUTING = "Executing"
    CANCELLING = "Cancelling"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"

    @property
    def is_completed(self) -> bool:
        """Tell whether the task will never change again."""
        return self not in _ACTIVE


_ACTIVE = frozenset({TaskState.QUEUED, TaskState.EXECUTING, TaskState.CANCELLING})


class Outcome(StrEnum):
    """How a task's run will end, decided when it is made."""

    SUCCESS = "success"
    WARNING = "warning"
    FAILURE = "failure"
    STUCK = "stuck"
    STUCK_QUEUED = "stuck-queued"
    STUCK_CANCELLING = "stuck-cancelling"


class Mishap(StrEnum):
    """What happens while a task runs, when half of its work is done."""

    MACHINE_DIES = "machine-dies"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry of a user's permission: where it holds; None is "everywhere" in a dimension."""

    permission: str
    space_id: str | None = None
    projects: frozenset[str] | None = None
    environments: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    groups: frozenset[str] | None = None


@dataclass(slots=True, eq=False)
class User:
    """A person or a service account."""

    id: str
    username: str
    display_name: str
    email: str = ""
    is_service: bool = False
    is_active: bool = True
    password: str = field(default="", repr=False)
    """Salt and hash; empty: nobody logs in with a password."""
    system_permissions: set[str] = field(default_factory=set)
    grants: list[Grant] = field(default_factory=list)
    team_system: set[str] = field(default_factory=set)
    team_grants: list[Grant] = field(default_factory=list)
    """What the roles of the user's teams come to, beside what is their own."""
    keys: list[dict[str, Any]] = field(default_factory=list)
    oidc_identities: list[OidcIdentity] = field(default_factory=list)
    """Whose tokens open a service account."""
    boards: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How the user wants to see the dashboard, by space: what differs from the defaults."""
    access: dict[tuple[str, str], Any] = field(default_factory=dict, metadata=CACHE)
    """Permissions as last worked out; emptied whenever a grant changes."""

    @property
    def is_administrator(self) -> bool:
        """Tell whether AdministerSystem overrides every other permission."""
        return self.holds("AdministerSystem")

    @property
    def all_grants(self) -> tuple[Grant, ...]:
        """Return the user's own grants and those of their teams."""
        return (*self.grants, *self.team_grants)

    def holds(self, permission: str) -> bool:
        """Tell whether a permission of the system is the user's own or one of their teams'."""
        return permission in self.system_permissions or permission in self.team_system


@dataclass(slots=True, eq=False)
class Team:
    """A named set of users, of one space or of the whole system (space_id None)."""

    id: str
    name: str
    space_id: str | None
    members: list[str] = field(default_factory=list)
    description: str = ""


@dataclass(slots=True, eq=False)
class ProjectGroup:
    """A folder of projects."""

    id: str
    name: str
    description: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class Environment:
    """An environment of a space; lists show them by sort order."""

    id: str
    name: str
    slug: str
    sort_order: int
    description: str = ""
    use_guided_failure: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class Phase:
    """A phase of a lifecycle; without environments it means "any not named elsewhere"."""

    id: str
    name: str
    automatic: tuple[str, ...] = ()
    optional_targets: tuple[str, ...] = ()
    minimum: int = 0
    is_optional: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class Lifecycle:
    """The order in which a release may reach environments; no phases: one per environment."""

    id: str
    name: str
    description: str = ""
    phases: tuple[Phase, ...] = ()
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class Channel:
    """A channel of a project; lifecycle_id None means the project's."""

    id: str
    project_id: str
    name: str
    slug: str
    description: str = ""
    lifecycle_id: str | None = None
    is_default: bool = False
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(frozen=True, slots=True)
class PackageReference:
    """A package that an action takes; the reference of its first, main package is empty."""

    action: str
    reference: str
    package: str
    feed: str = "feeds-builtin"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: of a seed, with one action of its name, or as a client wrote it (`document`)."""

    id: str
    name: str
    slug: str
    packages: tuple[PackageReference, ...] = ()
    document: dict[str, Any] | None = None
    roles: tuple[str, ...] = ()
    """Roles of the machines that a seeded step goes to; none: it runs on the server."""


@dataclass(slots=True, eq=False)
class Process:
    """A deployment process, or a frozen copy of it."""

    id: str
    project_id: str
    version: int
    steps: tuple[Step, ...]
    is_frozen: bool = False
    runbook_id: str | None = None
    """Whose process it is, when it is not the project's own."""


@dataclass(slots=True, eq=False)
class VariableSet:
    """The variables of a project or a library set, or a frozen copy of them."""

    id: str
    owner_id: str
    version: int
    variables: tuple[dict[str, Any], ...] = ()
    is_frozen: bool = False


@dataclass(slots=True, eq=False)
class LibrarySet:
    """Variables that projects include, or a script module, with templates for tenants."""

    id: str
    name: str
    variable_set_id: str
    content_type: str = "Variables"
    description: str = ""
    templates: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Project:
    """A project with its releases in order of assembly."""

    id: str
    name: str
    slug: str
    group_id: str
    lifecycle_id: str
    process_id: str
    variable_set_id: str
    description: str = ""
    is_disabled: bool = False
    has_discrete_channels: bool = False
    task_seconds: float | None = None
    cloned_from: str | None = None
    releases: list[Release] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    repository: Repository | None = None
    """Where its process is kept, when that is git."""
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(slots=True, eq=False)
class Release:
    """A release: frozen process, variables and package versions under one number."""

    id: str
    project_id: str
    channel_id: str
    version: str
    assembled: datetime
    process_snapshot_id: str
    variable_snapshot_id: str
    library_snapshot_ids: tuple[str, ...] = ()
    packages: tuple[tuple[str, str, str], ...] = ()
    """Action name, package reference name, version."""
    notes: str | None = None
    ignore_channel_rules: bool = False
    defects: list[Defect] = field(default_factory=list)
    builds: tuple[BuildInformation, ...] = ()
    """Where its packages came from, as was known when it was made."""
    passed: set[str] = field(default_factory=set)
    """Environments it succeeded in by deployments that are no longer kept."""
    deployments: list[Deployment] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""

    @property
    def variable_sets(self) -> tuple[str, ...]:
        """Return the ids of its frozen variable sets, the project's first."""
        return (self.variable_snapshot_id, *self.library_snapshot_ids)

    @property
    def defect(self) -> Defect | None:
        """Return the unresolved defect that keeps the release where it is, if there is one."""
        return next((each for each in self.defects if not each.is_resolved), None)


@dataclass(slots=True, eq=False)
class Defect:
    """A reason not to promote a release, until it is resolved."""

    id: str
    description: str
    is_resolved: bool = False


@dataclass(slots=True, eq=False)
class Deployment:
    """A deployment of a release; its state is its task's."""

    id: str
    space_id: str
    release: Release
    environment_id: str
    tenant_id: str | None
    channel_id: str
    task: Task
    created: datetime
    deployed_by: User
    comments: str | None = None
    queue_time: datetime | None = None
    queue_expiry: datetime | None = None
    options: dict[str, Any] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    """Ids of the releases that it brings, newest first."""
    is_ordered: bool = False
    """Whether the lifecycle was asked, and is asked again when it starts."""
    item_as_current: Any = field(default=None, metadata=CACHE)
    """How boards show it as the current one, ready made once the task is completed."""
    item_as_previous: Any = field(default=None, metadata=CACHE)
    """The same as the last success before the current one."""

    @property
    def cell(self) -> Cell:
        """Return what the deployment changes."""
        return (self.release.project_id, self.environment_id, self.tenant_id)


@dataclass(slots=True, eq=False)
class Script:
    """How a deployment's task is told to go, by a test."""

    outcome: Outcome = Outcome.SUCCESS
    message: str = ""
    intervention: dict[str, Any] | None = None
    mishap: Mishap | None = None
    lines: tuple[str, ...] = ()
    """What the last step prints."""


@dataclass(slots=True, eq=False)
class ChildStep:
    """A step that deploys a release of another project, after so much of the parent's work."""

    name: str
    project_id: str
    version: str
    condition: str
    at: float
    task: Task | None = None
    """The child's task, once the step began and had something to deploy."""
    has_begun: bool = False
    is_skipped: bool = False
    """The condition found nothing to deploy."""
    is_left: bool = False
    """A person told the parent to go on without it."""

    @property
    def has_failed(self) -> bool:
        """Tell whether the step began and neither went well nor was left behind."""
        went_well = self.task is not None and self.task.state is TaskState.SUCCESS
        return self.has_begun and not (went_well or self.is_skipped or self.is_left)


@dataclass(slots=True, eq=False)
class Task:
    """A server task. `done` is the work finished before `since`, in seconds of `work`."""

    id: str
    space_id: str | None
    name: str
    description: str
    arguments: dict[str, Any]
    created: datetime
    queue_time: datetime
    work: float
    cell: Cell | None = None
    runbook_id: str | None = None
    steps: tuple[str, ...] = ()
    queue_expiry: datetime | None = None
    state: TaskState = TaskState.QUEUED
    script: Script = field(default_factory=Script)
    is_guided: bool = False
    is_prioritized: bool = False
    """It goes before the other queued tasks."""
    start_time: datetime | None = None
    completed_time: datetime | None = None
    last_updated: datetime | None = None
    error_message: str = ""
    has_warnings: bool = False
    done: float = 0.0
    since: datetime | None = None
    holds_slot: bool = False
    stretches: list[tuple[datetime, float]] = field(default_factory=list)
    """Each time work began or went on, and the work done by then."""
    waits: list[Interruption] = field(default_factory=list)
    machines: tuple[str, ...] = ()
    """Ids of the machines it works on."""
    step_machines: tuple[tuple[str, ...], ...] = ()
    """Names of the machines that each of `steps` goes to, once it has started."""
    children: tuple[ChildStep, ...] = ()
    parent: Task | None = None
    """Whose step this task is, when it is a child."""
    epoch: int = 0
    """Grows with every change of course, so that older appointments are void."""

    @property
    def lane(self) -> tuple[str | None, Cell] | None:
        """Return what no two tasks may be in at once: a cell, or a runbook in one."""
        return None if self.cell is None else (self.runbook_id, self.cell)

    @property
    def is_waiting(self) -> bool:
        """Tell whether a person's answer is outstanding."""
        return any(waited.is_pending for waited in self.waits)

    def next_halt(self) -> float | None:
        """Return the work after which the task stops next, for a person or a child; None: never."""
        halts = [child.at for child in self.children if not child.has_begun]
        plan = self.script.intervention
        if plan is not None and not self.waits:
            halts.append(self.work * plan["at"])
        return min(halts, default=None)

    def worked(self, now: datetime) -> float:
        """Return the seconds of work done by now."""
        if self.since is None:
            return self.done
        return min(self.work, self.done + max(0.0, (now - self.since).total_seconds()))


@dataclass(slots=True, eq=False)
class Interruption:
    """A task waits for a person: a manual intervention or guided failure."""

    id: str
    space_id: str
    title: str
    created: datetime
    task: Task
    related: tuple[str, ...]
    instructions: str
    is_guidance: bool = False
    responsible_teams: tuple[str, ...] = ()
    responsible_user: str | None = None
    is_pending: bool = True
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit log."""

    number: int
    category: str
    occurred: datetime
    user: User | None
    message: str
    space_id: str | None
    related: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Trigger:
    """What makes a project deploy by itself; filter and action as a client wrote them."""

    id: str
    name: str
    project_id: str
    filter: dict[str, Any]
    action: dict[str, Any]
    description: str = ""
    is_disabled: bool = False
    epoch: int = 0
    """Grows with every change, so that older appointments are void."""


@dataclass(slots=True, eq=False)
class Space:
    """A space and everything in it, by id."""

    id: str
    name: str
    slug: str
    last_modified: datetime
    description: str = ""
    is_default: bool = False
    is_private: bool = False
    task_queue_stopped: bool = False
    manager_teams: list[str] = field(default_factory=list)
    manager_members: list[str] = field(default_factory=list)
    groups: dict[str, ProjectGroup] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    lifecycles: dict[str, Lifecycle] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    releases: dict[str, Release] = field(default_factory=dict)
    deployments: dict[str, Deployment] = field(default_factory=dict)
    interruptions: dict[str, Interruption] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    variables: dict[str, VariableSet] = field(default_factory=dict)
    runbooks: dict[str, Runbook] = field(default_factory=dict)
    runbook_processes: dict[str, Process] = field(default_factory=dict)
    runbook_snapshots: dict[str, RunbookSnapshot] = field(default_factory=dict)
    runbook_runs: dict[str, RunbookRun] = field(default_factory=dict)
    library_sets: dict[str, LibrarySet] = field(default_factory=dict)
    tenants: dict[str, Tenant] = field(default_factory=dict)
    tag_sets: dict[str, TagSet] = field(default_factory=dict)
    machines: dict[str, Machine] = field(default_factory=dict)
    workers: dict[str, Machine] = field(default_factory=dict)
    machine_policies: dict[str, MachinePolicy] = field(default_factory=dict)
    worker_pools: dict[str, WorkerPool] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    documents: dict[str, dict[str, Document]] = field(default_factory=dict)
    """What is kept as clients write it: accounts, certificates and the like, by path and id."""
    arrived: dict[str, dict[str, datetime]] = field(default_factory=dict)
    """Versions of packages that came to the feed, with the moment."""
    import_files: dict[str, str] = field(default_factory=dict)
    """Names of files to import projects from."""
    packages: dict[tuple[str, str], Package] = field(default_factory=dict)
    """Packages that clients uploaded, by folded id and version."""
    discarded: set[tuple[str, str]] = field(default_factory=set)
    """Folded ids and versions of packages that were deleted from the feed."""
    builds: dict[str, BuildInformation] = field(default_factory=dict)
    feeds: dict[str, Feed] = field(default_factory=dict)
    cells: dict[Cell, list[Deployment]] = field(default_factory=dict)
    """Deployments of each cell, in order of creation."""

    def environments_in_order(self) -> list[Environment]:
        """Return the environments in display order."""
        return sorted(self.environments.values(), key=lambda each: (each.sort_order, each.id))
