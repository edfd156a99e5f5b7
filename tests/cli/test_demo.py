"""The demo: its story holds, what it says to try works, and it leaves nothing behind."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli import cli
from reconciler.cli.demo import stage as demo_stage
from reconciler.cli.demo import story as demo_story
from reconciler.cli.demo.colleagues import Colleagues
from reconciler.cli.demo.daemon import Daemon
from reconciler.cli.demo.news import News
from reconciler.cli.demo.playground import Keeper
from reconciler.cli.demo.stage import Person, Stage, set_stage
from reconciler.cli.demo.teller import Teller
from reconciler.cli.shipped import shipped
from reconciler.errors import ReconcilerError, UsageError

DEMO = [sys.executable, "-m", "reconciler", "demo"]
PATIENCE = 60.0  # seconds until a test gives up; each waits for a word, never for a while


OCTOPUS = r"(http://[\d.:]+\d)\) runs"
ANSWERS = r"daemon  .* answers at (http://\S+)"


@dataclass(frozen=True)
class Machine:
    """A machine whose user has settings that would spoil everything, were they read."""

    home: Path
    temporary: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.temporary),
            "GIT_DIR": "/nowhere",
            "RECONCILER_REPO": "https://git.example.com/somebody-elses.git",
            "RECONCILER_BRANCH": "elsewhere",
            "OCTOPUS_GAMING_KEY": "API-SOMEBODYELSES",
        }

    def leftovers(self) -> list[Path]:
        return sorted(self.temporary.iterdir()) + sorted(self.home.glob(".local/**/*"))


@dataclass
class Running:
    """A running demo and the lines that it tells."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)

    def listen(self, stream: Any, lines: list[str]) -> None:
        for line in stream:
            with self.news:
                lines.append(line)
                self.news.notify_all()

    def says(self, pattern: str, after: int = 0) -> re.Match[str]:
        """Wait for a line that tells so, and return what matched."""
        deadline = time.monotonic() + PATIENCE
        with self.news:
            while True:
                for line in self.lines[after:]:
                    if found := re.search(pattern, line):
                        return found
                left = deadline - time.monotonic()
                assert left > 0, f"no {pattern}: {self.lines} {self.errors}"
                assert self.process.poll() is None, f"ended without {pattern}: {self.errors}"
                self.news.wait(min(left, 1.0))

    def addresses(self) -> list[str]:
        """Where Octopus and the daemon answer, once both were told."""
        return [self.says(pattern)[1] for pattern in (OCTOPUS, ANSWERS)]

    def ends(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def running(machine: Machine, *options: str) -> Iterator[Running]:
    process = subprocess.Popen(
        [*DEMO, *options],
        env=machine.environment | {"COLUMNS": "200"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    demo = Running(process)
    streams = ((process.stdout, demo.lines), (process.stderr, demo.errors))
    listeners = [threading.Thread(target=demo.listen, args=each) for each in streams]
    for listener in listeners:
        listener.start()
    try:
        yield demo
    finally:
        process.kill()
        process.wait()
        for listener in listeners:
            listener.join()
        for stream, _ in streams:
            assert stream is not None
            stream.close()


def answers(address: str) -> bool:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "home", tmp_path / "tmp")
    made.home.mkdir()
    made.temporary.mkdir()
    config = "[commit]\n\tgpgSign = true\n[user]\n\tuseConfigOnly = true\n"
    (made.home / ".gitconfig").write_text(config)
    return made


@pytest.fixture
def stage(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr("tempfile.tempdir", str(machine.temporary))
    with set_stage(Teller(live=False)) as made:
        yield made


@pytest.mark.proof
def test_the_story_comes_true_and_leaves_nothing_behind(machine: Machine) -> None:
    done = subprocess.run(
        [*DEMO, "--once"], env=machine.environment, capture_output=True, text=True, timeout=110
    )

    story = done.stdout
    assert done.returncode == 0, story + done.stderr
    assert re.search(r"daemon  qa: \w+, accept: first contact with this environment", story)
    assert "accept on the whole plan: first contact with this environment" in story
    assert "Priya: Wallet 2.5 for testing; recommendations back to 1.6.2" in story
    assert "recommendations  downgrade  1.7.0 -> 1.6.2" in story
    assert "5 upgrades and 1 downgrade in 3 waves, not held" in story
    assert re.search(r"daemon  qa: recommendations 1\.7\.0 -> 1\.6\.2 started, \S+\n", story)
    assert "daemon  qa: 6 receipts recorded, audit commit " in story
    assert re.search(r"held-by-hand +by ben at .*: a customer waits, ticket 4711\n", story)
    assert re.search(r"paused +environment qa is paused by .*: the database is", story)
    assert re.search(r"kill -9 \d+\nNobody watches them now, but Octopus goes on with [2-6]", story)
    assert "daemon  qa: finds its own work of before: " in story
    assert "13 changes, 13 deployments, 13 signed receipts: none twice." in story
    assert '+    wallet-api: {version: "2.5.0", state: settled' not in story  # of the last change
    assert '+    payments-ui: {version: "4.9.0", state: settled' in story
    assert "qa: 13 receipts, all verified" in story
    assert ("Verified OK" in story) == (shutil.which("openssl") is not None)
    assert "\x1b" not in story
    assert machine.leftovers() == []


@pytest.mark.proof
def test_what_it_says_to_try_works_as_printed_until_ctrl_c(machine: Machine) -> None:
    with running(machine) as demo:
        demo.says("This page again")
        demo.says("    cat ")
        first = next(i for i, line in enumerate(demo.lines) if "In another terminal" in line)
        tries = [line[4:] for line in demo.lines[first:] if line.startswith("    ")]
        where = tries.pop(0).strip()

        def begun(word: str) -> subprocess.Popen[str]:
            """Start the one line with this word as it is printed."""
            (line,) = (each for each in tries if word in each)
            tries.remove(line)
            return subprocess.Popen(
                ["/bin/sh", "-c", f"{where} && {line}"],
                env={"PATH": os.environ["PATH"], "HOME": str(machine.home)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )

        def tried(word: str) -> str:
            """Return what the one line with this word says."""
            with begun(word) as done:
                said, _ = done.communicate(timeout=PATIENCE)
            assert done.returncode == 0, f"{word}: {said}"
            return said

        with begun("reconciler watch\n") as watching:
            assert watching.stdout is not None
            assert any("qa at " in line and "HeldByHand" in line for line in watching.stdout)
            os.killpg(watching.pid, signal.SIGINT)
        assert "dev at " in tried("status dev")
        assert "held-by-hand  by ben" in tried("plan qa")
        assert '"conditions"' in tried("/status")
        assert '"event": ' in tried("daemon.log")

        tried("/lobby-ui/")
        tried("Lobby back")
        demo.says("daemon  qa: lobby-ui 3.1.0 -> 3.0.0 started")
        tried("kill -9")
        demo.says("demo    the daemon is gone, killed by SIGKILL; it is started again")
        again = len(demo.lines)
        demo.says("daemon  qa: Ready", after=again)
        assert "Ready InSync (66 of 67 as pinned)" in tried("--until Ready")

        tried("pause --all --reason")
        assert "lunch" in tried("pause --list")
        assert "everything goes on" in tried("unpause --all")

        tried("/push-sender/")
        tried("Push sender back")
        demo.says(r"daemon  production-uk: \w+, brake: ")
        assert "held by brake" in tried("plan production-uk")

        built = demo.says(r"ci      built (\S+) (\S+), and pinned it in dev")
        demo.says(rf"daemon  dev: {built[1]} {re.escape(built[2])} ended Success")
        demo.says("daemon  dev: 1 receipt recorded")
        assert built[2] in tried("receipts list dev")
        assert "deployment" in tried("git log --oneline")
        assert "In another terminal" in tried("/try")
        assert tries == []

        told = demo.addresses()
        assert [answers(each) for each in told] == [True, True]
        assert demo.ends(signal.SIGINT) == 0  # the way out that it names
        assert [answers(each) for each in told] == [False, False]
    assert "interrupted\n" not in demo.errors
    assert machine.leftovers() == []


@pytest.mark.parametrize(
    ("number", "when"),
    [(signal.SIGINT, ANSWERS), (signal.SIGTERM, OCTOPUS), (signal.SIGHUP, OCTOPUS)],
)
def test_a_signal_in_the_middle_ends_it_clean(
    machine: Machine, number: signal.Signals, when: str
) -> None:
    with running(machine, "--once") as demo:
        told = demo.says(when)[1]
        octopus = demo.says(OCTOPUS)[1]
        assert demo.ends(number) == 130
        assert [answers(each) for each in (told, octopus)] == [False, False]
    assert "".join(demo.errors).strip() == "interrupted"
    assert machine.leftovers() == []


def test_a_demo_that_is_killed_leaves_no_process_and_no_folder(machine: Machine) -> None:
    with running(machine, "--once") as demo:
        told = demo.addresses()
        assert demo.ends(signal.SIGKILL) == -signal.SIGKILL
        deadline = time.monotonic() + PATIENCE
        while any(answers(each) for each in told) or machine.leftovers():
            assert time.monotonic() < deadline, machine.leftovers()


def test_without_git_it_says_so_in_a_line(machine: Machine) -> None:
    done = subprocess.run(
        [*DEMO, "--once"],
        env={**machine.environment, "PATH": str(machine.home)},
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode == 1
    assert "git" in done.stderr.splitlines()[0]
    assert "hint: install git" in done.stderr
    assert machine.leftovers() == []


def test_a_step_that_does_something_else_ends_the_demo_and_is_named(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell_another(stage: Stage, daemon: Daemon) -> None:
        stage.teller.chapter("Another story", "Nothing is held.")
        stage.reconciler("apply", "qa", ends=0)

    monkeypatch.setattr("tempfile.tempdir", str(machine.temporary))
    monkeypatch.setattr(demo_story, "tell_story", tell_another)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        with pytest.raises(SystemExit) as left:
            cli.main(["demo", "--once"])
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)

    assert left.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "error: the demo stopped at chapter 1, Another story: "
        "`reconciler apply qa` ended with 4, not 0",
        "hint: what it printed above says why; please report it",
    ]
    assert machine.leftovers() == []


def test_a_daemon_that_cannot_listen_says_why(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = Daemon(stage, lambda _: None, address=where)
        with pytest.raises(ReconcilerError) as told:
            daemon.start()

    message = told.value.message
    assert message.startswith(
        f"the daemon ended by itself: error: cannot listen on {daemon.address}"
    )


def test_the_playground_says_when_octopus_is_gone(stage: Stage) -> None:
    keeper = Keeper(stage, Daemon(stage, lambda _: None))
    stage.simulated.process.kill()
    stage.simulated.process.wait()

    with pytest.raises(ReconcilerError, match="the simulator ended by itself, killed by SIGKILL"):
        keeper.look()


def test_colleagues_build_pin_and_deploy_by_hand(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    colleagues = Colleagues.of(stage)
    for _ in range(3):
        colleagues.act()

    told = capsys.readouterr().out
    assert "ci      built recommendations 1.6.3, and pinned it in dev" in told
    assert "ci      built support-desk 1.6.2, and pinned it in dev" in told
    assert "ben     deployed support-desk 1.6.1 to QA in Octopus, by hand" in told
    stage.git("fetch", "--quiet")
    said = stage.git("log", "-2", "--format=%an: %s", "origin/main").splitlines()
    assert said == ["CI: Build support-desk 1.6.2", "CI: Build recommendations 1.6.3"]
    assert '    support-desk: "1.6.2"\n' in stage.git("show", "origin/main:environments/dev.yaml")
    newest = demo_stage.view(stage, "Gaming", "QA").deployments("support-desk")[0]
    assert (newest.version, newest.by) == ("1.6.1", "ben")

    stage.shell("rm -rf ../remote.git", show=False)
    colleagues.act()
    assert "ci      could not do it now: git fetch ended with " in capsys.readouterr().out


def test_a_condition_is_news_once_and_being_ready_again_is_news() -> None:
    news = News({"qa"})

    def stood(**conditions: str) -> str:
        fact = {"event": "environment.stood", "environment": "qa", "conditions": conditions}
        return news.words(fact)

    assert stood(Ready="InSync: 2 of 2") == "qa: Ready, InSync: 2 of 2"
    assert stood(Ready="InSync: 2 of 2") == ""
    assert stood(Held="HeldByHand: a", Ready="InSync: 2 of 2") == "qa: Held, HeldByHand: a"
    assert stood(Reconciling="PassRuns: a pass works on it") == ""
    assert stood(Held="HeldByHand: a", Ready="InSync: 2 of 2") == ""
    started = {"event": "deployment.started", "component": "b", "task": "T-1", "version": "2"}
    assert news.words({"environment": "qa", **started}) == "qa: b nothing -> 2 started, T-1"
    assert stood(Held="HeldByHand: a", Ready="InSync: 2 of 2") == "qa: Ready, InSync: 2 of 2"
    assert news.words({"environment": "dev", **started}) == ""
    assert news.words({"event": "library.warned", "text": "?"}) == ""


def test_the_stage_counts_what_octopus_really_has(stage: Stage) -> None:
    octopus = demo_stage.view(stage, "Gaming", "QA")

    assert octopus.count([("email-sender", "2.2.0"), ("email-sender", "2.2.1")]) == {
        "email-sender": 0
    }
    assert [seen.version for seen in octopus.deployments("email-sender")] == ["2.2.0"]
    assert octopus.active_tasks() == ()


def test_a_pin_that_is_not_in_the_file_breaks_the_story(stage: Stage) -> None:
    with pytest.raises(ReconcilerError, match="pins no-such-thing 0 times"):
        demo_story.commit_pins(stage, {"no-such-thing": "1.0.0"}, "Nothing")

    assert stage.git("log", "--format=%an: %s") == "Olivia: Say what runs where\n"


def test_commits_carry_the_names_of_the_story_and_no_other(stage: Stage) -> None:
    demo_story.commit_pins(stage, {"lobby-ui": "3.1.0"}, "Lobby 3.1")
    tip = demo_story.push(stage)

    said = stage.git("log", "-1", "--format=%an <%ae>, %cn <%ce>: %s", "origin/main")
    assert stage.git("rev-parse", "origin/main") == f"{tip}\n"
    assert said == ("Priya <priya@example.com>, Priya <priya@example.com>: Lobby 3.1\n")
    assert Person("Priya").environment["GIT_AUTHOR_NAME"] == "Priya"


def test_colours_are_for_a_terminal_where_no_color_does_not_forbid(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.cli.demo.teller.BREATH", 0)
    monkeypatch.delenv("NO_COLOR", raising=False)
    Teller(live=True).command("reconciler plan qa")
    assert "\x1b[1m$ reconciler plan qa" in capsys.readouterr().out

    monkeypatch.setenv("NO_COLOR", "1")
    Teller(live=True).command("reconciler plan qa")
    Teller(live=False).command("one\ntwo")
    assert capsys.readouterr().out == "\n$ reconciler plan qa\n\n$ one\n> two\n"


def test_shipped_folders_are_found_and_a_missing_one_is_named() -> None:
    assert (shipped("example-manifests") / "environments" / "qa.yaml").is_file()
    with pytest.raises(UsageError, match="does not carry no-such-folder"):
        shipped("no-such-folder")
