"""What a plan would take: times of earlier deployments along the order of the changes."""

from datetime import timedelta

from core_builders import COMMIT, NOON
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.estimate import LOOK, Estimate, estimate, usual_duration
from reconciler.core.plan import Action, Kind, Plan, Reason

SECOND = timedelta(seconds=1)
POLL = timedelta(seconds=2)


def change(name: str, wave: int = 1, *waits_for: str) -> Action:
    return Action(name, Kind.UPGRADE, Reason.NEW_PIN, "1.0", "2.0", wave=wave, waits_for=waits_for)


def plan(*actions: Action) -> Plan:
    return Plan("qa", COMMIT, NOON, actions)


CHAIN = plan(change("db"), change("api", 2, "db"), change("web", 3, "api"), change("jobs"))
TIMES = {"db": 10 * SECOND, "api": 20 * SECOND, "web": 30 * SECOND, "jobs": 5 * SECOND}


def test_what_waits_for_nothing_runs_beside_the_rest() -> None:
    assert estimate(CHAIN, TIMES, 4, POLL).duration == 60 * SECOND


def test_one_at_a_time_takes_the_sum() -> None:
    assert estimate(CHAIN, TIMES, 1, POLL).duration == 65 * SECOND


def test_what_nobody_knows_is_counted_and_not_guessed() -> None:
    some = {"db": TIMES["db"]}

    assert estimate(CHAIN, some, 4, POLL).unknown == 3
    assert estimate(CHAIN, some, 4, POLL).duration == 10 * SECOND
    assert estimate(CHAIN, {}, 4, POLL).duration is None


def test_a_plan_without_work_takes_nothing() -> None:
    assert estimate(plan(), {}, 4, POLL) == Estimate(0, 0, None, 0)


def test_calls_are_looks_checks_requests_and_polls() -> None:
    one = estimate(plan(change("db")), {"db": 10 * SECOND}, 4, POLL)

    assert one.calls == 2 * (LOOK + 3) + LOOK + 2 + 5


def test_the_usual_duration_is_the_median_of_the_newest_few() -> None:
    hours = [timedelta(hours=n) for n in (90, 1, 2, 30, 3, 2)]

    assert usual_duration(hours) == timedelta(hours=2)
    assert usual_duration([]) is None


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Plan, dict[str, timedelta], int]:
    names = [f"c{n}" for n in range(draw(st.integers(1, 8)))]
    actions, waves = [], dict[str, int]()
    for n, name in enumerate(names):
        waits = sorted(draw(st.sets(st.sampled_from(names[:n]), max_size=3))) if n else []
        waves[name] = 1 + max((waves[each] for each in waits), default=0)
        actions.append(change(name, waves[name], *waits))
    times = {name: draw(st.integers(0, 300)) * SECOND for name in names}
    return plan(*actions), times, draw(st.integers(1, 4))


@settings(max_examples=50)
@given(worlds())
def test_a_plan_takes_no_less_than_its_longest_path_and_no_more_than_one_at_a_time(
    world: tuple[Plan, dict[str, timedelta], int],
) -> None:
    made, times, at_once = world
    longest = dict[str, timedelta]()
    for action in made.actions:
        before = max((longest[name] for name in action.waits_for), default=timedelta())
        longest[action.cell] = before + times[action.cell]
    whole = sum(times.values(), timedelta())

    took = estimate(made, times, at_once, POLL).duration

    assert took is not None
    assert max(*longest.values(), whole / at_once) - SECOND <= took <= whole
