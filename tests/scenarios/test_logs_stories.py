"""Logs of what runs or ran, read beside whatever deploys."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from between import at_octopus

from reconciler.core.logtree import Work
from reconciler.core.state import TaskState
from reconciler.engine.events import Ended, Found, Grown
from reconciler.engine.follow import follow
from reconciler.engine.logs import Reading, find_tasks, read_logs
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from story import Story

    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event


async def logs(world: Story, component: str | None = None) -> tuple[Reading, ...]:
    async with world.doors("elsewhere") as doors:
        subject = await find_tasks(doors, "test", component)
        return await read_logs(doors, subject, verbose=True)


def cells(readings: tuple[Reading, ...]) -> list[tuple[int, str]]:
    return [(one.logged.wave, one.logged.cell) for one in readings]


def texts(world: Story) -> list[tuple[str, ...]]:
    return [
        (event.cell, *path, line.text)
        for event in world.events
        if isinstance(event, Grown)
        for path, line in event.new
    ]


async def test_what_runs_is_shown_in_waves_whoever_started_it_and_nothing_is_written(
    world: Story,
) -> None:
    for project in ("web", "db", "jobs"):
        world.octopus.deploy(project, "1.1.0", "Test", by="alice")
    world.clock.turn(5)
    world.octopus.forget_requests()

    found = await logs(world)

    assert cells(found) == [(1, "db"), (1, "jobs"), (2, "web")]
    assert {one.logged.came_from for one in found} == {"1.0.0"}
    assert {one.logged.version for one in found} == {"1.1.0"}
    assert all(one.task is not None and one.task.state is TaskState.EXECUTING for one in found)
    assert all(one.log is not None and one.log.roots[0].work is Work.RUNNING for one in found)
    assert all(one.link.endswith(f"/tasks/{one.logged.task_id}") for one in found)
    assert {seen.method for seen in world.octopus.requests} == {"GET"}
    assert world.audit_commits() == []


async def test_where_nothing_runs_the_last_deployments_are_shown(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0", web="1.1.0")
    await world.apply()

    everything, only = await logs(world), await logs(world, "web")

    assert {"api", "web"} <= {cell for _, cell in cells(everything)}
    (web,) = only
    assert (web.logged.cell, web.logged.came_from, web.logged.version) == ("web", "1.0.0", "1.1.0")
    assert web.log is not None
    assert web.log.percent == 100


async def test_a_component_that_is_not_there_is_refused_with_the_nearest_name(world: Story) -> None:
    with pytest.raises(UsageError, match="test pins no 'wep'") as refused:
        await logs(world, "wep")

    assert refused.value.hint == "did you mean web?"


async def followed(world: Story, hear: Callable[[Event], None] = lambda _: None) -> None:
    async with world.doors("elsewhere") as doors:
        wrapped = _hearing(doors, hear)
        await follow(wrapped, await find_tasks(wrapped, "test"), verbose=False)


def _hearing(doors: Doors, hear: Callable[[Event], None]) -> Doors:
    def tell(event: Event) -> None:
        doors.tell(event)
        hear(event)

    return replace(doors, tell=tell)


async def test_following_tells_each_line_once_and_takes_up_what_starts_meanwhile(
    world: Story,
) -> None:
    world.octopus.deploy("db", "1.1.0", "Test", by="alice")
    world.octopus.fail_next("web", "1.1.0", "Test", message="no disk\x1b[2J")

    def then(event: Event) -> None:
        if isinstance(event, Ended) and event.cell == "db":
            world.octopus.deploy("web", "1.1.0", "Test", by="alice")

    await followed(world, then)

    found = [(event.cell, event.wave) for event in world.events if isinstance(event, Found)]
    assert found == [("db", 1), ("web", 2)]
    told = texts(world)
    assert len(told) == len(set(told)) > 4
    assert ("web", "Step 1: Deploy web", "no disk\\x1b[2J") in told
    ended = {event.cell: event for event in world.events if isinstance(event, Ended)}
    assert (ended["db"].settled, ended["web"].settled) == (True, False)
    assert ended["web"].lines[-1].endswith("no disk\\x1b[2J")


@pytest.mark.parametrize("running", [1, 5])
async def test_a_turn_costs_as_much_however_many_tasks_run(world: Story, running: int) -> None:
    for project in ("db", "api", "web", "jobs", "mail")[:running]:
        world.octopus.deploy(project, "1.1.0", "Test", by="alice")
    turns: list[int] = []

    async def deployments_of(real: Callable[..., object], *args: object) -> object:
        turns.append(len(world.octopus.requests))
        return await real(*args)  # type: ignore[misc]

    at_octopus(world, deployments_of=deployments_of)

    await followed(world)

    costs = [after - before for before, after in pairwise(turns)]
    assert len(costs) > 10
    assert max(costs) <= 2 + 4
