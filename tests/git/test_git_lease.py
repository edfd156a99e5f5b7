"""One writer per environment: the lease ref on a real remote."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, change, git, publish

from reconciler.errors import GitTrouble, LeaseHeld, LeaseLost, UsageError
from reconciler.git.lease import LeaseNote

if TYPE_CHECKING:
    from reconciler.ports import Lease

REF = "refs/reconciler/lease/qa"


def note(remote: Remote) -> dict[str, object]:
    message = git(remote.bare, "log", "-1", "--format=%B", REF)
    assert "\n" not in message
    return json.loads(message)


def test_rule_19_a_lease_is_one_line_in_a_ref_without_files_or_parents(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    lease = writers("one").take_lease("qa", may_take_over=None)

    assert remote.refs()[REF] == lease.ref_value
    assert note(remote) == {
        "environment": "qa",
        "expires": "2026-11-20T12:02:00Z",
        "fence": 1,
        "holder": {"host": "one.example", "id": "one", "pid": 4711, "store": "store-one"},
        "released": False,
    }
    assert git(remote.bare, "ls-tree", "-r", REF) == ""
    assert git(remote.bare, "rev-list", "--count", REF) == "1"
    assert (lease.holder, lease.fence) == ("one", 1)
    assert lease.deadline == clock.ticks + 120
    assert f"{lease.expires_at:%H:%M:%S}" == "12:02:00"


def test_rule_19_a_second_writer_is_refused_naming_the_first(writers: Writers) -> None:
    writers("one").take_lease("qa", may_take_over=None)

    with pytest.raises(LeaseHeld) as held:
        writers("two").take_lease("qa", may_take_over=None)

    assert "process 4711 on one.example" in held.value.message
    assert "2026-11-20 12:02:05 UTC" in held.value.message
    assert "nothing was started" in held.value.message
    assert writers("two").take_lease("production", may_take_over=None).fence == 1


@pytest.mark.parametrize("way", ["expired", "released", "dead"])
def test_rule_19_the_fence_grows_with_every_taking(
    writers: Writers, clock: TurnedClock, way: str
) -> None:
    one, two = writers("one", host="here"), writers("two", host="here")
    first = one.take_lease("qa", may_take_over=None)
    match way:
        case "expired":
            clock.turn(125)
            with pytest.raises(LeaseHeld):
                two.take_lease("qa", may_take_over=None)
            clock.turn(1)
        case "released":
            one.release_lease(first)
    taken = two.take_lease("qa", may_take_over="one" if way == "dead" else None)

    assert (taken.fence, taken.holder) == (2, "two")
    two.release_lease(taken)
    assert one.take_lease("qa", may_take_over=None).fence == 3


def test_a_claim_shows_who_works_on_an_environment(writers: Writers) -> None:
    one = writers("one")
    assert one.claim("qa") is None
    lease = one.take_lease("qa", may_take_over=None)

    claim = writers("two").claim("qa")

    assert claim is not None
    assert claim.value == lease.ref_value
    assert claim.note is not None
    assert claim.note.holder.id == "one"


def test_rule_19_only_the_named_dead_holder_is_taken_over(writers: Writers) -> None:
    writers("one").take_lease("qa", may_take_over=None)

    with pytest.raises(LeaseHeld):
        writers("two").take_lease("qa", may_take_over="another")


def test_rule_19_a_copy_of_a_store_on_another_machine_takes_nothing_over(writers: Writers) -> None:
    writers("one").take_lease("qa", may_take_over=None)

    with pytest.raises(LeaseHeld):
        writers("one", host="elsewhere").take_lease("qa", may_take_over="one")


def test_rule_19_a_clock_that_runs_ahead_takes_nothing_from_a_living_holder(
    writers: Writers, clock: TurnedClock
) -> None:
    one = writers("one")
    lease = [one.take_lease("qa", may_take_over=None)]

    def meanwhile(seconds: float) -> None:
        assert seconds > 30
        lease.append(one.renew_lease(lease[-1]))

    clock.turn(1000)  # the two clocks differ: the holder still renews

    with pytest.raises(LeaseHeld):
        writers("two", meanwhile).take_lease("qa", may_take_over=None)
    assert len(lease) == 2


def test_rule_19_the_fence_grows_although_the_ref_was_deleted(
    remote: Remote, writers: Writers
) -> None:
    one = writers("one")
    one.take_lease("qa", may_take_over=None)
    git(remote.bare, "update-ref", "-d", REF)

    assert one.take_lease("qa", may_take_over=None, above=57).fence == 58


def test_rule_19_of_many_takers_at_once_exactly_one_wins(remote: Remote, writers: Writers) -> None:
    takers = [writers(f"w{number}") for number in range(4)]
    for taker in takers:
        taker.fetch()
    start = threading.Barrier(len(takers))
    won: list[Lease] = []
    refused: list[LeaseHeld] = []

    def take(number: int) -> None:
        start.wait()
        try:
            won.append(takers[number].take_lease("qa", may_take_over=None))
        except LeaseHeld as held:
            refused.append(held)

    threads = [threading.Thread(target=take, args=(number,)) for number in range(len(takers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(won), len(refused)) == (1, 3)
    assert remote.refs()[REF] == won[0].ref_value
    assert all(f"on {won[0].holder}.example" in held.message for held in refused)


def test_a_renewed_lease_lasts_longer_under_the_same_fence(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    clock.turn(100)

    renewed = one.renew_lease(lease)

    assert (renewed.fence, renewed.deadline) == (lease.fence, clock.ticks + 120)
    assert note(remote)["expires"] == "2026-11-20T12:03:40Z"


def test_rule_19_a_lease_that_was_taken_away_cannot_be_renewed(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    one, two = writers("one"), writers("two")
    lease = one.take_lease("qa", may_take_over=None)
    clock.turn(126)
    taken = two.take_lease("qa", may_take_over=None)

    with pytest.raises(LeaseLost, match=r"process 4711 on two.example has taken it with fence 2"):
        one.renew_lease(lease)
    one.release_lease(lease)

    assert remote.refs()[REF] == taken.ref_value


def test_a_lease_whose_last_renewal_got_no_answer_is_still_ours(
    remote: Remote, writers: Writers, clock: TurnedClock
) -> None:
    one = writers("one")
    lease = one.take_lease("qa", may_take_over=None)
    clock.turn(30)
    one.renew_lease(lease)  # its answer is lost: we go on with the old value
    clock.turn(30)

    again = one.renew_lease(lease)
    tip, published = publish(one, change({"receipts/qa/a/2026/1.json": b"{}"}), lease)
    one.release_lease(lease)

    assert (again.fence, published.fence) == (1, 1)
    assert remote.refs()["refs/heads/audit"] == tip
    assert note(remote)["released"] is True


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"{}",
        b"[" * 100_000,
        b'{"environment":"qa","expires":"soon","fence":1,"holder":{},"released":false}',
        b'{"environment":"qa","expires":"2020-01-01T00:00:00Z","fence":-1,"holder":{"host":"h",'
        b'"id":"i","pid":1,"store":"s"},"released":true}',
        b'{"environment":"prod","expires":"2020-01-01T00:00:00Z","fence":1,"holder":{"host":"h",'
        b'"id":"i","pid":1,"store":"s"},"released":true}',
        b"\xff\x1b[31m",
    ],
)
@pytest.mark.parametrize("kind", ["commit", "blob"])
def test_rule_11_a_lease_that_cannot_be_read_counts_as_held(
    remote: Remote, writers: Writers, content: bytes, kind: str
) -> None:
    name = git(remote.bare, "hash-object", "-w", "--stdin", stdin=content)
    if kind == "commit":
        tree = git(remote.bare, "mktree")
        name = git(remote.bare, "commit-tree", tree, stdin=content)
    git(remote.bare, "update-ref", REF, name)

    with pytest.raises(LeaseHeld, match="counts as held") as held:
        writers("one").take_lease("qa", may_take_over=None)

    assert REF in held.value.hint
    assert held.value.message.isprintable()
    assert remote.refs()[REF] == name


def test_rule_52_a_hostile_holder_cannot_paint_the_terminal(
    remote: Remote, writers: Writers
) -> None:
    tree = git(remote.bare, "mktree")
    facts = {
        "environment": "qa",
        "expires": "2030-01-01T00:00:00Z",
        "fence": 7,
        "holder": {"host": "\x1b[2Jh\n", "id": "i", "pid": 1, "store": "s"},
        "released": False,
    }
    line = json.dumps(facts).encode()
    git(remote.bare, "update-ref", REF, git(remote.bare, "commit-tree", tree, stdin=line))

    with pytest.raises(LeaseHeld, match="fence 7") as held:
        writers("one").take_lease("qa", may_take_over=None)

    assert held.value.message.isprintable()


def test_what_a_note_says_is_read_back_as_it_was(writers: Writers) -> None:
    writers("one").take_lease("qa", may_take_over=None)
    claim = writers("one").claim("qa")

    assert claim is not None
    assert claim.note is not None
    assert LeaseNote.decode(claim.note.encode()) == claim.note


def test_rule_23_a_name_that_is_no_slug_gets_no_lease(remote: Remote, writers: Writers) -> None:
    for name in ("--mirror", "a..b", "x.lock", "../heads/main"):
        with pytest.raises(UsageError):
            writers("one").take_lease(name, may_take_over=None)

    assert set(remote.refs()) == {"refs/heads/main"}


def test_a_lease_ref_that_nobody_may_write_is_one_clear_error(
    remote: Remote, writers: Writers
) -> None:
    remote.hook("pre-receive", "echo 'not \x1b[31mallowed' >&2; exit 1")

    with pytest.raises(GitTrouble, match="refused the push") as trouble:
        writers("one").take_lease("qa", may_take_over=None)

    assert "allowed" in trouble.value.message
    assert trouble.value.message.isprintable()
    assert REF not in remote.refs()
