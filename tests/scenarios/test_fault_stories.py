"""What Octopus does wrong by itself, and what becomes of a pass then (docs/simulator.md)."""

from functools import partial
from typing import Any

import pytest
from story import Story

from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.engine.apply import Done


async def begin(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0", web="1.1.0")


def gates(report: Any, component: str) -> set[GateName]:
    return {gate.name for gate in report.planned.gates if gate.component == component}


async def test_rule_17_a_task_that_stays_queued_is_watched_and_not_asked_for_again(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.stick("api", "1.1.0", "Test", state="Queued")
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test"))

    report = await world.apply()

    assert report.results["web"].done is Done.SUCCEEDED
    assert (world.ours("api"), len(world.receipts("api"))) == (["1.1.0"], 1)


async def test_rule_17_a_task_that_stays_cancelling_is_running_until_it_has_ended(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.stick("api", "1.1.0", "Test", state="Cancelling")

    def cancel() -> None:
        world.octopus.cancel(world.octopus.deployments("api", "Test")[-1].id)

    world.octopus.later(8, cancel)
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test", state="Canceled"))
    before = world.clock.monotonic()

    report = await world.apply()

    assert world.clock.monotonic() - before > 110
    assert report.results["api"].done is Done.FAILED
    assert (world.ours("api"), world.ours("web")) == (["1.1.0"], [])


@pytest.mark.parametrize("lie", [True, False])
async def test_rule_17_a_flag_that_lies_about_interruptions_misleads_nobody(
    world: Story, lie: bool
) -> None:
    await begin(world)
    world.octopus.fault(
        "value", path="/tasks", field="HasPendingInterruptions", value=lie, count=None
    )
    world.octopus.interrupt_next("api", "1.1.0", "Test")
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test"))

    report = await world.apply()

    assert any("waits for a person" in repr(event) for event in world.events) is lie
    assert report.results["web"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]


async def test_rule_13_a_dashboard_that_contradicts_the_task_is_not_believed(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.octopus.fault("value", path="/dashboard", field="State", value="Success", count=None)

    report = await world.apply()
    assert report.results["api"].done is Done.FAILED
    assert world.ours("web") == []

    again = await world.apply()
    assert gates(again, "api") == {GateName.NEEDS_RETRY}
    assert world.ours("api") == ["1.1.0"]


async def test_rule_18_a_machine_that_dies_under_a_deployment_stops_what_depends_on_it(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.later(8, partial(world.octopus.machine_dies, "api-1"))

    report = await world.apply()

    assert report.results["api"].done is Done.FAILED
    assert report.results["web"].done is Done.NOT_STARTED
    assert world.runs("api") == "1.0.0"


async def test_rule_12_a_server_that_restarts_under_a_deployment_is_not_asked_again(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.later(8, world.octopus.restart)

    report = await world.apply()
    assert report.results["api"].done is Done.FAILED

    again = await world.apply()
    assert gates(again, "api") == {GateName.NEEDS_RETRY}
    assert (world.ours("api"), world.ours("web")) == (["1.1.0"], [])


async def test_rule_3_a_server_restored_from_an_old_backup_is_not_deployed_to(
    world: Story,
) -> None:
    await world.accept()
    backup = world.octopus.backup()
    world.pin(api="1.1.0", web="1.1.0")
    await world.apply()
    world.octopus.restore(backup)
    assert world.runs("api") == "1.0.0"

    report = await world.apply()

    reasons = {each.component: each.reason for each in report.planned.plan.actions}
    assert reasons["api"] is reasons["web"] is Reason.HELD_BY_HAND
    assert (report.results, world.ours("api"), world.runs("api")) == ({}, [], "1.0.0")
