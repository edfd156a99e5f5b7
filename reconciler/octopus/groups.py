"""Project groups by their names, for people.

Source: Octopus REST API, `GET /{space}/projectgroups/all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import CredentialRefused, NotAllowed
from reconciler.octopus import wire

if TYPE_CHECKING:
    from reconciler.octopus.client import OctopusHttp


class ProjectGroup(wire.Wire, frozen=True):
    """A project group."""

    id: wire.Id
    name: wire.Text


async def read_groups(http: OctopusHttp, space_id: str) -> dict[str, str]:
    """Return the names of a space's project groups by id; none where the key may not see them.

    Raises: Unreachable, RateLimited, BadAnswer, RemoteRejected, CredentialRefused.
    """
    try:
        answer = await http.get(f"api/{space_id}/projectgroups/all", alone=True)
    except CredentialRefused:
        raise
    except NotAllowed:
        return {}
    return {one.id: one.name for one in wire.decode(answer, list[ProjectGroup])}
