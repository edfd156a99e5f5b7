"""One writer per environment on this machine, proved by the operating system.

The lock dies with the process that holds it, so whoever gets it has proved that the earlier holder
on this machine and store is dead: its unexpired lease may then be taken over at once.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.core.slug import slug
from reconciler.core.text import clean
from reconciler.errors import LeaseHeld
from reconciler.store.trouble import told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PID_DIGITS = 20
_SERVE = "serve.lock"
_MOMENT = 0.05
TRIES = 3
"""Of a daemon that begins: `served_since` holds the lock for the moment of its question."""


@contextmanager
def environment_lock(state_dir: Path, environment: str) -> Iterator[None]:
    """Hold the lock of one environment for the length of the block; never waits.

    Raises:
        LeaseHeld: another process (or task of this one) holds it; the message names its pid.
        StoreTrouble: the lock file cannot be written.
    """
    work = f"environment {environment} is being worked on"
    hint = "wait for it to finish, then run again"
    with _held(state_dir / "locks" / f"{slug(environment)}.lock", work, hint):
        yield


@contextmanager
def daemon_lock(state_dir: Path) -> Iterator[None]:
    """Hold the one place of a daemon in a state directory for the length of the block.

    Raises: LeaseHeld (another daemon runs there), StoreTrouble.
    """
    work = f"the state directory {clean(str(state_dir))} is being served"
    hint = "end that one first, or set RECONCILER_STATE_DIR to another directory"
    with _held(state_dir / _SERVE, work, hint, tries=TRIES):
        yield


def served_since(state_dir: Path) -> int | None:
    """Return since when a daemon runs for a state directory, None where none does.

    In nanoseconds of the file system's clock, as files tell when they were written. Makes and
    changes nothing. Raises: StoreTrouble: the lock file is there and cannot be opened.
    """
    path = state_dir / _SERVE
    with told(path):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return os.fstat(descriptor).st_mtime_ns  # the daemon wrote its number into it
    finally:
        os.close(descriptor)
    return None


@contextmanager
def _held(path: Path, work: str, hint: str, tries: int = 1) -> Iterator[None]:
    with told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _take(descriptor, path, work, hint, tries)
        # The file stays: removing it would let two holders lock two files of one name.
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, work: str, hint: str, tries: int) -> None:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if not left:
                raise LeaseHeld(
                    f"{work} by process {_holder(descriptor)} on this machine; nothing was started",
                    hint=hint,
                ) from None
            time.sleep(_MOMENT)
    with told(path):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)


def _holder(descriptor: int) -> str:
    """Return the pid in the file; a holder that has only just begun may not have written it."""
    text = os.pread(descriptor, _PID_DIGITS, 0).strip()
    return text.decode("ascii") if text.isdigit() else "(unknown)"
