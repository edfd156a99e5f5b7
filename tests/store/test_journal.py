"""The journal keeps promises, in order, and never lets an older writer through."""

import stat
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from store_values import (
    ACCEPTED,
    ENV,
    NOON,
    a_deployment,
    a_link,
    a_queued,
    a_record,
    a_release,
)

from reconciler.core.intent import Outcome, Progress
from reconciler.errors import LeaseLost, StoreTrouble
from reconciler.ports import Clock, Journal, Known, QueuedRecord
from reconciler.store import SqliteJournal
from reconciler.store import cache as cache_module

CHILD = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from conftest import StillClock
from store_values import a_record
from reconciler.store import SqliteJournal
journal = SqliteJournal(Path(sys.argv[1]), clock=StillClock())
for number in range(int(sys.argv[3])):
    journal.promise(a_record(f"Deployments-{sys.argv[4]}-{number}"), fence=1)
print("promised", flush=True)
if sys.argv[5] == "wait":
    sys.stdin.read()
"""


def child(store: Path, promises: int, name: str, then: str) -> subprocess.Popen[str]:
    here = str(Path(__file__).parent)
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(store), here, str(promises), name, then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_journal_is_the_one_of_the_ports(journal: SqliteJournal) -> None:
    door: Journal = journal

    assert len(door.store_id) == 32
    assert int(door.store_id, 16) >= 0


def test_a_store_keeps_its_id_and_another_store_has_another(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    again = SqliteJournal(store, clock=clock)
    other = SqliteJournal(store.with_name("other.sqlite3"), clock=clock)

    assert again.store_id == journal.store_id
    assert other.store_id != journal.store_id
    again.close()
    other.close()


def test_the_store_is_for_its_owner_only(journal: SqliteJournal, store: Path, clock: Clock) -> None:
    journal.promise(a_record(), fence=1)

    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.parent.iterdir()}

    assert stat.S_IMODE(store.parent.stat().st_mode) == 0o700
    assert len(modes) >= 3
    assert set(modes.values()) == {0o600}


def test_a_store_that_others_could_read_is_closed_to_them(store: Path, clock: Clock) -> None:
    SqliteJournal(store, clock=clock).close()
    store.chmod(0o644)

    SqliteJournal(store, clock=clock).close()

    assert stat.S_IMODE(store.stat().st_mode) == 0o600


def test_an_intent_comes_back_as_it_was_written(journal: SqliteJournal) -> None:
    full = a_record(
        None,
        replaces=None,
        redeploy=3,
        progress=Progress.FINISHED,
        deployment_id="Deployments-902",
        task_id="ServerTasks-7712",
        outcome=Outcome.TIMED_OUT,
        settled=False,
    )
    full = replace(full, intent=replace(full.intent, tenant="Tenants-1", machines=("M-2", "M-1")))
    journal.promise(a_record(), fence=1)
    journal.adopt(full, fence=1)

    assert journal.intents(ENV) == (a_record(), full)
    assert journal.intents("another") == ()


def test_intents_are_listed_oldest_promise_first(journal: SqliteJournal) -> None:
    late = a_record("Deployments-1", promised_at=NOON.replace(microsecond=654322))
    early = a_record("Deployments-2", promised_at=NOON.replace(microsecond=0))
    journal.promise(late, fence=1)
    journal.promise(early, fence=1)

    assert journal.intents(ENV) == (early, late)


def test_rule_13_a_promise_survives_kill_minus_nine(store: Path, clock: Clock) -> None:
    with child(store, promises=3, name="a", then="wait") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "promised\n"
        process.kill()
        process.wait()

    journal = SqliteJournal(store, clock=clock)

    assert [record.intent.after for record in journal.intents(ENV)] == [
        "Deployments-a-0",
        "Deployments-a-1",
        "Deployments-a-2",
    ]
    journal.close()


def test_rule_13_a_promise_is_flushed_to_the_disk_at_commit(journal: SqliteJournal) -> None:
    connection = journal._database._connection

    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_several_processes_make_and_share_one_store(store: Path, clock: Clock) -> None:
    children = [child(store, promises=5, name=str(n), then="end") for n in range(4)]
    for process in children:
        process.communicate(timeout=60)

    journal = SqliteJournal(store, clock=clock)

    assert [process.returncode for process in children] == [0, 0, 0, 0]
    assert len(journal.intents(ENV)) == 20
    journal.close()


def test_several_threads_share_one_journal(journal: SqliteJournal) -> None:
    threads = [
        threading.Thread(
            target=lambda n=n: [
                journal.promise(a_record(f"Deployments-{n}-{i}"), fence=1) for i in range(10)
            ]
        )
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(journal.intents(ENV)) == 50


def test_rule_12_an_intent_that_is_open_is_not_promised_again(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)

    with pytest.raises(StoreTrouble, match="promised already"):
        journal.promise(record, fence=1)
    journal.launched(record.intent.id, "Deployments-902", "ServerTasks-1", fence=1)
    with pytest.raises(StoreTrouble, match="launched already"):
        journal.promise(record, fence=1)

    assert journal.intents(ENV)[0].progress is Progress.LAUNCHED


def test_rule_14_an_intent_proved_absent_may_be_promised_again(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    journal.void(record.intent.id, fence=1)
    assert journal.intents(ENV)[0].progress is Progress.VOID

    journal.promise(record, fence=1)

    assert journal.intents(ENV) == (record,)


def test_rule_12_a_deployment_that_exists_is_never_noted_as_absent(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    journal.launched(record.intent.id, "Deployments-902", "ServerTasks-1", fence=1)

    with pytest.raises(StoreTrouble, match="not absent"):
        journal.void(record.intent.id, fence=1)


def test_rule_12_a_second_deployment_of_one_intent_is_an_error(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    journal.launched(record.intent.id, "Deployments-902", "ServerTasks-1", fence=1)

    with pytest.raises(StoreTrouble, match="Deployments-903 is a second"):
        journal.launched(record.intent.id, "Deployments-903", "ServerTasks-2", fence=1)


def test_a_deployment_that_shows_up_late_is_taken(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    journal.void(record.intent.id, fence=1)

    journal.launched(record.intent.id, "Deployments-902", "ServerTasks-1", fence=1)

    assert journal.intents(ENV)[0].deployment_id == "Deployments-902"
    assert journal.intents(ENV)[0].progress is Progress.LAUNCHED


def test_an_end_is_noted_once_there_is_a_deployment(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    with pytest.raises(StoreTrouble, match="no deployment that could end"):
        journal.finished(record.intent.id, Outcome.SUCCESS, settled=True, fence=1)
    journal.launched(record.intent.id, "Deployments-902", "ServerTasks-1", fence=1)

    journal.finished(record.intent.id, Outcome.FAILED, settled=False, fence=1)

    (found,) = journal.intents(ENV)
    assert (found.progress, found.outcome, found.settled) == (
        Progress.FINISHED,
        Outcome.FAILED,
        False,
    )


def test_an_unknown_intent_is_refused(journal: SqliteJournal) -> None:
    with pytest.raises(StoreTrouble, match="not in this store"):
        journal.launched("0" * 64, "Deployments-1", "ServerTasks-1", fence=1)


def test_adopting_never_forgets_what_the_journal_knows_better(journal: SqliteJournal) -> None:
    record = a_record()
    journal.promise(record, fence=1)
    found = replace(
        record, progress=Progress.LAUNCHED, deployment_id="Deployments-902", task_id="ServerTasks-1"
    )

    journal.adopt(found, fence=1)
    assert journal.intents(ENV) == (found,)
    journal.finished(record.intent.id, Outcome.SUCCESS, settled=True, fence=1)
    journal.adopt(found, fence=1)

    assert journal.intents(ENV)[0].progress is Progress.FINISHED


def writes_with_fence_one(journal: SqliteJournal) -> dict[str, object]:
    intent = a_record().intent.id
    link = a_link(intent)
    return {
        "promise": lambda: journal.promise(a_record("Deployments-5"), fence=1),
        "adopt": lambda: journal.adopt(a_record("Deployments-6"), fence=1),
        "launched": lambda: journal.launched(intent, "Deployments-902", "ServerTasks-1", fence=1),
        "void": lambda: journal.void(intent, fence=1),
        "finished": lambda: journal.finished(intent, Outcome.SUCCESS, settled=True, fence=1),
        "queue_receipt": lambda: journal.queue_receipt(a_queued(link), link, fence=1),
        "queue_record": lambda: journal.queue_record(QueuedRecord(ENV, "p.json", b"{}"), fence=1),
    }


@pytest.mark.parametrize(
    "write",
    ["promise", "adopt", "launched", "void", "finished", "queue_receipt", "queue_record"],
)
def test_rule_19_a_write_below_the_highest_fence_is_refused_and_changes_nothing(
    journal: SqliteJournal, write: str
) -> None:
    journal.promise(a_record(), fence=1)
    journal.raise_fence(ENV, 2)

    with pytest.raises(LeaseLost, match=r"number 2, ours was 1"):
        writes_with_fence_one(journal)[write]()  # type: ignore[operator]

    assert journal.intents(ENV) == (a_record(),)
    assert journal.queued(ENV) == ()
    assert journal.links(ENV) == ()


def test_rule_19_a_fence_is_never_lowered(journal: SqliteJournal) -> None:
    journal.promise(a_record(), fence=7)
    journal.raise_fence(ENV, 3)

    with pytest.raises(LeaseLost):
        journal.promise(a_record("Deployments-5"), fence=6)


def test_rule_19_fences_of_environments_are_apart(journal: SqliteJournal) -> None:
    journal.raise_fence(ENV, 9)

    journal.promise(a_record(environment="dev"), fence=1)

    assert len(journal.intents("dev")) == 1


def finished(journal: SqliteJournal, after: str, outcome: Outcome = Outcome.SUCCESS) -> str:
    record = a_record(after)
    journal.promise(record, fence=1)
    journal.launched(record.intent.id, f"{after}-x", "ServerTasks-1", fence=1)
    journal.finished(record.intent.id, outcome, settled=True, fence=1)
    return record.intent.id


def test_rule_26_a_receipt_is_kept_until_the_remote_has_it(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    links = [a_link(finished(journal, f"Deployments-{n}"), n) for n in (1, 2)]
    for link in links:
        journal.queue_receipt(a_queued(link), link, fence=1)
    journal.queue_record(QueuedRecord(ENV, "passes/p.json", b"\x00\xff"), fence=1)

    again = SqliteJournal(store, clock=clock)
    assert [record.path for record in again.queued(ENV)] == [
        links[0].path,
        links[1].path,
        "passes/p.json",
    ]
    assert again.queued(ENV)[2].content == b"\x00\xff"
    assert {record.progress for record in again.intents(ENV)} == {Progress.RECEIPTED}
    again.recorded([links[0].path, "passes/p.json"])

    assert [record.path for record in journal.queued(ENV)] == [links[1].path]
    assert journal.links(ENV) == tuple(links)
    again.close()


def test_rule_24_a_queued_record_never_changes(journal: SqliteJournal) -> None:
    journal.queue_record(QueuedRecord(ENV, "passes/p.json", b"one"), fence=1)
    journal.queue_record(QueuedRecord(ENV, "passes/p.json", b"one"), fence=1)

    with pytest.raises(StoreTrouble, match="records never change"):
        journal.queue_record(QueuedRecord(ENV, "passes/p.json", b"two"), fence=1)

    assert journal.queued(ENV) == (QueuedRecord(ENV, "passes/p.json", b"one"),)


def test_rule_24_two_receipts_never_get_one_place_in_the_chain(journal: SqliteJournal) -> None:
    first = a_link(finished(journal, "Deployments-1"))
    journal.queue_receipt(a_queued(first), first, fence=1)
    second = finished(journal, "Deployments-2")
    fork = a_link(second, digest="sha256:" + "f" * 64, path="receipts/other.receipt.json")
    rewrite = a_link(second, sequence=2, path=first.path)

    for link in (fork, rewrite):
        with pytest.raises(StoreTrouble, match=r"no second one was written|never change"):
            journal.queue_receipt(a_queued(link), link, fence=1)

    assert journal.links(ENV) == (first,)
    assert journal.intents(ENV)[1].progress is Progress.FINISHED


def test_only_an_unknown_end_is_corrected_after_its_receipt(journal: SqliteJournal) -> None:
    unknown = a_link(finished(journal, "Deployments-1", Outcome.UNKNOWN), 1)
    sure = a_link(finished(journal, "Deployments-2"), 2)
    for link in (unknown, sure):
        journal.queue_receipt(a_queued(link), link, fence=1)

    journal.finished(unknown.intent, Outcome.SUCCESS, settled=True, fence=1)
    journal.finished(sure.intent, Outcome.SUCCESS, settled=True, fence=1)
    with pytest.raises(StoreTrouble, match="a receipt that says Success, not Failed"):
        journal.finished(sure.intent, Outcome.FAILED, settled=False, fence=1)

    assert [record.progress for record in journal.intents(ENV)] == [
        Progress.FINISHED,
        Progress.RECEIPTED,
    ]


def test_links_from_the_audit_branch_are_added_forks_included(journal: SqliteJournal) -> None:
    first = a_link("1" * 64, 1)
    fork = a_link("2" * 64, 1, digest="sha256:" + "e" * 64, path="receipts/z.receipt.json")
    journal.index_receipts([first, a_link("3" * 64, 2)])
    journal.index_receipts([replace(first, version="changed"), fork])

    assert journal.links(ENV) == (first, fork, a_link("3" * 64, 2))


def test_an_acceptance_is_remembered_and_replaced(journal: SqliteJournal) -> None:
    assert journal.accepted(ENV) is None
    journal.accept(ACCEPTED)
    assert journal.accepted(ENV) == ACCEPTED

    journal.accept(replace(ACCEPTED, commit="5e" * 20))

    assert journal.accepted(ENV) == replace(ACCEPTED, commit="5e" * 20)


def test_rule_10_what_is_doubted_is_not_accepted_though_its_server_stays_known(
    journal: SqliteJournal,
) -> None:
    journal.accept(ACCEPTED)

    journal.doubt_accepted()

    assert journal.accepted(ENV) is None
    assert [one.server_url for one in journal.accepted_everywhere()] == [ACCEPTED.server_url]
    journal.accept(ACCEPTED)
    assert journal.accepted(ENV) == ACCEPTED


def test_a_write_of_somebody_else_is_noticed_and_one_of_ones_own_is_not(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    other = SqliteJournal(store, clock=clock)
    before = journal.stamp()
    journal.next_write()
    assert journal.stamp() == before

    other.next_write()

    assert journal.stamp() != before
    other.close()


def test_audit_writes_are_counted(journal: SqliteJournal, store: Path, clock: Clock) -> None:
    assert journal.writes() == 0
    assert [journal.next_write() for _ in range(11)] == list(range(1, 12))

    again = SqliteJournal(store, clock=clock)
    assert again.next_write() == 12
    assert journal.writes() == 12
    again.close()


def test_what_octopus_said_once_is_known_again(
    journal: SqliteJournal, store: Path, clock: Clock
) -> None:
    before = journal.known("server", "Spaces-2")
    known = Known({"Deployments-1": a_deployment(1)}, {"Releases-90": a_release(90)})
    journal.remember("server", "Spaces-2", known)
    again = SqliteJournal(store, clock=clock)
    assert again.known("server", "Spaces-2") == known
    again.remember("server", "Spaces-2", Known({"Deployments-2": a_deployment(2)}, {}))

    assert set(journal.known("server", "Spaces-2").deployments) == {
        "Deployments-1",
        "Deployments-2",
    }
    assert journal.known("server", "Spaces-1") == Known({}, {})
    assert before == Known({}, {})
    again.close()


def test_rule_47_the_cache_is_bounded_and_drops_the_oldest(
    journal: SqliteJournal, store: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "KEPT", 10)
    for number in range(25):
        known = Known({f"Deployments-{number}": a_deployment(number)}, {})
        journal.remember("server", "Spaces-2", known)

    fresh = SqliteJournal(store, clock=clock)
    assert set(fresh.known("server", "Spaces-2").deployments) == {
        f"Deployments-{number}" for number in range(15, 25)
    }
    assert len(journal.known("server", "Spaces-2").deployments) == 10
    fresh.close()


def test_a_closed_journal_says_so(store: Path, clock: Clock) -> None:
    journal = SqliteJournal(store, clock=clock)
    journal.close()
    journal.close()

    with pytest.raises(StoreTrouble, match="closed"):
        journal.intents(ENV)


def test_the_highest_fence_seen_is_told(journal: SqliteJournal) -> None:
    assert journal.fence(ENV) == 0
    journal.raise_fence(ENV, 7)
    journal.raise_fence(ENV, 5)

    assert journal.fence(ENV) == 7


def test_the_last_link_of_a_chain_is_the_one_of_its_own_project(journal: SqliteJournal) -> None:
    first, second = a_link("a" * 64, 1), a_link("b" * 64, 2)
    stranger = replace(a_link("c" * 64, 9), project="another", path="receipts/another")
    journal.index_receipts([second, first, stranger])

    assert journal.last_link(ENV, first.project, None) == second
    assert journal.last_link(ENV, "unknown", None) is None


def test_rule_24_a_record_another_writer_told_in_other_bytes_is_forgotten_with_its_link(
    journal: SqliteJournal,
) -> None:
    record = a_record()
    link = a_link(record.intent.id)
    journal.promise(record, 1)
    journal.launched(record.intent.id, "Deployments-1", "ServerTasks-1", 1)
    journal.finished(record.intent.id, Outcome.SUCCESS, settled=True, fence=1)
    journal.queue_receipt(a_queued(link), link, 1)

    journal.superseded([link.path])
    assert journal.queued(ENV) == ()
    assert journal.links(ENV) == ()

    theirs = replace(link, digest="sha256:" + "9" * 64)
    journal.index_receipts([theirs])
    assert journal.links(ENV) == (theirs,)


@pytest.mark.parametrize("outcome", [Outcome.SUCCESS, Outcome.FAILED])
def test_rule_24_an_intent_of_ours_that_another_writer_told_of_is_receipted(
    journal: SqliteJournal, outcome: Outcome
) -> None:
    record = a_record()
    journal.promise(record, 1)

    journal.index_receipts([a_link(record.intent.id, outcome=outcome)])

    (known,) = journal.intents(ENV)
    assert known.progress is Progress.RECEIPTED
    assert (known.outcome, known.settled) == (outcome, outcome is Outcome.SUCCESS)
