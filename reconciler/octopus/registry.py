"""Machines as the space has them registered: how they are, and their removal and return.

Reading is done with the observing credential; a machine is removed with the Space's `machines`
credential alone, which nothing else stands in for, and which stands in for nothing (rule 29).

Source: Octopus REST API, `machines`, `machines/{id}/connection`, `machines/{id}/tasks`,
`machinepolicies/all`; the server's time is the header Date of its answers.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from reconciler.core.canonical import canonical_bytes
from reconciler.core.fleet import Cleanup, Fleet, Health, Target
from reconciler.core.removed import Registration
from reconciler.core.text import clean
from reconciler.errors import BadAnswer, CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.client import unknown
from reconciler.octopus.halts import NOT_FOUND
from reconciler.octopus.look import ONE_PAGE
from reconciler.octopus.pages import read_pages, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable
    from datetime import datetime

    from reconciler.octopus.client import Answer, OctopusHttp

_PASSWORD: Final = re.compile(r"(?<=://)[^/@\s]*:[^/@\s]*@")
MOST_CHECKED: Final = 50
"""Lost machines whose last health check is asked for in one look; the others are not known."""
TASKS: Final = 100
"""Of the newest tasks of a machine, so many are looked through for one that is not finished."""


class Machine(wire.Wire, frozen=True):
    """A deployment target, of `GET /{space}/machines`."""

    id: wire.Id
    name: wire.Text
    environment_ids: list[str]
    roles: list[str]
    health_status: str
    is_disabled: bool
    machine_policy_id: str | None = None
    thumbprint: str | None = None
    is_in_process: bool = False


class WholeMachine(Machine, frozen=True):
    """The same with all that it is registered with, of `GET /{space}/machines/{id}`."""

    endpoint: dict[str, Any] = {}  # noqa: RUF012 - msgspec copies it
    uri: str | None = None
    tenanted_deployment_participation: str | None = None
    tenant_ids: list[str] = []  # noqa: RUF012
    tenant_tags: list[str] = []  # noqa: RUF012


class Connection(wire.Wire, frozen=True):
    """`GET /{space}/machines/{id}/connection`."""

    last_checked: wire.Time | None = None


class CleanupPolicy(wire.Wire, frozen=True):
    """What a machine policy does to machines that are gone."""

    delete_machines_behavior: str | None = None


class MachinePolicy(wire.Wire, frozen=True):
    """A machine policy, of `GET /{space}/machinepolicies/all`."""

    id: wire.Id
    machine_cleanup_policy: CleanupPolicy | None = None


class WorkOn(wire.Wire, frozen=True):
    """A task of a machine: only its state matters."""

    id: wire.Id
    state: str


class SpaceRegistry:
    """The door `ports.MachineRegistry`: one space, asked by the client of its look."""

    def __init__(
        self,
        observer: OctopusHttp,
        own: OctopusHttp | None,
        space_id: Callable[[], Awaitable[str]],
    ) -> None:
        self._observer = observer
        self._own = own
        self._space_id = space_id

    @property
    def may_change(self) -> bool:
        """True where there is a credential for changing machines."""
        return self._own is not None

    async def fleet(self, environment_ids: Collection[str]) -> Fleet:
        """Return the machines that are in any of these environments, and the server's time before.

        Raises: Unreachable, RateLimited, BadAnswer, NotAllowed, RemoteRejected.
        """
        at = (await self._observer.get("api")).date
        query = {"environmentIds": ",".join(sorted(environment_ids))}
        found, whole = await read_pages(
            self._observer, await self._path("machines"), query, Machine, ONE_PAGE, alone=True
        )
        targets = tuple(map(_target, found))
        return Fleet(None if at is None else translate.utc(at), targets, is_whole=whole)

    async def checked(self, machine_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when Octopus last checked machines, where it tells; a request for each.

        Raises: as `fleet`.
        """
        wanted = sorted(machine_ids)[:MOST_CHECKED]
        async with together() as group:
            asked = {one: group.create_task(self._checked(one)) for one in wanted}
        told = ((one, task.result()) for one, task in asked.items())
        return {one: at for one, at in told if at is not None}

    async def _checked(self, machine_id: str) -> datetime | None:
        path = await self._path(f"machines/{_part(machine_id)}/connection")
        try:
            said = wire.decode(await self._observer.get(path, alone=True), Connection)
        except RemoteRejected as error:
            if error.status == NOT_FOUND:
                return None  # gone meanwhile, or nobody ever asked it anything
            raise
        return None if said.last_checked is None else translate.utc(said.last_checked)

    async def cleanups(self) -> dict[str, Cleanup]:
        """Return what each machine policy does to machines that are gone, by its id.

        Those that cannot be read are left out. Raises: Unreachable, RateLimited, CredentialRefused.
        """
        try:
            path = await self._path("machinepolicies/all")
            said = wire.decode(await self._observer.get(path, alone=True), list[MachinePolicy])
        except CredentialRefused:
            raise
        except (NotAllowed, RemoteRejected, BadAnswer):
            return {}
        return {one.id: _cleanup(one) for one in said}

    async def whole(self, machine_id: str) -> tuple[Target, Registration] | None:
        """Return a machine as it is now, and all that it is registered with; None: it is gone.

        Raises: as `fleet`.
        """
        path = await self._path(f"machines/{_part(machine_id)}")
        try:
            said = wire.decode(await self._observer.get(path, alone=True), WholeMachine)
        except RemoteRejected as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return _target(said), _registration(said)

    async def is_worked_on(self, machine_id: str) -> bool:
        """Tell whether any task of a machine is not finished (rule 17). Raises: as `fleet`."""
        path = await self._path(f"machines/{_part(machine_id)}/tasks")
        found, whole = await read_pages(
            self._observer, path, {}, WorkOn, TASKS, at_most=TASKS, alone=True
        )
        return not whole or any(not translate.task_state(one.state).is_finished for one in found)

    async def named(self, name: str) -> tuple[Target, ...]:
        """Return the machines of this name, small letters or not. Raises: as `fleet`."""
        found, _ = await read_pages(
            self._observer,
            await self._path("machines"),
            {"partialName": name},
            Machine,
            ONE_PAGE,
            alone=True,
        )
        wanted = name.casefold()
        return tuple(_target(one) for one in found if one.name.casefold() == wanted)

    async def remove(
        self, machine_id: str, within: float, before: Callable[[], Awaitable[None]]
    ) -> None:
        """Ask for the deletion of a machine, once; `within` and `before` as for a deployment.

        Raises: RemoteRejected, NotAllowed, RateLimited, Unreachable (nothing happened);
            OutcomeUnknown (look first).
        """
        path = await self._path(f"machines/{_part(machine_id)}")
        await self._changing().post(path, b"", within, before, method="DELETE")

    async def register(self, machine: Registration) -> str:
        """Ask for a machine to be registered again, once; return its new id. Raises: as `remove`.

        Octopus checks its health by itself then.
        """
        body = {
            "Name": machine.name,
            "EnvironmentIds": machine.environments,
            "Roles": machine.roles,
            "TenantedDeploymentParticipation": machine.participation,
            "TenantIds": machine.tenants,
            "TenantTags": machine.tenant_tags,
            "MachinePolicyId": machine.policy or None,
            "IsDisabled": machine.is_disabled,
            "Thumbprint": machine.thumbprint or None,
            "Uri": machine.uri or None,
            "Endpoint": msgspec.json.decode(machine.endpoint.encode()),
        }
        http = self._changing()
        answer = await http.post(
            await self._path("machines"), msgspec.json.encode(body), math.inf, None
        )
        return _made(answer)

    def _changing(self) -> OctopusHttp:
        if self._own is None:
            raise NotAllowed(
                "No credential for machines is configured; nothing was changed.",
                hint="name where to find it as 'machines' in the Space manifest",
            )
        return self._own

    async def _path(self, below: str) -> str:
        return f"api/{await self._space_id()}/{below}"


