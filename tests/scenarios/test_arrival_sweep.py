"""Kill the process at the doors of a pass that serves a machine, and start it again (rule 12)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from reaper import Killed, Reaper
from story import FILES, Story, story
from test_machine_stories import ARRIVALS, WEB, arrives, begin, deployments, policy

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.run import PassReport

MOST = 400
"""More door calls than such a pass makes."""


async def killed_at(folder: Path, point: int, *, after: bool) -> tuple[str, bool]:
    """Serve a machine, dying at one door call; say what is wrong, and if the pass got so far."""
    with story(folder, WEB, {**FILES, **policy(ARRIVALS)}) as told:
        await begin(told)
        new = arrives(told, "api-2")
        reaper = Reaper(point, after)
        told.wrap = reaper.wrap
        with suppress(Killed):
            await told.apply()
        told.wrap = lambda doors: doors
        await told.apply()
        return wrong_with(told, new, await told.apply()), reaper.calls >= point


def wrong_with(told: Story, new: str, last: PassReport) -> str:
    """Say what is not as one pass that nobody killed would have left it."""
    for project in ("api", "web"):
        if deployments(told, project) != [("1.0.0", (new,))]:
            return f"{project}: {deployments(told, project)}"
        if len(told.receipts(project)) != 1:
            return f"{project}: {told.receipts(project)}"
    return "there is work left" if last.planned.plan.has_work else ""


@pytest.mark.proof
@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_rule_12_a_killed_pass_serves_a_machine_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    found: dict[int, str] = {}
    for point in range(1 + 4 * after, MOST, 8):
        folder = tmp_path / str(point)
        folder.mkdir()
        wrong, got_there = await killed_at(folder, point, after=after)
        if not got_there:
            break
        found[point] = wrong

    assert len(found) >= 8
    assert set(found.values()) == {""}, found
