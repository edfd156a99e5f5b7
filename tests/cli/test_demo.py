"""The demo: its story holds, what it says to try works, and it leaves nothing behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from reconciler.cli.demo import stage as demo_stage
from reconciler.cli.demo import story as demo_story
from reconciler.cli.demo.command import command
from reconciler.cli.demo.octopus import OctopusView
from reconciler.cli.demo.stage import Person, Stage, set_stage
from reconciler.cli.demo.teller import Teller
from reconciler.cli.shipped import shipped
from reconciler.errors import ReconcilerError, Unreachable, UsageError

DEMO = [sys.executable, "-m", "reconciler", "demo"]


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
    assert "accept on the whole plan: first contact with this environment" in story
    assert story.count("(exit 4)") == 1
    assert "Priya: Wallet 2.5 for testing; recommendations back to 1.6.2" in story
    assert "recommendations  downgrade  1.7.0 -> 1.6.2" in story
    assert "5 upgrades and 1 downgrade in 3 waves, not held" in story
    assert "6 succeeded; recorded" in story
    assert '+    wallet-api: {version: "2.5.0", state: settled' in story
    assert "qa: 7 receipts, all verified" in story
    assert ("Verified OK" in story) == (shutil.which("openssl") is not None)
    assert re.search(r"kill -9 \d+\nNobody watches them now, but Octopus goes on with [2-6]", story)
    assert "from an interrupted pass" in story
    assert "13 changes, 13 deployments, 13 signed receipts: none twice." in story
    assert "\x1b" not in story
    assert machine.leftovers() == []


@pytest.mark.proof
def test_what_it_says_to_try_works_when_pasted_until_ctrl_c(machine: Machine) -> None:
    demo = subprocess.Popen(DEMO, env=machine.environment, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        told = []
        for line in demo.stdout:
            told.append(line)
            if line.startswith("curl "):
                break
        assert told[-1].startswith("curl "), "".join(told)
        paste = "".join(told[1 + max(i for i, row in enumerate(told) if "paste this" in row) :])
        tried = subprocess.run(
            ["/bin/sh"],
            input=paste,
            env={"PATH": os.environ["PATH"], "HOME": str(machine.home)},
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        demo.send_signal(signal.SIGINT)
        status = demo.wait(20)
        demo.stdout.close()

    words = tried.stdout + tried.stderr
    assert "recommendations  upgrade  1.6.2 -> 1.7.0  succeeded" in words
    assert re.search(r"environments/dev\.yaml:\d+:17: ", words)
    assert 'quote it: "2.10"' in words
    assert "accepted production-uk" in words
    assert "ledger-api  upgrade  3.2.0 -> 3.3.0  succeeded" in words
    assert status == 130
    assert machine.leftovers() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_ends_it_clean(machine: Machine, number: signal.Signals) -> None:
    demo = subprocess.Popen(
        [*DEMO, "--once"],
        env=machine.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    url = next(m[0] for line in demo.stdout if (m := re.search(r"http://[\d.:]+\d", line)))
    demo.send_signal(number)
    _, errors = demo.communicate(timeout=30)

    assert demo.returncode == 130
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert machine.leftovers() == []
    with pytest.raises(Unreachable):
        OctopusView(url, "API-NONE", "", "").get("/api")


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
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tell_another(stage: Stage) -> None:
        stage.teller.chapter("Another story", "Nothing is held.")
        stage.reconciler("apply", "qa", ends=0)

    monkeypatch.setattr("tempfile.tempdir", str(machine.temporary))
    monkeypatch.setattr(demo_story, "tell_story", tell_another)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
    try:
        with pytest.raises(ReconcilerError) as caught:
            command.main(["--once"], standalone_mode=False)
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP), before, strict=True):
            signal.signal(number, handler)

    assert str(caught.value) == (
        "the demo stopped at chapter 1, Another story: `reconciler apply qa` ended with 4, not 0"
    )
    assert caught.value.exit_code == 1
    assert machine.leftovers() == []


def test_the_stage_counts_what_octopus_really_has(stage: Stage) -> None:
    octopus = demo_stage.view(stage, "Gaming", "QA")

    assert octopus.count([("email-sender", "2.2.0"), ("email-sender", "2.2.1")]) == {
        "email-sender": 0
    }
    assert [seen.version for seen in octopus.deployments("email-sender")] == ["2.2.0"]
    assert octopus.active_tasks() == ()


def test_a_pin_that_is_not_in_the_file_breaks_the_story(stage: Stage) -> None:
    with pytest.raises(ReconcilerError, match="pins no-such-thing 0 times"):
        demo_story.push_pins(stage, {"no-such-thing": "1.0.0"}, "Nothing")

    assert stage.git("log", "--format=%an: %s") == "Olivia: Say what runs where\n"


def test_commits_carry_the_names_of_the_story_and_no_other(stage: Stage) -> None:
    demo_story.push_pins(stage, {"lobby-ui": "3.1.0"}, "Lobby 3.1")

    said = stage.git("log", "-1", "--format=%an <%ae>, %cn <%ce>: %s", "origin/main")
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
