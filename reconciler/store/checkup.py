"""The state directory as `doctor` sees it: there, ours, whole, and with room. Changes nothing."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.text import clean
from reconciler.errors import StoreTrouble
from reconciler.store.database import BUSY_SECONDS
from reconciler.store.lock import served_since
from reconciler.store.migrations import STEPS
from reconciler.store.trouble import damaged, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB: Final = 1024 * 1024
ROOM_WARNS: Final = 1024 * MIB
ROOM_FAILS: Final = 100 * MIB
"""Free bytes: a mirror of a large repository and a store take some hundred MiB."""


def state_findings(state_dir: Path, store: Path) -> Iterator[Finding]:
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
    yield from _store(state_dir, store, about)


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


def _store(state_dir: Path, store: Path, about: str) -> Iterator[Finding]:
    """Look into the store without a write: no migration, no lock, no file beside it is made."""
    if not store.exists():
        if state_dir.exists():
            says = "there is no store yet; environments are accepted once it is made"
            yield Finding(Check.STATE, about, Verdict.OK, says)
        return
    try:
        with told(store), closing(_reading(store)) as connection:
            finding = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if finding != "ok":
                raise damaged(store, str(finding))
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
            pauses, queued = _counts(connection) if version == len(STEPS) else (0, 0)
        since = served_since(state_dir)
    except StoreTrouble as error:
        what, to_do = clean(error.message, 300), clean(error.hint, 300)
        yield Finding(Check.STATE, about, Verdict.FAILED, what, to_do)
        return
    if version > len(STEPS):
        says = f"the store has version {version}, of a newer reconciler than this one"
        to_do = "install the newer reconciler again"
        yield Finding(Check.STATE, about, Verdict.FAILED, says, to_do)
        return
    daemon = "no daemon runs"
    if since is not None:
        daemon = f"a daemon runs since {datetime.fromtimestamp(since / 1e9, UTC):%Y-%m-%d %H:%M}Z"
    yield Finding(Check.STATE, about, Verdict.OK, f"the store is whole; {daemon}")
    if queued:
        says = f"{queued} record{_s(queued)} wait{'s' if queued == 1 else ''} for the audit remote"
        to_do = "see what `audit` says here; they are pushed with the next pass"
        yield Finding(Check.STATE, about, Verdict.WARNING, says, to_do)
    if pauses:
        says = f"{pauses} pause{_s(pauses)} in force: nothing new starts there"
        to_do = "`reconciler pause --list` shows them, `reconciler unpause` lifts one"
        yield Finding(Check.STATE, about, Verdict.WARNING, says, to_do)


def _reading(store: Path) -> sqlite3.Connection:
    where = f"file:{quote(str(store.absolute()))}?mode=ro"
    return sqlite3.connect(where, uri=True, timeout=BUSY_SECONDS, isolation_level=None)


def _counts(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return how many pauses stand, and how many records the remote does not have yet."""
    pauses = connection.execute("SELECT count(*) FROM pauses WHERE lifted_at IS NULL").fetchone()
    queued = connection.execute("SELECT count(*) FROM queue").fetchone()
    return int(pauses[0]), int(queued[0])


def _s(number: int) -> str:
    return "" if number == 1 else "s"
