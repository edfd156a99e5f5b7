"""The service: one supervisor for each repository, their timetable, and a clean end.

APScheduler only rings the bell, with jitter and never twice at once; the work runs in our own task
group, so that every task has a parent that waits for it.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from reconciler.core.condition import EnvironmentStatus
    from reconciler.daemon.supervisor import Supervisor
    from reconciler.ports import Clock

TICK = 1.0
"""Seconds between ticks: how soon a wake is heard. What a tick asks is the supervisor's timing."""

DEAD = 60.0
"""Seconds without a tick after which the service no longer calls itself alive."""


@dataclass(slots=True)
class Service:
    """Runs supervisors until it is told to stop."""

    clock: Clock
    supervisors: dict[str, Supervisor] = field(default_factory=dict)
    _group: asyncio.TaskGroup | None = None
    _ticked: float = 0.0
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _bug: Exception | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> object:
        """Run a pass beside the ticks."""
        if self._group is None:
            raise AssertionError("a supervisor ticks only while the service runs")
        return self._group.create_task(work)

    def stop(self) -> None:
        """Start nothing new; `run` returns when every running pass has ended its action."""
        for supervisor in self.supervisors.values():
            supervisor.stop()
        self._stop.set()

    def halted(self) -> str:
        """Say why a running pass starts nothing new, or nothing."""
        return "the daemon is being stopped" if self._stop.is_set() else ""

    async def run(self) -> None:
        """Tick until `stop`, then wait for what runs."""
        scheduler = AsyncIOScheduler()
        self._ticked = self.clock.monotonic()
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name, supervisor in self.supervisors.items():
                scheduler.add_job(
                    self._tick,
                    IntervalTrigger(seconds=TICK, jitter=TICK / 4),
                    args=(supervisor,),
                    id=name,
                    max_instances=1,
                    coalesce=True,
                    misfire_grace_time=None,
                )
            scheduler.start()
            try:
                await self._stop.wait()
            finally:
                scheduler.shutdown(wait=False)
        self._group = None
        if self._bug is not None:
            raise self._bug

    async def _tick(self, supervisor: Supervisor) -> None:
        """Tick once. What an operator may read is the supervisor's; anything else is a bug."""
        try:
            await supervisor.tick()
        except Exception as bug:  # noqa: BLE001  # the scheduler would only log it, and go on
            self._bug = bug
            self.stop()
        self._ticked = self.clock.monotonic()

    # --- what it shows --------------------------------------------------------------------------

    def alive(self) -> bool:
        """Tell whether the loop still turns."""
        return self.clock.monotonic() - self._ticked < DEAD

    def ready(self) -> tuple[bool, str]:
        """Tell whether every repository was read at least once and is not in trouble, and why."""
        for name, supervisor in self.supervisors.items():
            if supervisor.trouble is not None:
                return False, f"{name}: {supervisor.trouble.message}"
            if not supervisor.has_read:
                return False, f"{name}: not read yet"
        return True, "every repository is read"

    def status(self) -> dict[str, Any]:
        """Return how every environment stands, as JSON values."""
        return {
            "repositories": {
                name: {
                    "trouble": None if s.trouble is None else s.trouble.message,
                    "environments": {k: as_json(v) for k, v in sorted(s.statuses.items())},
                }
                for name, s in self.supervisors.items()
            }
        }


def as_json(status: EnvironmentStatus) -> dict[str, Any]:
    """Return one status as JSON values; times are UTC text."""

    def time(moment: Any) -> str | None:
        return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}"

    return {
        "commit": status.commit,
        "looked": time(status.looked),
        "attempted": time(status.attempted),
        "reached": time(status.reached),
        "failures": status.failures,
        "conditions": [
            {"type": c.type.value, "reason": c.reason, "message": c.message, "since": time(c.since)}
            for c in status.conditions
        ],
    }
