"""Long and crooked time: a week in which nothing happens, and a wall clock that jumps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from http_remote import HttpRemote
from story import git
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.daemon.backoff import Timing
from reconciler.engine.events import Launched

if TYPE_CHECKING:
    from story import Story

DAY = 86_400.0


@pytest.mark.proof
@pytest.mark.timeout(600)
async def test_a_week_of_idle_polls_commits_nothing_and_asks_every_day_the_same(
    world: Story,
) -> None:
    git(world.remote, "config", "http.receivepack", "true")
    remote = HttpRemote(world.folder)
    world.address = f"{remote.url}/remote.git"
    await world.accept()
    async with daemon(world, timing=Timing(poll=600.0, full_look=3600.0)) as running:
        await running.settles(1)
        commits = world.audit_commits()
        refs = git(world.remote, "for-each-ref")
        days = set()
        for _ in range(7):
            remote.manners.seen.clear()
            world.octopus.forget_requests()
            for _ in range(int(DAY / 600.0)):
                world.clock.turn(600.0 - 31.0)
                await running.settles(1)
            asked_git = [path for _, path, _ in remote.manners.seen]
            days.add((len(asked_git), len(world.octopus.requests)))
            assert not any("receive-pack" in path for path in asked_git)
            assert {seen.method for seen in world.octopus.requests} == {"GET"}
        assert ConditionType.READY in running.conditions()
    remote.close()

    assert len(days) == 1, days
    ((asked_git_daily, asked_octopus_daily),) = days
    assert asked_git_daily <= 4 * 144  # two questions, each of two requests
    assert asked_octopus_daily <= 7 * 24  # five for the space, two for who deploys
    assert world.audit_commits() == commits
    assert git(world.remote, "for-each-ref") == refs


@pytest.mark.parametrize(
    "jumps",
    [(DAY, -DAY), pytest.param((-DAY, DAY), marks=pytest.mark.proof)],
    ids=["forward", "back"],
)
async def test_rule_49_a_wall_clock_that_jumps_in_a_pass_and_between_changes_nothing(
    world: Story, jumps: tuple[float, float]
) -> None:
    await world.accept()
    coming = list(jumps)

    def tell(event: object) -> None:
        if isinstance(event, Launched) and coming:
            world.clock.jump(coming.pop(0))

    world.wrap = lambda doors: replace(doors, tell=tell)
    async with daemon(world) as running:
        await running.settles(1)
        world.pin(db="1.1.0", api="1.1.0")  # one after the other
        await running.settles(3)
        assert coming == []
        assert ConditionType.READY in running.conditions()
        for jump in jumps:
            world.clock.jump(jump)
            commit = world.pin(jobs="1.1.0" if jump == jumps[0] else "1.0.0")
            await running.settles(3)
            assert running.supervisor.statuses["test"].commit == commit
            assert ConditionType.READY in running.conditions()

    assert world.ours("db") == world.ours("api") == ["1.1.0"]
    assert world.ours("jobs") == ["1.1.0", "1.0.0"]
    assert len(world.receipts()) == 4
