"""Several environments in one commit and one push: each hears its own outcome, as if alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, change, git, publish

from reconciler.errors import (
    GitTrouble,
    LeaseLost,
    PushRejected,
    RecordStands,
    RemoteUnreachable,
    StoreTrouble,
)
from reconciler.git.push import Refused
from reconciler.ports import Entry, Published

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.errors import ReconcilerError
    from reconciler.git.audit import GitAudit
    from reconciler.ports import AuditChange, Lease

FIVE = ("dev", "qa", "prod-eu", "prod-uk", "prod-us")
STATE = "state.json"


def record(name: str) -> str:
    return f"receipts/{name}/wallet/2026/dr-1.receipt.json"


def told(name: str, **more: object) -> AuditChange:
    """Return a receipt, a snapshot and a line of the shared state, as a pass records them."""
    given: dict[str, object] = {
        "records": {record(name): name.encode()},
        "edits": {
            f"snapshots/{name}.yaml": lambda _: name.encode(),
            STATE: lambda before: (before or b"") + name.encode() + b"\n",
        },
        "subject": f"{name}: 1 deployment",
        "body": "",
        "trailers": (
            ("Reconciler-Environment", name),
            ("Reconciler-Pass", f"p-{name}"),
            ("Manifest-Commit", "4f0e"),
            ("Plan-Digest", "sha256:ab"),
        ),
    }
    return change(**(given | more))  # type: ignore[arg-type]


def leased(audit: GitAudit, names: tuple[str, ...] = FIVE) -> dict[str, Lease]:
    return {name: audit.take_lease(name, may_take_over=None) for name in names}


def lines(remote: Remote, pattern: str) -> list[str]:
    return git(remote.bare, "log", "-1", f"--format={pattern}", "audit").splitlines()


def test_five_environments_are_one_commit_and_one_push(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    audit = writers("one")
    leases = leased(audit)
    clock.turn(1)

    outcomes = audit.publish([Entry(told(name), leases[name]) for name in FIVE])

    assert git(remote.bare, "rev-list", "--count", "audit") == "1"
    tip = remote.refs()["refs/heads/audit"]
    for name, outcome in zip(FIVE, outcomes, strict=True):
        assert isinstance(outcome, Published)
        assert (outcome.tip, outcome.lease.environment) == (tip, name)
        assert remote.refs()[f"refs/reconciler/lease/{name}"] == outcome.lease.ref_value
        assert outcome.lease.ref_value != leases[name].ref_value
        assert remote.show(record(name)) == name
        assert audit.renew_lease(outcome.lease).fence == 1
    assert remote.show(STATE).split() == list(FIVE)


def test_the_message_of_several_has_one_set_of_trailers_for_each(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    leases = leased(audit, ("dev", "qa"))

    audit.publish([Entry(told(name), leases[name]) for name in ("dev", "qa")])

    body = git(remote.bare, "log", "-1", "--format=%B", "audit")
    assert body.splitlines()[:5] == [
        "2 environments [skip ci]",
        "",
        "dev: 1 deployment",
        "qa: 1 deployment",
        "",
    ]
    parsed = git(remote.bare, "interpret-trailers", "--parse", stdin=body.encode())
    assert parsed.splitlines() == [
        line
        for name in ("dev", "qa")
        for line in (
            f"Reconciler-Environment: {name}",
            f"Reconciler-Pass: p-{name}",
            "Manifest-Commit: 4f0e",
            "Plan-Digest: sha256:ab",
            f"Reconciler-Lease: {name}/1",
        )
    ]


def test_who_changes_nothing_is_renewed_and_not_in_the_message(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    leases = leased(audit, ("dev", "qa"))
    quiet = told("dev", records={}, edits={STATE: lambda before: before})

    silent, heard = audit.publish([Entry(quiet, leases["dev"]), Entry(told("qa"), leases["qa"])])

    assert isinstance(silent, Published)
    assert isinstance(heard, Published)
    assert silent.tip is None
    assert remote.refs()["refs/reconciler/lease/dev"] == silent.lease.ref_value
    assert lines(remote, "%s") == ["qa: 1 deployment [skip ci]"]
    assert "dev" not in git(remote.bare, "log", "-1", "--format=%B", "audit")


def fails_alone(remote: Remote, audit: GitAudit, entries: list[Entry], bad: str) -> ReconcilerError:
    """Publish, and see that all but one arrived; return that one's error."""
    outcomes = dict(
        zip((e.lease.environment for e in entries), audit.publish(entries), strict=True)
    )
    error = outcomes.pop(bad)
    assert all(isinstance(outcome, Published) for outcome in outcomes.values())
    assert remote.show(STATE).split() == [name for name in FIVE if name != bad]
    assert f"receipts/{bad}/wallet" not in git(remote.bare, "ls-tree", "-r", "audit")
    assert f"{bad}: 1 deployment" not in lines(remote, "%B")
    assert not isinstance(error, Published)
    return error


