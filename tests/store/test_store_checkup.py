"""The state directory as `doctor` sees it: told as it is, and left as it is."""

import sqlite3
from collections import namedtuple
from pathlib import Path

import pytest
from store_values import ENV

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.ports import QueuedRecord
from reconciler.store import SqliteJournal, checkup
from reconciler.store.checkup import MIB, state_findings
from reconciler.store.migrations import STEPS

Usage = namedtuple("Usage", "total used free")


def told(store: Path) -> list[Finding]:
    return list(state_findings(store.parent, store))


def of_state(store: Path) -> list[tuple[Verdict, str]]:
    return [(one.verdict, one.says) for one in told(store) if one.check is Check.STATE]


def test_a_folder_that_is_not_there_is_made_later_and_not_by_looking(store: Path) -> None:
    assert of_state(store) == [(Verdict.OK, "it is not there yet; the first command makes it")]
    assert not store.parent.exists()


def test_a_whole_store_is_told_with_what_waits_in_it(store: Path, journal: SqliteJournal) -> None:
    assert of_state(store) == [(Verdict.OK, "the store is whole; no daemon runs")]
    journal.raise_fence(ENV, 1)
    journal.queue_record(QueuedRecord(ENV, "passes/a.json", b"{}"), 1)

    assert of_state(store)[1] == (Verdict.WARNING, "1 record waits for the audit remote")


def test_a_store_of_an_older_version_is_not_migrated_by_looking(
    store: Path, journal: SqliteJournal
) -> None:
    journal.close()
    with sqlite3.connect(store) as raw:
        raw.execute("PRAGMA user_version = 1")
    raw.close()
    before = store.read_bytes()

    assert of_state(store)[0][0] is Verdict.OK
    assert store.read_bytes() == before
    assert not list(store.parent.glob("*.bak"))


def test_a_store_of_a_newer_version_and_a_damaged_one_are_told(
    store: Path, journal: SqliteJournal
) -> None:
    journal.close()
    with sqlite3.connect(store) as raw:
        raw.execute(f"PRAGMA user_version = {len(STEPS) + 1}")
    raw.close()
    assert "of a newer reconciler" in of_state(store)[0][1]

    store.write_bytes(b"no database at all, but long enough to be read as one" * 100)
    assert of_state(store)[0][0] is Verdict.FAILED


@pytest.mark.parametrize(
    ("free", "verdict"),
    [(2000 * MIB, Verdict.OK), (500 * MIB, Verdict.WARNING), (50 * MIB, Verdict.FAILED)],
)
def test_a_disk_that_gets_full_is_told_ahead(
    store: Path, free: int, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkup.shutil, "disk_usage", lambda _: Usage(0, 0, free))

    (disk,) = [one for one in told(store) if one.check is Check.DISK]

    assert disk.verdict is verdict
    assert disk.says == f"{free // MIB} MiB are free"


def test_a_folder_that_others_may_write_to_is_told(store: Path) -> None:
    store.parent.mkdir(mode=0o700)
    store.parent.chmod(0o777)

    assert of_state(store)[0][1] == f"others may write to {store.parent} (mode 777)"


def test_a_file_in_place_of_the_folder_is_told(store: Path) -> None:
    store.parent.touch()

    assert [(one.check, one.verdict) for one in told(store)] == [(Check.STATE, Verdict.FAILED)]
