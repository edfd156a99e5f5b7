"""The gate tells the truth: a surprising skip fails it, a missing tool is one line."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SUITE = """
import pytest

def test_that_runs():
    assert True

def test_that_does_not():
    pytest.skip("no such tool here")
"""

QUICK = ("-p", "no:hypothesispytest")  # it takes a second of each process to import


def run_suite(root: Path, folder: Path, *, ci: bool) -> subprocess.CompletedProcess[str]:
    shutil.copy(root / "tests" / "conftest.py", folder)
    shutil.copy(root / "pyproject.toml", folder)
    (folder / "test_two.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *QUICK, "-n", "1", "."]
    environment = {**os.environ, "RECONCILER_CI": "1" if ci else ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_surprising_skip_fails_the_gate_and_is_named(root: Path, tmp_path: Path) -> None:
    done = run_suite(root, tmp_path, ci=True)

    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    assert "UNEXPECTED SKIP test_two.py::test_that_does_not: no such tool here" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout


def test_a_skip_is_no_failure_on_a_desk(root: Path, tmp_path: Path) -> None:
    done = run_suite(root, tmp_path, ci=False)

    assert done.returncode == pytest.ExitCode.OK, done.stdout + done.stderr
    assert "UNEXPECTED SKIP" not in done.stdout


def test_no_pipe_of_the_gate_has_a_reader_that_leaves_before_its_writer(root: Path) -> None:
    """Such a writer may be ended by SIGPIPE, and with pipefail that ends the gate by chance."""
    leaves_early = re.compile(r"\|\s*(head|grep\s+(-\w*[qm]|--quiet|--max-count)|sed\s.*\bq\b)")
    gate = (root / ".ci" / "run").read_text()

    assert "set -euo pipefail" in gate
    assert leaves_early.search("make --version | head -n 1") is not None
    assert [line for line in gate.splitlines() if leaves_early.search(line)] == []


def make_demo(root: Path, folder: Path, *, tools: dict[str, str]) -> tuple[int, list[str]]:
    """Run `make demo` in a bare checkout where only these tools exist; exit status and lines."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        shutil.copy(root / name, folder)
    bare = folder / "bin"
    bare.mkdir()
    for name in ("make", "sh"):
        (bare / name).symlink_to(shutil.which(name) or name)
    for name, script in tools.items():
        (bare / name).write_text(f"#!/bin/sh\n{script}\n")
        (bare / name).chmod(0o755)
    command = [str(bare / "make"), "--no-print-directory", "demo"]
    environment = {"PATH": str(bare), "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).splitlines()


def test_a_missing_git_is_one_line_with_what_to_install(root: Path, tmp_path: Path) -> None:
    status, lines = make_demo(root, tmp_path, tools={"python3": "exit 0"})

    assert status != 0
    assert len(lines) == 1
    assert "git is missing: install it" in lines[0]


def test_a_python_that_is_too_old_is_one_line_with_what_to_install(
    root: Path, tmp_path: Path
) -> None:
    status, lines = make_demo(root, tmp_path, tools={"git": "exit 0", "python3": "exit 1"})

    assert status != 0
    assert len(lines) == 1
    assert "no Python 3.11 or newer was found: install one" in lines[0]


def test_a_python_without_venv_is_one_line_with_what_to_install(root: Path, tmp_path: Path) -> None:
    no_venv = 'case "$2" in *ensurepip*) exit 1;; esac'
    status, lines = make_demo(root, tmp_path, tools={"git": "exit 0", "python3": no_venv})

    assert status != 0
    assert len(lines) == 1
    assert "python3 has no venv module: install it" in lines[0]
    assert not (tmp_path / ".venv").exists()
