"""One Octopus space behind the engine's door: looked at with one credential, deployed with another.

The credentials never stand in for each other (rules 29, 31).
"""

from __future__ import annotations

import asyncio
import math
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from reconciler.core.state import Server
from reconciler.core.text import clean
from reconciler.errors import BadAnswer, NotAllowed, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.automation import AutomationReader
from reconciler.octopus.budget import Budgets
from reconciler.octopus.checkup import SpaceCheckup
from reconciler.octopus.client import OctopusHttp, unknown
from reconciler.octopus.deployments import read_deployments, read_newest
from reconciler.octopus.groups import read_groups
from reconciler.octopus.halts import read_halts
from reconciler.octopus.interruptions import read_pending
from reconciler.octopus.look import ONE_PAGE, Looker, Start, read_permissions
from reconciler.octopus.machines import AttemptsReader, TargetsReader
from reconciler.octopus.options import ClientOptions
from reconciler.octopus.orders import new_deployment, shown
from reconciler.octopus.pages import read_pages
from reconciler.octopus.people import read_approver, read_known
from reconciler.octopus.preview import DeploymentPreview, preview_of
from reconciler.octopus.registry import SpaceRegistry
from reconciler.octopus.releases import (
    ReleaseIds,
    read_channel_versions,
    read_channels,
    read_defect,
    read_missing,
)
from reconciler.octopus.runbooks import new_run, read_runbooks, read_runs, read_runs_by_id
from reconciler.octopus.tasklog import TaskLogReader
from reconciler.octopus.tasks import read_load, read_tasks
from reconciler.octopus.variables import VariableReader, read_release, refresh_variables
from reconciler.octopus.words import server_root
from reconciler.ports import RunOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from reconciler.core.approval import Approver
    from reconciler.core.approval import Known as KnownPeople
    from reconciler.core.deployers import Automation
    from reconciler.core.halt import Halts
    from reconciler.core.interruption import Interruption
    from reconciler.core.logtree import TaskLog
    from reconciler.core.machine import ProcessTargets
    from reconciler.core.preview import Preview
    from reconciler.core.runbook import FoundRunbook, RunDetail
    from reconciler.core.secret import Secret
    from reconciler.core.slots import Load, Room
    from reconciler.core.state import (
        DeploymentDetail,
        Permissions,
        ReleaseDetail,
        SpaceState,
        Task,
        TaskState,
        User,
    )
    from reconciler.octopus.key import ServerKey
    from reconciler.ports import Clock, DeploymentOrder, Known

NOT_FOUND: Final = 404

_SPACE_ID = re.compile(r"Spaces-[0-9]+")


