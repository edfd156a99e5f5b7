"""The tree of a pass: what starts next, how much is done, and when it is likely to end."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.livetree import LiveTree, Part, Stage
from reconciler.core.logtree import Branch, TaskLog, Work


def part(
    name: str, stage: Stage = Stage.WAITING, *after: str, takes: float | None = 100, **more: object
) -> Part:
    expected = None if takes is None else timedelta(seconds=takes)
    return Part(name, stage, waits_for=after, expected=expected, **more)  # type: ignore[arg-type]


def tree(*parts: Part, at_once: int = 4) -> LiveTree:
    return LiveTree("test", {one.cell: one for one in parts}, at_once)


def test_what_waits_for_the_fewest_others_starts_next() -> None:
    now = tree(
        part("db", Stage.RUNNING),
        part("api", Stage.WAITING, "db"),
        part("web", Stage.WAITING, "api", "db"),
        part("mail"),
    )

    assert [one.cell for one in now.next_up(9)] == ["mail", "api", "web"]
    assert [one.cell for one in now.next_up(1)] == ["mail"]
    assert now.behind(now.parts["web"]) == ("api", "db")


def test_what_follows_a_failure_or_a_gate_does_not_start_next() -> None:
    for stage in (Stage.FAILED, Stage.HELD, Stage.NOT_STARTED):
        now = tree(part("db", stage), part("api", Stage.WAITING, "db"))

        assert now.next_up(9) == ()
        assert now.forecast(0).seconds == 0


def test_the_end_is_told_by_what_runs_and_all_that_waits_for_it() -> None:
    now = tree(
        part("db", Stage.RUNNING, since=40.0),
        part("api", Stage.WAITING, "db", takes=30),
        part("web", Stage.WAITING, "api", takes=20),
        part("jobs", Stage.WAITING, takes=500),
    )

    assert now.forecast(100.0).seconds == 500
    assert now.forecast(100.0).unknown == 0
    assert tree(*now.parts.values(), at_once=1).forecast(100.0).seconds == 40 + 500 + 30 + 20


def test_a_deployment_that_takes_longer_than_ever_ends_at_any_moment() -> None:
    assert tree(part("db", Stage.RUNNING, since=0.0)).forecast(999.0).seconds == 0


def test_who_was_never_deployed_is_counted_and_taken_for_nothing() -> None:
    forecast = tree(part("db", Stage.RUNNING, takes=None), part("api", takes=None)).forecast(5)

    assert (forecast.seconds, forecast.unknown) == (0, 2)


def test_the_share_that_is_done_goes_by_durations_and_by_the_log_of_what_runs() -> None:
    log = TaskLog("T", (Branch("T", "Deploy", Work.RUNNING, percent=50),))
    now = tree(
        part("db", Stage.SUCCEEDED, takes=300),
        part("api", Stage.RUNNING, log=log),
        part("web", takes=100),
        part("held", Stage.HELD, takes=9000),
    )

    assert now.share(0) == (300 + 50) / 500
    assert tree(part("db", Stage.RUNNING, since=0.0)).share(25.0) == 0.25
    assert tree(part("db", Stage.RUNNING, since=0.0)).share(9999.0) == 0.99
    assert tree().share(0) == 1


def test_it_is_over_when_nothing_runs_or_waits() -> None:
    assert tree(part("db", Stage.SUCCEEDED), part("api", Stage.HELD)).is_over
    assert not any(tree(part("db", stage)).is_over for stage in Stage if stage.is_running)
    assert not tree(part("db")).is_over


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(1, 50), st.booleans()), max_size=12))
@settings(max_examples=50, deadline=None)
def test_no_forecast_is_shorter_than_its_work_allows_or_longer_than_one_after_the_other(
    at_once: int, changes: list[tuple[int, bool]]
) -> None:
    parts = [
        part(f"c{n}", Stage.WAITING, *([f"c{n - 1}"] if chained and n else []), takes=takes)
        for n, (takes, chained) in enumerate(changes)
    ]
    total = sum(takes for takes, _ in changes)

    seconds = tree(*parts, at_once=at_once).forecast(0).seconds

    assert total / at_once <= seconds <= total
