"""One Octopus space as a person, with their own key: what people do themselves (rules 29, 31).

The daemon holds no such door: it can tell what is asked of people, and never answer it.

Source: Octopus REST API, `PUT /interruptions/{id}/responsible`, `POST /interruptions/{id}/submit`,
`POST /tasks/{id}/cancel`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import msgspec

from reconciler.core.text import clean
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import wire
from reconciler.octopus.interruptions import InterruptionDocument, interruption
from reconciler.octopus.pages import read_by_ids
from reconciler.octopus.space import NOT_FOUND, OctopusSpace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.interruption import Interruption

NOT_RESPONSIBLE: Final = 405


class Responsible(wire.Wire, frozen=True):
    """`GET /interruptions/{id}/responsible`: a user, or nobody."""

    username: str | None = None
    display_name: str | None = None


class PersonInSpace(OctopusSpace):
    """The door to one space with a person's key (`ports.OctopusPerson`)."""

    async def names(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the names of environments and projects by id, as this person may see them."""
        places = await self._observer.get(await self._path("environments/all"))
        projects = await self._observer.get(await self._path("projects/all"))
        return (
            {one.id: one.name for one in wire.decode(places, list[wire.Environment])},
            {one.id: one.name for one in wire.decode(projects, list[wire.Project])},
        )

    async def team_names(self, ids: Collection[str]) -> dict[str, str]:
        """Return the names of teams by id; of those that may not be seen, none."""
        try:
            found = await read_by_ids(
                self._observer, "api/teams", ids, wire.Environment, alone=True
            )
        except CredentialRefused:
            raise
        except (NotAllowed, RemoteRejected):
            return {}
        return {one.id: clean(one.name, 80) for one in found}

    async def interruption(self, interruption_id: str) -> Interruption | None:
        """Return one, answered ones too; None: this person is shown none of this id."""
        path = await self._path(f"interruptions/{_part(interruption_id)}")
        try:
            answer = await self._observer.get(path, alone=True)
        except RemoteRejected as refused:
            if refused.status == NOT_FOUND:
                return None
            raise
        return interruption(wire.decode(answer, InterruptionDocument))

    async def responsible(self, interruption_id: str) -> str:
        """Return the name of who took it; empty: nobody, or it cannot be told."""
        path = await self._path(f"interruptions/{_part(interruption_id)}/responsible")
        try:
            said = wire.decode(await self._observer.get(path, alone=True), Responsible)
        except CredentialRefused:
            raise
        except (NotAllowed, RemoteRejected):
            return ""
        return clean(said.display_name or said.username or "", 80)

    async def take(self, interruption_id: str) -> None:
        """Take the responsibility for one, once.

        Raises: NotAllowed (also for 405, with which Octopus answers who is in no responsible team),
        RemoteRejected, Unreachable: nothing happened; OutcomeUnknown.
        """
        path = await self._path(f"interruptions/{_part(interruption_id)}/responsible")
        try:
            await self._observer.post(path, b"{}", method="PUT")
        except RemoteRejected as refused:
            if refused.status == NOT_RESPONSIBLE:
                raise NotAllowed(refused.message, hint=refused.hint) from refused
            raise

    async def submit(self, interruption_id: str, values: Mapping[str, str | None]) -> None:
        """Answer one, once: a flat dictionary of its form's values. Raises as `take`."""
        path = await self._path(f"interruptions/{_part(interruption_id)}/submit")
        await self._observer.post(path, msgspec.json.encode(dict(values)))

    async def cancel(self, task_id: str) -> None:
        """Ask for the end of a task, once. Raises as `take`."""
        await self._observer.post(await self._path(f"tasks/{_part(task_id)}/cancel"), b"{}")


def _part(text: str) -> str:
    return quote(text, safe="")
