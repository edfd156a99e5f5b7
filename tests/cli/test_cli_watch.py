"""`watch` and `status` of a daemon that says what a test lets it say."""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import pytest
from click.testing import CliRunner

from reconciler.cli import cli
from reconciler.cli.leaving import Exit
from reconciler.cli.render.standing import standing_lines
from reconciler.cli.standing import NoDaemon
from reconciler.cli.watching import BEAT, Goal, JsonLines, Lines, Page, Show, watch
from reconciler.errors import StoreTrouble
from reconciler.store.lock import daemon_lock
from reconciler.store.statusfile import NAME, read_status, write_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from rich.live import Live

COMMIT = "4f" * 20
SINCE = "2026-11-20T12:00:00Z"
READY = {"type": "Ready", "reason": "InSync", "message": "4 of 4 as pinned", "since": SINCE}
HELD = {"type": "Held", "reason": "HeldInGit", "message": "api\x1b[2J", "since": SINCE}
RUNS = {"component": "api", "task": "ServerTasks-1", "state": "Executing", "since": SINCE}


def one(*conditions: dict[str, str], looked: str = SINCE, **facts: Any) -> dict[str, Any]:
    return {
        "commit": COMMIT,
        "looked": looked,
        "attempted": None,
        "reached": SINCE,
        "next_look": None,
        "failures": 0,
        "pending": 0,
        "conditions": list(conditions),
        "running": [],
        **facts,
    }


