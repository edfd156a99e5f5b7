"""The machines of a space, and which of them the steps of a process go to.

One request for all machines, asked only where a policy serves them. A process is read once for
each snapshot that a release froze, because that never changes; what became of a cell's deployments
before a finished one, once for that one.

Source: Octopus REST API, `GET /{space}/machines/all`; `deploymentprocesses` by `ids` (property
`Octopus.Action.TargetRoles` of steps and actions); `deployments` and `tasks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from reconciler.core.machine import Machine, ProcessTargets, StepTargets
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import wire
from reconciler.octopus.pages import IDS_AT_ONCE, read_by_ids

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from reconciler.core.state import DeploymentDetail, Task, TaskState
    from reconciler.octopus.client import Answer, OctopusHttp

MOST_KEPT: Final = 20_000
"""Processes, or cells, that are kept; beyond that all are read again (rule 47)."""
SEARCHED: Final = 100
"""How many of the newest deployments of a cell are looked through."""
AT_ONCE: Final = 4 * IDS_AT_ONCE
"""Processes that are asked for side by side: each holds all its scripts."""

_TEMPLATE: Final = "ProcessTemplateUsage"


class WireMachine(wire.Wire, frozen=True):
    """A deployment target, of `GET /{space}/machines/all`."""

    id: wire.Id
    name: wire.Text
    environment_ids: list[str]
    roles: list[str]
    is_disabled: bool
    health_status: str
    tenanted_deployment_participation: str | None = None  # servers before 2018 leave it out
    tenant_ids: list[str] | None = None
    tenant_tags: list[str] | None = None


class _Properties(Struct, frozen=True, gc=False, rename={"roles": "Octopus.Action.TargetRoles"}):
    """Of a step's or an action's properties the one that names roles."""

    roles: str | dict[str, Any] | None = None


class _Action(wire.Wire, frozen=True):
    """An action of a step."""

    is_disabled: bool
    environments: list[str]
    excluded_environments: list[str]
    properties: _Properties
    channels: list[str] | None = None
    tenant_tags: list[str] | None = None


class _Step(wire.Wire, frozen=True):
    """A step of a process."""

    properties: _Properties
    actions: list[_Action]
    type: str | None = None


class _Process(wire.Wire, frozen=True):
    """A deployment process as a release froze it."""

    id: wire.Id
    steps: list[_Step]


async def ask_machines(http: OctopusHttp, space: str) -> Answer | str:
    """Ask for all machines; a text says why the key may not see them, and nothing else stops.

    Raises: Unreachable, RateLimited, CredentialRefused.
    """
    try:
        return await http.get(f"{space}/machines/all", alone=True)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected) as error:
        return error.message


def read_machines(answer: Answer) -> tuple[Machine, ...]:
    """Return the machines an answer tells of, by id. Raises: BadAnswer."""
    found = (
        Machine(
            id=said.id,
            name=said.name,
            environments=frozenset(said.environment_ids),
            roles=frozenset(role.casefold() for role in said.roles),
            is_disabled=said.is_disabled,
            health=said.health_status,
            participation=said.tenanted_deployment_participation or "Untenanted",
            tenants=frozenset(said.tenant_ids or ()),
            tenant_tags=tuple(said.tenant_tags or ()),
        )
        for said in wire.decode(answer, list[WireMachine])
    )
    return tuple(sorted(found, key=lambda one: one.id))


class TargetsReader:
    """Reads where the steps of frozen processes go; each process once."""

    def __init__(self, http: OctopusHttp) -> None:
        self._http = http
        self._kept: dict[str, ProcessTargets] = {}

    async def read(self, space_id: str, ids: Collection[str]) -> Mapping[str, ProcessTargets]:
        """Return what is known of processes by their ids; those that cannot be read are missing."""
        wanted, path = sorted(set(ids) - self._kept.keys()), f"api/{space_id}/deploymentprocesses"
        if len(self._kept) + len(wanted) > MOST_KEPT:
            self._kept.clear()
            wanted = sorted(set(ids))
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE]
            for said in await read_by_ids(self._http, path, chunk, _Process, alone=True):
                self._kept[said.id] = _targets(said)
        return {one: self._kept[one] for one in ids if one in self._kept}


def _targets(said: _Process) -> ProcessTargets:
    found: list[StepTargets] = []
    for step in said.steps:
        if step.type == _TEMPLATE:
            return ProcessTargets(doubt="its process uses a template")
        for action in step.actions:
            if action.is_disabled:
                continue
            roles: set[str] = set()
            for properties in (step.properties, action.properties):
                named = properties.roles
                if isinstance(named, dict) or "#{" in (named or ""):
                    return ProcessTargets(doubt="a variable says which roles a step goes to")
                roles.update(role.strip().casefold() for role in (named or "").split(","))
            found.append(
                StepTargets(
                    roles=frozenset(roles - {""}),
                    environments=frozenset(action.environments),
                    excluded=frozenset(action.excluded_environments),
                    channels=frozenset(action.channels or ()),
                    tenant_tags=tuple(action.tenant_tags or ()),
                )
            )
    return ProcessTargets(tuple(one for one in found if one.roles))


class AttemptsReader:
    """Reads the deployments behind a cell's newest one; once, because they have all ended."""

    def __init__(
        self,
        deployments_of: Callable[
            [str, str, int, str | None], Awaitable[tuple[DeploymentDetail, ...]]
        ],
        tasks: Callable[[Collection[str]], Awaitable[tuple[Task, ...]]],
    ) -> None:
        self._deployments_of = deployments_of
        self._tasks = tasks
        self._kept: dict[str, tuple[tuple[DeploymentDetail, TaskState], ...]] = {}

    async def read(
        self, newest: DeploymentDetail
    ) -> tuple[tuple[DeploymentDetail, TaskState], ...]:
        """Return them, newest first; nothing where another deployment has come since.

        One whose task Octopus does not show any more is left out.
        """
        kept = self._kept.get(newest.id)
        if kept is not None:
            return kept
        where = (newest.project_id, newest.environment_id, SEARCHED, newest.tenant_id)
        found = [
            one for one in await self._deployments_of(*where) if one.tenant_id == newest.tenant_id
        ]
        if not found or found[0].id != newest.id:
            return ()
        states = {one.id: one.state for one in await self._tasks([d.task_id for d in found])}
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        told = tuple((one, states[one.task_id]) for one in found if one.task_id in states)
        self._kept[newest.id] = told
        return told
