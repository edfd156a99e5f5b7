"""People as themselves: spaces opened with their own key, and what they do there, noted.

Nothing here ever falls back to the Space's credentials (rule 29).
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.act import DONE, Act
from reconciler.core.cellkey import component_of
from reconciler.core.manifest import DesiredState
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.ground import fetch_audit, load_manifests, pick, read_audit
from reconciler.errors import NotAllowed, ReconcilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from reconciler.core.act import ActVerb
    from reconciler.core.approval import Approver
    from reconciler.core.cellkey import CellKey
    from reconciler.core.manifest import Space
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus, OctopusPerson


@dataclass(frozen=True, slots=True)
class Someone:
    """Who asks: `open` opens a space with their own key; `login` is who they are here."""

    open: Callable[[Space], AbstractAsyncContextManager[OctopusPerson]]
    login: str


async def environments(doors: Doors, name: str | None) -> tuple[DesiredState, ...]:
    """Return one environment at the tip, or all that can be read, by name.

    All only where they are on one server, and none whose server is at another address than was
    accepted: a person's key is sent to no other by chance (rule 30).

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin.
    """
    commit = await blocking(doors.repository.fetch)
    manifests = await load_manifests(doors, commit)
    await fetch_audit(doors)
    if name is not None:
        return (await _unmoved(doors, pick(manifests, name, commit)),)
    every = manifests.environments.values()
    found = tuple(each for each in every if isinstance(each, DesiredState))
    servers = sorted({each.space.server for each in found})
    if len(servers) > 1:
        raise UsageError(
            f"these manifests name {len(servers)} servers, and your key is for one; nothing was "
            "asked",
            hint="name an environment",
        )
    for each in found:
        await _unmoved(doors, each)
    return tuple(sorted(found, key=lambda each: each.environment.name))


async def _unmoved(doors: Doors, desired: DesiredState) -> DesiredState:
    """Return an environment whose server is where it was accepted. Raises: UsageError."""
    name, formerly = desired.environment.name, desired.environment.formerly
    accepted = (await read_audit(doors, name, formerly)).state.of(name, formerly)
    if accepted is None or accepted.server_url == desired.space.server:
        return desired
    raise UsageError(
        f"the server of {name} is at another address than was accepted; it was not contacted",
        hint=f"look at `reconciler plan {name}`, then `reconciler accept {name}`",
    )


def by_space(found: tuple[DesiredState, ...]) -> list[tuple[Space, list[DesiredState]]]:
    """Return environments with those of the same space together, so that it is opened once."""
    spaces: dict[tuple[str, str], tuple[Space, list[DesiredState]]] = {}
    for each in found:
        where = (each.space.server, each.space.octopus_space)
        spaces.setdefault(where, (each.space, []))[1].append(each)
    return list(spaces.values())


async def whose(person: OctopusPerson) -> Approver:
    """Return whom the key belongs to. Raises: NotAllowed where that is no active person."""
    found = await person.approver()
    if found is not None and found.is_active and not found.is_service:
        return found
    name = "your key's user" if found is None else found.name
    why = "is a service account" if found is not None and found.is_service else "is not active"
    raise NotAllowed(
        f"{name} {why} in Octopus, and this is a person's to do; nothing was done",
        hint="use a key of your own: RECONCILER_USER_API_KEY",
    )


async def see_same_space(person: OctopusPerson | Octopus, place: tuple[str, str], so: str) -> None:
    """Return if the key opens this server and space (ids). Raises: UsageError; `so`: what is so."""
    server, space_id = await person.identity()
    if (server.installation_id, space_id) != place:
        raise UsageError(
            f"your key opens another server or space than the one of this environment; {so}",
            hint="see that the Space manifest's server is where you work",
        )


def is_meant(cell: CellKey, component: str | None) -> bool:
    """Tell whether a person's word for a component, or one tenant's cell of it, means a cell."""
    return component is None or component.casefold() in (
        cell.casefold(),
        component_of(cell).casefold(),
    )


def act_of(
    doors: Doors,
    who: Someone,
    me: Approver,
    place: tuple[str, str],
    environment: str,
    verb: ActVerb,
    subject: str,
    detail: str,
) -> Act:
    """Return the record of what a person is about to do now, on a server and in a space (ids)."""
    server, space_id = place
    return Act(
        at=doors.clock.now(),
        verb=verb,
        login=who.login,
        user=me.user,
        name=me.name,
        server=server,
        space=space_id,
        environment=environment,
        subject=subject,
        detail=clean(detail, 400),
    )


@asynccontextmanager
async def noted(doors: Doors, act: Act) -> AsyncIterator[None]:
    """Do something with its record: written before the effect, and how it ended after it."""
    number = await blocking(doors.journal.act, act)
    try:
        yield
    except ReconcilerError as error:
        await blocking(doors.journal.act_ended, number, error.message)
        raise
    await blocking(doors.journal.act_ended, number, DONE)
