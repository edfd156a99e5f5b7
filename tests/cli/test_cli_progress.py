"""Progress: on a terminal a table, elsewhere lines; and what is left when it is interrupted."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, cast

import pytest
from cli_values import HOSTILE, plan_and_gates
from rich.console import Console

from reconciler.cli.leaving import Exit
from reconciler.cli.live import Board
from reconciler.cli.progress import Lines, told
from reconciler.cli.render.report import exit_code, next_step
from reconciler.core.gate import Gate, GateName
from reconciler.core.intent import Outcome
from reconciler.core.plan import Plan
from reconciler.engine.apply import Done, Result
from reconciler.engine.events import (
    Ended,
    Event,
    Launched,
    NotStarted,
    PlanMade,
    Recorded,
    Resumed,
    Said,
    Watched,
)
from reconciler.engine.planning import Planned
from reconciler.engine.run import PassReport

if TYPE_CHECKING:
    from cli_shop import Shop

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def drawn(board: Board) -> str:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    console.print(board.draw())
    console.file.close()
    return console.export_text()


def test_a_board_shows_what_runs_and_what_waits_until_it_ended() -> None:
    plan, _ = plan_and_gates()
    wallet = next(a for a in plan.changes if a.cell == "wallet-api")
    board = Board()
    board.hear(PlanMade(plan, (Gate("lobby-ui", GateName.IN_FLIGHT, "runs", "ends"),)))

    waiting = drawn(board)
    assert "lobby-ui" not in waiting
    assert waiting.index("wallet-api") < waiting.index("wallet-ui")

    board.hear(Launched(wallet, "ServerTasks-7"))
    board.hear(Watched((("wallet-api", "ServerTasks-7", "Executing", 12.0),)))
    (row,) = (line for line in drawn(board).splitlines() if "wallet-api" in line)
    assert row.split() == [
        "wallet-api",
        "2.4.0",
        "->",
        "2.4.1",
        "1",
        "Executing",
        "12",
        "ServerTasks-7",
    ]

    board.hear(Ended("wallet-api", "2.4.1", "ServerTasks-7", Outcome.SUCCESS, 13.0))
    board.hear(NotStarted("wallet-db", "why"))
    board.hear(NotStarted("wallet-ui", "why"))
    assert drawn(board).strip() == ""


def test_a_plan_that_is_held_leaves_the_board_empty() -> None:
    board = Board()
    board.hear(PlanMade(*plan_and_gates()))

    assert drawn(board).strip() == ""


def test_a_board_is_no_taller_than_a_screen() -> None:
    plan, _ = plan_and_gates()
    many = tuple(
        type(plan.changes[0])(f"part-{n:03}", a.kind, a.reason, "1", "2", wave=1)
        for n in range(500)
        for a in plan.changes[:1]
    )
    board = Board()
    board.hear(PlanMade(Plan("production-uk", plan.commit, plan.read_at, many), ()))

    lines = drawn(board).strip().splitlines()
    assert len(lines) <= 32
    assert "... and 470 more" in lines[-1]


@pytest.mark.parametrize("text", HOSTILE)
def test_rule_52_every_line_of_progress_is_clean(text: str) -> None:
    plan, _ = plan_and_gates()
    events: list[Event] = [
        Said(text),
        NotStarted(text, text),
        Ended(text, text, text, Outcome.FAILED, 1.0, (text, text)),
        Resumed(((text, text), (text, ""))),
        Recorded("a" * 40, 1, snapshot_changed=True),
        Launched(plan.changes[0], text, found=True),
    ]
    lines = [line for event in events for line in told(event)]
    lines += Lines().lines(Watched(((text, text, text, 1.0),)))

    assert len(lines) == 10
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


def test_a_task_that_only_goes_on_is_told_once() -> None:
    lines = Lines()
    first = Watched((("a", "ServerTasks-1", "Executing", 1.0),))
    later = Watched((("a", "ServerTasks-1", "Executing", 9.0),))
    asks = Watched((("a", "ServerTasks-1", "waits for a person", 12.0),))

    assert [lines.lines(e) for e in (first, later, asks)] == [
        ["a: Executing"],
        [],
        ["a: waits for a person"],
    ]


def report(
    *results: Done,
    gates: tuple[Gate, ...] = (),
    work: bool = True,
    recorded: bool = True,
    stale: str = "",
) -> PassReport:
    plan, _ = plan_and_gates()
    if not work:
        plan = Plan(plan.environment, plan.commit, plan.read_at, ())
    planned = Planned(cast("object", None), plan, gates, {})  # type: ignore[arg-type]
    ran = {Done.SUCCEEDED, Done.FAILED}
    outcomes = {
        f"part-{n}": Result(done, "", "ServerTasks-1" if done in ran else None)
        for n, done in enumerate(results)
    }
    return PassReport(planned, outcomes, recorded=recorded, stale=stale)


WHOLE = (Gate("", GateName.BRAKE, "too many", "fewer"),)
PART = (Gate("part-0", GateName.IN_FLIGHT, "runs", "ends"),)


@pytest.mark.parametrize(
    ("given", "reviewed", "code"),
    [
        (report(work=False), False, Exit.OK),
        (report(Done.SUCCEEDED), False, Exit.OK),
        (report(Done.SUCCEEDED, Done.FAILED), False, Exit.SOME_FAILED),
        (report(Done.REFUSED), False, Exit.SOME_FAILED),
        (report(Done.UNKNOWN, recorded=False), False, Exit.SOME_FAILED),
        (report(Done.NOT_STARTED, stale="changed"), True, Exit.STALE),
        (report(Done.NOT_STARTED, stale="changed"), False, Exit.FAILED),
        (report(gates=WHOLE), False, Exit.GATED),
        (report(Done.HELD, gates=PART), False, Exit.GATED),
        (report(Done.HELD, Done.SUCCEEDED, gates=PART), False, Exit.OK),
        (report(Done.HELD, Done.FAILED, gates=PART), False, Exit.SOME_FAILED),
        (report(gates=PART, work=False), False, Exit.OK),
        (report(Done.SUCCEEDED, recorded=False), False, Exit.FAILED),
        (report(work=False, recorded=False), False, Exit.FAILED),
    ],
)
def test_the_exit_code_tells_what_became_of_the_pass(
    given: PassReport, reviewed: bool, code: Exit
) -> None:
    assert exit_code(given, reviewed=reviewed) is code


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (report(Done.SUCCEEDED), ""),
        (report(Done.SUCCEEDED, recorded=False), "records wait on this machine"),
        (report(Done.NOT_STARTED, stale="changed"), "reconciler plan production-uk"),
        (report(Done.UNKNOWN), "finds out what became of the request"),
        (report(Done.FAILED), "apply production-uk --retry"),
        (report(gates=WHOLE), "open the gates"),
    ],
)
def test_the_next_step_is_one_that_helps(given: PassReport, words: str) -> None:
    step = next_step(given)

    assert words in step
    assert bool(step) is bool(words)


def test_on_a_terminal_the_table_goes_and_a_plain_summary_stays(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0")
    shop.simulator.world.task_seconds = 1.5  # so that the table is painted while it runs
    code, text = in_a_terminal(shop, "apply", "production")

    assert code == 0
    assert "\x1b[?25l" in text  # the table was drawn, with the cursor hidden
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")
    plain = ESCAPES.sub("", text)
    assert "Executing" in plain
    last = [line.strip() for line in plain.replace("\r", "\n").splitlines() if line.strip()]
    assert last[-1].endswith("."), last[-5:]
    assert "1 succeeded; recorded" in " ".join(last[-4:])


def in_a_terminal(shop: Shop, *arguments: str) -> tuple[int, str]:
    """Run the program in a terminal of its own; return its exit code and what was drawn."""
    ours, theirs = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(
        [sys.executable, "-m", "reconciler", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**environment, **shop.environment()},
    )
    os.close(theirs)
    drawn = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the last writer has gone
            break
        if not more:
            break
        drawn += more
    os.close(ours)
    return process.wait(), drawn.decode("utf-8", "replace")


def test_ctrl_c_leaves_with_130_and_the_next_apply_finishes_the_work(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0", web="1.1.0")
    shop.simulator.stick("Orders API", "2.4.0", "Production")
    process = shop.start("apply", "production")
    assert process.stderr is not None
    while "Executing" not in (line := process.stderr.readline()):
        assert line, "apply ended early"

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)

    assert process.returncode == 130
    assert out == ""
    assert "Traceback" not in err
    interrupted, hint = err.splitlines()[-2:]
    assert interrupted == "interrupted: nothing new is started; tasks that run in Octopus go on"
    assert hint.startswith("hint: `reconciler apply production` finds them")

    shop.simulator.finish("Orders API", "Production")
    again = shop.run("apply", "production")
    assert again.exit_code == 0, again.output
    assert "orders: asked for by an earlier pass, ServerTasks-" in again.stderr
    assert "orders: from an interrupted pass" in again.stdout
    assert shop.simulator.running("Web Shop", "Production") == "1.1.0"
    versions = [d.version for d in shop.simulator.deployments("Orders API", "Production")]
    assert versions.count("2.4.0") == 1
