"""How many requests a server gets from us (rule 20).

Octopus counts requests per user in a token bucket and answers 429 when it is empty (Octopus
documentation, "Rate limiting", 2026.3). A configured limit is that bucket; we take half of it and
leave the rest to people. Without one there is no budget until the server says 429; from then on
there is, and every further 429 halves it.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from reconciler.core.slots import Room

if TYPE_CHECKING:
    from reconciler.ports import Clock

OUR_SHARE = 0.5
MINUTE = 60.0
LEAST_PER_MINUTE = 30.0  # learning stops here: a look of five, and a glance every few seconds


class RequestBudget:
    """The requests one server may get, shared by all clients of that server.

    `per_minute` is the current budget, None while there is none.
    """

    def __init__(self, clock: Clock, limit_per_minute: int | None = None) -> None:
        self._clock = clock
        self.per_minute: float | None = None
        if limit_per_minute is not None:
            self.per_minute = max(limit_per_minute * OUR_SHARE, 1.0)
        self._tokens = self.per_minute or 0.0
        self._counted_at = clock.monotonic()
        self._silent_until = float("-inf")
        self._learned_at = float("-inf")
        self._recent: deque[float] = deque()

    async def take(self, at_most: float) -> bool:
        """Wait until one more request may be sent, and count it.

        Returns False at once, with nothing counted, when that is more than `at_most` seconds away.
        """
        now = self._clock.monotonic()
        self._forget(now)
        wait = max(self._silent_until - now, 0.0)
        if self.per_minute is not None:
            gained = (now - self._counted_at) * self.per_minute / MINUTE
            self._tokens = min(self._tokens + gained, self.per_minute)
            self._counted_at = now
            wait = max(wait, (1.0 - self._tokens) * MINUTE / self.per_minute)
        if wait > at_most:
            return False
        self._tokens -= 1.0  # reserved before waiting, so that the next one waits its own turn
        self._recent.append(now)
        if wait > 0.0:
            await self._clock.sleep(wait)
        return True

    def room(self) -> Room:
        """Return how many requests may leave now without waiting, and how many a minute has."""
        if self.per_minute is None:
            return Room(0.0 if self._clock.monotonic() < self._silent_until else math.inf, math.inf)
        now = self._clock.monotonic()
        gained = (now - self._counted_at) * self.per_minute / MINUTE
        free = min(self._tokens + gained, self.per_minute)
        return Room(0.0 if now < self._silent_until else max(free, 0.0), self.per_minute)

    def learn(self, retry_after: float | None) -> None:
        """Note a 429: be silent for `retry_after` seconds, and ask for less from now on.

        One burst earns many 429s: only the first within a minute lowers the budget.
        """
        now = self._clock.monotonic()
        self._silent_until = max(self._silent_until, now + (retry_after or 0.0))
        if now - self._learned_at < MINUTE:
            return
        self._learned_at = now
        self._forget(now)
        so_far = float(len(self._recent)) if self.per_minute is None else self.per_minute
        learned = max(so_far / 2, LEAST_PER_MINUTE)
        self.per_minute = learned if self.per_minute is None else min(learned, self.per_minute)
        self._tokens = 0.0
        self._counted_at = now

    def join(self, other: RequestBudget) -> None:
        """Keep to what another budget of the same server has learned, where that is stricter."""
        self._silent_until = max(self._silent_until, other._silent_until)
        if other.per_minute is not None:
            if self.per_minute is None:  # nothing was counted against a budget until now
                self._tokens, self._counted_at = 0.0, self._clock.monotonic()
            self.per_minute = min(other.per_minute, self.per_minute or other.per_minute)

    def _forget(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - MINUTE:
            self._recent.popleft()


class Budgets:
    """The budget of each server: by address until it told its installation id, then by that."""

    def __init__(self, clock: Clock, limit_per_minute: int | None = None) -> None:
        self._clock = clock
        self._limit = limit_per_minute
        self._at: dict[str, RequestBudget] = {}
        self._of: dict[str, RequestBudget] = {}

    def at(self, address: str) -> RequestBudget:
        """Return the budget of whatever server answers at an address (`words.server_root`)."""
        if address not in self._at:
            self._at[address] = RequestBudget(self._clock, self._limit)
        return self._at[address]

    def of(self, address: str, installation_id: str) -> RequestBudget:
        """Return the budget of the server that answered at an address with this id.

        What was learned at another address of it holds here too.
        """
        here = self.at(address)
        shared = self._of.setdefault(installation_id, here)
        if shared is not here:
            shared.join(here)
            self._at[address] = shared
        return shared
