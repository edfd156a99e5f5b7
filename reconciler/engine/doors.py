"""The doors of one run of the engine, opened by `bootstrap`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable
    from contextlib import AbstractContextManager

    from reconciler.core.manifest import CredentialSource, Space
    from reconciler.core.platform import PlatformVersion
    from reconciler.core.removed import RemovedList
    from reconciler.core.secret import Secret
    from reconciler.core.snapshot import Snapshot
    from reconciler.engine.events import Event
    from reconciler.engine.gather import Gathering
    from reconciler.engine.slots import Slots
    from reconciler.ports import (
        AuditBranch,
        Clock,
        Journal,
        ManifestBranches,
        ManifestEditor,
        ManifestReader,
        Octopus,
        Repository,
        Signatures,
        Signer,
    )

P = ParamSpec("P")
R = TypeVar("R")


async def blocking(call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a blocking call of git, store or signing in a worker thread: the one place for it."""
    return await asyncio.to_thread(call, *args, **kwargs)


async def side_by_side(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run work concurrently and wait for all of it; the first failure ends the rest and is raised.

    One exception leaves, not a group: a pass answers with one error.
    """
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        first: BaseException = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from failures


@dataclass(frozen=True, slots=True)
class Pace:
    """Durations in seconds, and counts, that a pass keeps to."""

    poll: float = 2.0  # the least between two looks at tasks
    poll_most: float = 10.0  # the most: what people see of long tasks is no older
    settling: float = 10.0  # how long a list may lag behind a write before absence is proof
    lost: float = 60.0  # how long a server may still work on a request whose answer was lost
    request_timeout: float = 30.0  # of a deployment request; what must be left on the lease
    fresh: float = 10.0  # rule 15: the age a read may have when a request is sent
    renew: float = 30.0  # a lease is renewed this often
    silence: float = 600.0  # without a new log line, after which a task that is late is told
    patience: float = 600.0  # how long unanswered watching, or waiting for others alone, goes on
    branches: int = 0  # logs of running tasks that are read at each look: none where nobody looks
    glance: float = 2.0  # real seconds that a look gives these logs: the lease is tended meanwhile
    preflight_at_once: int = 8
    refused: float = 0.0  # the first wait after a refused request; a person's command has none


@dataclass(frozen=True, slots=True)
class Doors:
    """Everything a pass reaches the world through.

    `signatures` is None where commits need not be signed.
    `audit` is None where the repository has no remote (commands that only read), `branches` for
    every command that only reads. `gathering` writes for all passes of this process that share
    the audit branch; `slots` are those of each server, for all passes of this process. `lock`
    proves that no other process of this store works on an environment. `open_receipt` verifies a
    receipt file against the certificates given as PEM and returns its payload. `value` reads a
    secret value of a prompted variable; it raises UsageError where there is none. `halted` says
    why nothing new may be started in this process any more, or is empty.
    """

    clock: Clock
    repository: Repository
    signatures: Signatures | None
    audit: AuditBranch | None
    gathering: Gathering
    slots: Slots
    manifests: ManifestReader
    editor: ManifestEditor
    branches: ManifestBranches | None
    journal: Journal
    octopus: Callable[[Space], Octopus]
    value: Callable[[CredentialSource], Secret]
    signer: Callable[[str], Signer]
    lock: Callable[[str], AbstractContextManager[None]]
    read_snapshot: Callable[[bytes], Snapshot]
    write_snapshot: Callable[[Snapshot], bytes]
    read_removed: Callable[[bytes], RemovedList]
    write_removed: Callable[[RemovedList], bytes]
    write_platform: Callable[[PlatformVersion], bytes]
    open_receipt: Callable[[bytes, tuple[bytes, ...]], bytes]
    tell: Callable[[Event], None]
    halted: Callable[[], str]
    pace: Pace


def shared_audit(doors: Doors) -> AuditBranch:
    """Return the audit branch that all writers share. Raises: UsageError where there is none."""
    if doors.audit is None:
        raise UsageError(
            "there is no remote to record on; nothing was changed",
            hint="give --repo a bare repository, a URL, or a clone whose origin is the remote",
        )
    return doors.audit