def says(state: Path, trouble: str | None = None, **environments: dict[str, Any]) -> None:
    write_status(
        state, {"repositories": {"repo": {"trouble": trouble, "environments": environments}}}
    )


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The state directory of a daemon that runs."""
    with daemon_lock(tmp_path):
        yield tmp_path


class OverError(Exception):
    """The story has ended."""


def watched(
    state: Path, show: Show, *steps: Callable[[], None], names: tuple[str, ...] = ()
) -> None:
    """Watch, taking one step at each beat, until the steps are over."""
    left = iter(steps)

    def sleep(seconds: float) -> None:
        assert seconds == BEAT
        step = next(left, None)
        if step is None:
            raise OverError
        step()

    with pytest.raises(OverError):
        watch(state, names, show, None, sleep)


def test_lines_tell_each_change_once_and_looks_without_news_never(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says(state, qa=one(READY), live=one(READY))
    watched(
        state,
        Lines(),
        lambda: says(state, qa=one(READY, looked="later", next_look="soon"), live=one(READY)),
        lambda: says(state, qa=one(HELD, READY, running=[RUNS]), live=one(READY)),
        lambda: says(state, "no answer", qa=one(HELD, READY, running=[RUNS])),
        lambda: says(state, qa=one(HELD, READY, running=[RUNS])),
    )

    told = [line.partition(" ") for line in capsys.readouterr().out.splitlines()]
    assert all(len(stamp) == len(SINCE) for stamp, _, _ in told)
    assert [line for _, _, line in told] == [
        "live at 4f4f4f4f4f4f: Ready InSync (4 of 4 as pinned)",
        "qa at 4f4f4f4f4f4f: Ready InSync (4 of 4 as pinned)",
        "qa at 4f4f4f4f4f4f: Held HeldInGit (api\\x1b[2J), Ready InSync (4 of 4 as pinned), "
        "runs api ServerTasks-1 (Executing)",
        "live is watched no more",
        "repo: no answer",
        "repo is read again",
    ]


def test_json_lines_have_the_fields_of_the_status(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says(state, qa=one(READY), live=one(READY))
    watched(
        state,
        JsonLines(),
        lambda: says(state, "no answer", qa=one(HELD)),
        lambda: says(state, "no answer", qa=one(HELD, looked="later")),
        lambda: says(state, qa=one(HELD)),
    )

    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"environment": "live", **one(READY)},
        {"environment": "qa", **one(READY)},
        {"environment": "live", "gone": True},
        {"environment": "qa", **one(HELD)},
        {"repository": "repo", "trouble": "no answer"},
        {"repository": "repo", "trouble": None},
    ]


def test_a_page_is_painted_anew_only_when_it_is_another_one(state: Path) -> None:
    painted: list[str] = []

    class Screen:
        def update(self, page: object, *, refresh: bool) -> None:
            assert refresh
            painted.append(str(page))

    watched(
        state,
        Page(cast("Live", Screen())),
        lambda: says(state, "no answer", qa=one(HELD, READY, running=[RUNS])),
        lambda: says(state, "no answer", qa=one(HELD, READY, running=[RUNS])),
    )

    assert painted[0] == "the daemon has looked at nothing yet"
    assert painted[1].splitlines() == [
        "repo: no answer",
        "qa at 4f4f4f4f4f4f, looked at 2026-11-20T12:00:00Z",
        "  attempted none known, reached 2026-11-20T12:00:00Z, next look never",
        "  Held        HeldInGit        api\\x1b[2J (since 2026-11-20T12:00:00Z)",
        "  Ready       InSync           4 of 4 as pinned (since 2026-11-20T12:00:00Z)",
        "  runs        api              ServerTasks-1 is Executing (since 2026-11-20T12:00:00Z)",
    ]
    assert len(painted) == 2


def test_only_the_environments_that_are_named_are_shown(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    says(state, qa=one(READY), live=one(READY))

    watched(state, Lines(), names=("qa", "new\x1b"))

    out, err = capsys.readouterr()
    assert out.endswith(" qa at 4f4f4f4f4f4f: Ready InSync (4 of 4 as pinned)\n")
    assert out.count("\n") == 1
    assert err == "the daemon knows no environment 'new\\x1b' yet\n"


@contextmanager
def served(state: Path) -> Iterator[None]:
    with daemon_lock(state):
        yield


def test_a_daemon_that_ends_and_one_that_begins_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = served(tmp_path), served(tmp_path)
    first.__enter__()
    says(tmp_path, qa=one(READY))
    watched(
        tmp_path,
        Lines(),
        lambda: first.__exit__(None, None, None),
        lambda: None,
        second.__enter__,
    )
    second.__exit__(None, None, None)

    assert capsys.readouterr().err.splitlines() == [
        "the daemon has ended; waiting for the next one",
        "a daemon runs again",
    ]


def test_without_a_daemon_there_is_nothing_to_watch(tmp_path: Path) -> None:
    says(tmp_path, qa=one(READY))  # of one that ended

    with pytest.raises(NoDaemon, match="no daemon runs for /") as told:
        watch(tmp_path, (), Lines(), None)

    assert told.value.exit_code == Exit.FAILED  # as of `status`
    assert told.value.hint.startswith("start `reconciler serve`")


def waited(state: Path, goal: Goal, *steps: Callable[[], None]) -> Exit:
    seconds = 0.0
    left = iter(steps)

    def sleep(more: float) -> None:
        nonlocal seconds
        seconds += more
        next(left, lambda: None)()

    return watch(state, tuple(goal.names), lambda _: None, goal, sleep, lambda: seconds)


def test_a_script_waits_until_all_it_named_are_there_at_its_commit(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    goal = Goal("Ready", "4f4f4f4f", frozenset({"qa", "live"}), 2.0)
    says(state, qa=one(READY), live=one(READY, commit="00" * 20), other=one(HELD))

    assert waited(state, goal) is Exit.FAILED
    assert capsys.readouterr().err.splitlines()[0] == (
        "error: live not Ready at 4f4f4f4f within 2 s"
    )
    there = [lambda: says(state, qa=one(READY), live=one(READY))]
    assert waited(state, goal, *there) is Exit.OK


def test_what_an_earlier_daemon_saw_reaches_no_goal(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    everything = Goal("Ready", "", frozenset(), 1.0)
    assert waited(state, everything) is Exit.FAILED
    assert "no environment not Ready" not in capsys.readouterr().out
    says(state, qa=one(READY))
    os.utime(state / NAME, ns=(1, 1))
    assert waited(state, everything) is Exit.FAILED

    assert waited(state, everything, lambda: says(state, qa=one(READY))) is Exit.OK


def run(state: Path, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, arguments, env={"RECONCILER_STATE_DIR": str(state)})
    return result.exit_code, result.stdout, result.stderr


def test_the_command_waits_and_ends(state: Path) -> None:
    says(state, qa=one(READY))

    code, out, err = run(state, "watch", "qa", "--until", "Ready", "-o", "json", "--timeout", "9")
    assert (code, json.loads(out)["environment"], err) == (0, "qa", "")
    code, out, err = run(state, "watch", "--timeout", "9")
    assert (code, out, err.splitlines()[0]) == (64, "", "error: --at and --timeout go with --until")


def test_status_says_that_no_daemon_runs_or_that_it_has_just_begun(tmp_path: Path) -> None:
    says(tmp_path, "no answer", qa=one(READY))
    code, out, err = run(tmp_path, "status")
    assert (code, out.splitlines()[0]) == (1, "qa at 4f4f4f4f4f4f, looked at 2026-11-20T12:00:00Z")
    assert err.splitlines() == [
        "repo: no answer",
        f"error: no daemon runs for {tmp_path}: this is how things stood before",
        "hint: start `reconciler serve`",
    ]

    os.utime(tmp_path / NAME, ns=(1, 1))
    with daemon_lock(tmp_path):
        code, out, err = run(tmp_path, "status", "qa", "-o", "json")
        assert (code, json.loads(out)) == (0, {"qa": one(READY)})
        assert "has just begun" in err
        says(tmp_path, qa=one(READY))
        assert run(tmp_path, "status")[2] == ""


PROGRESS = {
    "done": 2,
    "of": 8,
    "failed": 1,
    "asking": 1,
    "percent": 31,
    "waves": [{"wave": 1, "done": 2, "of": 3}, {"wave": 2, "done": 0, "of": 5}],
    "next": ["web", "mail\x1b[2J"],
    "ends": "2026-11-20T12:07:00Z",
    "not_before": True,
    "window_closes": "2026-11-20T13:00:00Z",
}


def test_a_pass_that_works_is_shown_by_waves_with_its_end_beside_the_windows() -> None:
    running = [{**RUNS, "component": "jobs", "wave": 2}, {**RUNS, "wave": 1}]

    lines = list(standing_lines("qa", one(running=running, progress=PROGRESS)))

    assert lines[2:] == [
        "  pass        2 of 8 done, 1 failed, 1 waits for a person, 31%, ends not before "
        "2026-11-20T12:07:00Z, the window closes 2026-11-20T13:00:00Z",
        "  wave 1      2 of 3 done",
        "  runs        api              ServerTasks-1 is Executing (since 2026-11-20T12:00:00Z)",
        "  wave 2      0 of 5 done",
        "  runs        jobs             ServerTasks-1 is Executing (since 2026-11-20T12:00:00Z)",
        "  next        web, mail\\x1b[2J",
    ]


@pytest.mark.parametrize("damaged", [{}, [], {**PROGRESS, "waves": [{}]}, {**PROGRESS, "next": 1}])
def test_a_status_file_with_half_a_pass_is_told_as_damaged(state: Path, damaged: object) -> None:
    says(state, qa=one(READY, progress=damaged))

    with pytest.raises(StoreTrouble, match="is damaged"):
        read_status(state)
