"""A daemon in a story: the supervisor of one repository, told when to tick."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.daemon.backoff import Timing
from reconciler.daemon.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from story import Story

    from reconciler.core.condition import ConditionType


@dataclass
class Daemon:
    """A supervisor, and the passes it started."""

    world: Story
    supervisor: Supervisor
    tasks: list[asyncio.Task[None]]

    async def settles(self, ticks: int = 6) -> None:
        """Tick and wait for passes until nothing more happens."""
        for _ in range(ticks):
            await self.supervisor.tick()
            while self.tasks:
                await self.tasks.pop()
            self.world.clock.turn(31.0)

    def conditions(self, name: str = "test") -> dict[ConditionType, str]:
        return {c.type: c.reason for c in self.supervisor.statuses[name].conditions}


@asynccontextmanager
async def daemon(
    world: Story, store: str = "state", timing: Timing | None = None
) -> AsyncIterator[Daemon]:
    tasks: list[asyncio.Task[None]] = []
    async with world.doors(store) as doors:
        supervisor = Supervisor(
            doors,
            timing or Timing(),
            start=lambda work: tasks.append(asyncio.ensure_future(work)),
            chance=lambda: 0.5,
        )
        yield Daemon(world, supervisor, tasks)