def _part(text: str) -> str:
    return quote(text, safe="")


def _target(said: Machine) -> Target:
    try:
        health = Health(said.health_status)
    except ValueError:
        health = Health.UNKNOWN
    return Target(
        id=said.id,
        name=clean(said.name),
        environments=tuple(said.environment_ids),
        roles=tuple(clean(role) for role in said.roles),
        thumbprint=said.thumbprint or "",
        policy_id=said.machine_policy_id or "",
        health=health,
        is_disabled=said.is_disabled,
        is_busy=said.is_in_process,
    )


def _cleanup(said: MachinePolicy) -> Cleanup:
    stated = said.machine_cleanup_policy
    try:
        return Cleanup((stated and stated.delete_machines_behavior) or "")
    except ValueError:
        return Cleanup.UNKNOWN


def _registration(said: WholeMachine) -> Registration:
    """Return what is needed to register a machine again. Raises: BadAnswer."""
    try:
        endpoint = canonical_bytes(_without_secrets(said.endpoint)).decode()
    except (TypeError, ValueError) as error:
        raise BadAnswer(
            f"The endpoint of machine {clean(said.name)} cannot be recorded: {clean(str(error))}.",
            hint="nothing was changed; delete the machine in Octopus by hand if it is gone",
        ) from error
    return Registration(
        id=said.id,
        name=said.name,
        thumbprint=said.thumbprint or "",
        uri=_without_secrets(said.uri or ""),
        environments=tuple(said.environment_ids),
        roles=tuple(said.roles),
        participation=said.tenanted_deployment_participation or "Untenanted",
        tenants=tuple(said.tenant_ids),
        tenant_tags=tuple(said.tenant_tags),
        policy=said.machine_policy_id or "",
        is_disabled=said.is_disabled,
        endpoint=endpoint,
    )


def _without_secrets(value: Any) -> Any:
    """Return JSON without passwords in addresses, and without the values of sensitive fields.

    A server does not tell the latter anyhow (rule 30).
    Source: Octopus REST API, `SensitiveValue`: `HasValue`, `NewValue`.
    """
    match value:
        case dict():
            plain = {key: _without_secrets(one) for key, one in value.items() if key != "Links"}
            return {**plain, "NewValue": None} if "NewValue" in plain else plain
        case list():
            return [_without_secrets(one) for one in value]
        case float():
            return int(value) if value.is_integer() else str(value)
        case str():
            return _PASSWORD.sub("", value)
        case _:
            return value


def _made(answer: Answer) -> str:
    try:
        return wire.decode(answer, wire.Named).id
    except BadAnswer as error:
        raise unknown(answer.url, "its answer is no machine") from error
