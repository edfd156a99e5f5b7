"""Whose turn it is, longest path first, and when to look at what runs."""

import heapq
import random
from collections.abc import Mapping
from datetime import timedelta

import pytest
from core_builders import Octopus, cell, observed, settled

from reconciler.core.plan import Action, Kind, Reason
from reconciler.core.schedule import UNKNOWN, in_turn, last_durations, next_look, path_lengths
from reconciler.core.state import TaskState
from reconciler.core.wave import waves

MINUTE = timedelta(minutes=1)


def change(name: str, wave: int = 1, *waits_for: str) -> Action:
    return Action(name, Kind.UPGRADE, Reason.NEW_PIN, "1.0", "2.0", wave=wave, waits_for=waits_for)


CHAIN = (change("web", 2, "db", "api"), change("db"), change("api"))
SAME = dict.fromkeys(("web", "db", "api"), MINUTE)


def turns(succeeded: set[str], lengths: Mapping[str, timedelta] = SAME, last: int = 0) -> list[str]:
    return [action.cell for action in in_turn(CHAIN, succeeded, lengths, last)]


def test_what_waits_for_nothing_is_in_turn_by_name() -> None:
    assert turns(set()) == ["api", "db"]


def test_what_the_most_work_waits_behind_comes_first() -> None:
    assert turns(set(), {**SAME, "db": 2 * MINUTE}) == ["db", "api"]


def test_a_change_is_in_turn_when_all_it_waits_for_succeeded() -> None:
    assert "web" not in turns({"db"})
    assert "web" in turns({"db", "api"})


def test_what_is_of_a_later_wave_than_the_last_one_is_left_out() -> None:
    assert "web" not in turns({"db", "api"}, last=1)


def test_a_path_is_as_long_as_all_that_waits_behind_it() -> None:
    lengths = path_lengths(CHAIN, {"web": 5 * MINUTE, "db": 2 * MINUTE, "api": MINUTE})

    assert lengths == {"web": 5 * MINUTE, "db": 7 * MINUTE, "api": 6 * MINUTE}


def test_what_was_never_deployed_counts_as_much_as_the_usual() -> None:
    assert path_lengths(CHAIN, {"db": MINUTE, "api": 3 * MINUTE})["web"] == 2 * MINUTE
    assert path_lengths(CHAIN, {})["db"] == 2 * UNKNOWN


def test_the_dashboard_tells_how_long_the_last_success_took() -> None:
    octopus = Octopus.with_projects("db", "api")
    octopus.deployed("db", "1.0")
    octopus.deployed("db", "1.1", TaskState.FAILED)
    seen = observed(cell("db", settled("1.0")), cell("api", settled("1.0")))

    assert last_durations(seen, octopus.state()) == {"db": timedelta()}
    assert last_durations(seen, None) == {}


@pytest.mark.parametrize(
    ("running", "seconds"),
    [
        ([], 10.0),
        ([(0.0, None)], 2.0),  # new: it may end at once
        ([(100.0, None)], 3.0),  # 3 % of what it has run is as late as a look may be
        ([(5000.0, None)], 10.0),
        ([(0.0, 20.0)], 5.0),
        ([(19.0, 20.0)], 2.0),  # about to end
        ([(200.0, 20.0)], 6.0),  # long over its time
        ([(5000.0, None), (0.0, None)], 2.0),
    ],
)
def test_a_look_is_due_soon_while_something_may_end(
    running: list[tuple[float, float | None]], seconds: float
) -> None:
    assert next_look(running, 2.0, 10.0) == pytest.approx(seconds)


@pytest.mark.parametrize(("depth", "slots"), [(4, 90), (8, 9), (8, 72), (20, 45)])
def test_a_thousand_random_changes_take_no_longer_than_they_must(depth: int, slots: int) -> None:
    """Budget: 1.05 x the longest path, or all work by the slots, with looks every 2 s."""
    chance = random.Random(depth * slots)
    width = 1000 // depth
    after: dict[str, frozenset[str]] = {}
    for number in range(1000):
        before = list(after)[max(number - 2 * width, 0) : max(number - width // 2, 0)]
        after[f"c{number}"] = frozenset(
            chance.sample(before, min(chance.randint(0, 3), len(before)))
        )
    takes = {name: timedelta(seconds=chance.randint(30, 300)) for name in after}
    numbers = waves(after)
    changes = [change(name, numbers[name], *sorted(after[name])) for name in after]
    lengths = path_lengths(changes, takes)
    least = max(*lengths.values(), sum(takes.values(), timedelta()) / slots)

    pending = {action.cell: action for action in changes}
    succeeded: set[str] = set()
    running: list[tuple[timedelta, str]] = []
    now = timedelta()
    while pending or running:
        while running and running[0][0] <= now:
            succeeded.add(heapq.heappop(running)[1])
        free = slots - len(running)
        for action in in_turn(pending.values(), succeeded, lengths)[:free] if free else ():
            del pending[action.cell]
            heapq.heappush(running, (now + takes[action.cell], action.cell))
        now += timedelta(seconds=2)

    assert now <= 1.05 * least
