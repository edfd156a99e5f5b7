"""Real remotes for the git room: bare repositories on disk, and the same behind HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from people_git import begin, git, share

from reconciler.git.address import parse_address
from reconciler.git.audit import GitAudit
from reconciler.git.lease import Holder
from reconciler.git.mirror import GitOptions, Mirror
from reconciler.ports import AuditChange, Entry, Published

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from reconciler.ports import Lease


@dataclass
class TurnedClock:
    """A clock that moves when a test says so."""

    time: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    ticks: float = 1000.0

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.ticks

    async def sleep(self, seconds: float) -> None:
        self.turn(seconds)

    def turn(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.ticks += seconds


@dataclass
class Remote:
    """A bare repository and a clone of it from which people push."""

    bare: Path
    clone: Path

    @classmethod
    def make(cls, folder: Path, *, options: tuple[str, ...] = ()) -> Remote:
        folder.mkdir()
        begin(folder / "remote.git", folder / "clone", *options)
        return cls(folder / "remote.git", folder / "clone")

    def commit(self, files: Mapping[str, str | bytes], branch: str = "main") -> str:
        """Commit and push files; return the hash."""
        for path, content in files.items():
            place = self.clone / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content.encode() if isinstance(content, str) else content)
        return share(self.bare, self.clone, "-m", "change", branch=branch)

    def refs(self) -> dict[str, str]:
        lines = git(self.bare, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
        return dict(line.split() for line in lines)

    def show(self, path: str, branch: str = "audit") -> str:
        return git(self.bare, "show", f"{branch}:{path}")

    def hook(self, name: str, script: str) -> None:
        place = self.bare / "hooks" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)


def mirror_of(where: Path | str, state: Path, options: GitOptions | None = None) -> Mirror:
    address = parse_address(str(where), allow_local=True)
    return Mirror(state, address, options or GitOptions())


@dataclass
class Writers:
    """Makes audit branches of several holders on one remote, each with a mirror of its own."""

    remote: Remote
    state: Path
    clock: TurnedClock
    paused: list[float] = field(default_factory=list)
    options: GitOptions | None = None

    def __call__(
        self, name: str, pause: Callable[[float], None] | None = None, host: str | None = None
    ) -> GitAudit:
        mirror = mirror_of(self.remote.bare, self.state / name, self.options)
        host = host or f"{name}.example"
        holder = Holder(id=name, host=host, pid=4711, store=f"store-{name}")
        return GitAudit(mirror, "audit", holder, self.clock, pause or self.paused.append)


def change(
    records: Mapping[str, bytes] | None = None,
    edits: Mapping[str, Callable[[bytes | None], bytes | None]] | None = None,
    subject: str = "Deploy wallet-api 2.4.1 to qa",
    body: str = "One component.",
    trailers: tuple[tuple[str, str], ...] = (("Reconciler-Pass", "p-1"),),
) -> AuditChange:
    return AuditChange(subject, body, trailers, records or {}, edits or {})


def publish(audit: GitAudit, change: AuditChange, lease: Lease) -> tuple[str | None, Lease]:
    """Publish one entry alone; return the commit and the lease, or raise what became of it."""
    (outcome,) = audit.publish([Entry(change, lease)])
    if not isinstance(outcome, Published):
        raise outcome
    return outcome.tip, outcome.lease
