"""A person lets what failed be tried again: once, as themselves, without a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from people import retried
from watching import daemon

from reconciler.core.cellkey import WHOLE, CellKey
from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.engine.apply import Done
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
        with pytest.raises(GateClosed, match="mail of test: nothing of it needs a word; nothing"):
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


@pytest.mark.proof  # two hours of a daemon; the quick half of it is below
async def test_rule_20_a_stacks_rule_tries_a_failure_again_a_few_times_and_then_asks_a_person(
    world: Story,
) -> None:
    world.edit(
        "stacks/platform.yaml",
        ("    mail: {}", "    mail: {}\n  retry: {times: 2, afterMinutes: 5}"),
    )
    await world.accept()
    for _ in range(3):
        world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0", web="1.1.0")
    async with daemon(world) as running:
        await running.settles(2)
        assert world.ours("api") == ["1.1.0"]
        gates = {gate.cell: gate for gate in (await world.plan()).gates}
        assert gates[CellKey("api")].opener.startswith("by itself after 2026-11-20 12:0")
        assert GateName.NEEDS_RETRY is gates[WHOLE].name

        seen = []
        for _ in range(4):
            world.clock.turn(1200.0)
            await running.settles(2)
            seen.append(len(world.ours("api")))
        assert seen == [2, 3, 3, 3]  # each is a new intent, and the third is the last
        assert world.ours("web") == []
        (gate,) = (g for g in (await world.plan()).gates if g.cell == "api")
        assert gate.opener.startswith("`reconciler retry test api`")
        assert running.conditions()[ConditionType.STALLED] == "DeploymentFailed"

        await retried(world)
        await running.settles(3)
        assert world.runs("api") == world.runs("web") == "1.1.0"


async def test_rule_20_the_rest_waits_while_a_rule_tries_again(world: Story) -> None:
    world.edit(
        "stacks/platform.yaml",
        ("    mail: {}", "    mail: {}\n  retry: {times: 1, afterMinutes: 5}"),
    )
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0", web="1.1.0")
    assert (await world.apply()).results[CellKey("web")].done is Done.NOT_STARTED
    world.clock.turn(600.0)

    report = await world.apply()

    assert report.results[CellKey("api")].done is Done.SUCCEEDED
    assert report.results[CellKey("web")].done is Done.HELD
    assert "api succeeds, which is tried again now" in report.planned.gates[0].opener
    assert (await world.apply()).results[CellKey("web")].done is Done.SUCCEEDED
