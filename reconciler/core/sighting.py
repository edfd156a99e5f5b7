"""What is known of each cell: one reading of a space, judged component by component.

"Deployed" is never the newest attempt in any state. A cell is settled only if its newest finished
attempt is a full success; could-not-read is never not-deployed (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.manifest import OnWarning
from reconciler.core.state import ActiveTask, TaskState
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.core.manifest import DesiredState
    from reconciler.core.snapshot import Reached, Snapshot, SnapshotCell
    from reconciler.core.state import BoardItem, Project, Server, SpaceState

VIEWS = ("ProjectView", "EnvironmentView", "ReleaseView", "DeploymentView", "TaskView")
"""Permissions without which an empty square of the dashboard proves nothing."""


@dataclass(frozen=True, slots=True)
class Unobserved:
    """The cell could not be read in full; nothing is done to it or to what depends on it."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverDeployed:
    """Octopus shows that nothing was ever deployed to the cell."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The newest finished attempt was a full success of `version`."""

    version: str
    deployment_id: str
    release_id: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """The newest finished attempt, of `attempted`, was no full success; `why` says what it was.

    `version` is the last full success before it, None if there was none.
    """

    version: str | None
    attempted: str
    deployment_id: str
    why: str


Sighting = Unobserved | NeverDeployed | Settled | Unsettled


@dataclass(frozen=True, slots=True)
class ObservedCell:
    """One component in one environment as Octopus shows it.

    `newest` is the id of the newest deployment in any state (an intent's `after`); who made it,
    when and with which comment stands beside it. `running` are tasks of this cell that are not
    finished, whoever started them (rules 16, 17); `waiting` are those that wait for a person, by
    id. `reached` is the pin at which desired last equalled observed.
    """

    component: str
    sighting: Sighting
    project: Project | None = None
    newest: str | None = None
    running: tuple[ActiveTask, ...] = ()
    waiting: frozenset[str] = frozenset()
    reached: Reached | None = None
    made_by: str = ""
    made_by_id: str = ""
    made_at: datetime | None = None
    comment: str = ""

    @property
    def version(self) -> str | None:
        """The version of the last full success, None if unknown or none."""
        match self.sighting:
            case Settled(version=version) | Unsettled(version=version):
                return version
            case _:
                return None

    @property
    def waits_for_person(self) -> bool:
        """True while a task of the cell waits for a person."""
        return bool(self.waiting)

    @property
    def newest_is_judged(self) -> bool:
        """True if the sighting speaks of the newest deployment, not of one before it."""
        match self.sighting:
            case Settled(deployment_id=judged) | Unsettled(deployment_id=judged):
                return judged == self.newest
            case _:
                return False


@dataclass(frozen=True, slots=True)
class ObservedState:
    """One environment as Octopus shows it, read at `read_at` (begun, aware UTC)."""

    read_at: datetime
    server: Server
    space_id: str
    environment_id: str | None
    me: str
    cells: Mapping[str, ObservedCell]
    unmanaged: tuple[tuple[str, str], ...] = field(default=())  # (component, version), by name


class ProjectIndex:
    """All projects of a space, ready to be found by id, slug or name."""

    def __init__(self, projects: Iterable[Project]) -> None:
        self._by_id: dict[str, Project] = {}
        self._by_name: dict[str, dict[str, Project]] = {}
        for project in projects:
            self._by_id[project.id] = project
            for name in (project.slug.casefold(), project.name.casefold()):
                self._by_name.setdefault(name, {})[project.id] = project

    def find(self, reference: str) -> Project | str:
        """Return the one project a manifest means, else say in words why there is none."""
        if (project := self._by_id.get(reference)) is not None:
            return project
        matches = self._by_name.get(reference.casefold(), {})
        if len(matches) == 1:
            return next(iter(matches.values()))
        if not matches:
            return f"Octopus shows no project {clean(reference)!r} in this space"
        ids = ", ".join(sorted(matches))
        return f"{clean(reference)!r} could mean any of {ids}; write the project's id"


