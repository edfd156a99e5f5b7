"""What is known of each cell: one reading of a space, judged component by component.

"Deployed" is never the newest attempt in any state. A cell is settled only if its newest finished
attempt is a full success; could-not-read is never not-deployed (rule 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.manifest import OnWarning
from reconciler.core.state import ActiveTask, TaskState
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from reconciler.core.manifest import DesiredState
    from reconciler.core.snapshot import Reached, Snapshot
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

    `newest` is the id of the newest deployment in any state (an intent's `after`). `running` are
    tasks of this cell that are not finished, whoever started them (rules 16, 17). `reached` is
    the pin at which desired last equalled observed.
    """

    component: str
    sighting: Sighting
    project: Project | None = None
    newest: str | None = None
    running: tuple[ActiveTask, ...] = ()
    waits_for_person: bool = False
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


def find_project(reference: str, projects: Iterable[Project]) -> Project | str:
    """Return the one project a manifest means by id, slug or name; else say in words why not."""
    wanted = reference.casefold()
    matches: dict[str, Project] = {}
    for project in projects:
        if project.id == reference:
            return project
        if wanted in {project.slug.casefold(), project.name.casefold()}:
            matches[project.id] = project
    if len(matches) == 1:
        return next(iter(matches.values()))
    if not matches:
        return f"Octopus shows no project {clean(reference)!r} in this space"
    ids = ", ".join(sorted(matches))
    return f"{clean(reference)!r} could mean any of {ids}; write the project's id"


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
    remembered = {} if snapshot is None else snapshot.cells
    environment = _find_environment(desired.environment.octopus_environment, state)
    cells: dict[str, ObservedCell] = {}
    board = _Board(state, environment if isinstance(environment, _Found) else None)
    for name in desired.environment.pins:
        before = remembered.get(name)
        reached = None if before is None else before.reached
        component = desired.stack.components[name]
        project = find_project(component.project_in(desired.space.name), state.projects)
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
            known = name in receipted or (before is not None and before.version is not None)
            settled_on = (
                before.release if before is not None and before.state == "settled" else None
            )
            cells[name] = board.cell(
                name, project, reached, settled_on, known, desired.policy.on_warning
            )
    return ObservedState(
        read_at=state.read_at,
        server=state.server,
        space_id=state.space_id,
        environment_id=environment.id if isinstance(environment, _Found) else None,
        me=state.me.id,
        cells=cells,
        unmanaged=_unmanaged(desired, state, snapshot, board),
    )


@dataclass(frozen=True, slots=True)
class _Found:
    id: str


def _find_environment(reference: str, state: SpaceState) -> _Found | str:
    wanted = reference.casefold()
    matches = [e for e in state.environments if e.id == reference or e.name.casefold() == wanted]
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
        return found[0] if found else None

    def cell(
        self,
        name: str,
        project: Project,
        reached: Reached | None,
        settled_on: str | None,
        known_to_receipts: bool,
        on_warning: OnWarning,
    ) -> ObservedCell:
        """Judge one cell."""
        running = self._unfinished(project)
        newest = self.newest(project)
        detail = None if newest is None else self._state.deployments.get(newest.deployment_id)
        sighting = (
            self._obstacle(project)
            or self._empty(newest, known_to_receipts)
            or self._attempt(project, settled_on, on_warning)
        )
        return ObservedCell(
            component=name,
            sighting=sighting,
            project=project,
            newest=None if newest is None else newest.deployment_id,
            running=running,
            waits_for_person=any(t.id in self._state.waiting_for_person for t in running),
            reached=reached,
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

    @staticmethod
    def _empty(newest: BoardItem | None, known_to_receipts: bool) -> Sighting | None:
        if newest is not None:
            return None
        if known_to_receipts:
            return Unobserved(
                "it was deployed here before, but Octopus shows nothing: deleted by retention, "
                "or the server was restored from a backup"
            )
        return NeverDeployed()

    def _attempt(self, project: Project, settled_on: str | None, on_warning: OnWarning) -> Sighting:
        newest = self.newest(project)
        if newest is None:
            raise AssertionError("an empty square was judged before")
        before = self.previous(project, newest)
        before_version = None if before is None else before.version
        if not newest.state.is_finished:
            if before is None:
                return NeverDeployed()
            return Settled(before.version, before.deployment_id, before.release_id)
        if newest.state is not TaskState.SUCCESS:
            return Unsettled(
                before_version, newest.version, newest.deployment_id, newest.state.value.lower()
            )
        detail = self._state.deployments.get(newest.deployment_id)
        if detail is None or newest.release_id not in self._state.releases:
            what = newest.deployment_id if detail is None else newest.release_id
            return Unobserved(f"{what} could not be read")
        if detail.is_partial and not self._is_newcomers(newest, before, settled_on):
            return Unsettled(before_version, newest.version, newest.deployment_id, "partial")
        if newest.has_warnings and on_warning is OnWarning.HOLD:
            return Unsettled(before_version, newest.version, newest.deployment_id, "warnings")
        return Settled(newest.version, newest.deployment_id, newest.release_id)

    def _is_newcomers(
        self, newest: BoardItem, before: BoardItem | None, settled_on: str | None
    ) -> bool:
        """Tell whether a partial success only served a newcomer with what the cell ran already."""
        if settled_on == newest.release_id:
            return True
        if before is None or before.release_id != newest.release_id:
            return False
        detail = self._state.deployments.get(before.deployment_id)
        return detail is not None and not detail.is_partial


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
    desired: DesiredState, state: SpaceState, snapshot: Snapshot | None, board: _Board
) -> tuple[tuple[str, str], ...]:
    """Return what runs here and is pinned nowhere: it is reported and never touched (rule 5)."""
    pins = desired.environment.pins
    found: dict[str, str] = {}
    for name, component in desired.stack.components.items():
        project = find_project(component.project_in(desired.space.name), state.projects)
        if name in pins or isinstance(project, str):
            continue
        item = board.newest(project)
        if item is not None:
            found[name] = item.version
    for name, cell in ({} if snapshot is None else snapshot.cells).items():
        if name not in pins and name not in found and cell.version is not None:
            found[name] = cell.version
    return tuple(sorted(found.items()))
