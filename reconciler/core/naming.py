"""Names of manifests and components made from foreign names: readable, unique, always the same."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from reconciler.core.slug import slug

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_FOREIGN = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 63
_LONGEST_END = 30
_NO_LETTER = re.compile(r"[^A-Z0-9]+")


def manifest_name(text: str) -> str:
    """Return a name that manifests, git and file systems take, as much like `text` as may be."""
    letters = (
        unicodedata.normalize("NFKD", text[:1000].casefold()).encode("ascii", "ignore").decode()
    )
    name = re.sub(r"\.{2,}", ".", re.sub(r"-{2,}", "-", _FOREIGN.sub("-", letters)))
    name = name.strip("._-")[:_LONGEST].rstrip("._-").removesuffix(".lock").rstrip("._-")
    return slug(name) if name else slug(text)


def unique_names(wanted: Iterable[tuple[str, str]], taken: Collection[str] = ()) -> dict[str, str]:
    """Return a name for each id of `wanted` (id, text); of two that are alike the later id adds it.

    Names among `taken` are left alone.
    """
    used, found = set(taken), dict[str, str]()
    for id_, text in wanted:
        name = manifest_name(text)
        if name in used:
            name = _ended(name, manifest_name(id_)[-_LONGEST_END:].strip("._-"))
        while name in used:
            name = _ended(name, slug(f"{name} {id_}")[-8:])
        used.add(name)
        found[id_] = name
    return found


def _ended(name: str, end: str) -> str:
    return f"{name[: _LONGEST - len(end) - 1].rstrip('._-')}-{end}"


def key_variable(space: str) -> str:
    """Return the variable for the key of a Space manifest, by its name: `OCTOPUS_SHOP_KEY`."""
    return f"OCTOPUS_{_NO_LETTER.sub('_', space.upper())}_KEY"
