"""Deployments that Octopus refuses: asked for a few times, and then only when somebody says so."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from people import retried
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.core.gate import GateName
from reconciler.core.refusal import MOST
from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from story import Story

STALLED = {ConditionType.STALLED: "DeploymentFailed"}


@pytest.fixture
async def refusing(world: Story) -> Story:
    """A world whose Octopus refuses the upgrade of `api` that a commit asks for."""
    await world.accept()
    body = {"ErrorMessage": "The release may not go there.", "Errors": []}
    world.octopus.fault(
        "status", method="POST", path="/deployments$", status=400, body=body, count=None
    )
    world.pin(api="1.1.0")
    return world


def asked(world: Story) -> int:
    """Return how many deployments were asked for."""
    seen = world.octopus.requests
    return sum(s.method == "POST" and s.path.endswith("/deployments") for s in seen)


async def test_rule_20_a_day_of_refusals_is_a_few_requests_and_a_raised_counter_goes_on(
    refusing: Story,
) -> None:
    before = len(refusing.audit_commits())
    async with daemon(refusing) as running:
        for _ in range(6):
            await running.settles(1)
            refusing.clock.turn(569.0)
        counts = (asked(refusing), len(refusing.audit_commits()))
        for _ in range(23):
            await running.settles(1)
            refusing.clock.turn(3569.0)

        assert counts == (MOST, before + MOST + 1)  # the last one tells of the closed gate
        assert (asked(refusing), len(refusing.audit_commits())) == counts
        assert running.conditions() == STALLED
        gate = next(g for g in (await refusing.plan()).gates if g.cell == "api")
        assert gate.name is GateName.NEEDS_RETRY
        assert gate.message.startswith("Octopus refused 1.1.0 here 4 times since 2026-11-20 12:0")
        assert "The release may not go there." in gate.message
        assert "`reconciler retry test api`" in gate.opener
        assert "`redeploy` above 0" in gate.opener
        assert gate.message in refusing.audit(sorted(refusing.audit_files("passes"))[-1])

        refusing.pin(api='{version: "1.1.0", redeploy: 1}')
        await running.settles(2)
        assert asked(refusing) == MOST + 1
        refusing.octopus.clear_faults()
        refusing.clock.turn(300.0)  # the count began anew, so it is tried again
        await running.settles(3)

        assert refusing.ours("api") == ["1.1.0"]
        assert ConditionType.READY in running.conditions()


async def test_rule_20_each_wait_is_longer_and_outlives_a_restart(refusing: Story) -> None:
    tries: list[float] = []
    while len(tries) < MOST:
        async with daemon(refusing) as running:  # another one at each look
            await running.supervisor.tick()
            while running.tasks:
                await running.tasks.pop()
            assert running.conditions() == STALLED
        if asked(refusing) > len(tries):
            tries.append(refusing.clock.monotonic())
        refusing.clock.turn(120.0)

    assert [after - before for before, after in pairwise(tries)] == [240.0, 480.0, 960.0]


async def test_rule_20_commits_are_no_further_try_of_what_was_refused_and_hold_up_nothing(
    refusing: Story,
) -> None:
    async with daemon(refusing) as running:
        await running.settles(1)
        for n in range(4):
            refusing.push({"README.md": f"{n}"})
            await running.settles(1)
        assert asked(refusing) == 1
        refusing.octopus.clear_faults()
        refusing.pin(jobs="1.1.0", web="1.1.0")  # web comes after api
        await running.settles(2)

        assert refusing.runs("jobs") == "1.1.0"
        assert refusing.ours("api") == refusing.ours("web") == []
        assert running.conditions() == STALLED


async def test_rule_20_a_person_tries_at_once_and_once(refusing: Story) -> None:
    for tried in range(1, MOST + 1):
        report = await refusing.apply()
        assert report.results["api"].done is Done.REFUSED
        assert asked(refusing) == tried
    assert [g.name for g in (await refusing.apply()).planned.stopped] == [GateName.NEEDS_RETRY]
    assert asked(refusing) == MOST

    await retried(refusing, "api")
    assert (await refusing.apply()).results["api"].done is Done.REFUSED
    assert asked(refusing) == MOST + 1
    refusing.octopus.clear_faults()
    assert (await refusing.apply()).results == {}  # the word was used
    await retried(refusing, "api")
    assert (await refusing.apply()).results["api"].done is Done.SUCCEEDED


async def test_rule_20_what_was_lost_again_and_again_counts_as_refused(world: Story) -> None:
    await world.accept()
    world.octopus.fault("lost_answer_before", method="POST", path="/deployments$", count=None)
    world.pin(api="1.1.0")
    async with daemon(world) as running:
        await running.settles(1)
        lost = asked(world)
        await running.settles(2)

        assert asked(world) == lost
        assert running.conditions() == STALLED
        (refusal,) = running.supervisor.doors.journal.refusals("test").values()
        assert refusal.times == 1
        assert "lost 3 times" in refusal.why
