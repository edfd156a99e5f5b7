"""The tree of a pass on screens of any size."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cli_values import HOSTILE
from rich.cells import cell_len

from reconciler.cli.render.tree import span, tree_rows
from reconciler.core.livetree import LiveTree, Part, Stage
from reconciler.core.logtree import Branch, LogLine, TaskLog, Work

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def change(name: str, stage: Stage, wave: int = 1, **more: object) -> Part:
    facts = {"from_version": "1.0.0", "to_version": "1.1.0", "expected": timedelta(seconds=60)}
    return Part(name, stage, wave, **{**facts, **more})  # type: ignore[arg-type]


def log(*machines: str, text: str = "Copying files") -> TaskLog:
    line = LogLine(9, "Info", NOON, text)
    below = tuple(Branch(f"T/S/{m}", m, Work.RUNNING, lines=(line,)) for m in machines)
    done = Branch("T/R", "Step 1: Stop", Work.SUCCESS, lines=(replace(line, number=2),))
    step = Branch("T/S", "Step 2: Deploy api", Work.RUNNING, percent=40, children=below)
    return TaskLog(
        "ServerTasks-31", (Branch("T", "Deploy", Work.RUNNING, percent=45, children=(done, step)),)
    )


def a_pass(**more: object) -> LiveTree:
    runs = {"said": "Executing", "task_id": "ServerTasks-31", "since": 88.0, "log": log("api-1")}
    lines = ("Step 1: Deploy mail > mail-1: no disk",)
    bad = {
        "said": "Failed",
        "task_id": "ServerTasks-30",
        "lines": lines,
        "link": "https://o/app#/1",
    }
    parts = (
        change("db", Stage.SUCCEEDED),
        change("mail", Stage.FAILED, **bad),
        change("api", Stage.RUNNING, 2, **runs),
        change("jobs", Stage.PERSON, 2, said="waits for a person", waits_since=NOON, asks="Int-1"),
        change("web", Stage.WAITING, 3, waits_for=("api",)),
    )
    tree = LiveTree("test", {part.cell: part for part in parts}, 4)
    return replace(tree, **more)  # type: ignore[arg-type]


def drawn(tree: LiveTree, width: int = 100, height: int = 50) -> list[str]:
    rows = tree_rows(tree, 100.0, NOON + timedelta(minutes=2), width, height)
    return [row.plain.rstrip() for row in rows]


def test_a_tree_shows_waves_changes_steps_machines_and_what_starts_next() -> None:
    assert drawn(a_pass(closes=NOON + timedelta(minutes=30))) == [
        "test: 1 of 5 done, 2 run, 1 waits for a person, 1 failed; 49%",
        "  ends not before 12:03:48Z, in 1 min 48 s; the window closes 12:30Z",
        "wave 1: 1 of 2 done",
        "  mail  1.0.0 -> 1.1.0  Failed  ServerTasks-30",
        "    | Step 1: Deploy mail > mail-1: no disk",
        "    https://o/app#/1",
        "wave 2: 0 of 2 done",
        "  api   1.0.0 -> 1.1.0  Executing 45 %  12 s of about 1 min 00 s  ServerTasks-31",
        "    Step 2: Deploy api  Running 40 %",
        "      api-1  Running",
        "    | Copying files",
        "  jobs  1.0.0 -> 1.1.0  waits for a person since 12:00Z, 2 min 00 s",
        "    answered by: reconciler interruptions take Int-1",
        "wave 3: 0 of 1 done, 1 waits",
        "  next: web 1.0.0 -> 1.1.0, after api",
    ]


def test_the_expected_end_stands_beside_the_end_of_the_window() -> None:
    late, early = (
        drawn(a_pass(closes=NOON + timedelta(minutes=minutes)))[1] for minutes in (3, 60)
    )

    assert late.endswith("in 1 min 48 s; before that, the window closes 12:03Z")
    assert early.endswith("in 1 min 48 s; the window closes 13:00Z")


def test_who_was_never_deployed_or_waits_for_a_person_makes_the_end_a_lower_bound() -> None:
    tree = a_pass()
    sure = {name: part for name, part in tree.parts.items() if name != "jobs"}
    new = {**sure, "web": replace(sure["web"], expected=None)}

    ends = [drawn(replace(tree, parts=parts))[1].split()[1] for parts in (tree.parts, sure, new)]
    assert ends == ["not", "about", "not"]


def test_a_runbook_is_named_where_it_runs() -> None:
    facts = {"said": "Executing", "task_id": "ServerTasks-9", "since": 95.0}
    parts = (
        change("api", Stage.RUNNING, 2, doing="runbook Drain before", **facts),
        change("", Stage.RUNNING, 0, doing="runbook Announce before", **facts),
    )
    rows = drawn(LiveTree("test", {part.cell: part for part in parts}, 4))

    assert rows[2:] == [
        "around all changes: 0 of 1 done",
        "  all changes                  runbook Announce before Executing  5 s  ServerTasks-9",
        "wave 2: 0 of 1 done",
        "  api          1.0.0 -> 1.1.0  runbook Drain before Executing  5 s  ServerTasks-9",
    ]


def test_a_pass_without_anything_to_wait_for_draws_nothing() -> None:
    assert drawn(LiveTree("test", {"db": change("db", Stage.SUCCEEDED)})) == []
    assert drawn(LiveTree()) == []


@pytest.mark.parametrize("width", [1, 20, 40, 59, 60, 100, 300])
@pytest.mark.parametrize("height", [1, 2, 5, 8, 100])
def test_a_tree_fits_every_screen_and_what_is_most_urgent_stays(width: int, height: int) -> None:
    rows = drawn(a_pass(), width, height)

    assert 0 < len(rows) <= height
    assert all(cell_len(row) <= width for row in rows)
    if width >= 40 and height >= 5:
        assert any("mail" in row and "Failed" in row for row in rows)
        assert any("jobs" in row and "waits for a person" in row for row in rows)
    if 1 < height < 10:
        assert rows[-1].startswith("... and "[: width - 1])


def test_a_thousand_changes_are_a_screen_like_any_other() -> None:
    many: dict[CellKey, Part] = {}
    for n in range(1000):
        stage = Stage.RUNNING if n < 100 else Stage.WAITING
        one = change(f"part-{n:04}", stage, 1 + n // 100, log=log("a", "b", "c", "d", "e"))
        many[one.cell] = one

    rows = drawn(LiveTree("test", many, 100), height=30)

    assert len(rows) == 30
    assert rows[0].startswith("test: 0 of 1000 done, 100 run;")
    assert rows[-1].startswith("... and ")


@pytest.mark.parametrize("text", HOSTILE)
def test_rule_52_no_text_of_a_log_reaches_the_terminal_as_it_is(text: str) -> None:
    facts = {"said": text, "task_id": text, "from_version": text, "lines": (text,), "link": text}
    bad = change(text, Stage.FAILED, **facts)
    runs = change("api", Stage.RUNNING, log=log(text, text=text))
    next_one = change("web", Stage.WAITING, waits_for=(text, "api"))
    tree = LiveTree(text, {part.cell: part for part in (bad, runs, next_one)})

    rows = drawn(tree, width=400)

    assert len(rows) > 5
    assert all(row.isprintable() for row in rows)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (4800, "1 h 20 min"),
    ],
)
def test_a_duration_is_told_in_words(seconds: float, words: str) -> None:
    assert span(seconds) == words
