"""The status file: what the daemon knew last, whole or not at all."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import StoreTrouble
from reconciler.store import statusfile
from reconciler.store.statusfile import NAME, read_status, write_status, written_at

CONDITION = {"type": "Ready", "reason": "InSync", "message": "\u00fc\ud800", "since": None}
TASK = {"component": "api", "task": "ServerTasks-1", "state": "Executing", "since": None}
ENVIRONMENT = {
    "commit": "",
    "looked": None,
    "attempted": None,
    "reached": None,
    "next_look": None,
    "pending": 0,
    "conditions": [CONDITION],
    "running": [TASK],
}
STATUS: dict[str, Any] = {
    "repositories": {"r": {"trouble": None, "environments": {"qa": ENVIRONMENT}}}
}


def test_what_is_written_is_read_and_nothing_else_stays(tmp_path: Path) -> None:
    write_status(tmp_path, {"repositories": {}})
    write_status(tmp_path, STATUS)

    assert read_status(tmp_path) == STATUS
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_only_its_user_may_read_it(tmp_path: Path) -> None:
    write_status(tmp_path, STATUS)

    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_where_no_daemon_ever_wrote_there_is_none(tmp_path: Path) -> None:
    assert read_status(tmp_path / "nowhere") is None


def test_a_draft_that_a_killed_daemon_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.new").write_text("{half")
    assert read_status(tmp_path) is None
    write_status(tmp_path, STATUS)

    assert read_status(tmp_path) == STATUS


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"repositories": []}',
        b'{"repositories": {"r": null}}',
        b'{"repositories": {"r": {"trouble": null}}}',
        b'{"repositories": {"r": {"trouble": null, "environments": {"qa": {}}}}}',
        b'{"repositories": {"r": {"trouble": null, "environments": {"qa":'
        b' {"commit": "", "looked": "", "conditions": [{}]}}}}}',
        *(
            json.dumps(
                {"repositories": {"r": {"trouble": None, "environments": {"qa": one}}}}
            ).encode()
            for one in (
                {**ENVIRONMENT, "running": [{}]},
                {**ENVIRONMENT, "pending": "some"},
                {**ENVIRONMENT, "conditions": [{}]},
                {k: v for k, v in ENVIRONMENT.items() if k != "next_look"},
            )
        ),
    ],
)
def test_a_damaged_file_is_told_and_left(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)

    with pytest.raises(StoreTrouble, match="is damaged; nothing was changed") as told:
        read_status(tmp_path)

    assert told.value.hint.startswith("remove it (rm ")
    assert (tmp_path / NAME).read_bytes() == content


def test_a_file_beyond_all_measure_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_status(tmp_path, STATUS)
    monkeypatch.setattr(statusfile, "LARGEST", 10)

    with pytest.raises(StoreTrouble, match="damaged"):
        read_status(tmp_path)


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")

    with pytest.raises(StoreTrouble, match="cannot be written"):
        write_status(tmp_path / "state", STATUS)


def test_when_it_was_written_is_told(tmp_path: Path) -> None:
    assert written_at(tmp_path) == 0
    write_status(tmp_path, STATUS)
    os.utime(tmp_path / NAME, ns=(5, 5))

    assert written_at(tmp_path) == 5
