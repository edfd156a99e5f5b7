"""Attempts at a second or a stale deployment request: slow servers, lag, crashes, retries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from between import Between, at_octopus, nobody
from people import retried

from reconciler.engine.apply import Done
from reconciler.engine.doors import Pace
from reconciler.engine.events import Launched
from reconciler.errors import LeaseHeld, NotAllowed, OutcomeUnknown, RemoteRejected
from reconciler.git.lease import PROOF, VALIDITY
from reconciler.octopus.options import ClientOptions

if TYPE_CHECKING:
    from story import Story


class Killed(BaseException):
    """The process ends here."""


async def deploy_and_die(real: Any, *order: Any) -> None:
    await real(*order)
    raise Killed


async def test_rule_13_a_deployment_that_reached_machines_is_found_by_its_intent(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    at_octopus(world, deploy=deploy_and_die)
    with pytest.raises(Killed):
        await world.apply()
    nobody(world)
    world.octopus.advance(10)  # it runs by now, and the server lists the machines it reached

    report = await world.apply()

    assert len(report.resumed) == 1
    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_14_a_server_slower_than_our_patience_gets_no_second_request(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    late: list[tuple[float, Any]] = []
    orders = []

    async def deploy(real: Any, *order: Any) -> Any:
        orders.append(order)
        if len(orders) > 1:
            return await real(*order)
        late.append((world.clock.monotonic() + 45.0, (real, order)))
        world.clock.turn(30.0)  # our patience with a request
        raise OutcomeUnknown("no answer in time", hint="look")

    async def search(real: Any, *args: Any) -> Any:
        while late and world.clock.monotonic() >= late[0][0]:
            call, order = late.pop()[1]
            await call(*order)
        return await real(*args)

    at_octopus(world, deploy=deploy, deployments_of=search)
    report = await world.apply()

    assert report.results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]


async def test_rule_15_a_reading_that_took_too_long_starts_nothing(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0")

    async def look(real: Any, known: Any, **more: Any) -> Any:
        state = await real(known, **more)
        world.clock.turn(11.0)
        return state

    at_octopus(world, look=look)
    report = await world.apply()

    assert report.results["api"].done is Done.NOT_STARTED
    assert "older than" in report.results["api"].why
    assert world.ours("api") == []


async def test_rule_15_each_request_leaves_within_ten_seconds_of_its_reading(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0", jobs="1.1.0", mail="1.1.0")
    begun: list[float] = []
    ages: list[float] = []
    slow = [9.0, 3.0, 9.0]

    async def look(real: Any, known: Any, **more: Any) -> Any:
        begun.append(world.clock.monotonic())
        return await real(known, **more)

    async def deploy(real: Any, *order: Any) -> Any:
        ages.append(world.clock.monotonic() - begun[-1])
        return await real(*order)

    def wrap(doors: Any) -> Any:
        def promise(real: Any, *args: Any) -> None:
            if slow:
                world.clock.turn(slow.pop())  # a disk, or a renewal of the lease, that takes long
            real(*args)

        return replace(
            doors,
            journal=Between(doors.journal, promise=promise),
            octopus=lambda space: Between(doors.octopus(space), look=look, deploy=deploy),
        )

    world.wrap = wrap
    report = await world.apply()

    assert {r.done for r in report.results.values()} == {Done.SUCCEEDED}
    assert len(ages) == 3
    assert max(ages) <= 10.0


async def test_rule_19_a_pass_that_ends_with_an_open_promise_keeps_its_lease(
    world: Story,
) -> None:
    await world.accept()
    await world.accept(store="other")
    world.pin(api="1.1.0")

    async def deploy(real: Any, *order: Any) -> Any:
        raise Killed

    at_octopus(world, deploy=deploy)
    with pytest.raises(Killed):
        await world.apply()
    nobody(world)

    with pytest.raises(LeaseHeld):
        await world.apply(store="other")
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED
    assert world.ours("api") == ["1.1.0"]


async def test_rule_18_a_failure_is_not_lost_when_the_next_answer_is_bad(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 2}"))
    await world.accept()
    world.octopus.fail_next("jobs", "1.1.0", "Test")
    world.pin(jobs="1.1.0", mail="1.1.0", web="1.1.0")
    stumbled: list[str] = []

    async def deployments(real: Any, ids: Any) -> Any:
        if ids and not stumbled:
            stumbled.append("both have ended")
            raise RemoteRejected("404", hint="", status=404)
        return await real(ids)

    at_octopus(world, deployments=deployments)
    report = await world.apply()

    assert stumbled
    assert report.results["jobs"].done is Done.FAILED
    assert report.results["mail"].done is Done.SUCCEEDED
    assert report.results["web"].done is Done.NOT_STARTED
    assert world.ours("web") == []


async def test_rule_18_a_plan_made_anew_does_not_forget_a_failure(world: Story) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 2}"))
    await world.accept()
    world.octopus.stick("db", "1.1.0", "Test")
    world.pin(db="1.1.0", jobs="1.1.0", mail="1.1.0")
    turned: list[str] = []

    async def tasks(real: Any, ids: Any) -> Any:
        found = await real(ids)
        if not turned and any(task.state.is_finished for task in found):
            turned.append(world.pin(web="1.1.0"))  # jobs has ended: the plan goes stale
            world.octopus.finish("db", "Test", state="Failed")  # and nobody has seen this yet
        return found

    at_octopus(world, tasks=tasks)
    report = await world.apply()

    assert report.results["db"].done is Done.FAILED
    assert world.ours("mail") == []
    assert world.ours("web") == []


async def test_rule_12_a_persons_word_for_a_retry_counts_once(world: Story) -> None:
    world.edit(
        "policies/open.yaml",
        ("mode: apply", "mode: apply, onFailure: continue, limits: {parallel: 1}"),
    )
    await world.accept()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0")
    await world.apply()
    for _ in range(4):
        world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(jobs="1.1.0", mail="1.1.0")
    moved: list[str] = []

    def tell(event: object) -> None:
        if isinstance(event, Launched) and event.action.cell == "jobs":
            moved.append(world.pin(web="1.1.0"))

    world.wrap = lambda doors: replace(doors, tell=tell)
    await retried(world, "api")
    await world.apply()

    assert moved
    assert world.ours("api") == ["1.1.0"] * 2


async def test_rule_47_a_log_that_may_not_be_read_does_not_keep_a_deployment_from_ending(
    world: Story,
) -> None:
    await world.accept()
    world.octopus.fail_next("api", "1.1.0", "Test")
    world.pin(api="1.1.0")

    async def task_log(real: Any, *args: Any) -> Any:
        raise NotAllowed("403", hint="")

    at_octopus(world, task_log=task_log)
    report = await world.apply()

    assert report.results["api"].done is Done.FAILED
    assert len(world.receipts("api")) == 1


async def test_rule_10_work_begun_elsewhere_is_not_looked_for_on_an_unaccepted_server(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    at_octopus(world, tasks=deploy_and_die)
    with pytest.raises(Killed):
        await world.apply()
    nobody(world)
    text = (world.work / "spaces/shop.yaml").read_text()
    world.push({"spaces/shop.yaml": text.replace("127.0.0.1", "localhost")}, "Move the server")
    world.octopus.forget_requests()

    await world.apply()
    assert world.octopus.requests == ()

    await world.accept()
    await world.apply()
    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_51_a_deployment_somebody_deleted_ends_as_unknown_and_blocks_nothing(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    gone: list[str] = []

    async def tasks(real: Any, ids: Any) -> Any:
        gone.append("x")
        return ()

    async def deployments_of(real: Any, project: str | None, *args: Any) -> Any:
        found = await real(project, *args)
        return tuple(d for d in found if not (gone and "[reconciler" in d.comments))

    at_octopus(world, tasks=tasks, deployments_of=deployments_of)
    report = await world.apply()

    assert report.results["api"].done is Done.UNKNOWN
    assert len(world.receipts("api")) == 1
    nobody(world)
    again = await world.apply()
    assert again.resumed == ()


async def test_rule_13_the_journal_is_told_before_each_request(world: Story) -> None:
    await world.accept()
    world.pin(api="1.1.0", jobs="1.1.0")
    promised: list[str] = []
    asked: list[str] = []

    def promise(real: Any, record: Any, fence: int) -> None:
        real(record, fence)
        promised.append(record.intent.id)

    async def deploy(real: Any, order: Any, *more: Any) -> Any:
        asked.append(order.comments)
        assert any(intent in order.comments for intent in promised)
        return await real(order, *more)

    world.wrap = lambda doors: replace(
        doors,
        journal=Between(doors.journal, promise=promise),
        octopus=lambda space: Between(doors.octopus(space), deploy=deploy),
    )
    report = await world.apply()

    assert len(asked) == len(promised) == 2
    assert {r.done for r in report.results.values()} == {Done.SUCCEEDED}


def test_rule_19_a_lease_outlasts_a_request() -> None:
    assert ClientOptions().deploy_timeout.total_seconds() <= Pace().request_timeout
    assert Pace().request_timeout + Pace().renew < VALIDITY.total_seconds()
    assert PROOF.total_seconds() > Pace().renew
