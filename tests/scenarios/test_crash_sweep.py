"""Kill the process at some doors, start it again, and count what Octopus has (rule 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from reaper import Killed, Reaper

if TYPE_CHECKING:
    from story import Story


async def killed_at(world: Story, point: int, *, after: bool) -> bool:
    """Apply and die at one door call; tell whether the pass got that far."""
    reaper = Reaper(point, after)
    world.wrap = reaper.wrap
    try:
        await world.apply()
    except Killed:
        return True
    finally:
        world.wrap = lambda doors: doors
    return False


async def prepare(world: Story) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")


def check(world: Story) -> None:
    for project in ("db", "api", "jobs"):
        assert world.runs(project) == "1.1.0", project
        assert world.ours(project) == ["1.1.0"], project
        assert len(world.receipts(project)) == 1, project
    assert '"1.1.0"' in world.audit("snapshots/test.yaml")


SHORT = (22, 36, 48)
"""Door calls of the pass that are died at here; `test_death_sweep` dies at all it does."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", SHORT)
async def test_rule_12_a_killed_apply_is_finished_without_a_second_deployment(
    world: Story, point: int, after: bool
) -> None:
    await prepare(world)

    await killed_at(world, point, after=after)
    await world.apply()

    check(world)


async def test_the_points_of_the_short_sweep_are_inside_the_pass(world: Story) -> None:
    await prepare(world)
    reaper = Reaper(at=0, after=False)
    world.wrap = reaper.wrap

    await world.apply()

    assert max(SHORT) < reaper.calls
    assert {"promise", "deploy", "launched", "finished", "queue_receipt", "publish"} <= set(
        reaper.names
    )
