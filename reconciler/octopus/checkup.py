"""What `doctor` asks of a server beside a look: itself, a key, and what retention keeps.

A route that a server does not know (404), or that the key's
user may not ask (403), leaves its part untold. A refused key is not used again, as everywhere.

Source: Octopus REST API, `GET /api` (and its header Date), `serverstatus`, `authentication`,
`deploymentfreezes`, `users/{id}/apikeys` (`ApiKey.Hint` is how the key begins; `Expires`),
`lifecycles/all` (`ReleaseRetentionPolicy`: `Unit`, `QuantityToKeep`, `ShouldKeepForever`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from reconciler.core.checkup import Keeping, KeySeen, ServerSeen
from reconciler.core.role import Use
from reconciler.core.state import Server
from reconciler.core.text import clean
from reconciler.errors import BadAnswer, CredentialRefused, NotAllowed, RemoteRejected
from reconciler.octopus import translate, wire
from reconciler.octopus.halts import NOT_FOUND, Status
from reconciler.octopus.look import ONE_PAGE, read_permissions
from reconciler.octopus.pages import read_by_ids, read_pages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from reconciler.octopus.client import OctopusHttp
    from reconciler.ports import Clock

T = TypeVar("T")


class Provider(wire.Wire, frozen=True):
    """A way to sign in; `forms_login_enabled`: with a name and a password."""

    name: wire.Text
    forms_login_enabled: bool = False


class Authentication(wire.Wire, frozen=True):
    """`GET /api/authentication`."""

    authentication_providers: list[Provider]


class Freezes(wire.Wire, frozen=True):
    """`GET /api/deploymentfreezes`: only that it answers matters."""

    count: int


class Hint(wire.Wire, frozen=True):
    """How a key begins; newer servers give `Hint`, the key itself never."""

    hint: str | None = None


class ApiKey(wire.Wire, frozen=True):
    """A key of a user, of `GET /api/users/{id}/apikeys`."""

    id: wire.Id
    api_key: Hint | None = None
    expires: wire.Time | None = None


class Retention(wire.Wire, frozen=True):
    """How long releases are kept. `should_keep_forever` is what `quantity_to_keep` 0 means."""

    unit: str
    quantity_to_keep: int
    should_keep_forever: bool = False


class Phase(wire.Wire, frozen=True):
    """A phase; its own policy comes before the lifecycle's."""

    release_retention_policy: Retention | None = None


class Lifecycle(wire.Wire, frozen=True):
    """A lifecycle, of `GET /{space}/lifecycles/all`."""

    id: wire.Id
    name: wire.Text
    phases: list[Phase]
    release_retention_policy: Retention | None = None


async def see_server(http: OctopusHttp, clock: Clock) -> ServerSeen:
    """Return what a server says of itself, in four requests.

    Raises: Unreachable, RateLimited, BadAnswer, RemoteRejected, NotAllowed.
    """
    asked = clock.now()
    answer = await http.get("api")
    root = wire.decode(answer, wire.Root)
    between = asked + (clock.now() - asked) / 2
    ahead = None if answer.date is None else (answer.date - between).total_seconds()
    status = await _told(http, "api/serverstatus", {}, Status)
    ways = await _told(http, "api/authentication", {}, Authentication)
    freezes = await _told(http, "api/deploymentfreezes", {"take": "1"}, Freezes)
    return ServerSeen(
        Server(root.installation_id, root.version),
        ahead=ahead,
        in_maintenance=status.is_in_maintenance_mode if isinstance(status, Status) else None,
        logins=tuple((one.name, one.forms_login_enabled) for one in ways.authentication_providers)
        if isinstance(ways, Authentication)
        else None,
        has_freezes=True if isinstance(freezes, Freezes) else freezes,
    )


