"""A store that cannot be trusted is refused in one line, and left as it is."""

import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from store_values import ENV, a_deployment, a_record

from reconciler.errors import StoreTrouble
from reconciler.ports import Clock, Known
from reconciler.store import SqliteJournal
from reconciler.store.database import Database
from reconciler.store.migrations import STEPS


def a_store_with_promises(store: Path, clock: Clock, promises: int = 200) -> None:
    journal = SqliteJournal(store, clock=clock)
    for number in range(promises):
        journal.promise(a_record(f"Deployments-{number}"), fence=1)
    journal.close()


def promise_for_ever(journal: SqliteJournal) -> None:
    for number in itertools.count():
        journal.promise(a_record(f"Deployments-{number}"), fence=1)


@pytest.mark.parametrize(
    "harm",
    [
        lambda whole: b"this is no database, it is a letter to my aunt" * 100,
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:4096] + b"\x00" * (len(whole) - 4096),
        lambda whole: b"\x00" * len(whole),
    ],
    ids=["other file", "half", "zeroed pages", "zeros"],
)
def test_rule_50_a_damaged_store_is_refused_and_never_overwritten(
    store: Path, clock: Clock, harm: object
) -> None:
    a_store_with_promises(store, clock)
    broken = harm(store.read_bytes())  # type: ignore[operator]
    store.write_bytes(broken)

    with pytest.raises(StoreTrouble, match="is damaged") as caught:
        SqliteJournal(store, clock=clock)

    assert "\n" not in caught.value.message
    assert f"mv {store} {store}.damaged" in caught.value.hint
    assert "held until" in caught.value.hint
    assert store.read_bytes() == broken


def test_rule_50_an_index_that_lies_is_found_at_start(store: Path, clock: Clock) -> None:
    a_store_with_promises(store, clock)
    with closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(
            "UPDATE sqlite_master SET sql = 'CREATE INDEX intents_by_age ON intents "
            "(environment, component)' WHERE name = 'intents_by_age'"
        )

    with pytest.raises(StoreTrouble, match="is damaged"):
        SqliteJournal(store, clock=clock)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("intents", "progress = 'promisef'"),
        ("intents", "machines = '[1'"),
        ("intents", "promised_at = '2026-31-31'"),
        ("seen_deployments", "body = '[]'"),
        ("seen_deployments", "body = 'null'"),
    ],
)
def test_rule_50_a_row_that_makes_no_sense_is_damage(
    store: Path, clock: Clock, table: str, change: str
) -> None:
    a_store_with_promises(store, clock, promises=1)
    journal = SqliteJournal(store, clock=clock)
    journal.remember("server", "space", Known({"Deployments-1": a_deployment(1)}, {}))
    journal._database._connection.execute(f"UPDATE {table} SET {change}")

    with pytest.raises(StoreTrouble, match="is damaged"):
        journal.intents(ENV) if table == "intents" else journal.known("server", "space")
    journal.close()


def test_rule_50_a_full_disk_loses_no_finished_record(store: Path, clock: Clock) -> None:
    journal = SqliteJournal(store, clock=clock)
    connection = journal._database._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 4}")

    with pytest.raises(StoreTrouble, match="no space left") as caught:
        promise_for_ever(journal)

    written = len(journal.intents(ENV))
    assert written > 0
    assert "df -h" in caught.value.hint
    connection.execute("PRAGMA max_page_count = 1000000")
    journal.promise(a_record("Deployments-again"), fence=1)
    journal.close()
    again = SqliteJournal(store, clock=clock)
    assert len(again.intents(ENV)) == written + 1
    again.close()


def test_rule_50_a_store_that_became_read_only_is_told(store: Path, clock: Clock) -> None:
    journal = SqliteJournal(store, clock=clock)
    journal._database._connection.execute("PRAGMA query_only = ON")

    with pytest.raises(StoreTrouble, match="cannot be written"):
        journal.promise(a_record(), fence=1)

    assert journal.intents(ENV) == ()
    journal.close()


@pytest.mark.parametrize("kind", ["parent is a file", "directory", "no such device"])
def test_rule_50_a_place_that_cannot_hold_a_store_is_told(
    tmp_path: Path, clock: Clock, kind: str
) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.sqlite3").mkdir()
    path = {
        "parent is a file": tmp_path / "file" / "journal.sqlite3",
        "directory": tmp_path / "folder.sqlite3",
        "no such device": Path("/proc/reconciler/journal.sqlite3"),
    }[kind]

    with pytest.raises(StoreTrouble, match="cannot be written") as caught:
        SqliteJournal(path, clock=clock)

    assert "\n" not in caught.value.message
    assert "RECONCILER_STATE_DIR" in caught.value.hint


def test_a_store_of_version_one_is_copied_and_then_brought_up_to_date(
    store: Path, clock: Clock
) -> None:
    old = Database(store, clock=clock, steps=STEPS[:1])
    with old.writing() as connection:
        connection.execute("INSERT INTO meta VALUES ('store_id', 'cafe')")
        connection.execute("INSERT INTO fences VALUES (?, 5)", (ENV,))
    # Left open: what is only in its write-ahead log must be in the copy too.
    journal = SqliteJournal(store, clock=clock)

    assert journal.store_id == "cafe"
    assert journal.known("server", "space").deployments == {}
    (copy,) = store.parent.glob("*.bak")
    assert copy.name == "journal.sqlite3.v1-20261120T113102123456Z.bak"
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        assert connection.execute("SELECT fence FROM fences").fetchall() == [(5,)]
    old.close()
    journal.close()


def test_a_failed_migration_leaves_the_old_store(store: Path, clock: Clock) -> None:
    Database(store, clock=clock, steps=STEPS).close()
    broken = (*STEPS, ("CREATE TABLE fresh (x)", "CREATE TABLE fences (again)"))

    with pytest.raises(StoreTrouble, match="already exists"):
        Database(store, clock=clock, steps=broken)

    SqliteJournal(store, clock=clock).close()


def test_a_store_of_a_newer_program_is_refused(store: Path, clock: Clock) -> None:
    newer = (*STEPS, ("CREATE TABLE of_the_future (x)",))
    Database(store, clock=clock, steps=newer).close()
    before = store.read_bytes()

    with pytest.raises(StoreTrouble, match="written by a newer reconciler") as caught:
        SqliteJournal(store, clock=clock)

    assert f"has version {len(newer)}" in caught.value.message
    assert store.read_bytes() == before


def test_a_database_of_another_program_is_refused(store: Path, clock: Clock) -> None:
    store.parent.mkdir()
    with closing(sqlite3.connect(store)) as connection:
        connection.execute("CREATE TABLE recipes (name)")

    with pytest.raises(StoreTrouble, match="of another program"):
        SqliteJournal(store, clock=clock)


def test_rule_30_no_column_of_the_store_is_meant_for_a_credential(
    store: Path, clock: Clock
) -> None:
    database = Database(store, clock=clock)

    shapes = " ".join(text for (text,) in database.rows("SELECT sql FROM sqlite_master") if text)

    assert "CREATE TABLE intents" in shapes
    for word in ("key_", "token", "secret", "password", "credential"):
        assert word not in shapes.lower()
    database.close()
