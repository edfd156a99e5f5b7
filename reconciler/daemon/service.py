"""The service: one supervisor for each repository, their timetable, and a clean end.

APScheduler only rings the bell, with jitter and never twice at once; the work runs in our own task
group, so that every task has a parent that waits for it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from reconciler.core.condition import ConditionType
from reconciler.daemon.shown import as_json

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from datetime import datetime

    from reconciler.daemon.supervisor import Supervisor
    from reconciler.ports import Clock

_BY_URGENCY = (
    ConditionType.STALLED,
    ConditionType.BLOCKED,
    ConditionType.RECONCILING,
    ConditionType.READY,
)

TICK = 1.0
"""Seconds between ticks: how soon a wake is heard. What a tick asks is the supervisor's timing."""

DEAD = 3600.0
"""Seconds one tick may take before the service no longer calls itself alive. A tick asks git and
Octopus, and each answer has a timeout of its own: the first fetch of a long history may take ten
minutes, that of the audit branch ten more. Nothing that ends takes this long."""

THREADS = 500
"""Calls of git and store that may wait at once. Each git at a remote that hangs holds a thread
until its timeout; the loop's own few threads would all be held by one repository."""


class _Beat(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """The next ring is one tick from now, less or more by chance.

    APScheduler's own interval counts every tick that a wall clock set forward has skipped, one by
    one: years of them when a machine without a battery learns the time.
    """

    def get_next_fire_time(self, _: datetime | None, now: datetime) -> datetime:
        """Return when to ring next."""
        return now + timedelta(seconds=TICK * random.uniform(0.75, 1.25))  # noqa: S311


@dataclass(slots=True)
class Service:
    """Runs supervisors until it is told to stop."""

    clock: Clock
    supervisors: dict[str, Supervisor] = field(default_factory=dict)
    _group: asyncio.TaskGroup | None = None
    _ticks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _bug: Exception | None = None

    def start(self, work: Coroutine[Any, Any, None]) -> object:
        """Run a pass beside the ticks."""
        if self._group is None:
            work.close()
            raise AssertionError("a supervisor ticks only while the service runs")
        return self._group.create_task(self._guard(work))

    def stop(self) -> None:
        """Start nothing new; `run` returns when every running pass has ended its action."""
        for supervisor in self.supervisors.values():
            supervisor.stop()
        self._stop.set()

    def rival(self, repository: str, environment: str) -> str:
        """Return the first repository that has an environment of this name, unless it is this."""
        for name, supervisor in self.supervisors.items():
            if name == repository:
                break
            if environment in supervisor.environments:
                return name
        return ""

    def halted(self) -> str:
        """Say why a running pass starts nothing new, or nothing."""
        return "the daemon is being stopped" if self._stop.is_set() else ""

    async def run(self) -> None:
        """Tick until `stop`, then wait for the passes that run.

        Raises: the first bug in a tick or a pass, after the other passes ended their action.
        """
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "door"))
        # The zone is named: it has no part in intervals, and the machine's own may be broken.
        scheduler = AsyncIOScheduler(timezone=UTC)
        async with asyncio.TaskGroup() as group:
            self._group = group
            for name in self.supervisors:
                scheduler.add_job(
                    self._ring,
                    _Beat(),
                    args=(name,),
                    id=name,
                    max_instances=1,
                    coalesce=True,
                    misfire_grace_time=None,
                )
            scheduler.start()
            following = group.create_task(self._follow_clock(scheduler))
            try:
                await self._stop.wait()
            finally:
                following.cancel()
                scheduler.shutdown(wait=False)
                for tick in self._ticks.values():
                    tick.cancel()  # it only reads
        self._group = None
        if self._bug is not None:
            raise self._bug

    async def _follow_clock(self, scheduler: AsyncIOScheduler) -> None:
        """Set the bell anew when the wall clock jumped: it goes by that one (rule 49)."""
        ahead = self._ahead()
        while True:
            await asyncio.sleep(TICK)
            before, ahead = ahead, self._ahead()
            if abs(ahead - before) > TICK:
                for name in self.supervisors:
                    scheduler.reschedule_job(name, trigger=_Beat())

    def _ahead(self) -> float:
        """Return how far the wall clock is ahead of the monotonic one, in seconds."""
        return self.clock.now().timestamp() - self.clock.monotonic()

    async def _ring(self, name: str) -> None:
        """Tick in the task group, unless the tick before is still at it."""
        if name in self._ticks or self._group is None or self._stop.is_set():
            return
        self._began[name] = self.clock.monotonic()
        tick = self._group.create_task(self._guard(self.supervisors[name].tick()))
        self._ticks[name] = tick
        tick.add_done_callback(lambda _: self._rung(name))

    def _rung(self, name: str) -> None:
        del self._ticks[name], self._began[name]

    async def _guard(self, work: Coroutine[Any, Any, None]) -> None:
        """Await work. What an operator may read it has dealt with; the rest is a bug, the end."""
        try:
            await work
        except Exception as bug:  # noqa: BLE001  # raised by `run`, once nothing is cut short
            self._bug = self._bug or bug
            self.stop()

    # --- what it shows --------------------------------------------------------------------------

    def passing(self) -> list[str]:
        """Name the environments that a pass works on now."""
        return sorted(name for s in self.supervisors.values() for name in s.passing)

    def alive(self) -> bool:
        """Tell whether no tick hangs."""
        now = self.clock.monotonic()
        return all(now - began < DEAD for began in self._began.values())

    def ready(self) -> tuple[bool, str]:
        """Tell whether every repository was read at least once and is not in trouble, and why."""
        for name, supervisor in self.supervisors.items():
            if supervisor.trouble is not None:
                return False, f"{name}: {supervisor.trouble.message}"
            if not supervisor.has_read:
                return False, f"{name}: not read yet"
        return True, "every repository is read"

    def has_looked(self) -> bool:
        """Tell whether every repository was read, or is known to be in trouble."""
        return all(s.has_read or s.trouble is not None for s in self.supervisors.values())

    def summary(self) -> str:
        """Return in one line what it does, for a service manager."""
        if self._stop.is_set():
            return f"ending; waits for {', '.join(self.passing()) or 'nothing'}"
        ready, why = self.ready()
        if not ready:
            return why
        worst = [
            next((kind.value for kind in _BY_URGENCY if status.has(kind)), "not looked at yet")
            for supervisor in self.supervisors.values()
            for status in supervisor.statuses.values()
        ]
        counts = (f"{count} {kind}" for kind, count in sorted(Counter(worst).items()))
        return ", ".join(counts) or "no environments"

    def status(self) -> dict[str, Any]:
        """Return how every environment stands, as JSON values."""
        return {
            "repositories": {
                name: {
                    "trouble": None if s.trouble is None else s.trouble.message,
                    "environments": {k: as_json(v) for k, v in sorted(s.statuses.items())},
                    "remotes": sorted(s.remotes),
                }
                for name, s in self.supervisors.items()
            }
        }
