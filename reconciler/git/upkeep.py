"""Packing a mirror, which otherwise grows by some small files with every fetch and every push.

Git's own automatic upkeep is off: it would make a fetch or a push of a pass wait. This runs beside
them. Nothing that counts can be lost: refs keep what they reach, and what nothing reaches stays for
two weeks (git's own bound), far longer than a commit or a lease waits between being written and
being pushed.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble
from reconciler.git.run import Call, GitTimeout, run_git
from reconciler.git.trouble import local_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.git.mirror import Mirror

EVERY: Final = timedelta(days=1)
LOOSE: Final = 2000  # files from which packing is worth it; git's own bound is 6700
PACKS: Final = 30  # git's own bound is 50
LONGEST: Final = timedelta(minutes=10)  # as long as a first fetch may take
STAMP: Final = "reconciler-packed"
_GENTLE: Final = (("pack.threads", "1"), ("pack.windowMemory", "64m"))


def pack(mirror: Mirror, now: datetime, halted: Callable[[], bool]) -> bool:
    """Pack a mirror if nobody has for a day and enough has piled up; tell whether it was done.

    It ends within a second or two once `halted`.

    Raises: GitTrouble (it failed or took too long; the mirror is as good as before).
    """
    if not mirror.path.is_dir():
        return False
    with _turn(mirror, now) as is_ours:
        if not is_ours or not _is_worth_it(mirror):
            return False
        call = Call(
            where=mirror.path,
            git_dir=mirror.path,
            timeout=LONGEST.total_seconds(),
            config=_GENTLE,
            halted=halted,
        )
        try:
            answer = run_git(call, "gc", "--quiet")
        except GitTimeout:
            if halted():
                return False
            raise
        if answer.status != 0:
            raise local_trouble(f"the mirror {mirror.path} could not be packed", answer)
        return True


@contextmanager
def _turn(mirror: Mirror, now: datetime) -> Iterator[bool]:
    """Tell whether it is our turn: nobody is at it, in any process, and the last one is a day ago.

    The turn counts from its beginning, so one that fails is not repeated before tomorrow.
    """
    path = mirror.path / STAMP
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unkept(path, error) from error
    try:
        try:
            is_ours = _is_due(descriptor, now, is_new=is_new)
        except OSError as error:
            raise _unkept(path, error) from error
        yield is_ours
    finally:
        os.close(descriptor)


def _is_due(descriptor: int, now: datetime, *, is_new: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    last = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
    is_due = is_new or not timedelta() <= now - last < EVERY
    if is_due:
        os.utime(descriptor, (now.timestamp(), now.timestamp()))
    return is_due


def _unkept(path: Path, error: OSError) -> GitTrouble:
    return GitTrouble(
        f"{path} cannot be written: {clean(error.strerror or str(error))}; nothing was packed",
        hint="make the state directory writable",
    )


def _is_worth_it(mirror: Mirror) -> bool:
    lines = mirror.local("count-objects", "-v").text().splitlines()
    facts = dict(line.split(": ", 1) for line in lines)
    return int(facts["count"]) >= LOOSE or int(facts["packs"]) >= PACKS
