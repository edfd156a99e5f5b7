"""`logs`: whole trees, lines as they come, and JSON lines; never a byte a terminal would obey."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from cli_values import HOSTILE
from rich.console import Console

from reconciler.cli.following import Painted, Plain
from reconciler.cli.live import Board
from reconciler.cli.render.log import log_rows
from reconciler.core.intent import Outcome
from reconciler.core.logtree import Branch, LogLine, TaskLog, Work
from reconciler.engine import follow
from reconciler.engine.events import Ended, Event, Found, Grown, Seen, Watched
from reconciler.engine.logs import Logged, Reading

if TYPE_CHECKING:
    from cli_shop import Shop

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def events(text: str) -> list[Event]:
    """A deployment that is found, read, and fails; every text in it is foreign."""
    line = LogLine(3, "Error", NOON, text)
    step = Branch("T/S", text, Work.FAILED, lines=(line,))
    log = TaskLog(text, (Branch("T", text, Work.RUNNING, percent=40, children=(step,)),))
    return [
        Found(text, text, text, text, 1),
        Watched((Seen(text, text, text, 3.0),)),
        Grown(text, log, (((text,), line),), ((text,),)),
        Ended(text, text, text, Outcome.FAILED, 3.0, (text,), text, settled=False),
    ]


def test_lines_go_to_stdout_and_what_becomes_of_tasks_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = Plain()
    for event in events("x"):
        plain.hear(event)

    out, err = capsys.readouterr()
    assert out == "2026-11-20T12:00:00Z x > x | Error: x\n"
    assert [line.split(":")[0] for line in err.splitlines()] == [
        "x",
        "x",
        "x",
        "x",
        "  | x",
        "  see x",
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_rule_52_no_log_reaches_a_terminal_or_a_pipe_as_it_is(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn, plain = StringIO(), Plain()
    console = Console(file=drawn, width=4000, force_terminal=False, markup=False, emoji=False)
    painted = Painted(Board(), console)
    heard = events(text)
    for event in heard:
        plain.hear(event)
        painted.hear(event)
    log = next(event.log for event in heard if isinstance(event, Grown))
    reading = Reading(Logged(text, text, text, text), None, text, log)
    rows = [row.plain for row in log_rows(reading)]
    rows += [
        row.plain for row in log_rows(Reading(Logged(text, text, "", None), None, text, None, text))
    ]

    lines = [*"".join(capsys.readouterr()).splitlines(), *drawn.getvalue().splitlines(), *rows]
    assert len(lines) >= 16
    assert all(line.isprintable() for line in lines)


def test_what_ran_last_is_shown_as_a_tree_and_as_json_lines(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0")
    assert shop.run("apply", "production").exit_code == 0

    tree = shop.run("logs", "production", "orders")
    data = shop.run("logs", "production", "orders", "--verbose", "-o", "json")

    assert (tree.exit_code, tree.stderr) == (0, "")
    wave, head, link, *lines = tree.stdout.splitlines()
    assert wave == "wave 1"
    assert head.startswith("  orders 2.3.0 -> 2.4.0, ServerTasks-")
    assert link.strip().startswith(f"{shop.url}/app#/Spaces-1/tasks/ServerTasks-")
    assert any(line.strip().startswith("Step 1: ") and line.endswith("Success") for line in lines)
    found = [json.loads(line) for line in data.stdout.splitlines()]
    assert [one["event"] for one in found] == ["deployment.found", "tasks.seen", "log.grown"]
    assert {one["text"] for one in found[-1]["lines"]} <= {line.split("Z ")[-1] for line in lines}


def test_following_ends_once_nothing_runs(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "QUIET", 0.05)
    shop.simulator.deploy("Web Shop", "1.1.0", "Production", by="alice")

    done = shop.run("logs", "production", "web", "--follow")

    assert done.exit_code == 0
    assert all(" web" in line and " | " in line for line in done.stdout.splitlines())
    assert done.stdout.count("\n") > 3
    assert "web: 1.1.0 ended Success" in done.stderr


def test_a_component_that_is_not_pinned_is_wrong_usage(shop: Shop) -> None:
    refused = shop.run("logs", "production", "order")

    assert refused.exit_code == 64
    assert refused.stderr.splitlines() == [
        "error: production pins no 'order'",
        "hint: did you mean orders?",
    ]


@pytest.mark.proof
def test_logs_are_followed_beside_an_apply_of_another_process(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0", web="1.1.0")
    shop.simulator.stick("Orders API", "2.4.0", "Production")
    shop.simulator.fail_next("Web Shop", "1.1.0", "Production", message="no disk\x1b[2J")
    apply = shop.start("apply", "production")
    assert apply.stderr is not None
    while "Executing" not in (line := apply.stderr.readline()):
        assert line, "apply ended early"

    logs = shop.start("logs", "production", "--follow")
    assert logs.stdout is not None
    first = logs.stdout.readline()
    shop.simulator.finish("Orders API", "Production")
    rest, err = logs.communicate(timeout=100)
    out = first + rest
    apply.communicate(timeout=30)

    assert (apply.returncode, logs.returncode) == (5, 0)
    lines = out.splitlines()
    assert len(lines) == len(set(lines)) > 6
    assert any(line.endswith("| Error: no disk\\x1b[2J") for line in lines)
    assert "orders: 2.4.0 ended Success" in err
    assert "web: 1.1.0 ended Failed" in err
    assert "\x1b" not in out + err
