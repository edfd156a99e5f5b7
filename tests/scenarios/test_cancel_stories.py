"""A person pulls the plug: nothing new starts, and what we started is cancelled, nobody else's."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING

import pytest
from people import launched, retried, someone

from reconciler.core.act import DONE
from reconciler.core.intent import Outcome
from reconciler.core.pause import Scope
from reconciler.core.receipt import parse_receipt
from reconciler.core.state import TaskState
from reconciler.engine.apply import Done
from reconciler.engine.cancel import Cancelled, cancel_tasks, find_running, stop_launching
from reconciler.errors import NotAllowed

if TYPE_CHECKING:
    from story import Story


async def stopped(world: Story, component: str | None = None) -> None:
    async with world.doors() as doors:
        scope = Scope.parse("test", component)
        stop_launching(doors.journal, world.clock, scope, "alice@desk", "the shop is down")


async def cancelled(
    world: Story, component: str | None = None, user: str = "alice"
) -> tuple[Cancelled, ...]:
    async with world.doors() as doors:
        found = await find_running(doors, "test", component)
        return await cancel_tasks(doors, someone(world, user), found, found.tasks)


async def test_rule_21_a_cancel_stops_a_pass_at_once_and_ends_only_what_we_started(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, onFailure: continue"))
    await world.accept()
    world.octopus.cancel_seconds = 30.0
    for name in ("db", "jobs"):
        world.octopus.stick(name, "1.1.0", "Test")
    world.octopus.stick("mail", "1.1.0", "Test")
    others = world.octopus.deploy("mail", "1.1.0", "Test")
    world.pin(db="1.1.0", jobs="1.1.0", api="1.1.0")
    running = asyncio.create_task(world.apply())
    await launched(world, "db", "jobs")

    await stopped(world)
    (first, second) = await cancelled(world)

    assert [each.ours.cell for each in (first, second)] == ["db", "jobs"]
    assert first.state is second.state is TaskState.CANCELLING  # and runs: rule 17
    assert (await cancelled(world, "api")) == ()
    report = await running
    assert report.results["db"].done is report.results["jobs"].done is Done.FAILED
    assert report.results["db"].why == Outcome.CANCELED.value
    assert report.results["api"].why == "waits for db, which failed: Canceled"
    assert world.ours("api") == []
    assert [_outcome(world, name) for name in ("db", "jobs")] == ["Canceled", "Canceled"]
    mine = next(d for d in world.octopus.deployments("mail", "Test") if d.id == others)
    assert mine.state == "Executing"
    async with world.doors() as doors:
        acts = doors.journal.acts("test")
        doors.journal.unpause(Scope.parse("test"), "alice@desk")
    assert [(a.verb.value, a.detail, a.outcome) for a in acts] == [
        ("cancel", "db 1.1.0", DONE),
        ("cancel", "jobs 1.1.0", DONE),
    ]

    assert {word.cell for word in (await retried(world)).words} == {"db", "jobs"}
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED


async def test_rule_31_who_may_not_cancel_is_told_so_and_nothing_ends(world: Story) -> None:
    await world.accept()
    world.octopus.stick("jobs", "1.1.0", "Test")
    world.pin(jobs="1.1.0")
    running = asyncio.create_task(world.apply())
    await launched(world, "jobs")
    world.octopus.revoke("alice", "TaskCancel")

    (refused,) = await cancelled(world)
    with pytest.raises(NotAllowed, match="is a service account"):
        await cancelled(world, user="reconciler")

    assert refused.state is None
    assert "TaskCancel" in refused.why
    world.octopus.finish("jobs", "Test")
    assert (await running).results["jobs"].done is Done.SUCCEEDED


def _outcome(world: Story, project: str) -> str:
    (path,) = world.receipts(project)
    return parse_receipt(base64.b64decode(json.loads(world.audit(path))["payload"])).outcome.value
