"""The log of a task: successive readings grow together, within limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.logtree import (
    DEEPEST,
    MOST_BRANCHES,
    MOST_LINES,
    Branch,
    LogLine,
    TaskLog,
    Work,
    bounded,
    gaps,
    last_lines,
    merged,
    news,
)

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def line(number: int, text: str = "", category: str = "Info") -> LogLine:
    return LogLine(number, category, NOON + timedelta(seconds=number), text or f"line {number}")


def tree(machine: tuple[LogLine, ...], work: Work = Work.RUNNING) -> TaskLog:
    """A task with one step on one machine; its own line is the first."""
    below = Branch("T/A/B", "web-1", work, lines=machine)
    step = Branch("T/A", "Step 1: Deploy web", work, children=(below,))
    return TaskLog(
        "ServerTasks-1", (Branch("T", "Deploy web", work, NOON, None, 40, (line(1),), (step,)),)
    )


def texts(log: TaskLog) -> list[str]:
    return [each.text for _, branch in log.branches() for each in branch.lines]


def size(log: TaskLog) -> tuple[int, int]:
    branches = [branch for _, branch in log.branches()]
    return len(branches), sum(len(branch.lines) for branch in branches)


@given(st.integers(2, 60), st.integers(1, 8), st.lists(st.integers(1, 8), max_size=20))
@settings(max_examples=50, deadline=None)
def test_readings_of_the_last_lines_grow_into_the_whole_log(
    end: int, tail: int, steps: list[int]
) -> None:
    lines = tuple(line(number) for number in range(2, end))
    log, told, seen = None, [], 0
    for step in [*steps, end]:
        seen = min(seen + min(step, tail), len(lines))  # no more at once than a reading shows
        reading = tree(lines[max(seen - tail, 0) : seen])
        told += [line.number for _, line in news(log, reading)]
        log = merged(log, reading)
        assert merged(log, reading) == log
        assert not news(log, reading)

    assert log is not None
    assert told == [1, *range(2, seen + 2)]
    assert texts(log) == ["line 1", *(each.text for each in lines[:seen])]


def test_the_newest_reading_says_how_everything_stands() -> None:
    log = merged(tree((line(2),)), tree((), Work.FAILED))

    assert {branch.work for _, branch in log.branches()} == {Work.FAILED}
    assert texts(log) == ["line 1", "line 2"]


def test_lines_without_numbers_are_told_once() -> None:
    one, two = (LogLine(0, "Info", NOON, text) for text in ("a", "b"))
    log = merged(tree((one,)), tree((one, two)))

    assert texts(log) == ["line 1", "a", "b"]
    assert [told.text for _, told in news(tree((one,)), tree((one, two)))] == ["b"]


@given(
    st.recursive(
        st.builds(Branch, st.text(max_size=3), st.just("n"), st.sampled_from(Work)),
        lambda below: st.builds(
            lambda work, children: Branch("b", "n", work, children=tuple(children)),
            st.sampled_from(Work),
            st.lists(below, max_size=4),
        ),
        max_leaves=30,
    )
)
@settings(max_examples=50, deadline=None)
def test_a_small_tree_is_kept_as_it_is(root: Branch) -> None:
    log = TaskLog("ServerTasks-1", (root,))
    deepest = max(len(path) for path, _ in log.branches()) + 1

    kept = bounded(log)

    assert (kept == log) is (deepest <= DEEPEST)
    assert bounded(kept) == kept


def test_rule_47_a_log_of_any_size_is_kept_within_its_limits() -> None:
    lines = tuple(line(number) for number in range(200))
    machines = [Branch(f"m{n}", f"web-{n}", Work.SUCCESS, lines=lines) for n in range(900)]
    machines[700] = replace(machines[700], work=Work.FAILED)
    step = Branch("S", "Step 1", Work.FAILED, lines=lines, children=tuple(machines))
    deep = Branch("D", "deep", Work.RUNNING)
    for _ in range(3 * DEEPEST):
        deep = Branch("D", "deep", Work.RUNNING, children=(deep,))

    log = merged(TaskLog("T", (step,)), TaskLog("T", (step, deep)))

    branches, kept = size(log)
    assert branches <= MOST_BRANCHES
    assert kept <= MOST_LINES
    assert all(branch.lines[-1] == lines[-1] for _, branch in log.branches() if branch.lines)
    assert any(branch.name == "web-700" for _, branch in log.branches())
    assert max(len(path) for path, _ in log.branches()) == DEEPEST - 1
    (shown,) = (branch for _, branch in log.branches() if branch.id == "S")
    assert len(shown.children) + shown.left_out == len(machines)


def test_a_bad_end_is_told_by_its_errors_where_they_were_made() -> None:
    machine = (line(2), line(3, "no disk", "Error"), line(4, "secret", "Verbose"))
    log = tree(machine, Work.FAILED)
    fatal = line(5, "no disk", "Fatal")
    log = replace(log, roots=(replace(log.roots[0], lines=(line(1), fatal)),))

    assert last_lines(log, 5) == ("Step 1: Deploy web > web-1: no disk",)
    assert last_lines(log, 0) == ()


def test_a_bad_end_without_an_error_is_told_by_its_last_lines() -> None:
    log = tree((line(2, "stopped"), line(3, "stack", "Verbose")), Work.CANCELED)

    assert last_lines(log, 1) == ("Step 1: Deploy web > web-1: stopped",)
    assert last_lines(log, 9) == ("line 1", "Step 1: Deploy web > web-1: stopped")


@pytest.mark.parametrize("work", Work)
def test_only_what_can_change_no_more_has_ended(work: Work) -> None:
    assert work.has_ended is (work not in {Work.PENDING, Work.RUNNING, Work.UNKNOWN})


def test_a_reading_that_does_not_join_what_was_known_tells_its_gaps() -> None:
    first = tree(tuple(line(number) for number in range(2, 5)))

    def after(*numbers: int) -> tuple[tuple[str, ...], ...]:
        return gaps(first, tree(tuple(map(line, numbers))), 3)

    assert after(3, 4, 5) == ()
    assert after(5, 6, 7) == (("Step 1: Deploy web", "web-1"),)
    assert after(5, 6) == ()
    assert gaps(None, first, 3) == (("Step 1: Deploy web", "web-1"),)
    assert gaps(None, first, 4) == ()
