"""What the passes of one process ask of one audit branch, gathered: one push carries many.

Whoever comes while a push runs is in the next one. Of several passes there is at most one push a
second; a pass that is alone, or the last that all others wait for, waits for nobody.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar

from reconciler.engine.doors import blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from reconciler.ports import AuditBranch, Clock, Entry, Published

J = TypeVar("J")
R = TypeVar("R")
F_co = TypeVar("F_co", covariant=True)

SECOND: Final = 1.0
"""From one push to the next, where more passes run than wait to be recorded."""
LOOK: Final = 0.1
"""Seconds between looks at who has come meanwhile."""


class _Mirrored(Protocol[F_co]):
    """A door to a remote, through a mirror that all passes read."""

    def fetch(self) -> F_co:
        """Bring the mirror up to date."""


class Gathering:
    """The one writer of an audit branch in this process, whatever repositories it watches."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._writers = 0
        self._began = float("-inf")
        self._entries: _Turns[Entry, Published] = _Turns(self._gather)
        self._fetches: dict[int, _Turns[None, Any]] = {}

    def begin(self) -> None:
        """Count a pass that has taken a lease, and so will have something to record."""
        self._writers += 1

    def end(self) -> None:
        """Count it no more."""
        self._writers -= 1

    async def publish(self, audit: AuditBranch, entry: Entry) -> Published:
        """Push an entry together with those of other passes; return what became of this one.

        Raises: what `AuditBranch.publish` has for it.
        """

        async def push(entries: Sequence[Entry]) -> Sequence[Published | Exception]:
            return await blocking(audit.publish, entries)

        return await self._entries.take(entry, push)

    async def fetch(self, door: _Mirrored[F_co]) -> F_co:
        """Bring a mirror up to date and return its tip, together with all who ask for that.

        A fetch that began before this call is not enough: it may have missed what came meanwhile.
        """

        async def fetch(calls: Sequence[None]) -> Sequence[F_co]:
            return [await blocking(door.fetch)] * len(calls)

        turns: _Turns[None, F_co] = self._fetches.setdefault(id(door), _Turns(_at_once))
        return await turns.take(None, fetch)

    async def _gather(self) -> None:
        while len(self._entries.waiting) < self._writers:
            left = self._began + SECOND - self._clock.monotonic()
            if left <= 0:
                break
            await self._clock.sleep(min(left, LOOK))
        self._began = self._clock.monotonic()


@dataclass(slots=True, eq=False)
class _Call(Generic[J, R]):
    job: J
    done: bool = False
    outcome: R | BaseException = field(default_factory=asyncio.CancelledError)


class _Turns(Generic[J, R]):
    """Calls that are carried out together: who has the turn does the work of all that wait."""

    def __init__(self, gather: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """`gather` waits, before each turn, for those that may still come."""
        self.waiting: list[_Call[J, R]] = []
        self._gather = gather
        self._turn = asyncio.Lock()

    async def take(
        self, job: J, work: Callable[[Sequence[J]], Coroutine[Any, Any, Sequence[R | Exception]]]
    ) -> R:
        """Have a job done by whoever has the turn; `work` gives each job its own outcome."""
        call: _Call[J, R] = _Call(job)
        self.waiting.append(call)
        try:
            async with self._turn:
                if not call.done:
                    await self._gather()
                    batch, self.waiting = self.waiting, []
                    await _carry_out(batch, work)
        finally:
            if call in self.waiting:  # cancelled before its turn
                self.waiting.remove(call)
        if isinstance(call.outcome, BaseException):
            raise call.outcome
        return call.outcome


async def _carry_out(
    batch: Sequence[_Call[J, R]],
    work: Callable[[Sequence[J]], Coroutine[Any, Any, Sequence[R | Exception]]],
) -> None:
    task = asyncio.ensure_future(work([call.job for call in batch]))
    task.add_done_callback(partial(_tell, batch))
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        await asyncio.wait({task})  # its thread goes on, and the others wait for what it says
        raise


def _tell(batch: Sequence[_Call[J, R]], task: asyncio.Future[Sequence[R | Exception]]) -> None:
    error = asyncio.CancelledError() if task.cancelled() else task.exception()
    outcomes = task.result() if error is None else [error] * len(batch)
    for call, outcome in zip(batch, outcomes, strict=True):
        call.outcome, call.done = outcome, True


async def _at_once() -> None:
    """Wait for nobody."""
