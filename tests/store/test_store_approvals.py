"""Approvals are kept on disk with all they consent to, and never forgotten (rule 32)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from store_values import ENV, a_record

from reconciler.core.approval import Approval, Change
from reconciler.core.cellkey import CellKey
from reconciler.ports import Clock
from reconciler.store import SqliteJournal
from reconciler.store.database import Database
from reconciler.store.migrations import STEPS

FAR = datetime(2999, 1, 1, tzinfo=UTC)


def an_approval(digest: str = "ab" * 32, environment: str = ENV) -> Approval:
    changes = {
        Change(CellKey("api@acme"), None, "2.0", 0),
        Change(CellKey("db"), "1.0", "2.0", 3),
        Change(CellKey("ui"), "1.0", "1.0", 0, ("Machines-1", "Machines-2")),
    }
    return Approval(
        environment=environment,
        server="1111",
        space="Spaces-2",
        octopus_environment="Environments-3",
        user="Users-1",
        name="Ann ☃",
        email="ann@example.org",
        digest=digest,
        changes=frozenset(changes),
        since="4f" * 20,
        given=FAR - timedelta(days=1),
        expires=FAR,
    )


def test_rule_32_an_approval_survives_a_restart_with_every_change_it_covers(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    journal.approve(an_approval())
    journal.approve(an_approval(environment="qa"))
    journal.close()

    again = SqliteJournal(store, clock=clock)

    assert again.approvals(ENV) == (an_approval(),)
    assert again.approvals() == (an_approval(), an_approval(environment="qa"))
    again.close()


def test_rule_32_what_was_revoked_says_who_did_and_stays(journal: SqliteJournal) -> None:
    journal.approve(an_approval("ab" * 32))
    journal.approve(an_approval("cd" * 32))
    before = journal.stamp()

    assert journal.revoke_approvals(ENV, "ab" * 8, "bob@desk") == (an_approval("ab" * 32),)
    assert journal.revoke_approvals(ENV, "ab" * 8, "bob@desk") == ()

    revoked, stands = journal.approvals(ENV)
    assert (revoked.revoked_by, revoked.in_force(FAR - timedelta(hours=1))) == ("bob@desk", False)
    assert stands == an_approval("cd" * 32)
    assert journal.stamp() == before  # only another process' writes show


def test_an_intent_remembers_who_approved_its_plan(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    record = a_record(approvals=("Users-1", "Users-2"))
    journal.promise(record, fence=1)

    assert journal.intents(ENV) == (record,)


def test_a_store_made_before_there_were_approvals_is_copied_and_takes_them(
    store: Path, clock: Clock
) -> None:
    Database(store, clock=clock, steps=STEPS[:5]).close()

    journal = SqliteJournal(store, clock=clock)
    journal.approve(an_approval())

    assert journal.approvals(ENV) == (an_approval(),)
    assert len(list(store.parent.glob("*.v5-*.bak"))) == 1
    journal.close()
