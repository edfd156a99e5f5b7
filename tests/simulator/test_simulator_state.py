"""A server's state as a file: everything comes back, and nothing odd is taken in."""

import dataclasses
import io
import json
import pickle
import signal
import sys
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.simulator import (
    BadState,
    Seed,
    Simulator,
    StateNotWritten,
    load_seed,
    serve,
)
from reconciler.simulator.statefile import StateFile

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

PLACES = (
    "/api", "/api/spaces", "/api/users", "/api/teams", "/api/tasks?take=99", "/api/events?take=99",
    "/api/dashboard", "/api/projects", "/api/releases", "/api/deployments", "/api/interruptions",
    "/api/machines", "/api/lifecycles", "/api/channels", "/api/projecttriggers", "/api/runbooks",
)  # fmt: skip


async def _seen(simulator: Simulator) -> dict[str, Any]:
    transport = httpx.ASGITransport(app=simulator.app)
    headers = {"X-Octopus-ApiKey": simulator.api_key}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://octopus", headers=headers
    ) as http:
        return {path: (await http.get(path)).json() for path in PLACES}


def _empty(moment: datetime = NOW) -> Simulator:
    return Simulator(Seed(()), clock=lambda: moment, api_key="API-X", service_api_key="API-Y")


def _busy(name: str) -> Simulator:
    """Return a server where things run, wait, fail and are appointed."""
    made = Simulator(load_seed(name), clock=lambda: NOW)
    made.advance(3)
    project = next(iter(made.world.default_space().projects.values()))  # type: ignore[union-attr]
    space = made.world.default_space()
    assert space is not None
    places = [each.name for each in space.environments_in_order()]
    version = project.releases[-1].version
    made.interrupt_next(project.name, None, places[0])
    made.fail_next(project.name, None, places[1])
    made.deploy(project.name, version, places[0])
    made.advance(6)
    made.deploy(project.name, version, places[0])
    return made


@pytest.mark.parametrize("name", ["small", "platform"])
async def test_a_restored_server_answers_as_the_one_before_did(name: str) -> None:
    before, after = _busy(name), _empty()

    after.restore(before.backup())

    assert await _seen(after) == await _seen(before)
    for each in (before, after):
        each.advance(3 * 86_400)
    assert await _seen(after) == await _seen(before)
    assert (after.api_key, after.service_api_key) == (before.api_key, before.service_api_key)


def test_a_backup_of_a_restored_server_is_the_same_backup() -> None:
    backup = _busy("platform").backup()
    after = _empty()
    after.restore(backup)
    assert after.backup() == backup


async def test_a_restore_brings_the_past_back_and_gives_its_ids_again(
    simulator: Simulator,
) -> None:
    backup, before = simulator.backup(), await _seen(simulator)
    first = simulator.deploy("Web Shop", "1.1.0", "Dev")
    assert await _seen(simulator) != before

    simulator.restore(backup)

    assert await _seen(simulator) == before
    assert simulator.deploy("Web Shop", "1.1.0", "Dev") == first


def test_kept_records_have_names_of_their_own() -> None:
    _empty()
    modules = [module for name, module in sys.modules.items() if "reconciler.simulator" in name]
    names = Counter(
        made.__name__
        for module in modules
        for made in {each for each in vars(module).values() if isinstance(each, type)}
        if made.__module__ == module.__name__
        and (dataclasses.is_dataclass(made) or issubclass(made, Enum))
    )
    assert [name for name, count in names.items() if count > 1] == []


def _edit(backup: bytes, **changes: Any) -> bytes:
    return json.dumps({**json.loads(backup), **changes}).encode()


def _bad_states() -> dict[str, bytes]:
    good = _busy("small").backup()
    read = json.loads(good)
    shapes, records = read["shapes"], read["records"]
    user = next(line for line in records if line[0] == "User")
    engine = {"dict": [["now", {"time": NOW.isoformat()}]]}
    more = {**shapes, "User": [*shapes["User"], "Soul"]}
    less = {**shapes, "User": shapes["User"][1:]}
    return {
        "not JSON": b"\x00",
        "no object": b"[]",
        "empty": b"",
        "cut": good[:-20],
        "no keys": _edit(good, keys=[]),
        "other records": _edit(good, shapes={"os.system": []}, records=[["os.system"]]),
        "record too far": _edit(good, root={"record": 10**6}),
        "newer field": _edit(
            good, shapes=more, records=[[*line, 1] if line is user else line for line in records]
        ),
        "older field": _edit(good, shapes=less),
        "odd kind": _edit(good, root={"dict": [["world", {"pickle": "x"}]]}),
        "deep": b"[" * 100_000,
        "newer world": _edit(
            good, root={"dict": [["world", {"dict": [["soul", 1]]}], ["engine", engine]]}
        ),
    }


_BAD = _bad_states()


@pytest.mark.parametrize("backup", _BAD.values(), ids=_BAD.keys())
async def test_what_is_no_state_is_refused_and_changes_nothing(
    simulator: Simulator, backup: bytes
) -> None:
    before = await _seen(simulator)
    with pytest.raises(BadState) as caught:
        simulator.restore(backup)
    assert "\n" not in str(caught.value)
    assert await _seen(simulator) == before


