"""Tasks as they go on, and what a server runs beside them.

Source: Octopus REST API, `GET /tasks` (`ids`, `active`), `GET /octopusservernodes/summary`
(`MaxConcurrentTasks`, `RunningTaskCount`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.slots import Load
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.pages import IDS_AT_ONCE, read_by_ids, read_pages

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.state import Task
    from reconciler.octopus.client import OctopusHttp

ONE_PAGE: Final = 1000


class Node(wire.Wire, frozen=True):
    """One node of a server. `is_in_maintenance_mode`: it drains, and takes no new task."""

    max_concurrent_tasks: int
    is_in_maintenance_mode: bool
    running_task_count: int
    is_offline: bool = False


class Summary(wire.Wire, frozen=True):
    """`GET /api/octopusservernodes/summary`."""

    nodes: list[Node]


async def read_tasks(http: OctopusHttp, path: str, ids: Collection[str]) -> tuple[Task, ...]:
    """Return tasks by id: one request for a hundred, and no more than two for a thousand.

    Of more than a hundred, most are still active, and the list of those tells of them all at once;
    what is not in it is asked for by its id.
    """
    wanted = set(ids)
    found: tuple[wire.Task, ...] = ()
    if len(wanted) > IDS_AT_ONCE:
        active = {"active": "true"}
        found, _ = await read_pages(http, path, active, wire.Task, ONE_PAGE, at_most=ONE_PAGE)
        found = tuple(task for task in found if task.id in wanted)
        wanted -= {task.id for task in found}
    if wanted:
        found += await read_by_ids(http, path, wanted, wire.Task)
    return tuple(map(translate.task, found))


async def read_load(http: OctopusHttp) -> Load | None:
    """Return what a server can run at once and runs now; None where we may not know.

    Raises: Unreachable, RateLimited, BadAnswer, CredentialRefused.
    """
    try:
        answer = await http.get("api/octopusservernodes/summary", alone=True)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected):
        return None
    nodes = [node for node in wire.decode(answer, Summary).nodes if not node.is_offline]
    cap = sum(node.max_concurrent_tasks for node in nodes if not node.is_in_maintenance_mode)
    return Load(cap, sum(node.running_task_count for node in nodes))
