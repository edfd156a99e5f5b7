"""An audit commit costs the same in a young and in an old branch, and little more than git's own.

Budget: flat in the length of the history and the number of other environments; at most twice a
bare `git fast-import` of the same files. All figures are medians of one run on one machine.
"""

from __future__ import annotations

import statistics
import subprocess
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from reconciler.git.address import parse_address
from reconciler.git.audit import GitAudit
from reconciler.git.lease import Holder
from reconciler.git.mirror import GitOptions, Mirror
from reconciler.git.publication import Publication
from reconciler.ports import AuditChange, Entry, Lease, Published

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROUNDS = 15
RECEIPTS = 60  # a platform's release night, in one commit
MANY = 1000
SNAPSHOT = b"".join(b"    component-%d: {version: 1.0.%d}\n" % (n, n) for n in range(60))
RECEIPT = b'{"payload":"' + b"e30K" * 700 + b'","payloadType":"application/vnd.in-toto+json"}\n'


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        raise AssertionError(f"a benchmark waits for nobody, not even {seconds} s")


def git(where: Path, *arguments: str, stdin: bytes = b"") -> None:
    done = subprocess.run(["git", *arguments], cwd=where, input=stdin, capture_output=True)
    assert done.returncode == 0, done.stderr


def aged(folder: Path, commits: int, environments: int) -> Path:
    """Make a bare remote whose audit branch is this old and knows this many environments."""
    folder.mkdir()
    git(folder, "init", "-q", "--bare", "-b", "main", "remote.git")
    who = "committer A <a@example.org>"
    script = [b"feature done\n"]
    for number in range(commits):
        environment = f"env-{number % environments}"
        path = f"receipts/{environment}/p-{number % 60}/2026/{number}.receipt.json"
        body = b'{"number":%d}\n' % number
        head = f"commit refs/heads/audit\n{who} {1_700_000_000 + number} +0000\ndata 1\nx\n"
        script.append(head.encode())
        script.append(b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(body), body))
        snapshot = f"snapshots/{environment}.yaml".encode()
        content = b"number: %d\n%b" % (number, SNAPSHOT)
        script.append(b"M 100644 inline %b\ndata %d\n%b\n" % (snapshot, len(content), content))
    script.append(b"done\n")
    git(folder / "remote.git", "fast-import", "--quiet", stdin=b"".join(script))
    for number in range(environments):
        git(folder / "remote.git", "update-ref", f"refs/reconciler/lease/e{number}", "audit")
    return folder / "remote.git"


def opened(bare: Path, state: Path) -> tuple[GitAudit, Mirror, Lease]:
    mirror = Mirror(state, parse_address(str(bare), allow_local=True), GitOptions())
    audit = GitAudit(mirror, "audit", Holder("bench", "localhost", 1, "s"), WallClock())
    audit.fetch()
    return audit, mirror, audit.take_lease("production", may_take_over=None)


def change(round_number: int, receipts: int = RECEIPTS) -> AuditChange:
    records = {
        f"receipts/production/p-{n}/2026/{round_number}-{n}.receipt.json": RECEIPT
        + b"%d.%d" % (round_number, n)
        for n in range(receipts)
    }
    snapshot = b"round: %d\n%b" % (round_number, SNAPSHOT)
    return AuditChange(
        "Record a pass", "", (), records, {"snapshots/production.yaml": lambda _: snapshot}
    )


def median(work: Callable[[int], object], rounds: int = ROUNDS) -> float:
    seconds = []
    for number in range(rounds):
        begun = time.perf_counter()
        work(number)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds)


def test_publishing_is_flat_in_history_and_in_other_environments(tmp_path: Path) -> None:
    figures = {}
    for name, commits, environments in (("young", 100, 1), ("old", 5000, 1), ("wide", 5000, 100)):
        bare = aged(tmp_path / name, commits, environments)
        audit, _, lease = opened(bare, tmp_path / name / "state")
        held = [lease]

        def publish(number: int, audit: GitAudit = audit, held: list[Lease] = held) -> None:
            (done,) = audit.publish([Entry(change(number), held[0])])
            assert isinstance(done, Published)
            assert done.tip is not None
            held[0] = done.lease

        publish(MANY)
        figures[name] = median(publish)
    ratios = {name: figures[name] / figures["young"] for name in ("old", "wide")}
    print(  # noqa: T201
        f"\npublish {RECEIPTS} receipts and a snapshot, push included:"
        f" {figures['young'] * 1000:.1f} ms after 100 commits;"
        f" after 5,000: {ratios['old']:.2f} x; with 100 other environments: {ratios['wide']:.2f} x"
    )
    # 50 times the history: a cost that grew with it would show, whatever else the machine does
    assert max(ratios.values()) < 10


