"""What a user may do, line by line and with names, for people to read."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, Refused
from reconciler.simulator.permissions import SPACE_PERMISSIONS, SYSTEM_PERMISSIONS
from reconciler.simulator.records import Grant
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.users import asked_spaces, user_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Space

routes = Routes(Scope.MIXED)


@routes.get("users/{user}/permissions/export")
def export(call: Call) -> object:
    """GET /users/{id}/permissions/export: JSON, or a file of commas to who accepts `text/csv`."""
    if call.param("user") not in (*call.world.users, "me"):
        raise Refused(404, "User does not exist.")
    user = user_in(call)
    everything = [Grant(name) for name in SPACE_PERMISSIONS] if user.is_administrator else []
    system = (
        SYSTEM_PERMISSIONS
        if user.is_administrator
        else sorted({*user.system_permissions, *user.team_system})
    )
    rows = [_row(name) for name in system]
    rows += [
        _row(grant.permission, space, grant)
        for space in asked_spaces(call)
        for grant in (*everything, *user.all_grants)
        if grant.space_id in (None, space.id)
    ]
    kept = list({tuple(each.values()): each for each in rows}.values())
    if "text/csv" not in call.headers.get("accept", ""):
        return kept
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow(_row(""))
    writer.writerows(
        [f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell for cell in map(str, row)]
        for row in ([value or "" for value in each.values()] for each in kept)
    )
    return Answer(out.getvalue().encode(), content_type="text/csv; charset=utf-8")


def _row(
    permission: str, space: Space | None = None, grant: Grant | None = None
) -> dict[str, str | None]:
    """Return one line; empty where nothing is restricted."""
    row: dict[str, str | None] = {
        "Permission": permission,
        "SpaceId": space.id if space else None,
        "RestrictedToProjectNames": "",
        "RestrictedToEnvironmentNames": "",
        "RestrictedToTenantNames": "",
        "RestrictedToProjectGroupNames": "",
    }
    if space is not None and grant is not None:
        row["RestrictedToProjectNames"] = _names(space.projects, grant.projects)
        row["RestrictedToEnvironmentNames"] = _names(space.environments, grant.environments)
        row["RestrictedToTenantNames"] = _names(space.tenants, grant.tenants)
        row["RestrictedToProjectGroupNames"] = _names(space.groups, grant.groups)
    return row


def _names(known: Mapping[str, Any], ids: frozenset[str] | None) -> str:
    return ", ".join(sorted(known[each].name if each in known else each for each in ids or ()))
