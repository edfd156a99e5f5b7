"""Progress: on a terminal a tree, elsewhere lines; and what is left when it is interrupted."""

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

from reconciler.cli.leaving import Exit
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
    Recorded,
    Resumed,
    Said,
    Seen,
    Watched,
)
from reconciler.engine.planning import Planned
from reconciler.engine.run import PassReport

if TYPE_CHECKING:
    from cli_shop import Shop

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


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
    lines += Lines().lines(Watched((Seen(text, text, text, 1.0),)))

    assert len(lines) == 10
    assert all(line.isprintable() and len(line) < 1000 for line in lines)


def test_a_task_that_only_goes_on_is_told_once() -> None:
    lines = Lines()
    first = Watched((Seen("a", "ServerTasks-1", "Executing", 1.0),))
    later = Watched((Seen("a", "ServerTasks-1", "Executing", 9.0),))
    asks = Watched((Seen("a", "ServerTasks-1", "waits for a person", 12.0),))

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
        (report(Done.FAILED), "reconciler retry production-uk`"),
        (report(gates=WHOLE), "open the gates"),
    ],
)
def test_the_next_step_is_one_that_helps(given: PassReport, words: str) -> None:
    step = next_step(given)

    assert words in step
    assert bool(step) is bool(words)


def test_on_a_terminal_the_tree_goes_and_a_plain_summary_stays(shop: Shop) -> None:
    assert shop.run("accept", "--all").exit_code == 0
    shop.pin(orders="2.4.0")
    shop.simulator.world.task_seconds = 1.5  # so that the tree is painted while it runs
    code, text = in_a_terminal(shop, "apply", "production")

    assert code == 0
    assert "\x1b[?25l" in text  # the tree was drawn, with the cursor hidden
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
