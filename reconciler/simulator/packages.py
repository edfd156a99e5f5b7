"""Packages of the built-in feed: their files, what these say of themselves, their builds."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import Space

__all__ = ["BuildInformation", "Feed", "Package", "build_of", "package_of", "parse_name"]

_EXTENSIONS = (".tar.gz", ".tar.bz2", ".tgz", ".tbz", ".nupkg", ".zip", ".tar", ".jar", ".war",
               ".ear", ".rar")  # fmt: skip
_NAME = re.compile(
    r"(?P<id>\w+(?:[_.-]\w+)*?)\."
    r"(?P<version>\d+(?:\.\d+){0,3}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)"
)
_BIGGEST_NUSPEC = 1_000_000
_SAID = ("id", "version", "title", "summary", "description", "releaseNotes")


@dataclass(frozen=True, slots=True)
class Package:
    """One file of the feed."""

    package_id: str
    version: str
    extension: str
    content: bytes
    said: dict[str, str] = field(default_factory=dict)
    """What the file says of itself, by the names of a nuspec."""

    @property
    def hash(self) -> str:
        """Return the SHA-1 of the file, in lower-case hex."""
        return hashlib.sha1(self.content, usedforsecurity=False).hexdigest()


@dataclass(slots=True, eq=False)
class Feed:
    """A feed of somebody else, which the server never asks: its packages are not known."""

    id: str
    name: str
    kind: str
    more: dict[str, Any] = field(default_factory=dict)
    """Further fields as a client set them."""


@dataclass(frozen=True, slots=True, eq=False)
class BuildInformation:
    """Where a version of a package comes from."""

    id: str
    package_id: str
    version: str
    created: datetime
    fields: dict[str, Any]


def parse_name(name: str, content: bytes) -> Package | None:
    """Return a package by its file's name; the first dot before a version ends the id.

    A NuGet package may say both inside. None when neither tells.
    """
    low = name.casefold()
    extension = next((each for each in _EXTENSIONS if low.endswith(each)), "")
    found = _NAME.fullmatch(name[: len(name) - len(extension)])
    said = _nuspec(content)
    if found is not None and extension:
        return Package(found["id"], found["version"], extension, content, said)
    if "id" in said and "version" in said:
        return Package(said["id"], said["version"], extension or ".nupkg", content, said)
    return None


def _nuspec(content: bytes) -> dict[str, str]:
    """Return what a NuGet package says of itself; nothing for other files."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [each for each in archive.infolist() if each.filename.endswith(".nuspec")]
            if not entries or entries[0].file_size > _BIGGEST_NUSPEC:
                return {}
            text = archive.read(entries[0]).decode("utf-8", "replace")
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, EOFError):
        return {}
    said: dict[str, str] = {}
    for name in _SAID:
        found = re.search(f"<{name}>([^<]*)</{name}>", text)
        if found is not None:
            said[name] = found[1].strip()
    return said


@lru_cache(maxsize=4096)
def _stand_in(package_id: str, version: str) -> Package:
    """Return the file of a package that nobody uploaded: always the same for the same version."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo("package.txt", (2020, 1, 1, 0, 0, 0))
        archive.writestr(entry, f"{package_id} {version}\n")
    return Package(package_id, version, ".zip", buffer.getvalue())


def package_of(space: Space, package_id: str, version: str) -> Package:
    """Return the file of a package that is on the feed."""
    known = space.packages.get((package_id.casefold(), version))
    return known or _stand_in(package_id, version)


def build_of(space: Space, package_id: str, version: str) -> BuildInformation | None:
    """Return where a version of a package comes from, if somebody told."""
    wanted = (package_id.casefold(), version)
    return next(
        (
            each
            for each in space.builds.values()
            if (each.package_id.casefold(), each.version) == wanted
        ),
        None,
    )
