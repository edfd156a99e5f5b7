"""A work tree mended in place, for `reconciler validate --fix PATH`. Follows no link."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from os.path import normpath, relpath
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from reconciler.errors import UsageError
from reconciler.manifests.folder import plain_files, read_file
from reconciler.manifests.mend import mend_file, schemas_of
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping


def mend_folder(path: Path) -> tuple[str, ...]:
    """Mend all manifests below a folder; return what was changed, by path and line.

    A file is replaced at one stroke, with the mode it had. Raises: UsageError.
    """
    contents = {name: read_file(path, name) for name in plain_files(path)}
    schemas = _schema_folder(path, contents)
    changes: list[str] = []
    for name, data in contents.items():
        there = None if schemas is None else relpath(schemas, PurePosixPath(name).parent)
        mended = mend_file(name, data, there)
        if mended is not None:
            _replace(path / name, mended.data)
            changes.extend(mended.changes)
    return tuple(changes)


def _schema_folder(root: Path, contents: Mapping[str, bytes]) -> str | None:
    """Return where the schemas are, relative to the root: where most files say, or beside it."""
    named = Counter(
        normpath(PurePosixPath(name).parent / folder)
        for name, data in contents.items()
        if (folder := schemas_of(data)) is not None and "://" not in folder
    )
    if named:
        return max(sorted(named), key=named.__getitem__)
    for near in ("schema", "../schema"):
        if (root / near / "environment.schema.json").is_file():
            return near
    return None


def _replace(path: Path, data: bytes) -> None:
    try:
        mode = path.lstat().st_mode & 0o777
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".mend-", delete=False) as file:
            file.write(data)
        os.chmod(file.name, mode)  # noqa: PTH101 (a name, as tempfile gives it)
        os.replace(file.name, path)  # noqa: PTH105
    except OSError as error:
        raise UsageError(
            f"{shown(str(path), 200)} cannot be written ({shown(error.strerror or 'no reason')});"
            " the files named before are mended, the others are as they were",
            hint="check its permissions, then try again",
        ) from error
