"""Every fault of docs/simulator.md, put in force as the page writes it, and what becomes of a pass.

Those of slow and busy servers are in the contract suite, where time limits can be short.
"""

from functools import partial
from typing import Any

import pytest
from fault_page import strike
from people import retried
from story import Story

from reconciler.core.gate import GateName
from reconciler.core.plan import Reason
from reconciler.engine.apply import Done
from reconciler.errors import NotAllowed, OctopusTrouble, Unreachable


async def begin(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0", web="1.1.0")


def gates(report: Any, component: str) -> set[GateName]:
    return {gate.name for gate in report.planned.gates if gate.cell == component}


@pytest.mark.parametrize(
    "fault", ["answer lost after the effect", "reset in the middle of an answer"]
)
async def test_rule_13_an_answer_lost_after_its_effect_is_found_not_repeated(
    world: Story, fault: str
) -> None:
    await begin(world)
    strike(world.octopus, fault)

    report = await world.apply()

    assert report.results["api"].done is report.results["web"].done is Done.SUCCEEDED
    assert (world.ours("api"), len(world.receipts("api"))) == (["1.1.0"], 1)


@pytest.mark.parametrize("fault", ["answer lost before the effect", "5xx to a change"])
async def test_rule_14_a_request_lost_before_its_effect_is_sent_again_once_proved_absent(
    world: Story, fault: str
) -> None:
    await begin(world)
    strike(world.octopus, fault)
    before = world.clock.monotonic()

    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]
    assert world.clock.monotonic() - before >= 10.0  # the settling time was waited


async def test_rule_31_a_refused_change_did_nothing_and_is_not_tried_with_another_key(
    world: Story,
) -> None:
    await begin(world)
    strike(world.octopus, "403 to a change")
    world.octopus.forget_requests()

    report = await world.apply()

    assert report.results["api"].done is Done.REFUSED
    assert report.results["web"].done is Done.NOT_STARTED
    posts = [each for each in world.octopus.requests if each.method == "POST"]
    assert ([each.status for each in posts], world.ours("api")) == ([403], [])


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("HTML with 200", OctopusTrouble),
        ("truncated JSON", OctopusTrouble),
        ("wrong-typed JSON", OctopusTrouble),
        ("redirect to another host", OctopusTrouble),
        ("401 to a read", NotAllowed),
        ("403 to a read", NotAllowed),
        ("5xx to a read, again and again", Unreachable),
    ],
)
async def test_rule_48_a_bad_answer_is_one_clear_error_and_nothing_is_applied(
    world: Story, fault: str, error: type[Exception]
) -> None:
    await begin(world)
    strike(world.octopus, fault)

    with pytest.raises(error):
        await world.apply()

    assert world.ours("api") == []


async def test_rule_17_a_task_that_stays_queued_is_watched_and_not_asked_for_again(
    world: Story,
) -> None:
    await begin(world)
    strike(world.octopus, "task stuck queued")
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test"))

    report = await world.apply()

    assert report.results["web"].done is Done.SUCCEEDED
    assert (world.ours("api"), len(world.receipts("api"))) == (["1.1.0"], 1)


async def test_rule_17_a_task_that_stays_cancelling_is_running_until_it_has_ended(
    world: Story,
) -> None:
    await begin(world)
    strike(world.octopus, "task stuck cancelling")

    def cancel() -> None:
        world.octopus.cancel(world.octopus.deployments("api", "Test")[-1].id)

    world.octopus.later(8, cancel)
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test", state="Canceled"))
    before = world.clock.monotonic()

    report = await world.apply()

    assert world.clock.monotonic() - before > 110
    assert report.results["api"].done is Done.FAILED
    assert (world.ours("api"), world.ours("web")) == (["1.1.0"], [])


async def test_rule_17_a_flag_that_lies_about_interruptions_misleads_nobody(world: Story) -> None:
    await begin(world)
    strike(world.octopus, "lying interruption flag")
    world.octopus.interrupt_next("api", "1.1.0", "Test")
    world.octopus.later(120, partial(world.octopus.finish, "api", "Test"))

    report = await world.apply()

    assert not any("waits for a person" in repr(event) for event in world.events)
    assert report.results["web"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]


async def test_rule_13_a_dashboard_that_contradicts_the_task_is_not_believed(
    world: Story,
) -> None:
    await begin(world)
    world.octopus.fail_next("api", "1.1.0", "Test")
    strike(world.octopus, "dashboard that contradicts tasks")

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
    strike(world.octopus, "machine gone mid-deployment")

    report = await world.apply()

    assert report.results["api"].done is Done.FAILED
    assert report.results["web"].done is Done.NOT_STARTED
    assert world.runs("api") == "1.0.0"

    again = await world.apply()
    assert gates(again, "api") == {GateName.NEEDS_RETRY}


async def test_rule_12_a_server_that_restarts_under_a_deployment_is_not_asked_again(
    world: Story,
) -> None:
    await begin(world)
    strike(world.octopus, "server restart mid-deployment")

    report = await world.apply()
    assert report.results["api"].done is Done.FAILED

    again = await world.apply()
    assert gates(again, "api") == {GateName.NEEDS_RETRY}
    assert (world.ours("api"), world.ours("web")) == (["1.1.0"], [])


async def test_rule_3_a_server_restored_from_an_old_backup_is_not_deployed_to(
    world: Story,
) -> None:
    await world.accept()
    strike(world.octopus, "restore from an old backup")
    world.clock.turn(2)
    world.pin(api="1.1.0", web="1.1.0")
    await world.apply()
    assert world.runs("api") == "1.1.0"
    world.clock.turn(600)
    assert world.runs("api") == "1.0.0"

    report = await world.apply()

    reasons = {each.cell: each.reason for each in report.planned.plan.actions}
    assert reasons["api"] is reasons["web"] is Reason.HELD_BY_HAND
    assert (report.results, world.ours("api"), world.runs("api")) == ({}, [], "1.0.0")


async def test_rule_12_another_store_never_repeats_an_intent_that_a_receipt_tells_of(
    world: Story,
) -> None:
    await world.accept()
    await world.accept(store="other")
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0")
    await world.apply()
    strike(world.octopus, "list that lags behind a write")  # Octopus shows none of it yet
    await retried(world, store="other")

    report = await world.apply(store="other")

    assert world.ours("api") == ["1.1.0"]
    assert report.results["api"].done is Done.NOT_STARTED


async def test_warnings_hold_a_cell_where_the_policy_says_so(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, onWarning: hold"))
    await begin(world)
    strike(world.octopus, "partial success")

    report = await world.apply()

    assert report.results["api"].done is Done.FAILED
    assert report.results["web"].done is Done.NOT_STARTED
