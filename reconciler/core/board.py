"""The dashboard of one environment, judged square by square.

A cell is settled only if its newest finished attempt is a full success of one release. While an
attempt is unfinished the board shows no other than the last success before it: that one counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.core.cell import (
    NeverDeployed,
    ObservedCell,
    Settled,
    Sighting,
    Unobserved,
    Unsettled,
)
from reconciler.core.policy import OnWarning
from reconciler.core.state import ActiveTask, TaskState
from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.snapshot import Snapshot, SnapshotCell
    from reconciler.core.state import BoardItem, DeploymentDetail, Project, SpaceState
    from reconciler.core.tenant import Tenant

VIEWS = ("ProjectView", "EnvironmentView", "ReleaseView", "DeploymentView", "TaskView")
"""Permissions without which an empty square of the dashboard proves nothing."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the last snapshot and the receipts know of a cell.

    `is_known`: it succeeded here once. `version` is its last full success. `settled_on` is the
    release it was last settled on, and `was_unsettled` tells that it has left that since. `ours` is
    the last success of ours that a receipt tells of, a deployment's id.
    """

    is_known: bool = False
    version: str | None = None
    settled_on: str | None = None
    was_unsettled: bool = False
    ours: str | None = None

    @classmethod
    def of(cls, before: SnapshotCell | None, ours: str | None) -> Memory:
        """Return what a line of the snapshot and the receipts say of a cell."""
        if before is None:
            return cls(is_known=ours is not None, ours=ours)
        return cls(
            is_known=ours is not None or before.version is not None,
            version=before.version,
            settled_on=before.release,  # only a settled cell has one
            was_unsettled=before.release is None and before.deployment is not None,
            ours=ours,
        )


class Board:
    """The dashboard of one environment, ready to be asked square by square.

    That of a tenant shows what was deployed for it, that of None what was deployed for nobody.
    """

    def __init__(
        self, state: SpaceState, environment: str | None, tenant: Tenant | None = None
    ) -> None:
        self._state = state
        self._environment = environment
        self._tenant = tenant
        self._tenant_id = None if tenant is None else tenant.id
        self._items = state.squares_of(environment or "", self._tenant_id or "")
        may = state.permissions
        # granted for the whole space: not asked again square by square
        self._doubtful = [v for v in VIEWS if not may.allows(v, state.space_id, None, None)]

    def newest(self, project: Project) -> BoardItem | None:
        """Return the newest attempt at a project, if there is exactly one."""
        current = self._current(project)
        return current[0] if len(current) == 1 else None

    def _current(self, project: Project) -> list[BoardItem]:
        """Return the current attempts at a project, each deployment once."""
        items = self._items.get(project.id, ())
        current = [item for item in items if not item.is_previous]
        return current if len(current) < 2 else list({i.deployment_id: i for i in current}.values())

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
        self, key: CellKey, project: Project, memory: Memory, on_warning: OnWarning
    ) -> ObservedCell:
        """Judge one cell."""
        running = self._unfinished(project)
        waiting: frozenset[str] = frozenset()
        if running:
            waiting = self._state.waiting_for_person.intersection(t.id for t in running)
        newest = self.newest(project)
        detail = None if newest is None else self._state.deployments.get(newest.deployment_id)
        sighting = self._obstacle(project) or self._attempt(project, memory, on_warning)
        return ObservedCell(
            key=key,
            sighting=sighting,
            project=project,
            newest=None if newest is None else newest.deployment_id,
            running=running,
            waiting=waiting,
            made_by="" if detail is None else clean(detail.deployed_by, 80),
            made_by_id="" if detail is None else detail.deployed_by_id,
            made_at=None if detail is None else detail.created,
            comment="" if detail is None else detail.comments,
            tenant=self._tenant,
            questions=tuple(one for one in self._state.interruptions if one.task_id in waiting)
            if waiting
            else (),
        )

    def _unfinished(self, project: Project) -> tuple[ActiveTask, ...]:
        """Return unfinished tasks of the cell: the task list's, and the board's own word."""
        tasks = {t.id: t for t in self._state.unfinished.get(project.id, ()) if self._is_here(t)}
        for item in self._items.get(project.id, ()):
            if not item.state.is_finished and item.task_id not in tasks:
                tasks[item.task_id] = _as_task(item)
        return tuple(tasks[key] for key in sorted(tasks))

    def _is_here(self, task: ActiveTask) -> bool:
        """Tell whether a task is of this board's cells, as far as is known (rule 16)."""
        if task.environment_id is None:
            return True
        return task.environment_id == self._environment and task.tenant_id == self._tenant_id

    def _obstacle(self, project: Project) -> Unobserved | None:
        """Return why this square proves nothing, or None if it does."""
        state = self._state
        if state.gaps:
            return Unobserved("; ".join(clean(gap) for gap in state.gaps))
        environment = self._environment
        missing = [
            view
            for view in self._doubtful
            if not state.permissions.allows(
                view, state.space_id, project, environment, self._tenant_id
            )
        ]
        if missing:
            return Unobserved(f"the observing key lacks {', '.join(missing)} here")
        if project.tenanted_mode == "Tenanted" and self._tenant is None:
            return Unobserved(
                "the project is deployed per tenant, and the environment names none under "
                "`octopus.tenants` or `octopus.tenantTags`"
            )
        if project.discrete_channels or len(self._current(project)) > 1:
            return Unobserved(
                "several releases can be current here (discrete channels), and one pin cannot mean "
                "them all"
            )
        if project.id not in state.board_projects or environment not in state.board_environments:
            return Unobserved("the dashboard did not cover this project and environment")
        if self._tenant_id is not None and self._tenant_id not in state.board_tenants:
            return Unobserved("the dashboard did not cover this tenant")
        return None

    def _attempt(self, project: Project, memory: Memory, on_warning: OnWarning) -> Sighting:
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
        self, item: BoardItem, before: BoardItem | None, memory: Memory, on_warning: OnWarning
    ) -> Sighting:
        """Judge a success; `before` is the one before it, if the board shows it."""
        detail = self._state.deployments.get(item.deployment_id)
        if detail is None:
            return _unread(item.deployment_id)
        if item.release_id not in self._state.releases:
            return _unread(item.release_id)
        if detail.is_partial:
            if before is not None and before.deployment_id not in self._state.deployments:
                return _unread(before.deployment_id)
            if not self._is_newcomers(item, detail, before, memory):
                return self._unsettled(item, before, memory, "partial")
        if item.has_warnings and on_warning is OnWarning.HOLD:
            return self._unsettled(item, before, memory, "warnings")
        return Settled(item.version, item.deployment_id, item.release_id)

    def _unsettled(
        self, item: BoardItem, before: BoardItem | None, memory: Memory, why: str
    ) -> Unsettled:
        """Return what is known of the last full success before an attempt that was none."""
        version = None if before is None else before.version
        if not self._is_full(before) and memory.version is not None:
            version = memory.version
        return Unsettled(version, item.version, item.deployment_id, why)

    def _is_newcomers(
        self, item: BoardItem, detail: DeploymentDetail, before: BoardItem | None, memory: Memory
    ) -> bool:
        """Tell whether a partial success only served a newcomer with what the cell ran already.

        A full success of the same release just before it has settled the cell since the snapshot.
        One of ours went to a cell that was settled on that release, or it had not been asked for.
        """
        if before is not None and before.release_id != item.release_id:
            return False
        if memory.settled_on == item.release_id:
            return True
        if memory.ours == item.deployment_id and detail.machine_ids and not detail.is_flawed:
            return before is not None
        return self._is_full(before) and not memory.was_unsettled

    def _is_full(self, item: BoardItem | None) -> bool:
        detail = None if item is None else self._state.deployments.get(item.deployment_id)
        return detail is not None and not detail.is_partial


def is_elsewhere(snapshot: Snapshot, state: SpaceState, environment: str | None) -> bool:
    """Tell whether a snapshot is of another server, space or environment than a reading's."""
    pairs = (
        (snapshot.server, state.server.installation_id),
        (snapshot.space, state.space_id),
        (snapshot.environment, environment),
    )
    return any(was and now and was != now for was, now in pairs)


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
