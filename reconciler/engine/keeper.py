"""The lease in the hand of a running pass: renewed in time, asked before each request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from reconciler.core.intent import Progress
from reconciler.engine.doors import blocking
from reconciler.errors import GitTrouble, LeaseLost, StoreTrouble
from reconciler.ports import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.doors import Doors
    from reconciler.ports import AuditBranch, AuditChange, Lease


class LeaseKeeper:
    """Keeps one lease alive. Not a timer: the control loop calls it (rule 19)."""

    def __init__(self, doors: Doors, audit: AuditBranch, lease: Lease) -> None:
        self._doors = doors
        self._audit = audit
        self._lease = lease
        self._renewed = doors.clock.monotonic()
        self._lost: LeaseLost | None = None
        self._turn = asyncio.Lock()  # one renewal or push at a time
        doors.gathering.begin()

    @property
    def fence(self) -> int:
        """The fencing number every store write and audit push carries."""
        return self._lease.fence

    async def tend(self) -> None:
        """Renew the lease if it is time. A remote that is down is told later, by `check`."""
        with suppress(GitTrouble):  # tried again at the next turn; `check` counts what is left
            await self._renew(self._is_due)

    async def check(self) -> None:
        """Return only if a request may be sent now.

        Raises: LeaseLost if the lease was lost, or less than the request timeout is left on it.
        """
        with suppress(GitTrouble):
            await self._renew(self._is_short)
        if self._lost is not None:
            raise self._lost
        if self._is_short():
            raise LeaseLost(
                f"the lease of {self._lease.environment} runs out; no new request was sent",
                hint="see why the git remote answers slowly, then run apply again",
            )

    def _is_due(self) -> bool:
        return self._doors.clock.monotonic() - self._renewed >= self._doors.pace.renew

    def _is_short(self) -> bool:
        """Tell whether less than a request's time is left, by either clock.

        A machine that slept may have a monotonic clock that slept too; others read the wall clock.
        """
        clock = self._doors.clock
        monotonic = self._lease.deadline - clock.monotonic()
        wall = (self._lease.expires_at - clock.now()).total_seconds()
        return min(monotonic, wall) <= self._doors.pace.request_timeout

    async def _renew(self, is_needed: Callable[[], bool]) -> None:
        async with self._turn:
            if self._lost is not None or not is_needed():
                return
            try:
                self._lease = await blocking(self._audit.renew_lease, self._lease)
            except LeaseLost as error:
                self._lost = error
                raise
            self._renewed = self._doors.clock.monotonic()

    async def publish(self, change: AuditChange) -> str | None:
        """Push a change together with a renewal; return the new tip, or None if it was empty."""
        async with self._turn:
            try:
                entry = Entry(change, self._lease)
                published = await self._doors.gathering.publish(self._audit, entry)
            except LeaseLost as error:
                self._lost = error
                raise
            self._lease = published.lease
            self._renewed = self._doors.clock.monotonic()
            return published.tip

    async def release(self) -> None:
        """Give the lease back, as well as that can be done.

        Not while a request of ours may still take effect: then it runs out by itself, and only
        this store, which knows the promise, may take it over sooner (rules 12, 19).
        """
        self._doors.gathering.end()
        if self._lost is None and not await self._has_open_promise():
            with suppress(GitTrouble):  # it runs out by itself
                await blocking(self._audit.release_lease, self._lease)

    async def _has_open_promise(self) -> bool:
        try:
            intents = await blocking(self._doors.journal.intents, self._lease.environment)
        except StoreTrouble:
            return True
        return any(record.progress is Progress.PROMISED for record in intents)
