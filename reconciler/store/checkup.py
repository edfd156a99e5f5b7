"""The state directory as `doctor` sees it: there, ours, whole, and with room. Changes nothing."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.text import clean
from reconciler.errors import StoreTrouble
from reconciler.store.journal import SqliteJournal
from reconciler.store.lock import served_since

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.ports import Clock

MIB: Final = 1024 * 1024
ROOM_WARNS: Final = 1024 * MIB
ROOM_FAILS: Final = 100 * MIB
"""Free bytes: a mirror of a large repository and a store take some hundred MiB."""


def state_findings(state_dir: Path, store: Path, clock: Clock) -> Iterator[Finding]:
    """Yield what was found of the folder, its disk, the store and the daemon."""
    about = clean(str(state_dir), 120)
    nearest = state_dir
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.R_OK | os.W_OK | os.X_OK):
        what = clean(str(nearest), 120)
        says = f"this user may not write to {what}"
        to_do = "give it to this user, or set RECONCILER_STATE_DIR to a folder that is this user's"
        yield Finding(Check.STATE, about, Verdict.FAILED, says, to_do)
        return
    yield from _folder(state_dir, about)
    yield _room(nearest, about)
    yield from _store(state_dir, store, about, clock)


def _folder(state_dir: Path, about: str) -> Iterator[Finding]:
    if not state_dir.exists():
        says = "it is not there yet; the first command makes it"
        yield Finding(Check.STATE, about, Verdict.OK, says)
        return
    for folder in (state_dir, state_dir / "keys"):
        if not folder.exists():
            continue
        mode = stat.S_IMODE(folder.stat().st_mode)
        loose = 0o077 if folder.name == "keys" else 0o022
        if mode & loose:
            what = "read" if folder.name == "keys" else "write to"
            says = f"others may {what} {clean(str(folder), 120)} (mode {mode:o})"
            to_do = f"chmod go-rwx {clean(str(folder), 120)}"
            yield Finding(Check.STATE, about, Verdict.WARNING, says, to_do)


def _room(folder: Path, about: str) -> Finding:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        says = f"its disk cannot be asked: {clean(error.strerror or 'no reason given')}"
        return Finding(Check.DISK, about, Verdict.UNKNOWN, says, "see whether it is mounted")
    says = f"{free // MIB} MiB are free"
    if free >= ROOM_WARNS:
        return Finding(Check.DISK, about, Verdict.OK, says)
    verdict = Verdict.WARNING if free >= ROOM_FAILS else Verdict.FAILED
    return Finding(Check.DISK, about, verdict, says, "make room: nothing is applied on a full disk")


def _store(state_dir: Path, store: Path, about: str, clock: Clock) -> Iterator[Finding]:
    if not store.exists():
        if state_dir.exists():
            says = "there is no store yet; environments are accepted once it is made"
            yield Finding(Check.STATE, about, Verdict.OK, says)
        return
    try:
        journal = SqliteJournal(store, clock=clock)
        try:
            pauses = journal.pauses()
        finally:
            journal.close()
        since = served_since(state_dir)
    except StoreTrouble as error:
        yield Finding(
            Check.STATE, about, Verdict.FAILED, clean(error.message, 300), clean(error.hint, 300)
        )
        return
    if since is None:
        yield Finding(Check.STATE, about, Verdict.OK, "the store is whole; no daemon runs")
    else:
        begun = datetime.fromtimestamp(since / 1e9, UTC)
        says = f"the store is whole; a daemon runs since {begun:%Y-%m-%d %H:%M:%S}Z"
        yield Finding(Check.STATE, about, Verdict.OK, says)
    if pauses:
        says = f"{len(pauses)} pause{'' if len(pauses) == 1 else 's'} in force: nothing new starts"
        to_do = "`reconciler pause --list` shows them, `reconciler unpause` lifts one"
        yield Finding(Check.STATE, about, Verdict.WARNING, says, to_do)
