"""Two daemons on one remote, each with a store of its own: one works, the other waits its turn."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from reaper import Killed, Reaper
from story import git
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.engine.events import Launched

if TYPE_CHECKING:
    from story import Story

    from reconciler.engine.doors import Doors


async def test_rule_19_while_one_daemon_works_the_other_says_who_has_the_lease(
    world: Story,
) -> None:
    await world.accept()
    await world.accept(store="other")
    async with daemon(world) as one, daemon(world, "other") as other:
        await one.settles(1)
        await other.settles(1)
        world.pin(db="1.1.0")
        seen: list[dict[ConditionType, str]] = []
        sleep = world.clock.sleep

        async def sleeping(seconds: float) -> None:
            """Let the other daemon look once, while the deployment of the first one runs."""
            await sleep(seconds)
            if world.ours("db") and not seen:
                seen.append({})
                other.supervisor.wake("test")
                await other.settles(1)
                seen.append(other.conditions())

        world.clock.sleep = sleeping  # type: ignore[method-assign]
        await one.settles(2)
        assert seen[1] == {ConditionType.BLOCKED: "LeaseHeld"}
        assert (
            "being worked on by process" in other.supervisor.statuses["test"].conditions[0].message
        )

        await other.settles(3)
        assert ConditionType.READY in one.conditions()
        assert ConditionType.READY in other.conditions()
    assert world.ours("db") == ["1.1.0"]
    assert len(world.receipts()) == 1


async def test_rule_19_the_other_takes_over_what_a_dead_daemon_began_once_its_lease_ran_out(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    await world.accept(store="other")
    reaper = Reaper(at=0, after=False)

    def tell(event: object) -> None:
        reaper.dead = reaper.dead or isinstance(event, Launched)

    def wrap(doors: Doors) -> Doors:
        return reaper.wrap(replace(doors, tell=tell))

    world.wrap = wrap
    async with daemon(world) as one:
        world.wrap = lambda doors: doors
        async with daemon(world, "other") as other:
            await one.settles(1)
            world.pin(db="1.1.0", api="1.1.0")
            with pytest.raises(Killed):
                await one.settles(1)
            assert world.ours("db") == ["1.1.0"]

            await other.settles(2)
            assert other.conditions() == {ConditionType.BLOCKED: "LeaseHeld"}
            assert world.ours("api") == []
            fence = fence_of(world)

            world.clock.turn(130.0)  # the lease of the dead one runs out
            await other.settles(3)
            assert ConditionType.READY in other.conditions()
            assert fence_of(world) > fence
    for component in ("db", "api"):
        assert world.ours(component) == ["1.1.0"]
        assert len(world.receipts(component)) == 1


def fence_of(world: Story) -> int:
    note = git(world.remote, "cat-file", "commit", "refs/reconciler/lease/test")
    return int(json.loads(note.partition("\n\n")[2])["fence"])
