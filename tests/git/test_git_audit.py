"""Audit commits on a real remote: what is written, what never is, and who wins a race."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, change, git, publish

from reconciler.errors import GitTrouble, LeaseLost, PushRejected, RemoteUnreachable
from reconciler.git import objects
from reconciler.git.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.git.run import Answer

RECEIPT = "receipts/qa/wallet/2026/dr-1.receipt.json"
SNAPSHOT = "snapshots/qa.yaml"


def appending(line: bytes) -> Callable[[bytes | None], bytes]:
    return lambda before: (before or b"") + line


def test_the_first_publication_makes_the_branch_from_nothing(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    assert audit.fetch() is None
    assert (audit.read(SNAPSHOT), audit.list("receipts")) == (None, ())
    lease = audit.take_lease("qa", may_take_over=None)

    tip, renewed = publish(
        audit, change({RECEIPT: b"\0\xff\n"}, {SNAPSHOT: appending(b"a")}), lease
    )

    assert remote.refs() == {
        "refs/heads/main": remote.refs()["refs/heads/main"],
        "refs/heads/audit": tip,
        "refs/reconciler/lease/qa": renewed.ref_value,
    }
    assert git(remote.bare, "rev-list", "--count", "audit") == "1"
    assert audit.read(RECEIPT) == b"\0\xff\n"
    (file,) = audit.list("receipts/qa")
    assert (file.path, file.mode) == (RECEIPT, "100644")
    assert audit.read_blobs([file.blob]) == {file.blob: b"\0\xff\n"}
    assert writers("two").fetch() == tip


def test_a_commit_says_what_and_for_whom_and_keeps_builds_asleep(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    trailers = (("Reconciler-Environment", "qa"), ("Manifest-Commit", "4f0e"))

    publish(audit, change({RECEIPT: b"{}"}, body="One.\nTwo.", trailers=trailers), lease)

    assert git(remote.bare, "log", "-1", "--format=%an <%ae>|%cn <%ce>|%ct|%B", "audit") == (
        "Reconciler <reconciler@localhost>|Reconciler <reconciler@localhost>"
        f"|{clock.now().timestamp():.0f}|Deploy wallet-api 2.4.1 to qa [skip ci]\n\nOne.\nTwo.\n\n"
        "Reconciler-Environment: qa\nManifest-Commit: 4f0e\nReconciler-Lease: qa/1"
    )
    parsed = git(remote.bare, "log", "-1", "--format=%(trailers:only,unfold)", "audit")
    assert parsed.splitlines()[-1] == "Reconciler-Lease: qa/1"


def test_only_the_files_of_a_change_are_touched(remote: Remote, writers: Writers) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    _, lease = publish(audit, change({RECEIPT: b"{}"}, {SNAPSHOT: appending(b"a\n")}), lease)

    _, lease = publish(audit, change(edits={SNAPSHOT: appending(b"b\n")}), lease)

    touched = git(remote.bare, "diff-tree", "-r", "--name-status", "audit~1", "audit")
    assert touched == f"M\t{SNAPSHOT}"
    assert remote.show(SNAPSHOT) == "a\nb"


def test_a_change_that_changes_nothing_renews_the_lease_without_a_commit(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    tip, lease = publish(audit, change({RECEIPT: b"{}"}, {SNAPSHOT: lambda _: b"x"}), lease)
    clock.turn(10)

    edits = {SNAPSHOT: lambda before: before, "machines/qa.yaml": lambda _: None}
    empty, renewed = publish(audit, change({RECEIPT: b"{}"}, edits), lease)

    assert empty is None
    assert remote.refs()["refs/heads/audit"] == tip
    assert remote.refs()["refs/reconciler/lease/qa"] == renewed.ref_value != lease.ref_value


@pytest.mark.parametrize("path", [RECEIPT, RECEIPT + "/inside.json"])
def test_rule_24_a_record_is_never_edited_or_replaced(
    remote: Remote, writers: Writers, path: str
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    tip, lease = publish(audit, change({RECEIPT: b"{}"}), lease)

    with pytest.raises(GitTrouble, match="rule 24") as trouble:
        publish(audit, change({path: b"other"}), lease)

    assert RECEIPT in trouble.value.message
    assert remote.refs()["refs/heads/audit"] == tip


def test_rule_24_a_record_in_the_place_of_a_folder_is_refused(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    tip, lease = publish(audit, change({RECEIPT: b"{}"}), lease)

    with pytest.raises(GitTrouble, match="rule 24"):
        publish(audit, change({"receipts/qa": b"file"}), lease)
    with pytest.raises(GitTrouble, match="is no file but a tree"):
        publish(audit, change(edits={"receipts/qa": lambda _: b"file"}), lease)

    assert remote.refs()["refs/heads/audit"] == tip


def test_rule_25_a_rejected_push_is_rebuilt_on_the_new_tip_with_the_same_record(
    remote: Remote, writers: Writers
) -> None:
    one, two = writers("one"), writers("two")
    lease_one = one.take_lease("qa", may_take_over=None)
    lease_two = two.take_lease("dev", may_take_over=None)
    _, lease_one = publish(one, change(edits={SNAPSHOT: appending(b"first\n")}), lease_one)
    two.fetch()
    other = "receipts/dev/wallet/2026/dr-2.receipt.json"
    tip, _ = publish(one, change({RECEIPT: b"r1"}, {SNAPSHOT: appending(b"one\n")}), lease_one)

    after, _ = publish(two, change({other: b"r2"}, {SNAPSHOT: appending(b"two\n")}), lease_two)

    assert git(remote.bare, "rev-parse", "audit~1") == tip
    assert remote.refs()["refs/heads/audit"] == after
    assert (remote.show(RECEIPT), remote.show(other)) == ("r1", "r2")
    assert remote.show(SNAPSHOT) == "first\none\ntwo"
    assert len(writers.paused) == 1


def test_rule_25_writers_at_the_same_time_all_arrive(remote: Remote, writers: Writers) -> None:
    names = ["qa", "dev", "prod"]
    audits = {name: writers(name) for name in names}
    leases = {name: audits[name].take_lease(name, may_take_over=None) for name in names}
    start = threading.Barrier(len(names))
    failed: list[Exception] = []

    def write(name: str) -> None:
        lease = leases[name]
        start.wait()
        try:
            for number in range(3):
                records = {f"passes/{name}/2026/11/{number}.json": name.encode()}
                _, lease = publish(audits[name], change(records), lease)
        except Exception as error:  # noqa: BLE001
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert len(git(remote.bare, "ls-tree", "-r", "--name-only", "audit").splitlines()) == 9
    assert git(remote.bare, "rev-list", "--count", "--first-parent", "audit") == "9"


def test_rule_25_tries_are_bounded(remote: Remote, writers: Writers) -> None:
    rival = writers("rival")
    claim = rival.take_lease("dev", may_take_over=None)
    count = 0

    def overtake(_: bytes | None) -> bytes:
        nonlocal claim, count
        count += 1
        _, claim = publish(rival, change({f"passes/dev/2026/11/{count}.json": b"{}"}), claim)
        return b"snapshot"

    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)

    with pytest.raises(PushRejected, match="8 pushes"):
        publish(one, change({RECEIPT: b"{}"}, {SNAPSHOT: overtake}), lease)

    assert count == 8
    assert all(0 <= seconds <= 2 for seconds in writers.paused)
    assert RECEIPT not in git(remote.bare, "ls-tree", "-r", "--name-only", "audit")
    assert writers("one").claim("qa").value == lease.ref_value  # type: ignore[union-attr]


def test_rule_19_a_lost_lease_leaves_the_audit_branch_untouched(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    one, two = writers("one"), writers("two")
    lease = one.take_lease("qa", may_take_over=None)
    tip, lease = publish(one, change({RECEIPT: b"{}"}), lease)
    clock.turn(126)
    taken = two.take_lease("qa", may_take_over=None)

    with pytest.raises(LeaseLost, match="fence 2"):
        publish(one, change({"passes/qa/2026/11/p.json": b"{}"}), lease)

    assert remote.refs()["refs/heads/audit"] == tip
    assert remote.refs()["refs/reconciler/lease/qa"] == taken.ref_value


def test_rule_19_a_deleted_lease_ref_is_a_lost_lease(remote: Remote, writers: Writers) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    git(remote.bare, "update-ref", "-d", "refs/reconciler/lease/qa")

    with pytest.raises(LeaseLost, match="its ref is gone"):
        publish(one, change({RECEIPT: b"{}"}), lease)

    assert set(remote.refs()) == {"refs/heads/main"}


def test_a_fetch_that_a_first_push_overtakes_does_not_take_the_branch_for_gone(
    remote: Remote, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    fetch, pushed = Mirror.fetch, []

    def overtaken(mirror: Mirror, *arguments: str, **more: bool) -> Answer:
        answer = fetch(mirror, *arguments, **more)
        if not pushed:
            pushed.append(publish(audit, change({RECEIPT: b"{}"}), lease)[0])
        return answer

    monkeypatch.setattr(Mirror, "fetch", overtaken)

    assert [audit.fetch()] == pushed


@pytest.mark.parametrize("is_gone", [False, True], ids=["rewritten", "deleted"])
def test_rule_24_a_branch_that_lost_records_is_told_and_put_back_as_the_hint_says(
    remote: Remote, writers: Writers, *, is_gone: bool
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    tip, lease = publish(one, change({RECEIPT: b"{}"}), lease)
    assert tip is not None
    if is_gone:
        git(remote.bare, "update-ref", "-d", "refs/heads/audit")
    else:
        parent = git(remote.bare, "commit-tree", f"{tip}^{{tree}}", "-m", "another history")
        git(remote.bare, "update-ref", "refs/heads/audit", parent)
    refs = remote.refs()

    with pytest.raises(GitTrouble, match=f"does not hold {tip[:12]} any more") as told:
        one.fetch()
    if not is_gone:
        with pytest.raises(GitTrouble, match="was rewritten"):
            publish(one, change({"passes/qa/2026/11/p.json": b"{}"}), lease)
        git(remote.bare, "update-ref", "-d", "refs/heads/audit")
    assert remote.refs() | refs == refs
    assert one.read(RECEIPT) == b"{}"

    command = told.value.hint.removeprefix("put it back: ").partition(" (")[0]
    git(remote.bare, *command.split()[1:])
    assert one.fetch() == tip == remote.refs()["refs/heads/audit"]


def test_an_audit_branch_may_be_let_go_as_the_hint_says(remote: Remote, writers: Writers) -> None:
    one = writers("one")
    publish(one, change({RECEIPT: b"{}"}), one.take_lease("qa", may_take_over=None))
    git(remote.bare, "update-ref", "-d", "refs/heads/audit")
    with pytest.raises(GitTrouble) as told:
        one.fetch()

    git(remote.bare, *told.value.hint.partition("let go: git ")[2].split())

    assert one.fetch() is None
    assert one.read(RECEIPT) is None


def test_rule_26_nothing_counts_as_published_while_the_remote_says_no(
    remote: Remote, writers: Writers
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    before = remote.refs()
    remote.hook("pre-receive", "echo protected branch >&2; exit 1")

    with pytest.raises(GitTrouble, match="protected branch"):
        publish(one, change({RECEIPT: b"{}"}), lease)

    assert one.read(RECEIPT) is None
    assert remote.refs() == before


def test_a_hook_on_the_audit_branch_alone_stops_the_lease_too(
    remote: Remote, writers: Writers
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    before = remote.refs()
    remote.hook("update", 'case "$1" in refs/heads/*) exit 1;; esac')

    with pytest.raises(GitTrouble, match="refused the push"):
        publish(one, change({RECEIPT: b"{}"}), lease)

    assert remote.refs() == before


def test_rule_26_nothing_counts_as_published_while_the_remote_is_away(
    remote: Remote, writers: Writers
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    hidden = remote.bare.rename(remote.bare.with_name("hidden"))

    with pytest.raises(GitTrouble, match="there is no directory"):
        publish(one, change({RECEIPT: b"{}"}), lease)
    hidden.rename(remote.bare)

    assert one.read(RECEIPT) is None
    tip, _ = publish(one, change({RECEIPT: b"{}"}), lease)
    assert remote.refs()["refs/heads/audit"] == tip


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "a\nb"},
        {"subject": ""},
        {"subject": "\x1b[31m"},
        {"body": "a\0b"},
        {"body": "\x1b]0;x"},
        {"trailers": (("Key", "a\nOther: b"),)},
        {"trailers": (("Bad key", "a"),)},
    ],
)
def test_rule_52_text_that_would_forge_a_message_is_refused(
    remote: Remote, writers: Writers, wrong: dict[str, str]
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)

    with pytest.raises(GitTrouble, match="nothing was written") as trouble:
        publish(audit, change({RECEIPT: b"{}"}, **wrong), lease)  # type: ignore[arg-type]

    assert trouble.value.message.isprintable()
    assert "refs/heads/audit" not in remote.refs()


@pytest.mark.parametrize("path", ["../x", ".git/config", "a\nM 100644 inline b", "/x", "a b"])
def test_rule_23_a_path_outside_the_audit_tree_is_refused(
    remote: Remote, writers: Writers, path: str
) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)

    for wrong in (change({path: b""}), change(edits={path: lambda _: b""})):
        with pytest.raises(GitTrouble, match="cannot be the path"):
            publish(audit, wrong, lease)

    assert "refs/heads/audit" not in remote.refs()


def test_many_files_of_any_bytes_arrive_as_they_are(remote: Remote, writers: Writers) -> None:
    audit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    records = {
        f"receipts/qa/p{number}/2026/r.json": bytes(range(256)) * number for number in range(300)
    }

    publish(audit, change(records), lease)
    reader = writers("two")
    reader.fetch()

    files = reader.list("receipts")
    content = reader.read_blobs([file.blob for file in files])
    assert {file.path: content[file.blob] for file in files} == records


def test_a_publication_without_answer_that_arrived_is_seen_as_done(
    remote: Remote, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.git.mirror import Mirror

    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    ask = Mirror.remote

    def lose(self: Mirror, *arguments: str, **more: object) -> object:
        answer = ask(self, *arguments, **more)  # type: ignore[arg-type]
        if arguments[0] == "push":
            raise RemoteUnreachable("no answer", hint="try again")
        return answer

    monkeypatch.setattr(Mirror, "remote", lose)

    tip, renewed = publish(one, change({RECEIPT: b"{}"}), lease)

    assert remote.refs()["refs/heads/audit"] == tip
    assert remote.refs()["refs/reconciler/lease/qa"] == renewed.ref_value


def test_a_file_of_the_same_tip_is_read_once_and_of_another_anew(
    remote: Remote, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = writers("one"), writers("other")
    lease = one.take_lease("qa", may_take_over=None)
    publish(one, change(edits={"state.json": lambda _: b"1"}), lease)
    asked: list[str] = []
    read = objects.read_named
    monkeypatch.setattr(
        objects, "read_named", lambda *words: asked.append(words[1][0]) or read(*words)
    )
    other.fetch()

    assert [other.read("state.json"), other.read("state.json")] == [b"1", b"1"]
    assert [other.read("no.json"), other.read("no.json")] == [None, None]
    assert len(asked) == 3
    publish(
        one, change(edits={"state.json": lambda _: b"2"}), one.take_lease("uk", may_take_over=None)
    )
    other.fetch()
    assert other.read("state.json") == b"2"
