"""The lease in the hand of a running pass: renewed in time, asked before each request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.doors import blocking
from reconciler.errors import GitTrouble, LeaseLost

if TYPE_CHECKING:
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

    @property
    def fence(self) -> int:
        """The fencing number every store write and audit push carries."""
        return self._lease.fence

    async def tend(self) -> None:
        """Renew the lease if it is time. A remote that is down is told later, by `check`."""
        if self._doors.clock.monotonic() - self._renewed < self._doors.pace.renew:
            return
        try:
            await self._renew()
        except LeaseLost as error:
            self._lost = error
        except GitTrouble:
            return  # tried again at the next turn; `check` counts what is left

    async def check(self) -> None:
        """Return only if a request may be sent now.

        Raises: LeaseLost if the lease was lost, or less than the request timeout is left on it.
        """
        if self._lost is not None:
            raise self._lost
        if self._left() <= self._doors.pace.request_timeout:
            await self._renew()
        if self._left() <= self._doors.pace.request_timeout:
            raise LeaseLost(
                f"the lease of {self._lease.environment} runs out; no new request was sent",
                hint="see why the git remote answers slowly, then run apply again",
            )

    def _left(self) -> float:
        return self._lease.deadline - self._doors.clock.monotonic()

    async def _renew(self) -> None:
        self._lease = await blocking(self._audit.renew_lease, self._lease)
        self._renewed = self._doors.clock.monotonic()

    async def publish(self, change: AuditChange) -> str | None:
        """Push a change together with a renewal; return the new tip, or None if it was empty."""
        tip, self._lease = await blocking(self._audit.publish, change, self._lease)
        self._renewed = self._doors.clock.monotonic()
        return tip

    async def release(self) -> None:
        """Give the lease back, as well as that can be done."""
        if self._lost is None:
            try:
                await blocking(self._audit.release_lease, self._lease)
            except GitTrouble:
                return  # it runs out by itself
