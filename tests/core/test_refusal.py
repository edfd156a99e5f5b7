"""What Octopus refused is asked for again later and later, and then not any more."""

from datetime import timedelta

import pytest
from core_builders import NOON

from reconciler.core.refusal import MOST, Refusal

FIRST = 100.0


def refused(times: int) -> Refusal:
    return Refusal(0, times, NOON - timedelta(hours=1), NOON, "no")


def test_rule_20_each_refusal_doubles_the_wait_until_there_is_no_next_try() -> None:
    tries = [refused(times).next_try(FIRST) for times in range(1, MOST + 2)]

    waits = [None if at is None else (at - NOON).total_seconds() for at in tries]
    assert waits == [100.0, 200.0, 400.0, None, None]


@pytest.mark.parametrize(
    ("seconds", "forbidden"), [(-1, False), (0, True), (199, True), (200, False)]
)
def test_rule_20_a_refusal_forbids_the_request_while_its_wait_lasts(
    seconds: int, *, forbidden: bool
) -> None:
    assert refused(2).forbids(NOON + timedelta(seconds=seconds), FIRST) is forbidden


@pytest.mark.parametrize("seconds", [-1, 0, 10**7])
def test_rule_20_a_refusal_too_many_forbids_it_for_ever(seconds: int) -> None:
    assert refused(MOST).forbids(NOON + timedelta(seconds=seconds), FIRST)


def test_rule_20_who_waits_for_nothing_may_try_at_once() -> None:
    assert not refused(MOST - 1).forbids(NOON, 0.0)
