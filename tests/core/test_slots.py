"""Slots belong to the server: some stay free for people, and passes share the rest."""

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.slots import Room, fair_shares, ours_at_once


@pytest.mark.parametrize(
    ("cap", "most", "others", "at_once"),
    [
        (5, None, 0, 4),  # one for people
        (100, None, 0, 90),  # one in ten
        (100, None, 20, 70),
        (5, None, 5, 1),  # full: ours waits its turn like everybody's
        (0, None, 0, 1),  # every node drains
        (100, 30, 0, 30),
        (5, 30, 0, 4),  # a setting never goes beyond the cap
        (None, None, 0, 4),  # Octopus' default
        (None, None, 2, 2),
        (None, 30, 2, 30),  # where nothing can be read, the setting is taken at its word
    ],
)
def test_what_may_run_is_what_others_and_people_leave(
    cap: int | None, most: int | None, others: int, at_once: int
) -> None:
    assert ours_at_once(cap, most, others) == at_once


def test_a_pass_takes_what_others_leave_and_no_more_than_it_wants() -> None:
    assert fair_shares(10, {"a": 100, "b": 2}, ("a", "b")) == {"a": 8, "b": 2}


def test_the_one_that_has_waited_longest_comes_first() -> None:
    assert fair_shares(3, {"a": 9, "b": 9}, ("b", "a")) == {"a": 1, "b": 2}


@settings(max_examples=50)
@given(st.integers(0, 40), st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30)))
def test_shares_use_every_slot_that_is_wanted_and_are_fair(
    total: int, wanted: dict[str, int]
) -> None:
    given_ = fair_shares(total, wanted, sorted(wanted))

    assert sum(given_.values()) == min(total, sum(wanted.values()))
    assert all(given_[name] <= wanted[name] for name in wanted)
    most = max(given_.values(), default=0)
    for name, number in wanted.items():  # who gets less than others wanted no more
        assert given_[name] >= most - 1 or given_[name] == number


@pytest.mark.parametrize(
    ("now", "per_minute", "first", "allowed"),
    [
        (inf, inf, 12, 9),
        (30.0, 60.0, 12, 9),
        (15.5, 60.0, 12, 3),
        (15.5, 60.0, 0, 9),
        (11.0, 60.0, 12, 0),
        (0.0, inf, 0, 0),  # the server asked for silence
        (8.0, 8.0, 12, 1),  # it never holds as many as a reading takes
    ],
)
def test_rule_20_no_more_starts_at_once_than_the_request_budget_has_room_for(
    now: float, per_minute: float, first: int, allowed: int
) -> None:
    assert Room(now, per_minute).allows(9, first) == allowed


def test_rule_20_looks_leave_half_of_the_request_budget_for_the_rest() -> None:
    assert Room(30.0, 60.0).apart(2) == 4.0
    assert Room(inf, inf).apart(2) == 0.0