async def see_key(http: OctopusHttp) -> KeySeen:
    """Return whose a key is, what it may in all spaces, and when it expires, in three requests.

    Raises: Unreachable, RateLimited, BadAnswer, RemoteRejected, NotAllowed.
    """
    me = translate.user(wire.decode(await http.get("api/users/me"), wire.User))
    permissions = await read_permissions(http, me.id, "all")
    try:
        keys, whole = await read_pages(
            http, f"api/users/{me.id}/apikeys", {}, ApiKey, ONE_PAGE, alone=True
        )
    except CredentialRefused:
        raise
    except (NotAllowed, RemoteRejected, BadAnswer):
        keys, whole = (), False
    mine = [one for one in keys if one.api_key and one.api_key.hint]
    mine = [one for one in mine if _begins(http, one)]
    ends = [one.expires for one in mine if one.expires is not None]
    return KeySeen(me, permissions, _first(ends), expiry_told=whole and bool(mine))


async def see_keeping(http: OctopusHttp, space_id: str) -> tuple[Keeping, ...]:
    """Return how long each lifecycle keeps releases; the shortest time of its phases counts.

    Raises: Unreachable, RateLimited, BadAnswer, RemoteRejected, NotAllowed.
    """
    answer = await http.get(f"api/{space_id}/lifecycles/all", alone=True)
    return tuple(map(_keeping, wire.decode(answer, list[Lifecycle])))


async def still_there(http: OctopusHttp, space_id: str, ids: Collection[str]) -> frozenset[str]:
    """Return those of these releases that the server still has, 100 to a request.

    Raises: Unreachable, RateLimited, BadAnswer, RemoteRejected, NotAllowed.
    """
    found = await read_by_ids(http, f"api/{space_id}/releases", ids, wire.Named, alone=True)
    return frozenset(one.id for one in found)


async def _told(
    http: OctopusHttp, path: str, query: dict[str, str], shape: type[T]
) -> T | bool | None:
    """Return what a route says; False: the server does not know it; None: it did not tell.

    A refused key is told where the key is looked at; it leaves what the server said before.
    """
    try:
        return wire.decode(await http.get(path, query, alone=True), shape)
    except RemoteRejected as error:
        return False if error.status == NOT_FOUND else None
    except (NotAllowed, BadAnswer):
        return None


def _begins(http: OctopusHttp, one: ApiKey) -> bool:
    """Tell whether our key begins as a hint says."""
    hint = one.api_key.hint if one.api_key else None
    return bool(hint) and http.key.reveal().startswith((hint or "").rstrip("*."))


def _first(times: list[datetime]) -> datetime | None:
    return translate.utc(min(times)) if times else None


def _keeping(said: Lifecycle) -> Keeping:
    policies = [one.release_retention_policy for one in said.phases]
    finite = [
        one
        for one in (*policies, said.release_retention_policy)
        if one is not None and not one.should_keep_forever and one.quantity_to_keep > 0
    ]
    if not finite:
        return Keeping(said.id, said.name, None)
    least = min(finite, key=lambda one: (one.unit != "Items", one.quantity_to_keep))
    unit = "releases" if least.unit == "Items" else clean(least.unit.lower(), 20)
    return Keeping(said.id, said.name, f"{least.quantity_to_keep} {unit}")


class SpaceCheckup:
    """The door `ports.OctopusCheckup`: one space, asked by the client of its look."""

    def __init__(
        self,
        observer: OctopusHttp,
        deployer: OctopusHttp | None,
        machinist: OctopusHttp | None,
        space_id: Callable[[], Awaitable[str]],
        clock: Clock,
    ) -> None:
        self._clients = {
            Use.OBSERVE: observer,
            Use.DEPLOY: deployer,
            Use.MACHINES: machinist,
        }
        self._observer = observer
        self._space_id = space_id
        self._clock = clock

    async def server(self) -> ServerSeen:
        """Return what the server says of itself."""
        return await see_server(self._observer, self._clock)

    async def key(self, use: Use) -> KeySeen | None:
        """Return what the server says of a key; None where none is configured for that use."""
        http = self._clients.get(use)
        return None if http is None else await see_key(http)

    async def keeping(self) -> tuple[Keeping, ...]:
        """Return how long each lifecycle keeps releases."""
        return await see_keeping(self._observer, await self._space_id())

    async def still_there(self, releases: Collection[str]) -> frozenset[str]:
        """Return those of these releases that the server still has."""
        return await still_there(self._observer, await self._space_id(), releases)