def cost_beside_a_bare_fast_import(
    bare: Path, state: Path, entries: Callable[[int], list[Entry]], rounds: int
) -> tuple[float, float]:
    """Return the seconds of building a commit and its leases, and of git's own part of that."""
    audit, mirror, _ = opened(bare, state)
    tip = mirror.value("refs/reconciler/audit/audit")
    assert tip is not None

    def ours(number: int) -> None:
        wanted = dict(enumerate(entries(number)))
        publication = Publication(mirror, audit._leases, "audit", WallClock(), wanted)
        publication.check()
        updates, _ = publication.prepared(tip)
        assert len(updates) == len(wanted) + 1

    def floor(number: int) -> None:
        head = f"commit refs/tx/floor\ncommitter A <a@b> 1 +0000\ndata 1\nx\nfrom {tip}\n"
        script = [head.encode()]
        for entry in entries(1_000_000 + number):
            edits = {path: edit(None) or b"" for path, edit in entry.change.edits.items()}
            for path, content in (entry.change.records | edits).items():
                script.append(b"M 100644 inline %b\ndata %d\n" % (path.encode(), len(content)))
                script += [content, b"\n"]
        arguments = ("fast-import", "--quiet", "--force")
        git(mirror.path, *arguments, stdin=b"".join(script))

    took: dict[Callable[[int], None], list[float]] = {ours: [], floor: []}
    for number in range(rounds):  # by turns, so that the machine's moods are those of both
        for work, seconds in took.items():
            begun = time.perf_counter()
            work(number)
            seconds.append(time.perf_counter() - begun)
    return statistics.median(took[ours]), statistics.median(took[floor])


def lease_of(environment: str) -> Lease:
    return Lease(environment, 1, "bench", "0" * 40, datetime(2030, 1, 1, tzinfo=UTC), 0.0)


@pytest.mark.parametrize("receipts", [RECEIPTS, MANY])
def test_a_commit_is_told_beside_a_bare_fast_import(tmp_path: Path, receipts: int) -> None:
    bare = aged(tmp_path / "remote", 5000, 10)
    cost, bottom = cost_beside_a_bare_fast_import(
        bare,
        tmp_path / "state",
        lambda number: [Entry(change(number, receipts), lease_of("production"))],
        ROUNDS if receipts == RECEIPTS else 5,
    )
    print(  # noqa: T201
        f"\naudit commit of {receipts} receipts and a snapshot: {cost * 1000:.1f} ms,"
        f" bare fast-import of the same files {bottom * 1000:.1f} ms: {cost / bottom:.2f} x"
    )
    assert cost <= 10 * bottom  # the budget is 2; this only tells another order of growth


def gathered(number: int) -> list[Entry]:
    """Return what 30 environments record at once: two receipts and a snapshot each, one state."""
    entries = []
    for environment in (f"env-{n}" for n in range(30)):
        records = {
            f"receipts/{environment}/p-{n}/2026/{number}-{n}.receipt.json": RECEIPT
            + f"{environment}.{number}.{n}".encode()
            for n in range(2)
        }
        snapshot = f"{environment} {number}\n".encode() + SNAPSHOT
        change = AuditChange(
            f"{environment}: 2 deployments",
            "",
            (("Reconciler-Environment", environment),),
            records,
            {
                f"snapshots/{environment}.yaml": lambda _, snapshot=snapshot: snapshot,
                "state.json": lambda _, n=number: b"%d" % n,
            },
        )
        entries.append(Entry(change, lease_of(environment)))
    return entries


@pytest.mark.parametrize("commits", [100, 5000])
def test_thirty_environments_gathered_are_told_beside_a_bare_fast_import(
    tmp_path: Path, commits: int
) -> None:
    bare = aged(tmp_path / "remote", commits, 30)
    cost, bottom = cost_beside_a_bare_fast_import(bare, tmp_path / "state", gathered, ROUNDS)
    print(  # noqa: T201
        f"\n60 receipts of 30 environments, their snapshots and leases, after {commits:,} commits:"
        f" {cost * 1000:.1f} ms, bare fast-import of the same files {bottom * 1000:.1f} ms:"
        f" {cost / bottom:.2f} x"
    )
    assert cost <= 10 * bottom  # the budget is 2; this only tells another order of growth
