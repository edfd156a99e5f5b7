"""What Octopus says, as values: the reading of one space.

`SpaceState` is filled by the `octopus` room from one batch of requests; `core.sighting` judges it
cell by cell. Ids are Octopus' own (`Projects-7`); times are aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from reconciler.core.projects import ProjectIndex

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.core.interruption import Interruption
    from reconciler.core.machine import Machine
    from reconciler.core.tenant import Tenant

Detail = TypeVar("Detail")


class TaskState(StrEnum):
    """States of an Octopus server task. An unknown or new word is `UNKNOWN`: running (rule 17)."""

    QUEUED = "Queued"
    EXECUTING = "Executing"
    CANCELLING = "Cancelling"
    SUCCESS = "Success"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TIMED_OUT = "TimedOut"
    UNKNOWN = "Unknown"

    @property
    def is_finished(self) -> bool:
        """True only for the four states that can never change again."""
        return self in FINISHED


FINISHED = frozenset({TaskState.SUCCESS, TaskState.FAILED, TaskState.CANCELED, TaskState.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Server:
    """An Octopus server: `installation_id` is the UUID by which servers are told apart."""

    installation_id: str
    version: str


@dataclass(frozen=True, slots=True)
class User:
    """Who a credential belongs to."""

    id: str
    username: str
    display_name: str
    is_service: bool


@dataclass(frozen=True, slots=True)
class Grant:
    """One entry of one permission; the four dimensions AND together.

    A dimension is None where it does not restrict, else the set of ids it is limited to.
    """

    space_id: str
    projects: frozenset[str] | None = None
    environments: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    project_groups: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a user may do, as Octopus said at the time of reading: a hint, never a licence (31).

    `complete` False: absence of a grant is not proof of its absence.
    """

    grants: Mapping[str, tuple[Grant, ...]]
    system: frozenset[str]
    complete: bool

    @property
    def administers_system(self) -> bool:
        """True for a key that deploys even in maintenance mode: `apply` refuses it."""
        return "AdministerSystem" in self.system

    def allows(
        self,
        permission: str,
        space_id: str,
        project: Project | None,
        environment_id: str | None,
        tenant_id: str | None = None,
    ) -> bool:
        """Tell whether an action on project x environment is covered by a grant.

        `tenant_id` None: the action is untenanted, and a grant for named tenants does not cover it.
        """
        if self.administers_system:
            return True
        return any(
            grant.space_id == space_id
            and (grant.projects is None or (project is not None and project.id in grant.projects))
            and (
                grant.project_groups is None
                or (project is not None and project.group_id in grant.project_groups)
            )
            and (grant.environments is None or environment_id in grant.environments)
            and (grant.tenants is None or tenant_id in grant.tenants)
            for grant in self.grants.get(permission, ())
        )


@dataclass(frozen=True, slots=True)
class Project:
    """An Octopus project; `tenanted_mode` is Untenanted, TenantedOrUntenanted or Tenanted.

    `lifecycle_id` and `process_id` are empty where Octopus did not say. `in_git`: its process is
    kept in Git, and only the frozen ones of its releases can be read by id. `allows_no_machines`:
    a deployment that finds no machine is none that fails.
    """

    id: str
    slug: str
    name: str
    group_id: str
    is_disabled: bool
    tenanted_mode: str
    discrete_channels: bool
    lifecycle_id: str = ""
    process_id: str = ""
    in_git: bool = False
    allows_no_machines: bool = False


