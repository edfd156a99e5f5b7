"""Dry runs of apply: what they tell is what is sent, and telling it sends nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.render.rehearsal import rehearsal_data, show_rehearsal
from reconciler.engine.rehearse import Rehearsal, rehearse
from reconciler.errors import StalePlan

if TYPE_CHECKING:
    from story import Story


async def told(world: Story, **more: str) -> Rehearsal:
    async with world.doors() as doors:
        return await rehearse(doors, "test", **more)


def changing(world: Story) -> list[str]:
    return [one.path for one in world.octopus.requests if one.method != "GET"]


async def test_what_a_dry_run_tells_is_what_apply_then_sends(
    world: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    await world.accept()
    await world.apply()
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0")
    await world.apply()  # from now on it is known how long they take
    again = '{version: "1.1.0", redeploy: 1}'
    world.pin(db=again, api="2.0.0", web=again, jobs="1.1.0")
    world.octopus.forget_requests()

    rehearsal = await told(world)

    assert changing(world) == []
    assert [(round(r.after.total_seconds()), r.why) for r in rehearsal.requests] == [
        (0, "redeploy db from 1.1.0 to 1.1.0"),
        (0, "upgrade jobs from 1.0.0 to 1.1.0"),
        (20, "upgrade api from 1.1.0 to 2.0.0"),
        (40, "redeploy web from 1.1.0 to 1.1.0"),
    ]
    show_rehearsal(rehearsal, "table")
    page = capsys.readouterr().out
    assert "T+00:20  POST api/Spaces-1/deployments\n" in page
    assert " ".join(page.split()).endswith("go to git beside. Nothing was sent.")
    assert (
        "4 requests would change something in Octopus, for about 01:00, without 1 whose duration"
        " nobody knows"
    ) in " ".join(page.split())
    show_rehearsal(rehearsal, "json")
    assert json.loads(capsys.readouterr().out) == rehearsal_data(rehearsal)

    await world.apply()
    assert [f"POST {path.lstrip('/')}" for path in changing(world)] == [
        r.what for r in rehearsal.requests
    ]
    sent = {
        deployment.comments
        for project in ("db", "jobs", "api", "web")
        for deployment in world.octopus.deployments(project, "Test")
    }
    assert {r.fields["Comments"] for r in rehearsal.requests} <= sent


async def test_what_a_gate_stands_before_is_told_and_not_rehearsed(world: Story) -> None:
    await world.accept()
    await world.apply()
    world.pin(jobs="9.9.9", mail="1.1.0")

    rehearsal = await told(world)

    assert [r.why for r in rehearsal.requests] == ["upgrade mail from 1.0.0 to 1.1.0"]
    assert [(g.cell, g.name) for g in rehearsal.planned.gates] == [("jobs", "release-missing")]
    with pytest.raises(StalePlan, match="nothing was applied"):
        await told(world, expect="0" * 12)
