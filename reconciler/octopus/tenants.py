"""The tenants of a space: one request, asked only where an environment names some.

Source: Octopus REST API, `GET /{space}/tenants/all`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.tenant import Tenant
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import wire

if TYPE_CHECKING:
    from reconciler.octopus.client import Answer, OctopusHttp


class WireTenant(wire.Wire, frozen=True):
    """A tenant. `is_disabled`: servers before 2024 do not know it."""

    id: wire.Id
    name: wire.Text
    tenant_tags: list[str]
    project_environments: dict[str, list[str]]
    is_disabled: bool = False


async def ask_tenants(http: OctopusHttp, space: str) -> Answer | str:
    """Ask for all tenants; a text says why the key may not see them, and nothing else stops.

    Raises: Unreachable, RateLimited, CredentialRefused.
    """
    try:
        return await http.get(f"{space}/tenants/all", alone=True)
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected) as error:
        return error.message


def read_tenants(answer: Answer) -> tuple[Tenant, ...]:
    """Return the tenants an answer tells of. Raises: BadAnswer."""
    return tuple(
        Tenant(
            id=said.id,
            name=said.name,
            tags=frozenset(said.tenant_tags),
            connected={p: frozenset(e) for p, e in said.project_environments.items()},
            is_disabled=said.is_disabled,
        )
        for said in wire.decode(answer, list[WireTenant])
    )
