"""A mirror is packed once a day where that is worth it, and loses nothing by it."""

from __future__ import annotations

import errno
import fcntl
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from git_world import Remote, TurnedClock, Writers, change, git, publish

from reconciler.errors import GitTrouble
from reconciler.git import upkeep
from reconciler.git.publication import Publication
from reconciler.git.push import Verdict, push
from reconciler.ports import Entry

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.git.audit import GitAudit
    from reconciler.git.mirror import Mirror
    from reconciler.git.repository import GitRepository


@pytest.fixture
def grown(repository: GitRepository, monkeypatch: pytest.MonkeyPatch) -> GitRepository:
    """The repository's mirror, with more loose files than are let be."""
    monkeypatch.setattr(upkeep, "LOOSE", 3)
    repository.fetch()
    return repository


def goes_on() -> bool:
    """Say that nobody wants to end."""
    return False


def piled_up(mirror: Mirror) -> dict[str, str]:
    lines = git(mirror.path, "count-objects", "-v").splitlines()
    return dict(line.split(": ") for line in lines)


def test_a_mirror_is_packed_where_it_has_grown_and_reads_as_before(
    grown: GitRepository, mirror: Mirror, clock: TurnedClock
) -> None:
    tip = grown.tip()
    files = grown.files(tip)
    refs = git(mirror.path, "for-each-ref")
    assert int(piled_up(mirror)["count"]) >= 3

    assert grown.pack(clock.now(), goes_on)

    found = piled_up(mirror)
    assert (found["count"], found["packs"]) == ("0", "1")
    assert git(mirror.path, "for-each-ref") == refs
    assert grown.files(tip) == files
    assert len(grown.read([file.blob for file in files])) == len(files)
    assert grown.fetch() == tip


def test_a_mirror_is_looked_at_once_a_day(
    grown: GitRepository, remote: Remote, clock: TurnedClock
) -> None:
    assert grown.pack(clock.now(), goes_on)
    remote.commit({"a": "1", "b": "2", "c": "3"})
    grown.fetch()

    clock.turn(timedelta(hours=23).total_seconds())
    assert not grown.pack(clock.now(), goes_on)
    clock.turn(timedelta(hours=1).total_seconds())
    assert grown.pack(clock.now(), goes_on)


def test_a_mirror_that_has_not_grown_is_left_alone(
    repository: GitRepository, mirror: Mirror, clock: TurnedClock
) -> None:
    assert not repository.pack(clock.now(), goes_on)
    assert not mirror.path.exists()
    repository.fetch()
    before = piled_up(mirror)

    assert not repository.pack(clock.now(), goes_on)
    assert piled_up(mirror) == before


def test_a_mirror_that_another_process_packs_is_left_alone(
    grown: GitRepository, mirror: Mirror, clock: TurnedClock
) -> None:
    with (mirror.path / upkeep.STAMP).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        clock.turn(timedelta(days=400).total_seconds())

        assert not grown.pack(clock.now(), goes_on)
    assert grown.pack(clock.now(), goes_on)


def test_rule_22_packing_runs_no_hook_and_reads_no_foreign_configuration(
    grown: GitRepository,
    mirror: Mirror,
    clock: TurnedClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hooks = mirror.path / "hooks"
    hooks.mkdir()
    for name in ("pre-auto-gc", "post-rewrite", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (hooks / name).chmod(0o755)
    (tmp_path / ".gitconfig").write_text("[gc]\n\tpruneExpire = now\n[alias]\n\tgc = !false\n")
    monkeypatch.setenv("HOME", str(tmp_path))

    assert grown.pack(clock.now(), goes_on)

    assert not (tmp_path / "ran").exists()


def test_rule_26_what_is_written_and_not_yet_pushed_outlives_the_packing(
    remote: Remote, writers: Writers, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "LOOSE", 3)
    audit: GitAudit = writers("one")
    lease = audit.take_lease("qa", may_take_over=None)
    tip, lease = publish(audit, change({"receipts/qa/a.json": b"1"}), lease)
    clock.turn(1)
    entry = Entry(change({"receipts/qa/b.json": b"2"}), lease)
    mirror = audit._mirror
    waiting = Publication(mirror, audit._leases, "audit", clock, {0: entry})
    updates, published = waiting.prepared(tip)
    git(mirror.path, "update-ref", "-d", "refs/tx/audit")

    assert audit.pack(clock.now(), goes_on)

    assert push(mirror, updates) is Verdict.DONE
    assert remote.refs()["refs/heads/audit"] == published[0].tip
    assert remote.show("receipts/qa/b.json") == "2"


@pytest.mark.parametrize("call", ["os.utime", "fcntl.flock"])
def test_a_mirror_whose_stamp_cannot_be_kept_is_not_packed_and_says_so(
    grown: GitRepository, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(call, refuse)

    with pytest.raises(GitTrouble, match="not permitted; nothing was packed"):
        grown.pack(clock.now(), goes_on)


def test_a_packing_that_fails_says_so_and_is_not_repeated_the_same_day(
    grown: GitRepository, mirror: Mirror, clock: TurnedClock
) -> None:
    (mirror.path / "gc.pid.lock").touch()

    with pytest.raises(GitTrouble, match="could not be packed"):
        grown.pack(clock.now(), goes_on)

    assert not grown.pack(clock.now(), goes_on)
    assert grown.fetch() == grown.tip()


def test_a_packing_ends_at_once_when_the_daemon_does(
    grown: GitRepository, mirror: Mirror, clock: TurnedClock
) -> None:
    assert not grown.pack(clock.now(), lambda: True)

    assert int(piled_up(mirror)["count"]) >= 3
    assert grown.fetch() == grown.tip()
