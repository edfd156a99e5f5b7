"""What keeps a server from deploying now, in three requests side by side.

A server that has no such route (404) is too old for it: not supported here, and no halt.

Source: Octopus REST API, `GET /serverstatus` (`IsInMaintenanceMode`), `/spaces/{id}`
(`TaskQueueStopped`), `/deploymentfreezes` (since 2024.2; `DeploymentFreezes` and `Count`, no
paging envelope).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from reconciler.core.halt import Freeze, Halts
from reconciler.core.text import clean
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import wire
from reconciler.octopus.pages import not_the_list, together

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from reconciler.octopus.client import OctopusHttp

T = TypeVar("T")

NOT_FOUND: Final = 404
MOST_FREEZES: Final = 1000


class Status(wire.Wire, frozen=True):
    """`GET /api/serverstatus`."""

    is_in_maintenance_mode: bool


class Queue(wire.Wire, frozen=True):
    """`GET /api/spaces/{id}`, as far as its queue is told."""

    task_queue_stopped: bool = False


class FrozenTenant(wire.Wire, frozen=True):
    """One cell of a tenant that is frozen."""

    tenant_id: wire.Id
    project_id: wire.Id
    environment_id: wire.Id


class DeploymentFreeze(wire.Wire, frozen=True):
    """A freeze. `recurring_schedule` null: it is in force from start to end, and never again."""

    name: str
    start: wire.Time
    end: wire.Time
    project_environment_scope: dict[str, list[str]] | None = None
    tenant_project_environment_scope: list[FrozenTenant] | None = None
    recurring_schedule: dict[str, Any] | None = None


class Freezes(wire.Wire, frozen=True):
    """`GET /api/deploymentfreezes`."""

    deployment_freezes: list[DeploymentFreeze]
    count: int


async def read_halts(http: OctopusHttp, space_id: str, environment_id: str, now: datetime) -> Halts:
    """Return what keeps the environment of a space from being deployed to.

    Raises: Unreachable, RateLimited, BadAnswer, CredentialRefused, RemoteRejected.
    """
    query = {
        "environmentIds": environment_id,
        "status": "Active",
        "includeComplete": "false",
        "take": str(MOST_FREEZES),
    }
    async with together() as group:
        status = group.create_task(_asked(http, "api/serverstatus", Status))
        queue = group.create_task(_asked(http, f"api/spaces/{space_id}", Queue))
        freezes = group.create_task(_asked(http, "api/deploymentfreezes", Freezes, query))
    said, about, found = status.result(), queue.result(), freezes.result()
    return Halts(
        in_maintenance=isinstance(said, Status) and said.is_in_maintenance_mode,
        queue_stopped=isinstance(about, Queue) and about.task_queue_stopped,
        freezes=_in_force(found, now) if isinstance(found, Freezes) else (),
        unread=clean(found.message) if isinstance(found, NotAllowed) else "",
    )


async def _asked(
    http: OctopusHttp, path: str, shape: type[T], query: dict[str, str] | None = None
) -> T | NotAllowed | None:
    """Return what a route says, or that it may not be asked; None: the server has no such route."""
    try:
        return wire.decode(await http.get(path, query, alone=True), shape)
    except CredentialRefused:
        raise
    except NotAllowed as refused:
        return refused
    except RemoteRejected as refused:
        if refused.status == NOT_FOUND:
            return None
        raise


def _in_force(said: Freezes, now: datetime) -> tuple[Freeze, ...]:
    """Return the freezes in force. A server that does not know `status` tells of others too."""
    if len(said.deployment_freezes) < said.count:
        raise not_the_list("api/deploymentfreezes")
    return tuple(
        Freeze(
            name=one.name,
            until=None if one.recurring_schedule else one.end,
            cells=frozenset(_cells(one)),
        )
        for one in said.deployment_freezes
        if one.recurring_schedule or one.start <= now < one.end
    )


def _cells(freeze: DeploymentFreeze) -> Iterator[tuple[str, str, str | None]]:
    for project, environments in (freeze.project_environment_scope or {}).items():
        yield from ((project, environment, None) for environment in environments)
    for one in freeze.tenant_project_environment_scope or ():
        yield one.project_id, one.environment_id, one.tenant_id
