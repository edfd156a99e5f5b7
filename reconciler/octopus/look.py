"""One reading of a whole space, in a constant number of requests (rules 3, 16, 17).

Five, side by side: the dashboard with the successes before, all projects, all environments, my
permissions, the active tasks. A sixth, the pending interruptions, only while a task is active.
Then what is new: each deployment and release once by its id, a hundred to a request. More only
where the server truncates: the dashboard asked again for the projects it left out, further pages.

Source: Octopus REST API, `dashboard/dynamic` (`ProjectLimit`, `IsFiltered`), `tasks`,
`interruptions`, `deployments` and `releases` by `ids`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.core.state import (
    BoardItem,
    DeploymentDetail,
    Permissions,
    ReleaseDetail,
    Server,
    SpaceState,
    TaskState,
    User,
)
from reconciler.octopus import translate, wire
from reconciler.octopus.pages import IDS_AT_ONCE, read_by_ids, read_pages, together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.octopus.client import OctopusHttp
    from reconciler.ports import Known

T = TypeVar("T")

ONE_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Start:
    """What is read once per start: the server, who we are, and the space."""

    server: Server
    me: User
    space_id: str
    space_name: str


@dataclass(frozen=True, slots=True)
class _Board:
    """What the dashboard said and covered."""

    projects: frozenset[str]
    environments: frozenset[str]
    items: tuple[BoardItem, ...]
    waiting: frozenset[str]

    @classmethod
    def of(cls, boards: Collection[wire.Dashboard]) -> _Board:
        """Join the answers; an item that two places of an answer repeat counts once."""
        items = [
            translate.board_item(item, is_previous=False)
            for board in boards
            for item in board.items
        ]
        older = [item for board in boards for item in board.previous_items or ()]
        if older:
            items += [translate.board_item(item, is_previous=True) for item in older]
            items = list(dict.fromkeys(items))
        return cls(
            projects=frozenset(one.id for board in boards for one in board.projects),
            environments=frozenset(one.id for board in boards for one in board.environments),
            items=tuple(items),
            waiting=frozenset(
                item.task_id
                for board in boards
                for item in board.items
                if item.has_pending_interruptions
            ),
        )

    def current(self) -> tuple[BoardItem, ...]:
        """Return the newest attempt of each cell."""
        return tuple(item for item in self.items if not item.is_previous)

    def before(self, items: Iterable[BoardItem]) -> tuple[BoardItem, ...]:
        """Return the successes before these attempts, as far as the board shows them."""
        cells = {_cell(item) for item in items}
        return tuple(item for item in self.items if item.is_previous and _cell(item) in cells)


class Looker:
    """Reads one space again and again.

    A deployment read while its task was running is read once more after it ended, because only
    then it tells whether a machine failed on the way.
    """

    def __init__(self, http: OctopusHttp) -> None:
        self._http = http
        self._read_while_running: set[str] = set()

    async def look(self, start: Start, known: Known, read_at: datetime) -> SpaceState:
        """Read the space. `read_at` is a time before the first request.

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """
        space = f"api/{start.space_id}"
        http = self._http
        async with together() as group:
            boarding = group.create_task(self._board(space))
            projects = group.create_task(self._array(f"{space}/projects/all", wire.Project))
            environments = group.create_task(
                self._array(f"{space}/environments/all", wire.Environment)
            )
            allowed = group.create_task(read_permissions(http, start.me.id, start.space_id))
            tasks = group.create_task(
                read_pages(http, f"{space}/tasks", {"active": "true"}, wire.Task, ONE_PAGE)
            )
        gaps: list[str] = []
        said, all_tasks = tasks.result()
        active = [task for task in said if not translate.task_state(task.state).is_finished]
        if not all_tasks:
            gaps.append("the list of active tasks moved while it was read, or ends too early")
        board = await self._completed(
            space, boarding.result(), [one.id for one in projects.result()]
        )

        async with together() as group:
            asking = group.create_task(self._interrupted(space, bool(active)))
            detailing = group.create_task(self._details(space, board, active, known))
        interrupted, all_interruptions = asking.result()
        if not all_interruptions:
            gaps.append("the list of interruptions moved while it was read, or ends too early")
        deployments, releases = detailing.result()
        return SpaceState(
            read_at=read_at,
            server=start.server,
            space_id=start.space_id,
            me=start.me,
            permissions=allowed.result(),
            projects=tuple(map(translate.project, projects.result())),
            environments=tuple(map(translate.environment, environments.result())),
            board_projects=board.projects,
            board_environments=board.environments,
            items=board.items,
            active=tuple(translate.active_task(task, deployments, read_at) for task in active),
            waiting_for_person=interrupted
            | board.waiting
            | {task.id for task in active if task.has_pending_interruptions},
            deployments=deployments,
            releases=releases,
            gaps=tuple(gaps),
            space_name=start.space_name,
        )

    async def _array(self, path: str, shape: type[T]) -> list[T]:
        return wire.decode(await self._http.get(path), list[shape])  # type: ignore[valid-type]

    async def _board(self, space: str, projects: Iterable[str] = ()) -> wire.Dashboard:
        query = {"includePrevious": "true"}
        if listed := ",".join(projects):
            query["projects"] = listed
        answer = await self._http.get(f"{space}/dashboard/dynamic", query)
        return wire.decode(answer, wire.Dashboard)

    async def _completed(
        self, space: str, first: wire.Dashboard, projects: Collection[str]
    ) -> _Board:
        """Ask again for what a limited dashboard left out.

        What stays missing, or is missing without a limit, is judged cell by cell: it is not among
        the board's projects (rule 3).
        """
        boards = [first]
        if first.project_limit is None:
            return _Board.of(boards)
        seen = {one.id for one in first.projects}
        missing = [one for one in dict.fromkeys(projects) if one not in seen]
        at_once = max(min(IDS_AT_ONCE, first.project_limit), 1)
        while missing:
            chunks = [missing[i : i + at_once] for i in range(0, len(missing), at_once)]
            async with together() as group:
                asked = [group.create_task(self._board(space, chunk)) for chunk in chunks]
            more = [task.result() for task in asked]
            boards += more
            seen.update(one.id for board in more for one in board.projects)
            still = [one for one in missing if one not in seen]
            if len(still) == len(missing):
                break
            missing = still
        return _Board.of(boards)

    async def _interrupted(self, space: str, active: bool) -> tuple[frozenset[str], bool]:
        """Return the tasks that wait for a person, and whether those are all."""
        if not active:
            return frozenset(), True
        said, complete = await read_pages(
            self._http,
            f"{space}/interruptions",
            {"pendingOnly": "true"},
            wire.Interruption,
            ONE_PAGE,
        )
        return frozenset(one.task_id for one in said if one.is_pending and one.task_id), complete

    async def _details(
        self, space: str, board: _Board, active: Collection[wire.Task], known: Known
    ) -> tuple[dict[str, DeploymentDetail], dict[str, ReleaseDetail]]:
        """Return the deployments and releases this reading speaks of, asking only for new ones.

        Those are each cell's current ones and, where that is no whole success, the ones before.
        """
        current = board.current()
        doubtful = [item for item in current if item.state is not TaskState.SUCCESS]
        items = (*current, *board.before(doubtful))
        running = {one for one in map(translate.deployment_of, active) if one is not None}
        running.update(item.deployment_id for item in current if not item.state.is_finished)
        stale = self._read_while_running - running
        old = known.deployments
        if not stale.isdisjoint(old):
            old = {one: detail for one, detail in old.items() if one not in stale}
        async with together() as group:
            reading = group.create_task(
                self._deployments(space, {item.deployment_id for item in items} | running, old)
            )
            releases = group.create_task(
                self._releases(space, {item.release_id for item in items}, known.releases)
            )
        deployments = reading.result()
        partial = [
            item
            for item in current
            if item.deployment_id in deployments and deployments[item.deployment_id].is_partial
        ]
        missing = {item.deployment_id for item in board.before(partial)} - deployments.keys()
        deployments |= await self._deployments(space, missing, old)
        self._read_while_running = running
        return deployments, releases.result()

    async def _deployments(
        self, space: str, ids: Collection[str], known: Mapping[str, DeploymentDetail]
    ) -> dict[str, DeploymentDetail]:
        found = {one: known[one] for one in ids if one in known}
        new = [one for one in ids if one not in known]
        for said in await read_by_ids(self._http, f"{space}/deployments", new, wire.Deployment):
            found[said.id] = translate.deployment(said)
        return found

    async def _releases(
        self, space: str, ids: Collection[str], known: Mapping[str, ReleaseDetail]
    ) -> dict[str, ReleaseDetail]:
        found = {one: known[one] for one in ids if one in known}
        new = [one for one in ids if one not in known]
        for said in await read_by_ids(self._http, f"{space}/releases", new, wire.Release):
            found[said.id] = translate.release(said)
        return found


async def read_permissions(http: OctopusHttp, user_id: str, space_id: str) -> Permissions:
    """Return what a user may do in a space and in the system."""
    answer = await http.get(
        f"api/users/{user_id}/permissions", {"spaces": space_id, "includeSystem": "true"}
    )
    return translate.permissions(wire.decode(answer, wire.PermissionSet))


def _cell(item: BoardItem) -> tuple[str, str, str | None]:
    return item.project_id, item.environment_id, item.tenant_id
