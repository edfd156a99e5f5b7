"""What a person deploys beside a daemon: told, left alone, and ended by a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from story import FILES, git
from test_edit_stories import do_adopt, merge
from watching import daemon

from reconciler.core.condition import ConditionType

if TYPE_CHECKING:
    from story import Story
    from watching import Daemon


def said(running: Daemon, kind: ConditionType) -> str:
    """Return what the environment's condition says."""
    found = running.supervisor.statuses["test"].conditions
    return next(condition.message for condition in found if condition.type is kind)


async def test_drift_by_a_person_is_held_with_who_and_when_until_the_adoption_is_merged(
    world: Story,
) -> None:
    world.push({"policies/open.yaml": FILES["policies/open.yaml"].replace("apply", "heal")})
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        world.octopus.deploy("api", "1.1.0", "Test", by="alice", comments="hot fix for CHG-7")
        world.clock.turn(400.0)
        for _ in range(3):  # looks, days apart: nobody undoes it
            await running.settles(2)
            assert running.conditions() == {
                ConditionType.HELD: "HeldByHand",
                ConditionType.DRIFTED: "NotAskedFor",
                ConditionType.READY: "InSync",
            }
            for word in ("api", "1.1.0", "by alice", "2026-11-20 12:", "CHG-7"):
                assert word in said(running, ConditionType.HELD)
            world.clock.turn(86_400.0)
        assert world.ours("api") == []

        merge(world, await do_adopt(world))
        world.clock.turn(400.0)
        await running.settles(2)
        assert running.conditions() == {ConditionType.READY: "InSync"}
        assert '"1.1.0"' in git(world.remote, "show", "main:environments/test.yaml")
        assert world.ours("api") == []
        assert world.receipts() == []


async def test_drift_by_a_person_ends_with_the_next_commit_for_that_component(
    world: Story,
) -> None:
    await world.accept()
    async with daemon(world) as running:
        await running.settles(2)
        world.octopus.deploy("api", "1.1.0", "Test", by="alice")
        world.clock.turn(400.0)
        await running.settles(2)
        world.pin(jobs="1.1.0")  # for another component: alice's stays
        await running.settles(2)
        assert ConditionType.HELD in running.conditions()
        assert world.runs("api") == "1.1.0"

        world.pin(api="2.0.0")
        await running.settles(3)
        assert running.conditions() == {ConditionType.READY: "InSync"}
        assert world.ours("api") == ["2.0.0"]
