"""What looks have seen of lost machines outlives the process (rule 44)."""

from datetime import timedelta
from pathlib import Path

from store_values import ENV, NOON

from reconciler.core.fleet import Sickness
from reconciler.ports import Clock
from reconciler.store import SqliteJournal

HOUR = timedelta(hours=1)
ILL = Sickness("Machines-1", "AB12", NOON, NOON + HOUR, NOON - HOUR, NOON)


def test_rule_44_what_looks_have_seen_survives_a_restart(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    journal.keep_sicknesses(ENV, "1111", "Spaces-1", [ILL])
    journal.keep_sicknesses("qa", "1111", "Spaces-1", [ILL])
    journal.close()

    again = SqliteJournal(store, clock=clock)
    assert again.sicknesses(ENV, "1111", "Spaces-1") == (ILL,)
    again.keep_sicknesses(ENV, "1111", "Spaces-1", [])
    assert again.sicknesses(ENV, "1111", "Spaces-1") == ()
    assert again.sicknesses("qa", "1111", "Spaces-1") == (ILL,)
    again.close()


def test_rule_44_of_another_server_or_space_nothing_is_known(journal: SqliteJournal) -> None:
    journal.keep_sicknesses(ENV, "1111", "Spaces-1", [ILL])

    assert journal.sicknesses(ENV, "2222", "Spaces-1") == ()
    assert journal.sicknesses(ENV, "1111", "Spaces-2") == ()
    journal.keep_sicknesses(ENV, "2222", "Spaces-1", [ILL])
    assert journal.sicknesses(ENV, "1111", "Spaces-1") == ()
