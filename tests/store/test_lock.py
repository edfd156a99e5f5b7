"""One writer per environment on this machine."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reconciler.errors import LeaseHeld, StoreTrouble
from reconciler.store import environment_lock
from reconciler.store.lock import daemon_lock, served_since

HOLDER = """
import sys
from pathlib import Path
from reconciler.store import environment_lock
with environment_lock(Path(sys.argv[1]), "production-uk"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_rule_19_a_held_lock_refuses_naming_the_process(tmp_path: Path) -> None:
    with (
        environment_lock(tmp_path, "production-uk"),
        pytest.raises(LeaseHeld, match=f"by process {os.getpid()} on this machine"),
        environment_lock(tmp_path, "production-uk"),
    ):
        pass

    with environment_lock(tmp_path, "production-uk"):
        pass


def test_environments_are_locked_apart(tmp_path: Path) -> None:
    with environment_lock(tmp_path, "production-uk"), environment_lock(tmp_path, "production-de"):
        names = sorted(path.name for path in (tmp_path / "locks").iterdir())

    assert names == ["production-de.lock", "production-uk.lock"]


def test_rule_19_the_lock_of_a_killed_process_is_free_at_once(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(LeaseHeld, match=f"by process {holder.pid}"),
            environment_lock(tmp_path, "production-uk"),
        ):
            pass
        holder.kill()
        holder.wait()

    with environment_lock(tmp_path, "production-uk"):
        text = (tmp_path / "locks" / "production-uk.lock").read_text()

    assert text == f"{os.getpid()}\n"


def test_a_name_of_an_environment_never_leaves_the_folder(tmp_path: Path) -> None:
    with environment_lock(tmp_path, "../../etc/passwd"):
        (lock,) = (tmp_path / "locks").iterdir()

    assert lock.name.startswith("etc-passwd-")


def test_a_place_that_cannot_hold_a_lock_is_told(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("in the way")

    with (
        pytest.raises(StoreTrouble, match="cannot be written"),
        environment_lock(tmp_path, "production-uk"),
    ):
        pass


def test_one_daemon_for_each_state_directory(tmp_path: Path) -> None:
    with (
        daemon_lock(tmp_path / "one"),
        daemon_lock(tmp_path / "other"),
        pytest.raises(LeaseHeld, match=f"being served by process {os.getpid()}") as held,
        daemon_lock(tmp_path / "one"),
    ):
        pass

    assert held.value.exit_code == 4
    assert held.value.hint.startswith("end that one first")
    with daemon_lock(tmp_path / "one"):
        assert (tmp_path / "one").stat().st_mode & 0o777 == 0o700


def test_whether_a_daemon_runs_is_asked_without_a_trace_and_keeps_none_from_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served_since(tmp_path) is None
    assert list(tmp_path.iterdir()) == []
    with daemon_lock(tmp_path):
        os.utime(tmp_path / "serve.lock", ns=(7, 7))
        assert served_since(tmp_path) == 7
    assert served_since(tmp_path) is None

    asked = os.open(tmp_path / "serve.lock", os.O_RDONLY)
    fcntl.flock(asked, fcntl.LOCK_SH)  # somebody asks in the moment a daemon begins
    monkeypatch.setattr(time, "sleep", lambda _: os.close(asked))
    with daemon_lock(tmp_path):
        assert served_since(tmp_path) is not None


def test_a_daemon_leaves_the_environments_to_commands(tmp_path: Path) -> None:
    with daemon_lock(tmp_path), environment_lock(tmp_path, "serve"):
        names = sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*.lock"))

    assert names == ["locks/serve.lock", "serve.lock"]
