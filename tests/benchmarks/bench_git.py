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
from reconciler.ports import AuditChange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.ports import Lease

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
            tip, held[0] = audit.publish(change(number), held[0])
            assert tip is not None

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


@pytest.mark.parametrize("receipts", [RECEIPTS, MANY])
def test_a_commit_is_told_beside_a_bare_fast_import(tmp_path: Path, receipts: int) -> None:
    bare = aged(tmp_path / "remote", 5000, 10)
    audit, mirror, _ = opened(bare, tmp_path / "state")
    tip = mirror.value("refs/reconciler/audit/audit")
    assert tip is not None

    def ours(number: int) -> None:
        assert audit._commit(change(number, receipts), b"Record a pass\n", tip) is not None

    def floor(number: int) -> None:
        wanted = change(1_000_000 + number, receipts)
        head = f"commit refs/tx/floor\ncommitter A <a@b> 1 +0000\ndata 1\nx\nfrom {tip}\n"
        script = [head.encode()]
        files = {**wanted.records, "snapshots/production.yaml": b"round: %d\n" % number + SNAPSHOT}
        for path, content in files.items():
            script.append(b"M 100644 inline %b\ndata %d\n" % (path.encode(), len(content)))
            script += [content, b"\n"]
        arguments = ("fast-import", "--quiet", "--force")
        git(mirror.path, *arguments, stdin=b"".join(script))

    rounds = ROUNDS if receipts == RECEIPTS else 5
    bottom = median(floor, rounds)
    cost = median(ours, rounds)
    print(  # noqa: T201
        f"\naudit commit of {receipts} receipts and a snapshot: {cost * 1000:.1f} ms,"
        f" bare fast-import of the same files {bottom * 1000:.1f} ms: {cost / bottom:.2f} x"
    )
    assert cost <= 10 * bottom  # the budget is 2; this only tells another order of growth