@dataclass(frozen=True, slots=True)
class OctopusEnvironment:
    """An environment as Octopus knows it."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class BoardItem:
    """One square of the dashboard: the newest attempt of a cell, or its last success before.

    `is_previous` tells the second kind. `created`, `completed`: None where Octopus says null.
    """

    deployment_id: str
    project_id: str
    environment_id: str
    tenant_id: str | None
    release_id: str
    version: str
    task_id: str
    state: TaskState
    created: datetime | None
    completed: datetime | None
    has_warnings: bool
    is_previous: bool


@dataclass(frozen=True, slots=True)
class ActiveTask:
    """A task that is not finished, whoever started it.

    `environment_id` None: the environment is not known (a runbook run, say), so the task counts
    against every cell of its project. `queued_until` is the time a person scheduled it for.
    """

    id: str
    name: str
    description: str
    state: TaskState
    project_id: str | None
    environment_id: str | None
    tenant_id: str | None
    deployment_id: str | None
    queued_until: datetime | None


@dataclass(frozen=True, slots=True)
class DeploymentDetail:
    """A deployment by id: who asked, in which words, and whether it left machines or steps out.

    `machine_ids` are the machines it was limited to, none for all: what was asked for, because an
    intent is told by it. `reached` are those it went to, as the server says once it has ended;
    None where it does not say. `is_flawed`: partial for more than being limited to them.
    """

    id: str
    project_id: str
    environment_id: str
    tenant_id: str | None
    release_id: str
    task_id: str
    created: datetime
    deployed_by: str
    deployed_by_id: str
    comments: str
    is_partial: bool
    machine_ids: tuple[str, ...] = ()
    reached: tuple[str, ...] | None = None
    is_flawed: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseDetail:
    """A release by id, with what identifies its content."""

    id: str
    project_id: str
    version: str
    assembled: datetime
    channel_id: str
    process_snapshot: str
    variable_snapshot: str
    packages: tuple[tuple[str, str], ...] = ()  # (action or package reference, version), sorted
    library_snapshots: tuple[str, ...] = ()  # of its library variable sets, sorted


@dataclass(frozen=True, slots=True)
class Task:
    """A server task as far as watching and receipts need it. Times are aware UTC."""

    id: str
    state: TaskState
    description: str
    queued: datetime
    started: datetime | None
    completed: datetime | None
    has_warnings: bool
    has_pending_interruptions: bool
    error: str
    has_pending_preconditions: bool = False


@dataclass(frozen=True)
class SpaceState:
    """One reading of one space, which serves all its environments.

    `board_projects` and `board_environments` tell what the dashboard covered: an empty square
    means "never deployed" only inside them (rule 3), and a tenant's only where it is in
    `board_tenants`. `gaps` says, in words, which part of the reading is known to be incomplete as a
    whole. `tenants` are read only for an environment that names some: else they are None, and
    `tenants_unread` says why they could not be; so are `machines`, where a policy serves them.
    `interruptions` are the pending ones, with their forms; read only while a task is active.
    """

    read_at: datetime
    server: Server
    space_id: str
    me: User
    permissions: Permissions
    projects: tuple[Project, ...]
    environments: tuple[OctopusEnvironment, ...]
    board_projects: frozenset[str]
    board_environments: frozenset[str]
    items: tuple[BoardItem, ...]
    active: tuple[ActiveTask, ...]
    waiting_for_person: frozenset[str]  # task ids with a pending interruption
    deployments: Mapping[str, DeploymentDetail]
    releases: Mapping[str, ReleaseDetail]
    gaps: tuple[str, ...] = field(default=())
    space_name: str = ""
    tenants: tuple[Tenant, ...] | None = None
    tenants_unread: str = "nobody asked for them"
    board_tenants: frozenset[str] = frozenset()
    interruptions: tuple[Interruption, ...] = ()
    machines: tuple[Machine, ...] | None = None
    machines_unread: str = "nobody asked for them"

    def at(self, read_at: datetime) -> SpaceState:
        """Return the same reading of another time, with what was worked out of it."""
        later = replace(self, read_at=read_at)
        vars(later).update({**vars(self), "read_at": read_at})
        return later

    def only(
        self, environment_id: str | None, *, tenanted: bool = False, machines: bool = False
    ) -> SpaceState:
        """Return what this reading shows of one environment; None: of none, but of the space.

        `tenanted`: its tenants' squares, and the space's tenants, too. `machines`: its machines.
        """
        place = environment_id or ""
        whom = ("", *(one.id for one in self.tenants or ())) if tenanted else ("",)
        rows = [row for one in whom for row in self.squares_of(place, one).values()]
        items = tuple(item for row in rows for item in row)
        here = (None, environment_id)
        active = tuple(task for task in self.active if task.environment_id in here)
        waiting = self.waiting_for_person
        if waiting:
            waiting &= {task.id for task in active} | {item.task_id for item in items}
        return replace(
            self,
            tenants=self.tenants if tenanted else None,
            board_tenants=self.board_tenants if tenanted else frozenset(),
            machines=self._machines_in(place) if machines else None,
            items=items,
            active=active,
            waiting_for_person=waiting,
            interruptions=tuple(one for one in self.interruptions if one.task_id in waiting),
            deployments=_picked(self.deployments, (item.deployment_id for item in items)),
            releases=_picked(self.releases, (item.release_id for item in items)),
        )

    def _machines_in(self, environment_id: str) -> tuple[Machine, ...] | None:
        if self.machines is None:
            return None
        return tuple(one for one in self.machines if environment_id in one.environments)

    @cached_property
    def environment_ids(self) -> frozenset[str]:
        """The ids of all environments."""
        return frozenset(one.id for one in self.environments)

    @cached_property
    def environments_by_name(self) -> Mapping[str, tuple[str, ...]]:
        """The ids of the environments that each name, in small letters, may mean."""
        found: dict[str, tuple[str, ...]] = {}
        for one in self.environments:
            name = one.name.casefold()
            found[name] = (*found.get(name, ()), one.id)
        return found

    @cached_property
    def project_index(self) -> ProjectIndex:
        """The projects, ready to be found as manifests name them."""
        return ProjectIndex(self.projects)

    def squares_of(
        self, environment_id: str, tenant_id: str = ""
    ) -> Mapping[str, tuple[BoardItem, ...]]:
        """Return the items of one environment, by project: a tenant's, or the untenanted ones."""
        return self._squares.get((environment_id, tenant_id), {})

    @cached_property
    def _squares(self) -> Mapping[tuple[str, str], Mapping[str, tuple[BoardItem, ...]]]:
        found: dict[tuple[str, str], dict[str, list[BoardItem]]] = {}
        for item in self.items:
            row = found.setdefault((item.environment_id, item.tenant_id or ""), {})
            row.setdefault(item.project_id, []).append(item)
        return {e: {p: tuple(items) for p, items in row.items()} for e, row in found.items()}

    @cached_property
    def unfinished(self) -> Mapping[str, tuple[ActiveTask, ...]]:
        """The tasks that are not finished, by project."""
        found: dict[str, list[ActiveTask]] = {}
        for task in self.active:
            if task.project_id is not None:
                found.setdefault(task.project_id, []).append(task)
        return {project: tuple(tasks) for project, tasks in found.items()}


def _picked(known: Mapping[str, Detail], ids: Iterable[str]) -> dict[str, Detail]:
    return {one: known[one] for one in ids if one in known}
