"""Runbooks of a space: which there are, who ran them, and the request to run one.

Source: Octopus REST API, `GET /runbooks`, `GET /runbookRuns`, `POST /runbookRuns`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.runbook import FoundRunbook, RunDetail
from reconciler.octopus.pages import IDS_AT_ONCE, not_the_list, read_by_ids, read_pages
from reconciler.octopus.translate import utc
from reconciler.octopus.wire import Id, Text, Time, Wire

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.octopus.client import OctopusHttp
    from reconciler.ports import RunOrder

PAGE: Final = 100

_SPECIFIED = "Specified"


class Runbook(Wire, frozen=True):
    """A runbook. Where it may be run is limited to its environments if its scope says so."""

    id: Id
    project_id: Id
    name: Text
    slug: str | None = None
    published_runbook_snapshot_id: str | None = None
    multi_tenancy_mode: str | None = None
    environment_scope: str | None = None
    environments: list[str] | None = None


class RunbookRun(Wire, frozen=True):
    """A run of a runbook; its state is its task's."""

    id: Id
    runbook_id: Id
    project_id: Id
    environment_id: Id
    tenant_id: Id | None
    task_id: Id
    created: Time
    deployed_by_id: str | None
    comments: str | None
    manifest_variable_set_id: str | None = None


class NewRun(Wire, frozen=True, omit_defaults=True):
    """The body of `POST /{space}/runbookRuns`."""

    runbook_id: str
    runbook_snapshot_id: str
    environment_id: str
    comments: str
    tenant_id: str | None = None
    use_guided_failure: bool | None = None


def new_run(order: RunOrder) -> NewRun:
    """Return the body that asks for a run."""
    return NewRun(
        runbook_id=order.runbook_id,
        runbook_snapshot_id=order.snapshot_id,
        environment_id=order.environment_id,
        comments=order.comments,
        tenant_id=order.tenant_id,
        use_guided_failure=order.guided,
    )


async def read_runbooks(
    http: OctopusHttp, path: str, projects: Collection[str]
) -> tuple[FoundRunbook, ...]:
    """Return the runbooks of projects, a hundred projects to a request."""
    wanted, found = sorted(set(projects)), list[Runbook]()
    for start in range(0, len(wanted), IDS_AT_ONCE):
        query = {"projectIds": ",".join(wanted[start : start + IDS_AT_ONCE])}
        some, complete = await read_pages(http, path, query, Runbook, PAGE, alone=True)
        if not complete:
            raise not_the_list(path)
        found += [one for one in some if one.project_id in wanted]
    return tuple(map(_found, found))


def _found(said: Runbook) -> FoundRunbook:
    limited = said.environment_scope == _SPECIFIED
    return FoundRunbook(
        id=said.id,
        project_id=said.project_id,
        name=said.name,
        slug=said.slug or "",
        snapshot=said.published_runbook_snapshot_id or None,
        environments=frozenset(said.environments or ()) if limited else None,
        tenancy=said.multi_tenancy_mode or "Untenanted",
    )


async def read_runs(
    http: OctopusHttp, path: str, cell: tuple[str, str, str | None], take: int
) -> tuple[RunDetail, ...]:
    """Return the newest runs in a cell (ids of runbook, environment, tenant), newest first.

    A search for an intent rests on this (rule 14): an answer that ends too early or holds runs
    that were not asked for is a BadAnswer, never a short list.
    """
    runbook_id, environment_id, tenant_id = cell
    query = {"runbooks": runbook_id, "environments": environment_id}
    if tenant_id is not None:
        query["tenants"] = tenant_id
    found, complete = await read_pages(
        http, path, query, RunbookRun, take, at_most=take, alone=True
    )
    strays = any(
        (one.runbook_id, one.environment_id) != (runbook_id, environment_id)
        or tenant_id not in (None, one.tenant_id)
        for one in found
    )
    if strays:
        raise not_the_list(path, "runs that were not asked for")
    if not complete:
        raise not_the_list(path)
    return tuple(_run(one) for one in found if one.tenant_id == tenant_id)


async def read_runs_by_id(
    http: OctopusHttp, path: str, ids: Collection[str]
) -> tuple[RunDetail, ...]:
    """Return runs by their ids, a hundred to a request."""
    return tuple(map(_run, await read_by_ids(http, path, ids, RunbookRun, alone=True)))


def _run(said: RunbookRun) -> RunDetail:
    return RunDetail(
        id=said.id,
        runbook_id=said.runbook_id,
        project_id=said.project_id,
        environment_id=said.environment_id,
        tenant_id=said.tenant_id,
        task_id=said.task_id,
        created=utc(said.created),
        run_by_id=said.deployed_by_id or "",
        comments=said.comments or "",
        variables=said.manifest_variable_set_id or None,
    )