def test_rule_19_one_lost_lease_among_five_fails_alone(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    audit, rival = writers("one"), writers("two")
    leases = leased(audit)
    clock.turn(126)
    taken = rival.take_lease("prod-uk", may_take_over=None)

    entries = [Entry(told(name), leases[name]) for name in FIVE]
    error = fails_alone(remote, audit, entries, "prod-uk")

    assert isinstance(error, LeaseLost)
    assert remote.refs()["refs/reconciler/lease/prod-uk"] == taken.ref_value


def test_rule_24_one_record_that_would_change_fails_alone(remote: Remote, writers: Writers) -> None:
    audit = writers("one")
    leases = leased(audit)
    other = {"passes/qa/2026/11/p.json": b"before"}
    _, leases["qa"] = publish(audit, change(other), leases["qa"])
    clashing = told("qa", records={"passes/qa/2026/11/p.json": b"after", record("qa"): b"qa"})

    entries = [Entry(told(n) if n != "qa" else clashing, leases[n]) for n in FIVE]
    error = fails_alone(remote, audit, entries, "qa")

    assert isinstance(error, RecordStands)
    assert remote.show("passes/qa/2026/11/p.json") == "before"


@pytest.mark.parametrize(("one", "other"), [("a/file", "a/file"), ("a/file", "a"), ("a", "a/file")])
def test_rule_24_two_of_one_push_do_not_replace_each_others_records(
    remote: Remote, writers: Writers, one: str, other: str
) -> None:
    audit = writers("one")
    leases = leased(audit)
    first, second = told("dev", records={one: b"1"}), told("qa", records={other: b"2"})

    changes = {name: told(name) for name in FIVE} | {"dev": first, "qa": second}
    entries = [Entry(changes[name], leases[name]) for name in FIVE]

    assert isinstance(fails_alone(remote, audit, entries, "qa"), RecordStands)


def test_a_certificate_that_two_environments_share_is_written_once(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    leases = leased(audit, ("dev", "qa"))
    pem = {"certificates/shop/0123.crt.pem": b"PEM"}
    changes = {n: told(n, records={record(n): n.encode(), **pem}) for n in leases}

    outcomes = audit.publish([Entry(changes[n], leases[n]) for n in leases])

    assert all(isinstance(outcome, Published) for outcome in outcomes)
    assert remote.show("certificates/shop/0123.crt.pem") == "PEM"


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": "qa: \x1b[31m\nReconciler-Pass: forged"},
        {"trailers": (("Reconciler-Environment", "qa\nPlan-Digest: forged"),)},
        {"records": {"../outside": b""}},
    ],
)
def test_rule_52_one_hostile_text_among_five_fails_alone(
    remote: Remote, writers: Writers, wrong: dict[str, object]
) -> None:
    audit = writers("one")
    leases = leased(audit)

    entries = [Entry(told(n, **(wrong if n == "qa" else {})), leases[n]) for n in FIVE]
    error = fails_alone(remote, audit, entries, "qa")

    assert error.message.isprintable()
    assert "forged" not in git(remote.bare, "log", "-1", "--format=%B", "audit")


def test_an_edit_that_cannot_be_computed_fails_alone_and_leaves_nothing(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    leases = leased(audit)

    def broken(_: bytes | None) -> bytes:
        raise StoreTrouble("the store is full", hint="make space")

    sad = told("qa", edits={"snapshots/qa.yaml": lambda _: b"half", STATE: broken})
    entries = [Entry(told(n) if n != "qa" else sad, leases[n]) for n in FIVE]

    assert isinstance(fails_alone(remote, audit, entries, "qa"), StoreTrouble)
    assert "snapshots/qa" not in git(remote.bare, "ls-tree", "-r", "audit")


def test_rule_25_an_overtaken_push_of_several_is_rebuilt_on_the_new_tip(
    remote: Remote, writers: Writers
) -> None:
    audit, rival = writers("one"), writers("two")
    leases = leased(audit)
    lease = rival.take_lease("other", may_take_over=None)
    publish(rival, told("other"), lease)

    outcomes = audit.publish([Entry(told(name), leases[name]) for name in FIVE])

    assert all(isinstance(outcome, Published) for outcome in outcomes)
    assert remote.show(STATE).split() == ["other", *FIVE]
    assert git(remote.bare, "rev-list", "--count", "audit") == "2"
    assert {remote.show(record(name)) for name in FIVE} == set(FIVE)
    assert len(writers.paused) == 1


def test_rule_25_all_of_a_push_that_is_always_overtaken_hear_so(
    remote: Remote, writers: Writers
) -> None:
    audit, rival = writers("one"), writers("two")
    leases = leased(audit, ("dev", "qa"))
    claim = rival.take_lease("other", may_take_over=None)
    count = 0

    def overtake(_: bytes | None) -> bytes:
        nonlocal claim, count
        count += 1
        _, claim = publish(rival, change({f"passes/other/2026/11/{count}.json": b"{}"}), claim)
        return b"late"

    late = told("qa", edits={"snapshots/qa.yaml": overtake})
    outcomes = audit.publish([Entry(told("dev"), leases["dev"]), Entry(late, leases["qa"])])

    assert [type(outcome) for outcome in outcomes] == [PushRejected, PushRejected]
    assert count == 8


def test_rule_26_while_the_remote_is_away_everyone_hears_so_and_then_all_arrive(
    remote: Remote, writers: Writers, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciler.git.mirror import Mirror

    audit = writers("one")
    leases = leased(audit)
    entries = [Entry(told(name), leases[name]) for name in FIVE]

    def away(self: Mirror, *arguments: str, **more: object) -> object:
        raise RemoteUnreachable("no answer", hint="try again")

    with monkeypatch.context() as patched:
        patched.setattr(Mirror, "remote", away)
        outcomes = audit.publish(entries)

    assert [type(outcome) for outcome in outcomes] == [RemoteUnreachable] * 5
    assert "refs/heads/audit" not in remote.refs()
    assert all(isinstance(outcome, Published) for outcome in audit.publish(entries))
    assert remote.show(STATE).split() == list(FIVE)


def test_a_hook_that_refuses_one_of_five_does_not_keep_the_others_away(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    audit = writers("one")
    leases = leased(audit)
    clock.turn(1)
    remote.hook("update", 'case "$1" in */lease/qa) echo no qa >&2; exit 1;; esac')

    entries = [Entry(told(name), leases[name]) for name in FIVE]
    error = fails_alone(remote, audit, entries, "qa")

    assert isinstance(error, GitTrouble)
    assert "refused the push" in error.message


def test_a_remote_that_refuses_everyone_is_asked_a_few_times_only(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    leases = leased(audit)
    remote.hook("pre-receive", f"echo x >> {remote.bare}/asked; exit 1")

    outcomes = audit.publish([Entry(told(name), leases[name]) for name in FIVE])

    assert [type(outcome) for outcome in outcomes] == [Refused] * 5
    assert (remote.bare / "asked").read_text().split() == ["x"] * 4


def test_a_scratch_ref_that_a_dead_git_left_locked_stops_nothing(
    remote: Remote, writers: Writers
) -> None:
    audit = writers("one")
    lease = leased(audit, ("qa",))["qa"]
    (mirror,) = (writers.state / "one").glob("*.git")
    scratch = mirror / "refs" / "tx"
    scratch.mkdir()
    for name in ("audit", "leases"):
        (scratch / f"{name}.lock").touch()

    tip, _ = publish(audit, told("qa"), lease)

    assert remote.refs()["refs/heads/audit"] == tip
    assert remote.show(record("qa")) == "qa"


def test_rule_25_two_processes_that_gather_at_the_same_time_both_arrive(
    remote: Remote, writers: Writers
) -> None:
    start = threading.Barrier(2)
    failed: list[object] = []

    def writing(name: str, environments: tuple[str, ...]) -> Callable[[], None]:
        audit = writers(name)
        leases = leased(audit, environments)

        def write() -> None:
            start.wait()
            for number in range(3):
                changes = {n: told(n, records={f"passes/{n}/{number}": b"{}"}) for n in leases}
                for outcome in audit.publish([Entry(changes[n], leases[n]) for n in leases]):
                    if isinstance(outcome, Published):
                        leases[outcome.lease.environment] = outcome.lease
                    else:
                        failed.append(outcome)

        return write

    works = [writing("one", ("a1", "a2", "a3")), writing("two", ("b1", "b2", "b3"))]
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert git(remote.bare, "rev-list", "--count", "--first-parent", "audit") == "6"
    assert sorted(remote.show(STATE).split()) == sorted(["a1", "a2", "a3", "b1", "b2", "b3"] * 3)
