from datetime import UTC, datetime
from math import inf

import pytest
from octopus_answers import TurnedClock

from reconciler.core.slots import Room
from reconciler.octopus.budget import LEAST_PER_MINUTE, RequestBudget


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))


async def spend(budget: RequestBudget, count: int, at_most: float = 1000.0) -> None:
    for _ in range(count):
        assert await budget.take(at_most)


async def test_rule_20_there_is_no_budget_by_default(clock: TurnedClock) -> None:
    await spend(RequestBudget(clock), 10_000)

    assert clock.slept == []


async def test_rule_20_half_of_a_configured_limit_is_ours(clock: TurnedClock) -> None:
    budget = RequestBudget(clock, limit_per_minute=200)

    await spend(budget, 100)
    assert clock.slept == []

    await spend(budget, 100)
    assert sum(clock.slept) == pytest.approx(60)


async def test_rule_20_a_quiet_minute_saves_up_one_minutes_worth_not_more(
    clock: TurnedClock,
) -> None:
    budget = RequestBudget(clock, limit_per_minute=20)
    clock.turn(3600)

    await spend(budget, 10)
    assert clock.slept == []

    await spend(budget, 1)
    assert sum(clock.slept) == pytest.approx(6)


async def test_rule_20_a_429_halves_what_we_did_in_the_last_minute(clock: TurnedClock) -> None:
    budget = RequestBudget(clock)
    await spend(budget, 200)

    for _ in range(5):  # one burst
        budget.learn(None)

    assert budget.per_minute == 100
    clock.turn(61)
    budget.learn(None)
    assert budget.per_minute == 50


@pytest.mark.parametrize(("limit", "least"), [(None, LEAST_PER_MINUTE), (20, 10)])
async def test_rule_20_learning_ends_where_nothing_could_be_seen_and_never_raises_the_budget(
    limit: int | None, least: float, clock: TurnedClock
) -> None:
    budget = RequestBudget(clock, limit)
    for _ in range(20):
        budget.learn(None)
        clock.turn(61)

    assert budget.per_minute == least


async def test_rule_20_the_silence_a_429_asks_for_holds_for_every_request(
    clock: TurnedClock,
) -> None:
    budget = RequestBudget(clock)
    await spend(budget, 600)
    budget.learn(30)

    assert not await budget.take(at_most=29)
    assert await budget.take(at_most=31)
    assert sum(clock.slept) == pytest.approx(30)


async def test_rule_20_the_room_is_what_may_leave_without_a_wait(clock: TurnedClock) -> None:
    budget = RequestBudget(clock, limit_per_minute=120)
    assert budget.room() == Room(60.0, 60.0)

    await spend(budget, 50)
    assert budget.room() == Room(10.0, 60.0)
    clock.turn(20)
    assert budget.room() == Room(30.0, 60.0)
    budget.learn(retry_after=5.0)
    assert budget.room().now == 0.0


async def test_rule_20_there_is_no_room_while_a_server_wants_silence(clock: TurnedClock) -> None:
    budget = RequestBudget(clock)
    assert budget.room() == Room(inf, inf)

    budget.learn(retry_after=5.0)
    assert budget.room().now == 0.0
