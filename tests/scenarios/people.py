"""People of stories: who does things as themselves, with a key of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.bootstrap import open_person
from reconciler.credentials import Given
from reconciler.engine.events import Asked, Launched
from reconciler.engine.person import Someone
from reconciler.engine.retry import retry
from reconciler.settings import Settings

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from story import Story

    from reconciler.core.interruption import Interruption
    from reconciler.core.manifest import Space
    from reconciler.engine.retry import Retried
    from reconciler.ports import OctopusPerson


def someone(world: Story, user: str) -> Someone:
    """Return a person of the story, by the name of their user in Octopus."""
    key = Given("the test", world.octopus.key_of(user))

    def opened(space: Space) -> AbstractAsyncContextManager[OctopusPerson]:
        return open_person(Settings(), space, key, world.clock)

    return Someone(opened, f"{user}@desk")


async def retried(
    world: Story, component: str | None = None, *, user: str = "alice", store: str = "state"
) -> Retried:
    """Let a person say that what failed is tried again."""
    async with world.doors(store) as doors:
        return await retry(doors, someone(world, user), "test", component)


async def question(world: Story) -> Interruption:
    """Return the first question that a running pass tells, once it does."""
    while True:
        for event in world.events:
            if isinstance(event, Asked):
                return event.question
        await asyncio.sleep(0)


async def launched(world: Story, *names: str) -> None:
    """Return once a running pass launched these components."""
    while True:
        if {e.action.cell for e in world.events if isinstance(e, Launched)} >= set(names):
            return
        await asyncio.sleep(0)
