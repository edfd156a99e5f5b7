"""A person lets what failed be tried again: once, as themselves, without a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from people import retried
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.errors import GateClosed, NotAllowed, UsageError

if TYPE_CHECKING:
    from story import Story


async def test_rule_12_the_daemon_tries_again_once_for_each_word_of_a_person(world: Story) -> None:
    await world.accept()
    for _ in range(2):
        world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0", jobs="1.1.0")
    async with daemon(world) as running:
        await running.settles(2)
        assert (world.ours("api"), running.conditions()) == (
            ["1.1.0"],
            {ConditionType.STALLED: "needs-retry"} | running.conditions(),
        )
        with pytest.raises(UsageError, match="pins no component 'apu'"):
            await retried(world, "apu")
        with pytest.raises(GateClosed, match=r"mail of test: .*; nothing was changed"):
            await retried(world, "mail")
        world.octopus.revoke("alice", "DeploymentCreate")
        with pytest.raises(NotAllowed, match="Alice Adams lacks DeploymentCreate for api"):
            await retried(world)
        world.octopus.grant("alice", "DeploymentCreate")

        said = await retried(world)
        assert [(word.cell, word.version) for word in said.words] == [("api", "1.1.0")]
        assert GateName.NEEDS_RETRY not in {gate.name for gate in said.planned.gates}
        with pytest.raises(GateClosed, match="its retry waits for a pass"):
            await retried(world)
        world.clock.turn(300)
        await running.settles(3)
        assert world.ours("api") == ["1.1.0"] * 2  # it failed again, and needs another word
        assert world.ours("jobs") in ([], ["1.1.0"])

        await retried(world)
    async with daemon(world) as another:  # the word outlives the process
        await another.settles(3)
        assert world.runs("api") == world.runs("jobs") == "1.1.0"
        assert another.supervisor.statuses["test"].has(ConditionType.READY)
    async with world.doors() as doors:
        words = doors.journal.retries("test")
    assert [(word.name, word.used_at is None) for word in words] == [("Alice Adams", False)] * 2
    assert len({word.used_by for word in words}) == 2
    assert len(world.receipts("api")) == 3
