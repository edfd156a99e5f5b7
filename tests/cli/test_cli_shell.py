"""The shell around every command: quick, quiet, one way out, and no traceback."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import click
import pytest
from cli_shop import program
from click.testing import CliRunner

from reconciler import __version__
from reconciler.cli import COMMANDS, cli
from reconciler.cli.leaving import leave
from reconciler.errors import ManifestsInvalid, ReconcilerError, StalePlan

HEAVY = ("asyncio", "cryptography", "git", "httpx", "pydantic", "rich", "ruamel", "uvicorn")


def test_help_imports_nothing_heavy_and_no_command() -> None:
    code = (
        "import sys\n"
        "from reconciler.cli import cli\n"
        "try:\n    cli.main(['--help'])\n"
        "except SystemExit as end:\n    assert end.code == 0\n"
        "import json; print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))

    assert not loaded & set(HEAVY)
    assert not loaded & {f"reconciler.cli.{entry.module}" for entry in COMMANDS.values()}


def test_help_takes_a_quarter_of_a_second_of_this_processor_at_most() -> None:
    took = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "reconciler", "--help"], check=True, stdout=-3)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        took.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    assert min(took) <= 0.25  # without the wall: other tests run beside this one


def test_the_version_is_the_packages() -> None:
    result = CliRunner().invoke(cli, ["--version"])

    assert (result.exit_code, result.stdout) == (0, f"reconciler {__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["plan"],
        ["plan", "a", "b"],
        ["plan", "a", "-o", "xml"],
        ["apply", "a", "--plan", "abc"],
        ["accept"],
        ["accept", "a", "--all"],
        ["simulator", "--port", "70000"],
        ["receipts", "verify", "a.json"],
        ["receipts", "verify", "--cert", "c.pem"],
        ["receipts", "show"],
    ],
)
def test_wrong_usage_is_one_line_and_a_hint_with_code_64(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)

    assert result.exit_code == 64
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: see `reconciler")
    assert hint.endswith(" --help`")


def test_without_a_command_the_help_is_shown() -> None:
    result = CliRunner().invoke(cli, [])

    assert result.exit_code == 64
    assert "Commands:" in result.stderr


def test_a_failure_is_told_with_its_hint_and_its_own_code(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end, leave():
        raise StalePlan("the plan is another", hint="look again")

    assert end.value.code == 6
    assert capsys.readouterr().err == "error: the plan is another\nhint: look again\n"


def test_every_problem_of_the_manifests_comes_before_the_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as end, leave():
        raise ManifestsInvalid("broken", lines=["a.yaml:1:2: x", "b.yaml:3:4: y"], hint="mend")

    assert end.value.code == 3
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["a.yaml:1:2: x", "b.yaml:3:4: y", "error: broken", "hint: mend"]


def test_rule_52_a_hostile_message_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit), leave():
        raise ReconcilerError("a\nerror: faked\x1b[2J[red]" + "x" * 9000, hint="b\r\u202ec")

    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: a\\nerror: faked\\x1b[2J[red]xxx")
    assert len(error) < 2100
    assert hint == "hint: b\\r\\u202ec"


def test_a_bug_is_one_line_and_its_traceback_a_file_without_secrets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECONCILER_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("OCTOPUS_SHOP_KEY", "very-private-word")
    message = "API-ABCDEFGHIJ at https://ann:pw12345@host/x with very-private-word"
    with pytest.raises(SystemExit) as end, leave():
        raise RuntimeError(message)

    assert end.value.code == 70
    error, hint = capsys.readouterr().err.splitlines()
    assert error.startswith("error: a bug in Reconciler: RuntimeError: [redacted] at https://")
    (crash,) = (tmp_path / "state").glob("crash-*.txt")
    assert str(crash) in hint
    assert "report" in hint
    text = crash.read_text()
    assert "Traceback" in text
    assert __version__ in text
    for secret in ("ABCDEFGHIJ", "pw12345", "very-private-word"):
        assert secret not in text + error + hint
    assert crash.stat().st_mode & 0o777 == 0o600


def test_a_bug_is_told_where_no_state_directory_can_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECONCILER_STATE_DIR", "/proc/nowhere")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(SystemExit) as end, leave():
        raise ZeroDivisionError

    assert end.value.code == 70
    assert len(list(tmp_path.glob("crash-*.txt"))) == 1
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("how", [KeyboardInterrupt, click.Abort])
def test_an_interruption_ends_with_130(
    how: type[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end, leave():
        raise how

    assert end.value.code == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_a_reader_that_has_gone_is_no_news() -> None:
    process = program("validate", "--help")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    told = process.stderr.read()
    process.stderr.close()

    assert process.wait() == 1
    assert told == ""


@pytest.mark.parametrize("closed", [">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_closed_goes_nowhere_and_its_number_to_no_file(
    closed: str, tmp_path: Path
) -> None:
    """A store that was opened as number 1 would be written into by whatever prints."""
    asks = "import os, sys; from reconciler.__main__ import main; sys.argv = ['r', '--version']\n"
    asks += f"try:\n    main()\nfinally:\n    open({str(tmp_path / 'seen')!r}, 'w').write("
    asks += "str([os.fstat(n).st_rdev == os.stat('/dev/null').st_rdev for n in range(3)]))"
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {closed}', sys.executable, asks],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    seen = (tmp_path / "seen").read_text()
    assert seen == str([True, True, "2>" in closed])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_no_bug() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr == (
        "error: no space is left where output or state is written\n"
        "hint: make room, then run the same again\n"
    )


def test_a_terminal_that_lacks_a_letter_gets_an_escape(tmp_path: Path) -> None:
    process = program("validate", str(tmp_path / "\u0142\u00df"), PYTHONIOENCODING="latin-1")
    out, err = process.communicate()

    assert process.returncode == 64
    assert out == ""
    assert "/\\u0142" in err


def test_the_module_and_the_script_are_the_same_program() -> None:
    script = os.path.join(os.path.dirname(sys.executable), "reconciler")  # noqa: PTH118, PTH120
    texts = [
        subprocess.run([*how, "--help"], capture_output=True, text=True, check=True).stdout
        for how in ([script], [sys.executable, "-m", "reconciler"])
    ]

    assert texts[0] == texts[1]
