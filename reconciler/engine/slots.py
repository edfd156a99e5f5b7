"""The slots of each server, shared by all passes of this process and all spaces of the server.

A pass says how many changes it could start, and starts as many as its share allows. Shares are
fair: a pass with a thousand changes, or slow ones, takes no more than what others leave.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from reconciler.core.slots import fair_shares, ours_at_once
from reconciler.errors import OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.state import SpaceState
    from reconciler.ports import Clock, Octopus

FRESH = 10.0
"""Seconds for which what a server runs is not asked again, by any pass."""
READING = 12
"""Requests of one reading before a start: the space, what is new in it, and what halts it."""
LOOK = 2
"""Requests of one look at tasks, however many run."""
HIDDEN = 600.0
"""The same, of a server that does not tell us."""


class Slots:
    """The slots of all servers, by installation id. `most`: the configured limit of each."""

    def __init__(self, clock: Clock, most: int | None) -> None:
        self._clock = clock
        self._most = most
        self._servers: dict[str, ServerSlots] = {}

    def of(self, installation_id: str) -> ServerSlots:
        """Return those of one server."""
        return self._servers.setdefault(installation_id, ServerSlots(self._clock, self._most))


class ServerSlots:
    """The slots of one server."""

    def __init__(self, clock: Clock, most: int | None) -> None:
        self._clock = clock
        self._most = most
        self._cap: int | None = None  # None: the server does not tell
        self._beside = 0  # tasks that ran beside ours when it told
        self._ask_at = float("-inf")
        self._others: dict[str, int] = {}  # by space: unfinished tasks that are not ours
        self._shares: list[Share] = []  # the one that has waited longest first

    @property
    def at_once(self) -> int:
        """How many deployments of ours may run at once, as last told."""
        others = max(self._beside, sum(self._others.values()))
        return ours_at_once(self._cap, self._most, others)

    def join(self) -> Share:
        """Return a share for a pass that begins."""
        share = Share(self)
        self._shares.append(share)
        return share

    def leave(self, share: Share) -> None:
        """Give a share back with all it holds."""
        self._shares.remove(share)

    def see(self, state: SpaceState) -> None:
        """Count what others run in a space that was just read.

        What waits for a person, or for a later time, takes no slot.
        """
        ours = {task for share in self._shares for task in share.tasks}
        self._others[state.space_id] = sum(
            task.queued_until is None
            and task.id not in ours
            and task.id not in state.waiting_for_person
            for task in state.active
        )

    async def refresh(self, octopus: Octopus) -> None:
        """Ask the server for its load, if nobody has for a while; trouble keeps the last one."""
        now = self._clock.monotonic()
        if now < self._ask_at:
            return
        self._ask_at = now + FRESH
        try:
            load = await octopus.load()
        except OctopusTrouble:
            return
        if load is None:
            self._cap, self._beside, self._ask_at = None, 0, now + HIDDEN
        else:
            ours = sum(share.taken for share in self._shares)
            self._cap, self._beside = load.cap, max(load.running - ours, 0)

    def grant(self, share: Share, wanted: int) -> int:
        """Return how many of the wanted starts a pass may make now, of those it holds beside."""
        share.wanted = share.taken + wanted
        held = sum(each.taken for each in self._shares)
        fair = fair_shares(self.at_once, {each: each.wanted for each in self._shares}, self._shares)
        granted = max(min(fair[share] - share.taken, self.at_once - held), 0)
        if granted:
            self._shares.remove(share)
            self._shares.append(share)
        return granted


class Share:
    """What one pass holds of a server's slots."""

    def __init__(self, server: ServerSlots) -> None:
        self._server = server
        self.tasks: frozenset[str] = frozenset()
        self.reserved = 0
        self.wanted = 0

    @property
    def taken(self) -> int:
        """Slots in use, those of requests on their way included."""
        return len(self.tasks) + self.reserved

    @property
    def waits(self) -> bool:
        """True while it wants more than it has."""
        return self.wanted > self.taken

    def reserve(self, wanted: int) -> int:
        """Reserve up to so many slots for requests that leave now; return how many."""
        self.reserved = self._server.grant(self, wanted)
        return self.reserved

    def hold(self, tasks: Collection[str]) -> None:
        """Note which tasks take slots now; nothing is reserved any more."""
        self.tasks, self.reserved = frozenset(tasks), 0

    def see(self, state: SpaceState) -> None:
        """Count what others run, as `ServerSlots.see` does."""
        self._server.see(state)

    async def refresh(self, octopus: Octopus) -> None:
        """Ask for the server's load, as `ServerSlots.refresh` does."""
        await self._server.refresh(octopus)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self._server.leave(self)
