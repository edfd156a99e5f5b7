"""`serve` as a process beside a real remote and a simulated Octopus, and `status` of it."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
import time
import urllib.request
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.cli.daemon import _address, _listen
from reconciler.errors import UsageError
from reconciler.store.lock import daemon_lock
from reconciler.store.migrations import STEPS

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cli_shop import Shop

CHOICES = {"POLL", "FULL_LOOK", "LISTEN"}
PATIENCE = 30.0  # seconds until a test gives up; each waits for a word, never for a while


@dataclass
class Serving:
    """A running daemon and the lines that it logs."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    news: threading.Condition = field(default_factory=threading.Condition)
    is_over: bool = False

    def listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.news:
                self.lines.append(line)
                self.news.notify_all()
        with self.news:
            self.is_over = True
            self.news.notify_all()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def hears(self, event: str, is_it: Callable[[dict[str, Any]], bool] = bool) -> dict[str, Any]:
        """Wait for an event, and return it."""
        deadline = time.monotonic() + PATIENCE
        with self.news:
            while True:
                for each in self.events():
                    if each["event"] == event and is_it(each):
                        return each
                left = deadline - time.monotonic()
                assert left > 0, f"no {event}: {self.lines}"
                assert not self.is_over, f"ended without {event}: {self.lines}"
                self.news.wait(left)

    def stands(self, environment: str, condition: str, commit: str = "") -> dict[str, Any]:
        return self.hears(
            "environment.stood",
            lambda e: (
                e["environment"] == environment
                and condition in e["conditions"]
                and e["commit"].startswith(commit)
            ),
        )

    def asks(self, path: str) -> Any:
        where = self.hears("daemon.started")["listen"]
        with urllib.request.urlopen(f"http://{where}{path}", timeout=PATIENCE) as answer:
            return json.load(answer)

    def ends(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(shop: Shop, **settings: str) -> Iterator[Serving]:
    chosen = {"POLL": "0.2", "FULL_LOOK": "1", "LISTEN": "127.0.0.1:0", **settings}
    variables = {
        f"RECONCILER_SERVE__{name}" if name in CHOICES else name: value
        for name, value in chosen.items()
    }
    running = Serving(shop.start("serve", **variables))
    listener = threading.Thread(target=running.listen)
    listener.start()
    try:
        yield running
    finally:
        running.process.kill()
        running.process.wait()
        listener.join()
        for stream in (running.process.stdout, running.process.stderr):
            assert stream is not None
            stream.close()


def refused(shop: Shop, **variables: str) -> tuple[int, list[str]]:
    """The end of a `serve` that does not begin."""
    process = shop.start("serve", **variables)
    out, err = process.communicate(timeout=PATIENCE)
    assert out == ""
    return process.returncode, err.splitlines()


def test_a_pushed_commit_is_applied_by_itself_and_told_in_every_place(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        commit = shop.pin(orders="2.4.0")
        started = daemon.hears("deployment.started")
        daemon.hears("pass.recorded", lambda e: e["receipts"] == 1)
        daemon.stands("production", "Ready", commit)

        assert (started["environment"], started["component"]) == ("production", "orders")
        assert shop.simulator.running("Orders API", "Production") == "2.4.0"
        assert 'orders: {version: "2.4.0", state: settled' in shop.audit(
            "snapshots/production.yaml"
        )
        assert daemon.asks("/healthz") == {"alive": True}
        assert daemon.asks("/readyz")["ready"] is True
        (told,) = daemon.asks("/status")["repositories"].values()
        assert told["environments"]["production"]["commit"] == commit

        waited = shop.run("watch", "production", "--until", "Ready", "--at", commit)
        assert waited.exit_code == 0
        assert f" production at {commit[:12]}: Ready InSync (4 of 4" in waited.stdout
        table = shop.run("status")
        assert table.exit_code == 0
        assert f"production at {commit[:12]}, looked at 2" in table.stdout
        assert "  Ready       InSync           4 of 4 as pinned (since " in table.stdout
        found = json.loads(shop.run("status", "production", "-o", "json").stdout)
        assert found["production"]["conditions"][0]["type"] == "Ready"
        unknown = shop.run("status", "nowhere")
        assert unknown.exit_code == 64
        assert unknown.stderr.startswith("error: the daemon knows no environment 'nowhere'\n")

        assert daemon.ends() == 0
    assert [daemon.events()[0]["event"], daemon.events()[-1]["event"]] == [
        "daemon.started",
        "daemon.ended",
    ]
    for line in daemon.lines:
        assert shop.simulator.service_api_key not in line
        assert {"event", "level", "timestamp"} <= json.loads(line).keys()
        assert "Traceback" not in line
    assert json.loads(shop.run("status", "-o", "json").stdout)["production"]["commit"] == commit


def test_a_clean_end_lets_the_running_deployment_end_and_records_it(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    shop.simulator.world.task_seconds = 1.5
    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        shop.pin(orders="2.4.0", web="1.1.0")
        daemon.hears("deployment.started")
        daemon.process.send_signal(signal.SIGTERM)

        assert daemon.asks("/healthz") == {"alive": True}  # until the last pass has ended
        assert daemon.process.wait(PATIENCE) == 0
    events = [each["event"] for each in daemon.events()]
    assert events.count("deployment.started") == events.count("deployment.ended") == 1
    assert "pass.recorded" in events
    assert shop.simulator.running("Orders API", "Production") == "2.4.0"
    assert shop.simulator.running("Web Shop", "Production") == "1.0.0"


def test_a_service_manager_is_told_when_it_is_ready_lives_and_ends(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    shop.simulator.world.task_seconds = 1.5
    where = shop.folder / "notify"
    heard: list[str] = []

    def hears(fact: str) -> None:
        while fact not in heard:  # told once, perhaps before something else
            heard.append(manager.recv(4096).decode())

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(where))
        manager.settimeout(PATIENCE)
        with serving(shop, NOTIFY_SOCKET=str(where), WATCHDOG_USEC="200000") as daemon:
            hears("READY=1")
            hears("WATCHDOG=1")
            hears("STATUS=1 Ready, 1 Stalled")
            shop.pin(orders="2.4.0")
            daemon.hears("deployment.started")
            daemon.process.send_signal(signal.SIGTERM)
            hears("STATUS=ending; waits for production")
            hears("STOPPING=1")
            hears("EXTEND_TIMEOUT_USEC=30000000")

            assert daemon.process.wait(PATIENCE) == 0
    assert heard.count("READY=1") == heard.count("STOPPING=1") == 1


def test_watch_streams_lines_until_ctrl_c(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    shop.simulator.world.task_seconds = 1.5
    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        with shop.start("watch", "production") as watching:
            assert watching.stdout is not None
            assert watching.stderr is not None
            patience = threading.Timer(PATIENCE, watching.kill)
            patience.start()
            lines = [watching.stdout.readline()]
            commit = shop.pin(orders="2.4.0")
            while f" production at {commit[:12]}: Ready" not in lines[-1]:
                lines.append(watching.stdout.readline())
                assert lines[-1], watching.stderr.read()
            watching.send_signal(signal.SIGINT)

            assert watching.wait(PATIENCE) == 130
            assert watching.stderr.read().split() == ["interrupted"]
            patience.cancel()
        assert " production at " in lines[0]
        assert any("runs orders ServerTasks-" in line for line in lines)


def test_a_second_signal_ends_it_at_once(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    shop.simulator.world.task_seconds = 600.0
    with serving(shop) as daemon:
        shop.pin(orders="2.4.0")
        daemon.hears("deployment.started")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.hears("daemon.ending")

        assert daemon.ends() == -signal.SIGTERM


def test_rule_19_one_daemon_for_each_state_directory_and_one_for_each_port(shop: Shop) -> None:
    with serving(shop) as daemon:
        where = daemon.hears("daemon.started")["listen"]
        second = refused(shop, RECONCILER_SERVE__LISTEN="127.0.0.1:0")
        other = str(shop.folder / "other")
        port = refused(shop, RECONCILER_STATE_DIR=other, RECONCILER_SERVE__LISTEN=where)

        assert second[0] == 4
        error, hint = second[1]
        assert f"is being served by process {daemon.process.pid} on this machine" in error
        assert hint.startswith("hint: end that one first")
        assert port[0] == 64
        assert port[1] == [
            f"error: cannot listen on {where}: Address already in use; nothing was started",
            "hint: set RECONCILER_SERVE__LISTEN to a free address, such as 127.0.0.1:0",
        ]
        assert daemon.ends(signal.SIGINT) == 0


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ("127.0.0.1:99999", "no such address or port"),
        ("[::1:2:]:0", "Name or service not known"),
        ("nowhere.invalid:0", ""),
        (f"{'a' * 70}.example:0", ""),
    ],
)
def test_an_address_that_cannot_be_is_one_line(where: str, why: str) -> None:
    with pytest.raises(UsageError) as told:
        _listen(where)

    message = told.value.message
    assert message.startswith(f"cannot listen on {where}: {why}")
    assert message.endswith("; nothing was started")
    assert "\n" not in message
    assert "error -" not in message


def test_an_address_may_be_of_the_sixth_version() -> None:
    with suppress(UsageError), _listen("[::1]:0") as listener:  # where the machine has one
        assert _address(listener).startswith("[::1]:")


def test_the_daemon_goes_on_without_a_disk_for_its_status_and_without_the_remote(
    shop: Shop,
) -> None:
    assert shop.run("accept", "production").exit_code == 0
    (shop.folder / "state" / "status.json.new").mkdir()
    with serving(shop) as daemon:
        daemon.hears("status.not_written")
        hidden = shop.remote.rename(shop.folder / "away.git")
        daemon.hears("repository.not_read", lambda e: bool(e["why"] and e["hint"]))
        hidden.rename(shop.remote)
        shop.pin(orders="2.4.0")
        daemon.hears("pass.recorded", lambda e: e["receipts"] == 1)
        assert daemon.ends() == 0


def put_back(store: Path, version: int) -> None:
    """Make the store what it would be if an earlier release had written the same."""
    newer = store.rename(store.with_suffix(".newer"))
    with closing(sqlite3.connect(store)) as older:
        for statement in chain.from_iterable(STEPS[:version]):
            older.execute(statement)
        older.execute("ATTACH DATABASE ? AS newer", (str(newer),))
        for (table,) in older.execute(
            "SELECT name FROM main.sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        ).fetchall():
            columns = older.execute(f"SELECT name FROM pragma_table_info('{table}')").fetchall()
            kept = ", ".join(column for (column,) in columns)
            older.execute(
                f"INSERT OR REPLACE INTO main.{table} ({kept}) SELECT {kept} FROM newer.{table}"
            )
        ((program,),) = older.execute("PRAGMA newer.application_id").fetchall()
        older.execute(f"PRAGMA main.application_id = {program}")
        older.execute(f"PRAGMA main.user_version = {version}")
        older.commit()


def test_an_older_store_is_copied_migrated_and_goes_on(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    store = shop.folder / "state" / "store.sqlite3"
    put_back(store, len(STEPS) - 1)  # as the release before the last step left it
    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        shop.pin(orders="2.4.0")
        daemon.hears("pass.recorded", lambda e: e["receipts"] == 1)
        assert shop.run("pause", "production", "--reason", "CHG-7").exit_code == 0
        assert daemon.ends() == 0

    (copy,) = store.parent.glob(f"store.sqlite3.v{len(STEPS) - 1}-*.bak")
    with closing(sqlite3.connect(copy)) as kept:
        ((commit,),) = kept.execute("SELECT count(*) FROM accepted").fetchall()
        assert commit == 1
        assert kept.execute("PRAGMA user_version").fetchone() == (len(STEPS) - 1,)


def test_a_condition_that_goes_on_began_before_the_restart(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        assert daemon.ends() == 0
    file = shop.folder / "state" / "status.json"
    told = json.loads(file.read_text())
    (repository,) = told["repositories"].values()
    (ready,) = repository["environments"]["production"]["conditions"]
    ready["since"] = "2026-01-02T03:04:05Z"
    file.write_text(json.dumps(told))

    with serving(shop) as daemon:
        daemon.stands("production", "Ready")
        ((again,),) = (
            one["environments"]["production"]["conditions"]
            for one in daemon.asks("/status")["repositories"].values()
        )

    assert again == ready


def test_rule_50_a_damaged_store_applies_nothing_is_left_and_says_what_to_do(shop: Shop) -> None:
    assert shop.run("accept", "production").exit_code == 0
    store = shop.folder / "state" / "store.sqlite3"
    content = bytearray(store.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    store.write_bytes(content)
    shop.pin(orders="2.4.0")

    code, (error, hint) = refused(shop, RECONCILER_SERVE__LISTEN="127.0.0.1:0")

    assert code == 1
    assert error.startswith(f"error: {store} is damaged (")
    assert error.endswith("; it was left as it is and nothing was applied")
    assert hint.startswith(f"hint: move it aside (mv {store} {store}.damaged) and run again")
    assert store.read_bytes() == content
    assert shop.simulator.running("Orders API", "Production") == "2.3.0"


def test_status_before_any_daemon_says_how_to_start_one(shop: Shop) -> None:
    result = shop.run("status")

    assert result.exit_code == 1
    assert result.stdout == ""
    error, hint = result.stderr.splitlines()
    assert error.startswith("error: no daemon has looked at anything yet from ")
    assert hint.startswith("hint: start `reconciler serve`")


def test_status_says_which_repository_cannot_be_read(shop: Shop) -> None:
    (shop.folder / "state").mkdir()
    told = {"repositories": {"r": {"trouble": "no\x1b[2J answer", "environments": {}}}}
    (shop.folder / "state" / "status.json").write_text(json.dumps(told))

    with daemon_lock(shop.folder / "state"):
        (shop.folder / "state" / "status.json").touch()
        for output in ("table", "json"):
            assert shop.run("status", "-o", output).stderr == "r: no\\x1b[2J answer\n"


def test_status_names_a_remote_environment_in_one_line(shop: Shop) -> None:
    (shop.folder / "state").mkdir()
    told = {"trouble": None, "environments": {}, "remotes": ["clinic", "far-away"]}
    with daemon_lock(shop.folder / "state"):
        (shop.folder / "state" / "status.json").write_text(
            json.dumps({"repositories": {"r": told}})
        )
        result = shop.run("status", "clinic")

    assert result.exit_code == 0, result.output
    assert result.stdout == "clinic: RemoteEnvironment, deployed where its space is\n"


def test_rule_47_a_damaged_status_is_one_line(shop: Shop) -> None:
    (shop.folder / "state").mkdir()
    (shop.folder / "state" / "status.json").write_text('{"repositories": {"r": 1}}')

    result = shop.run("status")

    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["error", "hint"]
