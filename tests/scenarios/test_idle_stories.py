"""Days on which nothing is to be done: what they cost, and what ends them."""

from __future__ import annotations

import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from idle_estate import KEY, VARIABLE, Estate, client_of, settle, watching
from story import TurnedClock
from watching import daemon

from reconciler.core.condition import ConditionType
from reconciler.daemon.backoff import Timing
from reconciler.simulator import Simulator, SimulatorServer, seed_estate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from story import Story

    from reconciler.daemon.supervisor import Supervisor

HOURS = 1
STEP = 10.0  # seconds between two ticks


@asynccontextmanager
async def quiet(
    folder: Path, environments: int
) -> AsyncIterator[tuple[Estate, Simulator, TurnedClock, Supervisor]]:
    """A daemon whose looks are spread by chance, over environments of one space in sync."""
    estate, clock = Estate(folder, environments, 3), TurnedClock()
    octopus = Simulator(seed_estate(3, environments), service_api_key=KEY, clock=clock.now)
    with SimulatorServer(octopus) as server:
        await settle(estate, server.url, clock)
        async with watching(estate, clock) as supervisor:
            supervisor.chance = random.Random(7).random
            yield estate, octopus, clock, supervisor


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


async def test_a_hundred_idle_environments_of_a_space_ask_for_what_one_does(tmp_path: Path) -> None:
    async with quiet(tmp_path, 100) as (estate, _, clock, supervisor):
        before = estate.refs()
        await supervisor.tick()
        began, octopus = clock.now(), client_of(supervisor)
        first, looks = octopus.sent, []
        for _ in range(int(HOURS * 3600 / STEP)):
            clock.turn(STEP)
            sent = octopus.sent
            await supervisor.tick()
            if octopus.sent > sent:
                looks.append(octopus.sent - sent)

        timing = Timing()
        shortest = timing.full_look * (1 - timing.spread)
        assert set(looks) == {5}
        assert len(looks) <= HOURS * 3600 / shortest
        assert octopus.sent - first == 5 * len(looks)
        oldest = min(s.looked for s in supervisor.statuses.values() if s.looked is not None)
        assert (clock.now() - oldest).total_seconds() <= timing.full_look * (1 + timing.spread)
        assert all(s.has(ConditionType.READY) for s in supervisor.statuses.values())
        assert len(supervisor.statuses) == 100
        assert clock.now() > began
    assert estate.refs() == before  # no commit was made, no lease was taken


async def test_rule_20_a_server_that_is_down_is_asked_once_for_all_environments(
    tmp_path: Path,
) -> None:
    asked = []
    for number in (1, 20):
        folder = tmp_path / str(number)
        folder.mkdir()
        async with quiet(folder, number) as (_, octopus, clock, supervisor):
            await supervisor.tick()
            octopus.fault("status", path="/dashboard", status=503, count=None)
            octopus.forget_requests()
            for _ in range(180):
                clock.turn(STEP)
                await supervisor.tick()
            asked.append(sum("/dashboard" in seen.path for seen in octopus.requests))

    alone, together = asked
    assert alone > 1
    assert together <= alone + 4  # one more question, with its repetitions


async def test_rule_2_a_hold_that_ends_is_noticed_on_a_day_without_other_news(world: Story) -> None:
    await world.accept()
    world.pin(api='{version: "1.1.0", hold: {reason: CHG-1, until: 2026-11-20T13:00:00Z}}')
    async with daemon(world) as running:
        await running.settles()
        assert running.conditions()[ConditionType.HELD] == "HeldInGit"
        for _ in range(3):  # looks that find what the last one found
            world.clock.turn(600.0)
            await running.settles(1)
        assert world.clock.now().hour == 12
        world.clock.turn(1800.0)
        await running.settles()

    assert world.runs("api") == "1.1.0"
