"""What SQLite and the file system say, in the words of an operator (rules 50, 51)."""

from __future__ import annotations

import errno
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.errors import StoreTrouble

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REBUILD = (
    "move it aside (mv {path} {path}.damaged) and run again: everything is rebuilt from git and "
    "Octopus and held until 'reconciler accept --all'"
)

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CODE_MASK = 0xFF  # the low byte of an extended result code is the primary one (sqlite.org/rescode)


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn every failure of SQLite or the file system inside the block into StoreTrouble."""
    try:
        yield
    except sqlite3.Error as error:
        raise of_sqlite(error, path) from error
    except OSError as error:
        raise of_system(error, path) from error
    except (ValueError, OverflowError) as error:
        raise StoreTrouble(
            f"{path}: a value no store can hold ({clean(str(error), 120)}); nothing was written",
            hint="run again; if it stays, " + REBUILD.format(path=path),
        ) from error


def damaged(path: Path, finding: str) -> StoreTrouble:
    """Tell that the file is not a sound store; it is left exactly as it is."""
    return StoreTrouble(
        f"{path} is damaged ({clean(finding, 160)}); it was left as it is and nothing was applied",
        hint=REBUILD.format(path=path),
    )


def of_sqlite(error: sqlite3.Error, path: Path) -> StoreTrouble:
    """Translate an error of SQLite; the write it belongs to did not happen."""
    words = clean(str(error), 160)
    match getattr(error, "sqlite_errorcode", 0) & _CODE_MASK:
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, words)
        case sqlite3.SQLITE_FULL:
            return _full(path)
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_CANTOPEN:
            return _not_writable(path, words)
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreTrouble(
                f"{path} is locked by another process; nothing was written",
                hint="wait for the other reconciler to finish, then run again",
            )
        case sqlite3.SQLITE_IOERR:
            return StoreTrouble(
                f"{path}: the disk failed ({words}); nothing was written",
                hint="check the disk and its free space, then run again",
            )
        case _:
            return StoreTrouble(
                f"{path}: the store refused ({words}); nothing was written",
                hint="run again; if it stays, " + REBUILD.format(path=path),
            )


def of_system(error: OSError, path: Path) -> StoreTrouble:
    """Translate an error of the operating system."""
    if error.errno in _FULL:
        return _full(path)
    where = clean(str(error.filename or path))
    return _not_writable(path, f"{where}: {clean(error.strerror or str(error), 160)}")


def _full(path: Path) -> StoreTrouble:
    return StoreTrouble(
        f"no space left for {path}; nothing was written and nothing recorded was lost",
        hint=f"free space on the disk (df -h {path.parent}), then run again",
    )


def _not_writable(path: Path, words: str) -> StoreTrouble:
    return StoreTrouble(
        f"the store {path} cannot be written ({words}); nothing was applied",
        hint="make its directory writable for this user, or set RECONCILER_STATE_DIR to another",
    )
