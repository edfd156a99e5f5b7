"""One reading of a whole space, in a constant number of requests (rules 3, 16, 17).

Five, side by side: the dashboard with the successes before, all projects, all environments, my
permissions, the active tasks. A sixth, the pending interruptions, only while a task is active; one
more each for all tenants and all machines, only where somebody asks for them.
Then what is new: each deployment and release once by its id, a hundred to a request. More only
where the server truncates: the dashboard asked again for the projects it left out, further pages.

An answer with the same bytes as the one before is not decoded again, and five answers that say the
same are the same reading at a later time, where the last one left nothing open.

Source: Octopus REST API, `dashboard/dynamic` (`ProjectLimit`, `IsFiltered`), `tasks`,
`interruptions`, `deployments` and `releases` by `ids`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from reconciler.core.state import (
    DeploymentDetail,
    OctopusEnvironment,
    Permissions,
    Project,
    ReleaseDetail,
    Server,
    SpaceState,
    TaskState,
    User,
)
from reconciler.octopus import translate, wire
from reconciler.octopus.board import Board
from reconciler.octopus.client import Answer
from reconciler.octopus.interruptions import read_pending
from reconciler.octopus.machines import ask_machines, read_machines
from reconciler.octopus.pages import IDS_AT_ONCE, read_by_ids, read_pages, together
from reconciler.octopus.tenants import ask_tenants, read_tenants

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from reconciler.core.interruption import Interruption
    from reconciler.core.machine import Machine
    from reconciler.core.tenant import Tenant
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
class _Details:
    """Deployments and releases by id; `are_final`: all were found, and no deployment runs."""

    deployments: dict[str, DeploymentDetail]
    releases: dict[str, ReleaseDetail]
    are_final: bool


class _Kept(Generic[T]):
    """What one address says, read from its answer once for as long as that stays the same."""

    def __init__(self, read: Callable[[Answer], T]) -> None:
        self._read = read
        self._last: tuple[bytes, T] | None = None

    def value(self, answer: Answer) -> T:
        """Return what the answer says: the same object as before if it says the same."""
        if self._last is None or self._last[0] != answer.body:
            value, last = self._read(answer), self._last
            self._last = (answer.body, value if last is None or last[1] != value else last[1])
        return self._last[1]


@dataclass(frozen=True, slots=True)
class _Said:
    """The answers to one look; `has_all_tasks` False: the list moved, or ended too early.

    `tenants`, `machines`: a text says why they were not told; None: nobody asked.
    """

    start: Start
    board: Board
    projects: tuple[Project, ...]
    environments: tuple[OctopusEnvironment, ...]
    permissions: Permissions
    tasks: tuple[wire.Task, ...]
    has_all_tasks: bool
    tenants: tuple[Tenant, ...] | str | None = None
    machines: tuple[Machine, ...] | str | None = None

    def repeats(self, other: _Said) -> bool:
        """Tell whether every answer says the same, and no task is listed."""
        return (
            self.start is other.start
            and self.board is other.board
            and self.projects is other.projects
            and self.environments is other.environments
            and self.permissions is other.permissions
            and self.tenants is other.tenants
            and self.machines is other.machines
            and not self.tasks
            and not other.tasks
            and self.has_all_tasks
        )


class Looker:
    """Reads one space again and again.

    A deployment read while its task was running is read once more after it ended, because only
    then it tells whether a machine failed on the way.
    """

    def __init__(self, http: OctopusHttp) -> None:
        self._http = http
        self._read_while_running: set[str] = set()
        self._boards = _Kept(Board.of)
        self._projects = _Kept(_projects)
        self._environments = _Kept(_environments)
        self._permissions = _Kept(_permissions)
        self._tenants = _Kept(read_tenants)
        self._machines = _Kept(read_machines)
        self._last: tuple[_Said, SpaceState] | None = None

    async def look(
        self,
        start: Start,
        known: Known,
        read_at: datetime,
        *,
        tenants: bool = False,
        machines: bool = False,
    ) -> SpaceState:
        """Read the space, with its tenants and machines if asked.

        `read_at` is a time before the first request.

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """
        space = f"api/{start.space_id}"
        said = await self._ask(space, start, tenants=tenants, machines=machines)
        if self._last is not None and said.repeats(self._last[0]):
            return self._last[1].at(read_at)
        self._last = None
        gaps: list[str] = []
        active = [task for task in said.tasks if not translate.task_state(task.state).is_finished]
        if not said.has_all_tasks:
            gaps.append("the list of active tasks moved while it was read, or ends too early")
        board = await self._completed(space, said.board, [one.id for one in said.projects])

        async with together() as group:
            asking = group.create_task(self._interrupted(start, bool(active)))
            detailing = group.create_task(self._details(space, board, active, known))
        interrupted, all_interruptions = asking.result()
        if not all_interruptions:
            gaps.append("the list of interruptions moved while it was read, or ends too early")
        details = detailing.result()
        deployments = details.deployments
        state = SpaceState(
            read_at=read_at,
            server=start.server,
            space_id=start.space_id,
            me=start.me,
            permissions=said.permissions,
            projects=said.projects,
            environments=said.environments,
            board_projects=board.projects,
            board_environments=board.environments,
            items=board.items,
            active=tuple(translate.active_task(task, deployments, read_at) for task in active),
            waiting_for_person=frozenset(one.task_id for one in interrupted if one.task_id)
            | board.waiting
            | {task.id for task in active if task.has_pending_interruptions},
            deployments=deployments,
            releases=details.releases,
            gaps=tuple(gaps),
            space_name=start.space_name,
            board_tenants=board.tenants,
            interruptions=interrupted,
        )
        match said.tenants:
            case tuple():
                state = replace(state, tenants=said.tenants)
            case str():
                state = replace(state, tenants_unread=said.tenants)
        match said.machines:
            case tuple():
                state = replace(state, machines=said.machines)
            case str():
                state = replace(state, machines_unread=said.machines)
        if details.are_final and board.limit is None:
            self._last = (said, state)
        return state

    async def _ask(self, space: str, start: Start, *, tenants: bool, machines: bool) -> _Said:
        """Ask the five requests of every look, and for what else was asked, side by side."""
        http = self._http
        async with together() as group:
            boarding = group.create_task(self._board(space))
            projects = group.create_task(http.get(f"{space}/projects/all"))
            environments = group.create_task(http.get(f"{space}/environments/all"))
            allowed = group.create_task(_ask_permissions(http, start.me.id, start.space_id))
            tasks = group.create_task(
                read_pages(http, f"{space}/tasks", {"active": "true"}, wire.Task, ONE_PAGE)
            )
            serving = group.create_task(ask_tenants(http, space)) if tenants else None
            mustering = group.create_task(ask_machines(http, space)) if machines else None
        served = None if serving is None else serving.result()
        mustered = None if mustering is None else mustering.result()
        return _Said(
            start,
            self._boards.value(boarding.result()),
            self._projects.value(projects.result()),
            self._environments.value(environments.result()),
            self._permissions.value(allowed.result()),
            *tasks.result(),
            tenants=self._tenants.value(served) if isinstance(served, Answer) else served,
            machines=self._machines.value(mustered) if isinstance(mustered, Answer) else mustered,
        )

    async def _board(self, space: str, projects: Iterable[str] = ()) -> Answer:
        query = {"includePrevious": "true"}
        if listed := ",".join(projects):
            query["projects"] = listed
        return await self._http.get(f"{space}/dashboard/dynamic", query)

    async def _completed(self, space: str, board: Board, projects: Collection[str]) -> Board:
        """Ask again for what a limited dashboard left out.

        What stays missing, or is missing without a limit, is judged cell by cell: it is not among
        the board's projects (rule 3).
        """
        if board.limit is None:
            return board
        missing = [one for one in dict.fromkeys(projects) if one not in board.projects]
        at_once = max(min(IDS_AT_ONCE, board.limit), 1)
        while missing:
            chunks = [missing[i : i + at_once] for i in range(0, len(missing), at_once)]
            async with together() as group:
                asked = [group.create_task(self._board(space, chunk)) for chunk in chunks]
            board = board.joined(Board.of(task.result()) for task in asked)
            still = [one for one in missing if one not in board.projects]
            if len(still) == len(missing):
                break
            missing = still
        return board

    async def _interrupted(
        self, start: Start, active: bool
    ) -> tuple[tuple[Interruption, ...], bool]:
        """Return what waits for a person, and whether that is all."""
        return await read_pending(self._http, start.space_id) if active else ((), True)

    async def _details(
        self, space: str, board: Board, active: Collection[wire.Task], known: Known
    ) -> _Details:
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
        wanted = {item.deployment_id for item in items} | running
        released = {item.release_id for item in items}
        # who deploys a release may have refreshed its variables first: it is read again with it
        again = {i.release_id for i in items if i.state.is_finished and i.deployment_id not in old}
        unchanged = {one: known.releases[one] for one in released - again if one in known.releases}
        async with together() as group:
            reading = group.create_task(self._deployments(space, wanted, old))
            picking = group.create_task(self._releases(space, released, unchanged))
        deployments, releases = reading.result(), picking.result()
        partial = [
            item
            for item in current
            if item.deployment_id in deployments and deployments[item.deployment_id].is_partial
        ]
        missing = {item.deployment_id for item in board.before(partial)} - deployments.keys()
        deployments |= await self._deployments(space, missing, old)
        self._read_while_running = running
        found_all = deployments.keys() >= wanted | missing and releases.keys() >= released
        return _Details(deployments, releases, found_all and not running)

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


async def read_permissions(
    http: OctopusHttp, user_id: str, space_id: str, *, alone: bool = False
) -> Permissions:
    """Return what a user may do in a space and in the system; `alone` as for `http.get`."""
    return _permissions(await _ask_permissions(http, user_id, space_id, alone=alone))


async def _ask_permissions(
    http: OctopusHttp, user_id: str, space_id: str, *, alone: bool = False
) -> Answer:
    query = {"spaces": space_id, "includeSystem": "true"}
    return await http.get(f"api/users/{user_id}/permissions", query, alone=alone)


def _permissions(answer: Answer) -> Permissions:
    return translate.permissions(wire.decode(answer, wire.PermissionSet))


def _projects(answer: Answer) -> tuple[Project, ...]:
    return tuple(map(translate.project, wire.decode(answer, list[wire.Project])))


def _environments(answer: Answer) -> tuple[OctopusEnvironment, ...]:
    return tuple(map(translate.environment, wire.decode(answer, list[wire.Environment])))
