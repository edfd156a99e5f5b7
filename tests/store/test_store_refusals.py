"""Refusals are counted by intent, durably, and only while Octopus never carried the intent out."""

from pathlib import Path

import pytest
from store_values import ENV, a_record

from reconciler.core.intent import Progress
from reconciler.errors import LeaseLost, StoreTrouble
from reconciler.ports import Clock
from reconciler.store import SqliteJournal
from reconciler.store.database import Database
from reconciler.store.migrations import STEPS

INTENT = a_record().intent.id


def refuse(journal: SqliteJournal, why: str = "no", redeploy: int = 0) -> None:
    journal.promise(a_record(redeploy=redeploy), fence=1)
    journal.refuse(INTENT, why, fence=1)


def test_rule_20_refusals_of_an_intent_are_counted_and_survive_the_process(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    refuse(journal, "the first")
    refuse(journal, "line\nfeed")

    again = SqliteJournal(store, clock=clock)
    ((intent, refusal),) = again.refusals(ENV).items()
    again.close()

    assert intent == INTENT
    assert (refusal.times, refusal.redeploy, refusal.why) == (2, 0, "line\\nfeed")
    assert refusal.since == refusal.last == clock.now()
    assert [record.progress for record in journal.intents(ENV)] == [Progress.VOID]
    assert journal.refusals("another") == {}


def test_rule_20_a_raised_counter_is_counted_anew_and_a_lowered_one_is_not(
    journal: SqliteJournal,
) -> None:
    counts = []
    for redeploy in (0, 0, 1, 0):
        refuse(journal, redeploy=redeploy)
        counts.append([(r.redeploy, r.times) for r in journal.refusals(ENV).values()])

    assert counts == [[(0, 1)], [(0, 2)], [(1, 1)], [(1, 2)]]


def test_what_octopus_took_at_last_has_no_refusals(journal: SqliteJournal) -> None:
    refuse(journal)
    journal.promise(a_record(), fence=1)
    journal.launched(INTENT, "Deployments-902", "ServerTasks-1", fence=1)

    assert journal.refusals(ENV) == {}
    with pytest.raises(StoreTrouble, match="launched"):
        journal.refuse(INTENT, "no", fence=1)


def test_rule_19_a_refusal_under_an_older_lease_is_not_written(journal: SqliteJournal) -> None:
    journal.promise(a_record(), fence=1)
    journal.raise_fence(ENV, 2)

    with pytest.raises(LeaseLost):
        journal.refuse(INTENT, "no", fence=1)
    assert journal.refusals(ENV) == {}


def test_a_store_made_before_refusals_were_counted_is_copied_and_counts_them(
    store: Path, clock: Clock
) -> None:
    Database(store, clock=clock, steps=STEPS[:3]).close()

    journal = SqliteJournal(store, clock=clock)
    refuse(journal)

    assert len(journal.refusals(ENV)) == 1
    assert len(list(store.parent.glob("*.v3-*.bak"))) == 1
    journal.close()