def find_project(reference: str, projects: Iterable[Project]) -> Project | str:
    """Return the one project a manifest means; for many questions ask a `ProjectIndex`."""
    return ProjectIndex(projects).find(reference)


def observe(
    desired: DesiredState,
    state: SpaceState,
    snapshot: Snapshot | None,
    receipted: frozenset[str] = frozenset(),
) -> ObservedState:
    """Judge every pinned component of one environment from one reading of its space.

    `snapshot` is the last recorded one; `receipted` names the components that receipts know: a
    cell they know and Octopus shows empty is unobserved (retention, restored server).
    """
    environment = _find_environment(desired.environment.octopus_environment, state)
    board = _Board(state, environment if isinstance(environment, _Found) else None)
    remembered: Mapping[str, SnapshotCell] = {}
    if snapshot is not None and not board.is_elsewhere(snapshot):
        remembered = snapshot.cells
    projects = ProjectIndex(state.projects)
    cells: dict[str, ObservedCell] = {}
    for name in desired.environment.pins:
        before = remembered.get(name)
        reached = None if before is None else before.reached
        project = projects.find(desired.stack.components[name].project_in(desired.space.name))
        if not isinstance(environment, _Found):
            cells[name] = ObservedCell(name, Unobserved(environment), reached=reached)
        elif isinstance(project, str):
            cells[name] = ObservedCell(name, Unobserved(project), reached=reached)
        elif before is not None and before.project not in (None, project.id):
            why = (
                f"project {clean(project.name)!r} was {before.project} and is now {project.id}: "
                f"made anew under the same name, or the stack points elsewhere"
            )
            cells[name] = ObservedCell(name, Unobserved(why), project=project, reached=reached)
        else:
            memory = _Memory.of(before, name in receipted)
            judged = board.cell(name, project, memory, desired.policy.on_warning)
            cells[name] = judged if reached is None else replace(judged, reached=reached)
    return ObservedState(
        read_at=state.read_at,
        server=state.server,
        space_id=state.space_id,
        environment_id=environment.id if isinstance(environment, _Found) else None,
        me=state.me.id,
        cells=cells,
        unmanaged=_unmanaged(desired, projects, remembered, board),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    id: str


@dataclass(frozen=True, slots=True)
class _Memory:
    """What the last snapshot and the receipts know of a cell.

    `is_known`: it succeeded here once. `version` is its last full success. `settled_on` is the
    release it was last settled on, and `was_unsettled` tells that it has left that since.
    """

    is_known: bool = False
    version: str | None = None
    settled_on: str | None = None
    was_unsettled: bool = False

    @classmethod
    def of(cls, before: SnapshotCell | None, is_receipted: bool) -> _Memory:
        if before is None:
            return cls(is_known=is_receipted)
        return cls(
            is_known=is_receipted or before.version is not None,
            version=before.version,
            settled_on=before.release,  # only a settled cell has one
            was_unsettled=before.release is None and before.deployment is not None,
        )


def _find_environment(reference: str, state: SpaceState) -> _Found | str:
    if any(e.id == reference for e in state.environments):
        return _Found(reference)
    wanted = reference.casefold()
    matches = [e for e in state.environments if e.name.casefold() == wanted]
    if len(matches) == 1:
        return _Found(matches[0].id)
    if not matches:
        return f"Octopus shows no environment {clean(reference)!r} in this space"
    ids = ", ".join(sorted(e.id for e in matches))
    return f"{clean(reference)!r} could mean any of {ids}; write the environment's id"


class _Board:
    """The dashboard of one environment, ready to be asked square by square."""

    def __init__(self, state: SpaceState, environment: _Found | None) -> None:
        self._state = state
        self._environment = environment
        self._items: dict[str, list[BoardItem]] = {}
        self._running: dict[str, list[ActiveTask]] = {}
        if environment is None:
            return
        for item in state.items:
            if item.environment_id == environment.id and item.tenant_id is None:
                self._items.setdefault(item.project_id, []).append(item)
        for task in state.active:
            here = task.environment_id in (None, environment.id) and task.tenant_id is None
            if task.project_id is not None and here:
                self._running.setdefault(task.project_id, []).append(task)

    def is_elsewhere(self, snapshot: Snapshot) -> bool:
        """Tell whether a snapshot is of another server, space or environment than this board's."""
        here = None if self._environment is None else self._environment.id
        pairs = (
            (snapshot.server, self._state.server.installation_id),
            (snapshot.space, self._state.space_id),
            (snapshot.environment, here),
        )
        return any(was and now and was != now for was, now in pairs)

    def newest(self, project: Project) -> BoardItem | None:
        """Return the newest attempt at a project, if there is exactly one."""
        current = _distinct(i for i in self._items.get(project.id, ()) if not i.is_previous)
        return current[0] if len(current) == 1 else None

    def previous(self, project: Project, newest: BoardItem) -> BoardItem | None:
        """Return the last success before the newest attempt, if the board shows it."""
        found = [
            item
            for item in self._items.get(project.id, ())
            if item.is_previous
            and item.deployment_id != newest.deployment_id
            and item.state is TaskState.SUCCESS
        ]
        return max(found, key=_by_time, default=None)

    def success(self, project: Project) -> BoardItem | None:
        """Return the last success at a project, full or not, if the board shows it."""
        newest = self.newest(project)
        if newest is None or newest.state is TaskState.SUCCESS:
            return newest
        return self.previous(project, newest)

    def cell(
        self, name: str, project: Project, memory: _Memory, on_warning: OnWarning
    ) -> ObservedCell:
        """Judge one cell."""
        running = self._unfinished(project)
        newest = self.newest(project)
        detail = None if newest is None else self._state.deployments.get(newest.deployment_id)
        sighting = self._obstacle(project) or self._attempt(project, memory, on_warning)
        return ObservedCell(
            component=name,
            sighting=sighting,
            project=project,
            newest=None if newest is None else newest.deployment_id,
            running=running,
            waiting=self._state.waiting_for_person.intersection(t.id for t in running),
            made_by="" if detail is None else clean(detail.deployed_by, 80),
            made_by_id="" if detail is None else detail.deployed_by_id,
            made_at=None if detail is None else detail.created,
            comment="" if detail is None else detail.comments,
        )

    def _unfinished(self, project: Project) -> tuple[ActiveTask, ...]:
        """Return unfinished tasks of the cell: the task list's, and the board's own word."""
        tasks = {task.id: task for task in self._running.get(project.id, ())}
        for item in self._items.get(project.id, ()):
            if not item.state.is_finished and item.task_id not in tasks:
                tasks[item.task_id] = _as_task(item)
        return tuple(tasks[key] for key in sorted(tasks))

    def _obstacle(self, project: Project) -> Unobserved | None:
        """Return why this square proves nothing, or None if it does."""
        state = self._state
        if state.gaps:
            return Unobserved("; ".join(clean(gap) for gap in state.gaps))
        environment = None if self._environment is None else self._environment.id
        missing = [
            view
            for view in VIEWS
            if not state.permissions.allows(view, state.space_id, project, environment)
        ]
        if missing:
            return Unobserved(f"the observing key lacks {', '.join(missing)} here")
        if project.tenanted_mode == "Tenanted":
            return Unobserved("the project is deployed per tenant: tenants are not supported yet")
        current = _distinct(i for i in self._items.get(project.id, ()) if not i.is_previous)
        if project.discrete_channels or len(current) > 1:
            return Unobserved(
                "several releases can be current here (discrete channels): not supported yet"
            )
        if project.id not in state.board_projects or environment not in state.board_environments:
            return Unobserved("the dashboard did not cover this project and environment")
        return None

    def _attempt(self, project: Project, memory: _Memory, on_warning: OnWarning) -> Sighting:
        """Judge a square by its newest finished attempt."""
        newest = self.newest(project)
        before = None if newest is None else self.previous(project, newest)
        if newest is None or (before is None and not newest.state.is_finished):
            return _LOST if memory.is_known else NeverDeployed()
        if before is not None and not newest.state.is_finished:
            return self._success(before, None, memory, on_warning)
        if newest.deployment_id not in self._state.deployments:
            return _unread(newest.deployment_id)
        if newest.state is TaskState.SUCCESS:
            return self._success(newest, before, memory, on_warning)
        if before is None and memory.is_known:
            return _LOST
        if before is not None and before.deployment_id not in self._state.deployments:
            return _unread(before.deployment_id)
        return self._unsettled(newest, before, memory, newest.state.value.lower())

    def _success(
        self, item: BoardItem, before: BoardItem | None, memory: _Memory, on_warning: OnWarning
    ) -> Sighting:
        """Judge a success; `before` is the one before it, if the board shows it."""
        detail = self._state.deployments.get(item.deployment_id)
        if detail is None:
            return _unread(item.deployment_id)
        if item.release_id not in self._state.releases:
            return _unread(item.release_id)
        if detail.is_partial and not self._is_newcomers(item, before, memory):
            return self._unsettled(item, before, memory, "partial")
        if item.has_warnings and on_warning is OnWarning.HOLD:
            return self._unsettled(item, before, memory, "warnings")
        return Settled(item.version, item.deployment_id, item.release_id)

    def _unsettled(
        self, item: BoardItem, before: BoardItem | None, memory: _Memory, why: str
    ) -> Unsettled:
        """Return what is known of the last full success before an attempt that was none."""
        version = None if before is None else before.version
        if not self._is_full(before) and memory.version is not None:
            version = memory.version
        return Unsettled(version, item.version, item.deployment_id, why)

    def _is_newcomers(self, item: BoardItem, before: BoardItem | None, memory: _Memory) -> bool:
        """Tell whether a partial success only served a newcomer with what the cell ran already."""
        if before is not None and before.release_id != item.release_id:
            return False
        if memory.settled_on is not None:
            return memory.settled_on == item.release_id
        return self._is_full(before) and not memory.was_unsettled

    def _is_full(self, item: BoardItem | None) -> bool:
        detail = None if item is None else self._state.deployments.get(item.deployment_id)
        return detail is not None and not detail.is_partial


_LOST = Unobserved(
    "it was deployed here before, but Octopus shows no success: deleted by retention, or the "
    "server was restored from a backup"
)


def _unread(id_: str) -> Unobserved:
    return Unobserved(f"{clean(id_)} could not be read")


def _by_time(item: BoardItem) -> tuple[bool, datetime, str]:
    """Order by creation; an item without a time comes first."""
    created = item.created
    return created is not None, created or datetime.min.replace(tzinfo=UTC), item.deployment_id


def _distinct(items: Iterable[BoardItem]) -> list[BoardItem]:
    return list({item.deployment_id: item for item in items}.values())


def _as_task(item: BoardItem) -> ActiveTask:
    return ActiveTask(
        id=item.task_id,
        name="Deploy",
        description=f"release {clean(item.version, 60)}",
        state=item.state,
        project_id=item.project_id,
        environment_id=item.environment_id,
        tenant_id=item.tenant_id,
        deployment_id=item.deployment_id,
        queued_until=None,
    )


def _unmanaged(
    desired: DesiredState,
    projects: ProjectIndex,
    remembered: Mapping[str, SnapshotCell],
    board: _Board,
) -> tuple[tuple[str, str], ...]:
    """Return what runs here and is pinned nowhere: it is reported and never touched (rule 5)."""
    pins = desired.environment.pins
    found: dict[str, str] = {}
    for name, component in desired.stack.components.items():
        project = projects.find(component.project_in(desired.space.name))
        if name in pins or isinstance(project, str):
            continue
        item = board.success(project)
        if item is not None:
            found[name] = item.version
    for name, cell in remembered.items():
        if name not in pins and name not in found and cell.version is not None:
            found[name] = cell.version
    return tuple(sorted(found.items()))
