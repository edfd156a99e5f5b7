"""How git is started, stopped and shielded."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from git_world import git

from reconciler.errors import GitTrouble
from reconciler.git import run
from reconciler.git.run import Call, GitTimeout, run_git


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a script in git's place; the version is known, as after the first call."""
    run.check_version()

    def put(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def test_bytes_come_back_as_they_are(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "r.git")
    call = Call(where=tmp_path / "r.git", timeout=20, stdin=b"\0\xff\r\n\n")

    name = run_git(call, "hash-object", "-w", "--stdin").text()

    assert run_git(call, "cat-file", "blob", name).out == b"\0\xff\r\n\n"


def test_a_missing_git_is_one_line_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.check_version.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(GitTrouble, match="git was not found") as trouble:
        run_git(Call(where=tmp_path, timeout=20), "status")

    assert "install git" in trouble.value.hint


def test_the_first_use_without_git_is_no_crash(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from reconciler.errors import GitTrouble\n"
        "from reconciler.git.run import check_version\n"
        "try: check_version()\n"
        "except GitTrouble as trouble: print(trouble.message, '|', trouble.hint)"
    )
    asked = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert asked.stdout.startswith("git was not found on this machine | install git")
    assert asked.stderr == ""


@pytest.mark.parametrize("said", ["git version 2.31.9", "git version 1.9", "no git here"])
def test_a_git_that_would_read_the_users_configuration_is_too_old(said: str, fake_git) -> None:
    run.check_version.cache_clear()
    fake_git(f"echo '{said}'")

    with pytest.raises(GitTrouble) as trouble:
        run.check_version()

    assert "2.32" in trouble.value.hint


def test_nothing_of_the_caller_redirects_git(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "init", "-q", "--bare", "r.git")
    marker = tmp_path / "ran"
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", f"touch {marker}")
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.bare")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "broken")
    monkeypatch.setenv("GIT_TRACE", str(marker))
    call = Call(where=tmp_path / "r.git", timeout=20)

    assert run_git(call, "rev-parse", "--is-bare-repository").out == b"true\n"
    assert not marker.exists()


@pytest.mark.parametrize("transport", [None, "https", "ssh"])
def test_rule_23_only_the_transport_of_the_address_is_open(
    tmp_path: Path, transport: str | None
) -> None:
    git(tmp_path, "init", "-q", "--bare", "r.git")
    closed = Call(where=tmp_path, timeout=20, transport=transport)
    marker = tmp_path / "ran"

    for url in (f"file://{tmp_path}/r.git", f"ext::touch {marker}", "http://127.0.0.1:1/x"):
        answer = run_git(closed, "ls-remote", "--end-of-options", url)
        assert answer.status == 128
        assert "not allowed" in answer.err
    opened = Call(where=tmp_path, timeout=20, transport="file")
    assert run_git(opened, "ls-remote", f"file://{tmp_path}/r.git").status == 0
    assert not marker.exists()


def test_what_an_operator_sets_for_ssh_and_tls_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"GIT_SSH_COMMAND": "x", "GIT_SSL_CAINFO": "x", "GIT_DIR": "x", "HOME": "x"}

    assert run.foreign_variables(environment) == ("GIT_DIR",)


def test_the_users_and_the_machines_configuration_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[user]\n\tname = Somebody\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))

    answer = run_git(Call(where=tmp_path, timeout=20), "config", "--get", "user.name")

    assert answer.status == 1


def test_a_hanging_git_is_stopped_with_what_it_started(tmp_path: Path, fake_git) -> None:
    fake_git(f"(trap '' TERM; echo $$ >{tmp_path}/child; exec sleep 60) & sleep 60")
    begun = time.monotonic()

    with pytest.raises(GitTimeout, match=r"git fetch did not end within 0\.5 s"):
        run_git(Call(where=tmp_path, timeout=0.5), "fetch")

    assert time.monotonic() - begun < 10
    assert _is_gone(int((tmp_path / "child").read_text()))


def test_a_git_that_asks_gets_no_answer_from_a_terminal(tmp_path: Path, fake_git) -> None:
    fake_git("cat; [ -t 0 ] && echo terminal; cat /dev/tty 2>/dev/null; exit 3")

    answer = run_git(Call(where=tmp_path, timeout=20, stdin=b"only this"), "fetch")

    assert (answer.status, answer.out) == (3, b"only this")


def test_rule_47_an_endless_answer_is_cut_off(tmp_path: Path, fake_git) -> None:
    fake_git("exec cat /dev/zero")

    with pytest.raises(GitTrouble, match="more than 1 MiB"):
        run_git(Call(where=tmp_path, timeout=20, limit=run.MIB), "ls-tree")


def test_rule_47_endless_complaints_keep_their_last_words(tmp_path: Path, fake_git) -> None:
    fake_git("head -c 3000000 /dev/zero >&2; echo the end >&2; exit 1")

    answer = run_git(Call(where=tmp_path, timeout=20), "fetch")

    assert answer.err.endswith("the end\n")
    assert len(answer.err) <= run.STDERR_KEPT


def _is_gone(process: int) -> bool:
    for _ in range(200):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False
