"""Pauses are kept on disk at once, seen by other processes, and never forgotten (rule 21)."""

import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_values import ACCEPTED, ENV, a_record

from reconciler.core.pause import Pause, Scope
from reconciler.errors import StoreTrouble
from reconciler.ports import Clock
from reconciler.store import SqliteJournal
from reconciler.store.database import Database
from reconciler.store.migrations import STEPS

NINE = datetime(2026, 11, 20, 9, 0, 0, 42, tzinfo=UTC)
SCOPES = (
    Scope.parse(everything=True),
    Scope.parse(server="https://octopus.example"),
    Scope.parse(ENV),
    Scope.parse(ENV, "wallet-api"),
)


def a_pause(scope: Scope = SCOPES[2], who: str = "ann@desk", reason: str = "CHG-7 ☃") -> Pause:
    return Pause(scope, who, NINE, reason)


def test_rule_21_a_pause_of_any_scope_survives_a_restart(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    for scope in SCOPES:
        assert journal.pause(a_pause(scope)) is None
    journal.close()

    again = SqliteJournal(store, clock=clock)

    assert again.pauses() == tuple(a_pause(scope) for scope in SCOPES)
    again.close()


def test_rule_21_another_process_sees_a_pause_and_its_end_beside_open_writes(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    other = SqliteJournal(store, clock=clock)
    journal.promise(a_record(), fence=1)

    other.pause(a_pause())
    assert journal.pauses() == (a_pause(),)
    journal.promise(a_record("Deployments-9"), fence=1)
    other.unpause(a_pause().scope, "bob@desk")
    assert journal.pauses() == ()
    other.close()


def test_pauses_can_be_read_while_another_process_writes(
    journal: SqliteJournal, store: Path
) -> None:
    journal.pause(a_pause())
    writer = sqlite3.connect(store, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")

    assert journal.pauses() == (a_pause(),)
    writer.close()


def test_lifting_ends_exactly_the_scope_that_is_named(journal: SqliteJournal) -> None:
    for scope in SCOPES:
        journal.pause(a_pause(scope))

    assert journal.unpause(SCOPES[0], "bob@desk") == a_pause(SCOPES[0])

    assert [pause.scope for pause in journal.pauses()] == list(SCOPES[1:])
    assert journal.unpause(SCOPES[0], "bob@desk") is None
    assert journal.unpause(Scope.parse("qa"), "bob@desk") is None


def test_a_second_pause_of_a_scope_takes_the_place_of_the_first_and_both_are_kept(
    journal: SqliteJournal, clock: Clock
) -> None:
    second = replace(a_pause(who="bob@desk", reason="mine"), since=NINE + timedelta(hours=1))
    journal.pause(a_pause())

    assert journal.pause(second) == a_pause()
    assert journal.pauses() == (second,)
    journal.unpause(second.scope, "eve@desk")

    assert journal.pause_history() == (
        replace(a_pause(), lifted_by="bob@desk", lifted_at=second.since),
        replace(second, lifted_by="eve@desk", lifted_at=clock.now()),
    )


def test_what_was_accepted_is_told_for_every_environment(journal: SqliteJournal) -> None:
    assert journal.accepted_everywhere() == ()
    journal.accept(ACCEPTED)
    journal.accept(replace(ACCEPTED, environment="a-first"))

    told = journal.accepted_everywhere()

    assert told == (replace(ACCEPTED, environment="a-first"), ACCEPTED)


def test_a_store_made_before_there_were_pauses_is_copied_and_can_pause(
    store: Path, clock: Clock
) -> None:
    Database(store, clock=clock, steps=STEPS[:2]).close()

    journal = SqliteJournal(store, clock=clock)
    journal.pause(a_pause())

    assert journal.pauses() == (a_pause(),)
    assert len(list(store.parent.glob("*.v2-*.bak"))) == 1
    journal.close()


def test_a_row_of_pauses_that_makes_no_sense_is_damage_and_not_no_pause(
    journal: SqliteJournal, store: Path
) -> None:
    journal.pause(a_pause())
    with sqlite3.connect(store) as connection:
        connection.execute("UPDATE pauses SET reach = 'galaxy'")
    connection.close()

    with pytest.raises(StoreTrouble) as caught:
        journal.pauses()

    assert "damaged" in caught.value.message
