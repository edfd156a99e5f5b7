"""Deployments: the newest of a cell, and those of given ids.

Source: Octopus REST API, `GET /deployments`, newest first; `ids`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.octopus import translate, wire
from reconciler.octopus.pages import not_the_list, read_by_ids, read_pages

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.state import DeploymentDetail
    from reconciler.octopus.client import OctopusHttp

LONGEST_PAGE: Final = 300  # Octopus' own measured sweet spot for lists of large documents


async def read_newest(
    http: OctopusHttp,
    path: str,
    project_id: str | None,
    environment_id: str,
    take: int,
    tenant_id: str | None,
) -> tuple[DeploymentDetail, ...]:
    """Return the newest deployments of a cell (project None: of the environment).

    `tenant_id` None: whoever they are for.

    A search for an intent rests on this (rule 14), so an answer that ends too early or holds
    other cells' deployments is a BadAnswer, never a short list.
    """
    query = {"environments": environment_id}
    if project_id is not None:
        query["projects"] = project_id
    if tenant_id is not None:
        query["tenants"] = tenant_id
    found, complete = await read_pages(
        http, path, query, wire.Deployment, min(take, LONGEST_PAGE), at_most=take, alone=True
    )
    strays = any(
        one.environment_id != environment_id
        or project_id not in (None, one.project_id)
        or tenant_id not in (None, one.tenant_id)
        for one in found
    )
    if strays:
        raise not_the_list(f"{http.root}/{path}", "deployments that were not asked for")
    if not complete:
        raise not_the_list(f"{http.root}/{path}")
    return tuple(map(translate.deployment, found))


async def read_deployments(
    http: OctopusHttp, path: str, ids: Collection[str]
) -> tuple[DeploymentDetail, ...]:
    """Return deployments by id, 100 to a request; ids the server does not know are missing."""
    found = await read_by_ids(http, path, ids, wire.Deployment, alone=True)
    return tuple(map(translate.deployment, found))
