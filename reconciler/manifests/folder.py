"""A work tree read as if it were a commit, for `reconciler validate PATH`. Follows no link."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.manifest import SourceFile
from reconciler.errors import UsageError
from reconciler.manifests.loader import ManifestLoader, is_manifest
from reconciler.manifests.source import MAX_BYTES
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.core.manifest import ManifestSet


def load_folder(path: Path, added: Mapping[str, bytes] | None = None) -> ManifestSet:
    """Load all manifests below a folder; paths of places are relative to it.

    `added` are files, by path, that are taken as if they were in it; then it need not be there.

    Raises:
        UsageError: it is not a folder, or something in it cannot be read.
    """
    new = added or {}
    if not path.is_dir() and not (new and not path.exists()):
        raise _no_folder(path)

    def read(names: Collection[str]) -> dict[str, bytes]:
        return {name: new[name] if name in new else read_file(path, name) for name in names}

    files = [file for file in _files(path) if file.path not in new] if path.is_dir() else []
    files += [SourceFile(name, name, "100644", len(data)) for name, data in new.items()]
    return ManifestLoader().load(files, read)


def plain_files(root: Path) -> list[str]:
    """Return the paths of the manifests below a folder that are plain files, sorted.

    Raises: UsageError.
    """
    if not root.is_dir():
        raise _no_folder(root)
    plain = ("100644", "100755")
    return sorted(each.path for each in _files(root) if each.mode in plain)


def _files(root: Path) -> Iterator[SourceFile]:
    def refuse(error: OSError) -> None:
        raise _unreadable(error)

    for folder, folders, names in os.walk(root, onerror=refuse, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in (*folders, *sorted(names)):
            full = Path(folder) / name
            relative = full.relative_to(root).as_posix()
            if not is_manifest(relative):
                continue
            try:
                found = full.lstat()
            except OSError as error:
                raise _unreadable(error) from error
            if not stat.S_ISDIR(found.st_mode):
                yield SourceFile(relative, relative, _git_mode(found.st_mode), found.st_size)


def _no_folder(path: Path) -> UsageError:
    what = "is not a folder" if path.exists() else "does not exist"
    return UsageError(
        f"{shown(str(path))} {what}; nothing was checked.",
        hint="Name the folder that holds the manifests.",
    )


def _git_mode(mode: int) -> str:
    """Return what git would call this kind of file; anything but a plain file is refused."""
    if stat.S_ISREG(mode):
        return "100755" if mode & stat.S_IXUSR else "100644"
    return "120000" if stat.S_ISLNK(mode) else f"{mode:o}"


def read_file(root: Path, name: str) -> bytes:
    """Read one file, one byte more than allowed at most; a link put there meanwhile is an error."""
    try:
        descriptor = os.open(root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(error) from error


def _unreadable(error: OSError) -> UsageError:
    name = shown(str(error.filename), 200)
    return UsageError(
        f"{name} cannot be read ({shown(error.strerror or 'no reason given')}).",
        hint="Check its permissions, then try again.",
    )
