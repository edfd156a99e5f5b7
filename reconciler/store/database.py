"""One SQLite file, opened with care: checked, copied before a migration, durable at commit.

One connection serves all threads of a process, one at a time; other processes may open the same
file. A file that is damaged, foreign or newer than the program is refused and left as it is.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from reconciler.errors import StoreTrouble
from reconciler.store.migrations import APPLICATION_ID, STEPS, Step
from reconciler.store.trouble import damaged, told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from reconciler.ports import Clock

BUSY_SECONDS = 10.0  # writes of other processes last milliseconds; a migration, a second or two

# Tables a wrong index could do harm in; the rest is a cache, and `quick_check` is enough for it.
_PRECIOUS = ("meta", "fences", "intents", "queue", "receipts", "accepted", "pauses")

Value = TypeVar("Value")


class Database:
    """The connection behind the journal. Every failure is StoreTrouble."""

    def __init__(self, path: Path, *, clock: Clock, steps: Sequence[Step] = STEPS) -> None:
        self._path = path
        self._lock = threading.RLock()
        with told(path):
            _make_file(path)
            self._connection = _connect(path)
            try:
                self._prepare(clock, steps)
            except BaseException:
                self._connection.close()
                raise

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: on disk when the block has ended, undone when it fails.

        Raises: StoreTrouble; nothing was written then.
        """
        with self._lock, told(self._path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                # SQLite has rolled back by itself after some failures (disk full, say).
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    def rows(self, statement: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a SELECT."""
        with self._lock, told(self._path):
            return self._connection.execute(statement, parameters).fetchall()

    def values(
        self,
        statement: str,
        parameters: Sequence[object],
        of_row: Callable[[tuple[Any, ...]], Value],
    ) -> tuple[Value, ...]:
        """Return all rows of a SELECT as values; a row that is none is damage (rule 50)."""
        found = self.rows(statement, parameters)
        try:
            return tuple(map(of_row, found))
        except (ValueError, TypeError, LookupError) as error:
            raise damaged(self._path, f"a row makes no sense: {error}") from error

    def close(self) -> None:
        """Close the connection; closing twice is no error."""
        with self._lock, told(self._path):
            self._connection.close()

    def _prepare(self, clock: Clock, steps: Sequence[Step]) -> None:
        self._check_sound()
        version = self._version(steps)
        if version < len(steps) or self._pragma("journal_mode") != "wal":
            with _one_at_a_time(self._path):
                self._migrate(clock, steps)
        for setting in ("synchronous = FULL", "fullfsync = ON", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")

    def _check_sound(self) -> None:
        checks = ["quick_check"]
        known = {name for (name,) in self.rows("SELECT name FROM sqlite_master")}
        checks += [f"integrity_check({table})" for table in _PRECIOUS if table in known]
        for check in checks:
            finding = self._pragma(check)
            if finding != "ok":
                raise damaged(self._path, str(finding))

    def _version(self, steps: Sequence[Step]) -> int:
        """Return how many steps this store has seen, or refuse it."""
        version = int(self._pragma("user_version"))
        owner = self._pragma("application_id")
        if owner != APPLICATION_ID and (version or self.rows("SELECT 1 FROM sqlite_master")):
            raise StoreTrouble(
                f"{self._path} is an SQLite file of another program; it was left as it is",
                hint="set RECONCILER_STATE_DIR to a directory of its own",
            )
        if version > len(steps):
            raise StoreTrouble(
                f"{self._path} has version {version}, written by a newer reconciler; this one "
                f"reads up to {len(steps)}; it was left as it is",
                hint="install the newer reconciler again, or move the store aside and put back the "
                f"copy made before the upgrade ({self._path}.v{len(steps)}-*.bak)",
            )
        return version

    def _migrate(self, clock: Clock, steps: Sequence[Step]) -> None:
        """Bring the store to the newest version; another process may have done so meanwhile."""
        if self._pragma("journal_mode = WAL") != "wal":
            raise StoreTrouble(
                f"{self._path} is on a file system without shared memory; nothing was applied",
                hint="set RECONCILER_STATE_DIR to a directory on a local disk",
            )
        version = self._version(steps)
        if 0 < version < len(steps):
            _copy(self._connection, self._path, version, clock)
        if version < len(steps):
            with self.writing() as connection:
                for step in steps[version:]:
                    for statement in step:
                        connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {len(steps)}")

    def _pragma(self, text: str) -> Any:
        return self._connection.execute(f"PRAGMA {text}").fetchone()[0]


def _make_file(path: Path) -> None:
    """Make an empty file for this user only, in a directory for this user only.

    A file that exists is never opened here: closing any other descriptor of it would drop the
    locks this process holds on it (sqlite.org/howtocorrupt.html, section 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        if path.is_file() and path.stat().st_mode & 0o077:
            path.chmod(0o600)
    else:
        _sync_directory(path.parent)


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def _copy(source: sqlite3.Connection, path: Path, version: int, clock: Clock) -> None:
    """Write a whole copy beside the store: `<store>.v<version>-<UTC time>.bak`."""
    stamp = clock.now().strftime("%Y%m%dT%H%M%S%fZ")
    copy = path.with_name(f"{path.name}.v{version}-{stamp}.bak")
    unfinished = copy.with_name(copy.name + ".part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with closing(_connect(unfinished)) as target:
            source.backup(target)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    unfinished.rename(copy)
    _sync_directory(path.parent)


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    """Let one process make or migrate a store; the others wait and find it done."""
    lock = path.with_name(path.name + ".lock")
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