def _run(state: Path, *work: Any, **options: Any) -> dict[str, Any]:
    """Serve with a state file, do the work when it listens, and end it by a signal."""
    told: dict[str, Any] = {}

    class Said(io.StringIO):
        def flush(self) -> None:
            threading.Thread(target=act, daemon=True).start()

    def act() -> None:
        told.update(json.loads(out.getvalue()))
        headers = {"X-Octopus-ApiKey": told["apiKey"]}
        try:
            with httpx.Client(base_url=told["url"], headers=headers) as client:
                told["answers"] = [each(client) for each in work]
        finally:
            signal.raise_signal(signal.SIGTERM)

    out = Said()
    serve(state=str(state), out=out, **options)
    return told


def _names(client: httpx.Client) -> list[str]:
    return [each["Name"] for each in client.get("/api/environments/all").json()]


def test_the_command_goes_on_where_it_ended(tmp_path: Path) -> None:
    state = tmp_path / "octopus.state"

    def add(client: httpx.Client) -> int:
        return client.post("/api/environments", json={"Name": "Moon"}).status_code

    first = _run(state, add)
    second = _run(state, _names, seed="platform")
    third = _run(state, _names, api_key="API-OTHER")

    assert first["answers"] == [201]
    assert "Moon" in second["answers"][0] == third["answers"][0]
    assert (second["apiKey"], second["serviceApiKey"]) == (first["apiKey"], first["serviceApiKey"])
    assert third["apiKey"] == "API-OTHER"
    assert state.stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        "octopus.state",
        "octopus.state.lock",
    ]


def test_a_state_is_written_only_after_requests_and_whole(
    simulator: Simulator, tmp_path: Path
) -> None:
    file = StateFile(str(tmp_path / "state"))
    assert file.read() is None
    file.write(simulator)
    first = file.path.stat().st_mtime_ns, file.path.read_bytes()
    simulator.advance(60)
    file.write(simulator)
    assert (file.path.stat().st_mtime_ns, file.path.read_bytes()) == first
    simulator.app.served += 1
    file.write(simulator)
    assert file.read() == simulator.backup()


def test_writing_takes_a_twentieth_of_the_time_at_most(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StateFile(str(tmp_path / "state"))
    clock = iter([0.0, 3.0, 62.0, 63.0, 64.0])
    monkeypatch.setattr("reconciler.simulator.statefile.time.monotonic", lambda: next(clock))
    written = []
    for _ in range(3):
        simulator.app.served += 1
        file.write_now_and_then(simulator)
        written.append(file._requests == simulator.app.served)
    assert written == [True, False, True]


def test_a_file_that_cannot_be_written_stays_as_it_was(
    simulator: Simulator, tmp_path: Path
) -> None:
    file = StateFile(str(tmp_path / "state"))
    file.write(simulator)
    before = file.path.read_bytes()
    (tmp_path / "state.new").mkdir()
    simulator.app.served += 1
    with pytest.raises(StateNotWritten, match="cannot be written"):
        file.write(simulator)
    assert file.path.read_bytes() == before


def _head(version: int, kind: str = "reconciler.simulator.state") -> bytes:
    header = {"format": kind, "version": version, "written": "", "sha256": "0"}
    return json.dumps(header).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a simulator's state file"),
        (b"spaces: []\n", "not a simulator's state file"),
        (pickle.dumps({"a": 1}), "not a simulator's state file"),
        (_head(1, "something"), "not a simulator's state file"),
        (_head(2), "is newer: of version 2, and this simulator reads up to 1"),
        (_head(1), "is damaged"),
    ],
)
def test_a_file_that_is_no_state_is_refused_and_left_alone(
    tmp_path: Path, content: bytes, words: str
) -> None:
    file = tmp_path / "state"
    file.write_bytes(content)
    with pytest.raises(BadState, match=words):
        serve(state=str(file))
    assert file.read_bytes() == content


def test_one_cut_byte_is_damage(simulator: Simulator, tmp_path: Path) -> None:
    file = StateFile(str(tmp_path / "state"))
    file.write(simulator)
    content = file.path.read_bytes()
    file.path.write_bytes(content[:-1])
    with pytest.raises(BadState, match="damaged"):
        file.read()


def test_two_servers_cannot_keep_one_file(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with StateFile(str(file)).held(), pytest.raises(BadState, match="another simulator"):
        serve(state=str(file))
    with pytest.raises(BadState, match="cannot be opened"):
        serve(state=str(tmp_path / "nowhere" / "state"))
    assert [each.name for each in tmp_path.iterdir()] == ["state.lock"]


def test_after_a_restart_what_ran_has_failed_and_what_is_queued_goes_on(
    simulator: Simulator,
) -> None:
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.deploy("Web Shop", "1.1.0", "Dev")
    simulator.advance(5)
    simulator.restart()
    simulator.advance(5)
    assert [each.state for each in simulator.deployments("Web Shop", "Dev")[-2:]] == [
        "Failed",
        "Executing",
    ]


def test_time_goes_on_while_nothing_serves() -> None:
    before = Simulator(load_seed("small"), clock=lambda: NOW)
    before.deploy("Web Shop", "1.1.0", "Dev")
    before.advance(1)
    after = _empty(NOW + timedelta(minutes=1))
    after.restore(before.backup())
    assert after.deployments("Web Shop", "Dev")[-1].state == "Success"
