"""Windows as a release night meets them: across midnight, with what takes too long left out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from story import FILES, story

from reconciler.core.cellkey import CellKey
from reconciler.core.gate import GateName
from reconciler.engine.apply import Done

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from story import Story

NIGHTS = """
spec:
  mode: apply
  windows:
    zone: Europe/London
    allow: [{days: [fri, sat], from: 22:00, to: "04:00"}]
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """It is noon on a Friday, and changes are made on Friday and Saturday nights."""
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    policy = FILES["policies/open.yaml"].replace("\nspec: {mode: apply}\n", NIGHTS)
    with story(tmp_path, files=FILES | {"policies/open.yaml": policy}) as told:
        yield told


def turn_to(world: Story, moment: str) -> None:
    ahead = datetime.fromisoformat(moment).replace(tzinfo=UTC) - world.clock.now()
    world.clock.turn(ahead.total_seconds())
    world.octopus.advance(0)


async def test_rule_49_a_commit_at_noon_is_carried_out_at_night_and_past_midnight(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")

    noon = await world.apply()
    assert [(g.cell, g.name) for g in noon.planned.gates] == [("", GateName.WINDOW)]
    assert noon.planned.gates[0].opener == "by itself, Fri 2026-11-20 22:00 Europe/London"
    assert world.ours("api") == []

    recorded = world.audit_commits()
    turn_to(world, "2026-11-20T13:07")
    await world.apply()
    assert world.audit_commits() == recorded  # a refusal that stands is recorded once

    turn_to(world, "2026-11-21T03:54")  # the night began on the day before
    world.pin(web="1.1.0")
    night = await world.apply()

    held = {g.cell: g.message for g in night.planned.gates}
    assert held.keys() == {"api", "web"}
    assert "what was never deployed here is taken for 15 min" in held["api"]

    turn_to(world, "2026-11-21T23:00")
    assert (await world.apply()).results[CellKey("web")].done is Done.SUCCEEDED
    assert (world.runs("api"), world.runs("web")) == ("1.1.0", "1.1.0")


async def test_rule_15_a_window_that_closes_under_a_pass_stops_what_has_not_begun(
    world: Story,
) -> None:
    await world.accept()
    turn_to(world, "2026-11-21T00:00")
    world.pin(api="1.1.0", web="1.1.0")
    await world.apply()  # now it is known that each takes twenty seconds
    turn_to(world, "2026-11-21T03:59:30")
    world.pin(api="2.0.0", web="1.0.0")
    world.edit("stacks/platform.yaml", ("web: {after: [api]}", "web: {}"))
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply\n  limits: {parallel: 1}"))
    await world.accept()
    report = await world.apply()

    done = {name: result.done for name, result in report.results.items()}
    assert done == {"api": Done.SUCCEEDED, "web": Done.HELD}
    assert [g.cell for g in report.halted] == ["web"]
    assert report.halted[0].name is GateName.WINDOW
    assert world.runs("web") == "1.1.0"


@pytest.mark.proof
async def test_a_commit_that_waits_for_a_window_cannot_open_it_itself(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    world.edit(
        "policies/open.yaml",
        ("days: [fri, sat], ", ""),
        ('from: 22:00, to: "04:00"', 'from: "00:00"'),
    )

    await world.apply()
    again = await world.apply()

    assert [g.name for g in again.planned.gates] == [GateName.WINDOW]
    assert world.ours("api") == []

    await world.accept()  # a person did
    await world.apply()
    assert world.ours("api") == ["1.1.0"]


@pytest.mark.proof
async def test_rule_15_a_freeze_that_comes_under_a_pass_holds_what_has_not_begun(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ('allow: [{days: [fri, sat], from: 22:00, to: "04:00"}]', ""))
    await world.accept()
    world.pin(api="1.1.0", web="1.1.0")
    world.octopus.later(10, lambda: world.octopus.freeze("Incident", "web", "Test"))

    report = await world.apply()

    assert (world.runs("api"), world.runs("web")) == ("1.1.0", "1.0.0")
    assert [(g.cell, g.name) for g in report.planned.gates] == [("web", GateName.FREEZE)]
    world.octopus.thaw("Incident")
    await world.apply()
    assert world.runs("web") == "1.1.0"