class OctopusSpace:
    """The door to one space (`ports.Octopus`).

    `octopus_space` is the space's name or id. `budgets` are shared by all spaces of this process,
    and so are keys by all spaces of one server that use the same credential.
    """

    def __init__(
        self,
        server_url: str,
        octopus_space: str,
        observe: ServerKey,
        deploy: ServerKey | None,
        clock: Clock,
        options: ClientOptions | None = None,
        budgets: Budgets | None = None,
        machines: ServerKey | None = None,
    ) -> None:
        options = options or ClientOptions()
        self._root = server_root(server_url)
        self._budgets = budgets or Budgets(clock)
        budget = self._budgets.at(self._root)
        self._server_url = server_url
        self._wanted = octopus_space
        self._clock = clock
        self._observer = OctopusHttp(
            server_url, observe, options=options, clock=clock, budget=budget
        )

        def client(key: ServerKey | None) -> OctopusHttp | None:
            if key is None:
                return None
            return OctopusHttp(server_url, key, options=options, clock=clock, budget=budget)

        self._deployer = client(deploy)
        self._machinist = client(machines)
        self._looker = Looker(self._observer)
        self._automation = AutomationReader(self._observer, clock)
        self._targets = TargetsReader(self._observer)
        self._attempts = AttemptsReader(self.deployments_of, self.tasks)
        self._releases = ReleaseIds(self._observer)
        self._logs = TaskLogReader(self._observer, self._deployer)
        self._variables = VariableReader(self._observer, clock)
        self._starting = asyncio.Lock()
        self._start: tuple[Secret, Start] | None = None
        self._deploying_user: tuple[Secret, User] | None = None

    @property
    def sent(self) -> int:
        """How many requests went out so far under any credential, repetitions included."""
        return sum(http.sent for http in self._clients())

    async def identity(self) -> tuple[Server, str]:
        """Return the server and the id of the space; asked once for each key, then kept."""
        start = await self._started()
        return start.server, start.space_id

    async def look(
        self, known: Known, *, tenants: bool = False, machines: bool = False
    ) -> SpaceState:
        """Read the state of the whole space (see `look.py` for the requests).

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """
        read_at = self._clock.now()
        start = await self._started()
        state = await self._looker.look(start, known, read_at, tenants=tenants, machines=machines)
        self._releases.note(state.releases.values())
        return state

    async def automation(self, state: SpaceState) -> Automation:
        """Return what deploys by itself in the space just looked at (see `automation.py`).

        Never raises what an operator may read: what could not be read is told in it.
        """
        return await self._automation.read(state)

    async def targets(self, process_ids: Collection[str]) -> Mapping[str, ProcessTargets]:
        """Return where the steps of frozen processes go (see `machines.py`)."""
        start = await self._started()
        return await self._targets.read(start.space_id, process_ids)

    async def attempts(
        self, newest: DeploymentDetail
    ) -> tuple[tuple[DeploymentDetail, TaskState], ...]:
        """Return the last deployments of a cell and how each ended (see `machines.py`)."""
        return await self._attempts.read(newest)

    async def project_groups(self, state: SpaceState) -> dict[str, str]:
        """Return the names of project groups by id; empty where the key may not see them."""
        return await read_groups(self._observer, state.space_id)

    def checkup(self) -> SpaceCheckup:
        """Return what answers `doctor`, with the same keys and connections."""

        async def space_id() -> str:
            return (await self._started()).space_id

        return SpaceCheckup(self._observer, self._deployer, self._machinist, space_id, self._clock)

    def registry(self) -> SpaceRegistry:
        """Return the door to the machines of the space (see `registry.py`)."""

        async def space_id() -> str:
            return (await self._started()).space_id

        return SpaceRegistry(self._observer, self._machinist, space_id)

    async def deployer(self) -> User | None:
        """Tell whom the deploy credential belongs to; asked once for each key, then kept.

        None where no deploy credential is configured. Raises: NotAllowed where Octopus refuses it.
        """
        http = self._deployer
        if http is None:
            return None
        await self._started()
        key = http.key
        if self._deploying_user is None or self._deploying_user[0] is not key:
            said = wire.decode(await http.get("api/users/me"), wire.User)
            self._deploying_user = key, translate.user(said)
        return self._deploying_user[1]

    async def deployer_may(self) -> Permissions | None:
        """Tell what the deploy credential's user may do, read afresh; None as for `deployer`."""
        user = await self.deployer()
        if self._deployer is None or user is None:
            return None
        start = await self._started()
        return await read_permissions(self._deployer, user.id, start.space_id)

    async def halts(self, environment_id: str) -> Halts:
        """Return what keeps one environment from being deployed to now (see `halts.py`)."""
        start = await self._started()
        return await read_halts(self._observer, start.space_id, environment_id, self._clock.now())

    def room(self) -> Room:
        """Return what the server's request budget has room for."""
        return self._observer.room()

    async def load(self) -> Load | None:
        """Return what the server can run at once and runs now (see `tasks.py`)."""
        return await read_load(self._observer)

    async def approver(self, user_id: str | None = None) -> Approver | None:
        """Return a person as of now (see `people.py`); without an id, the observing key's."""
        start = await self._started()
        return await read_approver(self._observer, user_id, start.space_id)

    async def known_people(self) -> KnownPeople:
        """Return the ids of all users by e-mail. Raises: NotAllowed and its kin."""
        return await read_known(self._observer)

    async def find_release(self, project_id: str, version: str) -> ReleaseDetail | None:
        """Return the project's release with exactly this version, or None if there is none.

        Source: Octopus REST API, `GET /projects/{id}/releases/{version}`.
        """
        if not version.strip("."):
            return None  # would be a step up in the address, and is no version
        path = f"projects/{_part(project_id)}/releases/{_part(version)}"
        try:
            answer = await self._observer.get(await self._path(path), alone=True)
        except RemoteRejected as refused:
            if refused.status == NOT_FOUND:
                return None
            raise
        found = translate.release(wire.decode(answer, wire.Release))
        if found.project_id != project_id:
            raise BadAnswer(
                f"{answer.url} answered {answer.status} with a release of another project: "
                f"ProjectId is {clean(found.project_id)}.",
                hint="see what stands between here and Octopus",
            )
        if found.version != version:
            return None  # Octopus takes 1.0 for 1.0.0
        self._releases.note([found])
        return found

    async def promotable(self, release_id: str, tenant_id: str | None = None) -> frozenset[str]:
        """Return the ids of the environments the lifecycle lets this release go to now.

        Octopus answers this by what the asking user may deploy, so it is the deployer who asks.

        Source: Octopus REST API, `GET /releases/{id}/deployments/template`, `PromoteTo`, and
        `TenantPromotions` for a tenant.
        """
        path = await self._path(f"releases/{_part(release_id)}/deployments/template")
        http = self._deployer or self._observer
        template = wire.decode(await http.get(path, alone=True), wire.DeploymentTemplate)
        if tenant_id is None:
            return frozenset(one.id for one in template.promote_to)
        own = [one for one in template.tenant_promotions or () if one.id == tenant_id]
        return frozenset(where.id for one in own for where in one.promote_to)

    async def preview(
        self, release_id: str, environment_id: str, tenant_id: str | None = None
    ) -> Preview:
        """Return what a deployment would ask for and find (see `preview.py`)."""
        whose = "" if tenant_id is None else f"/{_part(tenant_id)}"
        where = f"releases/{_part(release_id)}/deployments/preview/{_part(environment_id)}{whose}"
        http = self._deployer or self._observer
        answer = await http.get(await self._path(where), alone=True)
        return preview_of(wire.decode(answer, DeploymentPreview))

    async def known_releases(
        self, wanted: Collection[tuple[str, str]]
    ) -> Mapping[tuple[str, str], ReleaseDetail]:
        """Return those of (project id, version) that were seen before, read afresh."""
        start = await self._started()
        return await self._releases.read(start.space_id, wanted)

    async def missing_packages(self, release_id: str) -> tuple[str, ...]:
        """Return the packages of a release that the built-in feed has no more."""
        start = await self._started()
        return await read_missing(self._observer, start.space_id, release_id)

    async def defect(self, release_id: str) -> str | None:
        """Return in whose words a release is blocked now; None: it is not."""
        start = await self._started()
        return await read_defect(self._observer, start.space_id, release_id)

    async def release(self, release_id: str) -> ReleaseDetail | None:
        """Return a release as it is now, None where there is none any more."""
        start = await self._started()
        return await read_release(self._observer, start.space_id, release_id)

    async def variables_modified(self, release_id: str, *, afresh: bool = False) -> bool:
        """Tell whether variables are others today than a release froze (see `variables.py`)."""
        start = await self._started()
        return await self._variables.modified(start.space_id, release_id, afresh=afresh)

    async def refresh_variables(
        self, release_id: str, within: float, before: Callable[[], Awaitable[None]]
    ) -> None:
        """Snapshot the variables of a release anew; never repeated here. Raises as `deploy`."""
        http, start = self._deploying(), await self._started()
        await refresh_variables(http, start.space_id, release_id, within, before)

    async def channel_names(self, ids: Collection[str]) -> Mapping[str, str]:
        """Return the names of channels by id."""
        start = await self._started()
        return await read_channels(self._observer, start.space_id, ids)

    async def channel_versions(self, project_id: str, channel: str) -> tuple[str, ...] | None:
        """Return the versions of a channel's newest releases; None: there is no such channel."""
        start = await self._started()
        return await read_channel_versions(self._observer, start.space_id, project_id, channel)

    async def deploy(
        self,
        order: DeploymentOrder,
        within: float = math.inf,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[str, str]:
        """Ask for one deployment; return (deployment id, task id). Never repeated here.

        The request leaves within so many seconds, or not at all. `before` is awaited last, after
        the wait for the request budget (rule 21).

        Raises:
            NotAllowed, RemoteRejected, RateLimited, Unreachable: nothing happened.
            OutcomeUnknown: it may have happened; search for the intent first.

        Source: Octopus REST API, `POST /deployments`.
        """
        http = self._deploying()
        path = await self._path("deployments")
        body = new_deployment(order)
        answer = await http.post(path, msgspec.json.encode(body), within, before)
        try:
            made = wire.decode(answer, wire.CreatedDeployment)
        except BadAnswer as error:
            raise unknown(answer.url, "its answer names no deployment") from error
        return made.id, made.task_id

    async def rehearse(self, order: DeploymentOrder | RunOrder) -> tuple[str, dict[str, Any]]:
        """Return the path and the fields of the request an order would be; sends nothing."""
        below = "runbookRuns" if isinstance(order, RunOrder) else "deployments"
        return await self._path(below), shown(order)

    async def run(
        self,
        order: RunOrder,
        within: float = math.inf,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> tuple[str, str]:
        """Ask for one run of a runbook; return (run id, task id). As `deploy` in all else.

        Source: Octopus REST API, `POST /runbookRuns`.
        """
        http = self._deploying()
        body = msgspec.json.encode(new_run(order))
        answer = await http.post(await self._path("runbookRuns"), body, within, before)
        try:
            made = wire.decode(answer, wire.CreatedDeployment)
        except BadAnswer as error:
            raise unknown(answer.url, "its answer names no run") from error
        return made.id, made.task_id

    async def runbooks(self, projects: Collection[str]) -> tuple[FoundRunbook, ...]:
        """Return the runbooks of projects (see `runbooks.py`)."""
        return await read_runbooks(self._observer, await self._path("runbooks"), projects)

    async def runs(self, ids: Collection[str]) -> tuple[RunDetail, ...]:
        """Return runs of runbooks by id (see `runbooks.py`)."""
        return await read_runs_by_id(self._observer, await self._path("runbookRuns"), ids)

    async def runs_of(
        self, runbook_id: str, environment_id: str, take: int, tenant_id: str | None
    ) -> tuple[RunDetail, ...]:
        """Return the newest runs of a runbook in a cell (see `runbooks.py`)."""
        path = await self._path("runbookRuns")
        cell = (runbook_id, environment_id, tenant_id)
        return await read_runs(self._observer, path, cell, take)

    async def deployments_of(
        self,
        project_id: str | None,
        environment_id: str,
        take: int,
        tenant_id: str | None = None,
    ) -> tuple[DeploymentDetail, ...]:
        """Return the newest deployments of a cell (see `deployments.py`)."""
        path = await self._path("deployments")
        return await read_newest(self._observer, path, project_id, environment_id, take, tenant_id)

    async def deployments(self, ids: Collection[str]) -> tuple[DeploymentDetail, ...]:
        """Return deployments by id, 100 to a request; ids the server does not know are missing."""
        if not ids:
            return ()
        return await read_deployments(self._observer, await self._path("deployments"), ids)

    async def interruptions(self) -> tuple[Interruption, ...]:
        """Return what waits for a person in the space (see `interruptions.py`)."""
        start = await self._started()
        found, _ = await read_pending(self._observer, start.space_id, alone=True)
        return found

    async def tasks(self, task_ids: Collection[str]) -> tuple[Task, ...]:
        """Return tasks by id (see `tasks.py`); ids the server does not know are missing."""
        if not task_ids:
            return ()
        return await read_tasks(self._observer, await self._path("tasks"), task_ids)

    async def task_log(self, task_id: str, tail: int, *, verbose: bool = False) -> TaskLog:
        """Return the log tree of a task (see `tasklog.py`), without our own keys."""
        path = await self._path("tasks")
        return await self._logs.read(path, task_id, tail, verbose=verbose)

    async def task_page(self, task_id: str) -> str:
        """Return where a person looks at a task. Source: Octopus REST API, link `Web` of a task."""
        return f"{self._root}/app#/{(await self._started()).space_id}/tasks/{_part(task_id)}"

    async def close(self) -> None:
        """Close connections."""
        for http in self._clients():
            await http.close()

    def _clients(self) -> list[OctopusHttp]:
        each = (self._observer, self._deployer, self._machinist)
        return [http for http in each if http is not None]

    def _deploying(self) -> OctopusHttp:
        if self._deployer is None:
            raise NotAllowed(
                f"No deploy credential is configured for the space {clean(self._wanted)}; "
                "nothing was deployed.",
                hint="name where to find it as 'deploy' in the Space manifest",
            )
        return self._deployer

    async def _path(self, below: str) -> str:
        return f"api/{(await self._started()).space_id}/{below}"

    async def _started(self) -> Start:
        """Read server, user and space, once for each key; a failure is not remembered."""
        key = self._observer.key
        if self._start is not None and self._start[0] is key:
            return self._start[1]
        async with self._starting:
            if self._start is None or self._start[0] is not key:
                self._start = key, await self._read_start()
            return self._start[1]

    async def _read_start(self) -> Start:
        http = self._observer
        root = wire.decode(await http.get("api"), wire.Root)
        budget = self._budgets.of(self._root, root.installation_id)
        for client in self._clients():
            client.share(budget)
        me = wire.decode(await http.get("api/users/me"), wire.User)
        space = await self._space()
        return Start(
            Server(root.installation_id, root.version), translate.user(me), space.id, space.name
        )

    async def _space(self) -> wire.Space:
        """Return the space, whether it was named by id or by name."""
        query = {"partialName": self._wanted}
        if _SPACE_ID.fullmatch(self._wanted):
            query = {"ids": self._wanted}
        found, complete = await read_pages(
            self._observer, "api/spaces", query, wire.Space, ONE_PAGE
        )
        for one in found:
            if self._wanted in (one.id, one.name):
                return one
        if not complete:
            raise BadAnswer(
                f"{self._server_url.rstrip('/')}/api/spaces ends too early.",
                hint="name the space by its id (Spaces-1) in the Space manifest",
            )
        raise RemoteRejected(
            f"{self._server_url.rstrip('/')} shows this key no space {clean(self._wanted)}.",
            hint="check the space's name in the Space manifest, and that the key's user may see it",
            status=NOT_FOUND,
        )


def _part(text: str) -> str:
    """Return one segment of an address."""
    return quote(text, safe="")
