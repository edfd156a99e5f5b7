"""Who people are in Octopus, and what they may do there: asked afresh, never kept (rule 31).

Of others than oneself it takes the permission UserView.

Source: Octopus REST API, `GET /users/me`, `/users/{id}`, `/users/all`, `/users/{id}/permissions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.core.approval import Approver
from reconciler.core.text import clean
from reconciler.errors import RemoteRejected
from reconciler.octopus import wire
from reconciler.octopus.look import read_permissions

if TYPE_CHECKING:
    from reconciler.core.approval import Known
    from reconciler.octopus.client import OctopusHttp

NOT_FOUND: Final = 404


async def read_approver(http: OctopusHttp, user_id: str | None, space_id: str) -> Approver | None:
    """Return a person as of now; None where there is no such user. Without an id: oneself."""
    whom = "me" if user_id is None else quote(user_id, safe="")
    try:
        answer = await http.get(f"api/users/{whom}", alone=True)
    except RemoteRejected as refused:
        if refused.status == NOT_FOUND:
            return None
        raise
    said = wire.decode(answer, wire.Person)
    return Approver(
        user=said.id,
        name=clean(said.display_name or said.username, 80),
        email=clean(said.email_address or "", 200),
        is_active=said.is_active,
        is_service=said.is_service,
        permissions=await read_permissions(http, said.id, space_id, alone=True),
    )


async def read_known(http: OctopusHttp) -> Known:
    """Return the ids of all users by e-mail in small letters; one that two have tells nobody."""
    said = wire.decode(await http.get("api/users/all", alone=True), list[wire.Person])
    found: dict[str, set[str]] = {}
    for person in said:
        if person.email_address:
            found.setdefault(person.email_address.casefold(), set()).add(person.id)
    return {email: min(ids) for email, ids in found.items() if len(ids) == 1}
