"""Mending what is mechanical, by splicing.

Quotes that are missing, booleans and counts in quotes, the editor comment: what a file means to a
person stays, and anything that needs a guess is left to one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.core.manifest import API_VERSION, Kind
from reconciler.manifests.parse import shown_path
from reconciler.manifests.scalars import Reading, plain_value, reading
from reconciler.manifests.schemas import Schema, child, schema_of
from reconciler.manifests.source import MAX_BYTES
from reconciler.manifests.spots import Spot, find_spots
from reconciler.manifests.tree import read_tree
from reconciler.manifests.wording import shown
from reconciler.manifests.writing import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

_BOM = b"\xef\xbb\xbf"
_BINDING = "# yaml-language-server: $schema="
_HEAD_LINES = 5  # an editor looks for its comment here
_MISREAD = (Reading.NUMBER, Reading.TIME, Reading.BOOLEAN)
_TRUTHS = {"true": "true", "yes": "true", "on": "true", "y": "true"}
_TRUTHS |= {"false": "false", "no": "false", "off": "false", "n": "false"}


class Mend(NamedTuple):
    """One change: characters `start` to `end`, in `line` from 1, become `text`."""

    start: int
    end: int
    text: str
    line: int
    said: str


@dataclass(frozen=True, slots=True)
class Mended:
    """A file after mending, and what was changed in it: clean lines with their places."""

    data: bytes
    changes: tuple[str, ...]


def mend_file(path: str, data: bytes, schemas: str | None) -> Mended | None:
    """Return the mended bytes of one manifest; None where nothing is to be mended.

    `schemas` is the folder of the schemas as the file writes it (`../../schema`); None: it is not
    known, and no editor comment is added. Mending what was mended changes nothing.
    """
    kind = _kind(path, data)
    if kind is None:
        return None
    text = data.removeprefix(_BOM).decode("utf-8")
    spots = find_spots(text)
    mends = sorted(_mends(text, spots, schema_of(kind), schema_of(kind)))
    after = text
    for mend in reversed(mends):
        after = after[: mend.start] + mend.text + after[mend.end :]
    if mends and not _same(find_spots(after), spots, mends):
        return None  # written in a way that a splice would change more: left to a person
    changes = [f"{shown_path(path)}:{mend.line}: {mend.said}" for mend in mends]
    if schemas is not None and not _is_bound(after):
        end = "\r\n" if "\r\n" in after else "\n"
        after = f"{_BINDING}{schemas}/{kind.lower()}.schema.json{end}{after}"
        changes.insert(0, f"{shown_path(path)}:1: the comment that binds an editor to its schema")
    if not changes:
        return None
    bom = _BOM if data.startswith(_BOM) else b""
    return Mended(bom + after.encode("utf-8"), tuple(changes))


def schemas_of(data: bytes) -> str | None:
    """Return the schema folder that a file's editor comment names, relative to the file."""
    for line in data[:2_000].decode("utf-8", "replace").splitlines()[:_HEAD_LINES]:
        folder, found, name = line.removeprefix(_BINDING).rpartition("/")
        if line.startswith(_BINDING) and found and name.endswith(".schema.json"):
            return folder
    return None


def _kind(path: str, data: bytes) -> Kind | None:
    """Return the kind of a file that can be mended: read to its end, nothing odd but its quotes."""
    if len(data) > MAX_BYTES:
        return None
    reader, whole = read_tree(path, data)
    if not whole or reader.root is None:
        return None
    if any("quote it:" not in problem.message for problem in reader.problems):
        return None
    if reader.root.value.get("apiVersion") != API_VERSION:
        return None
    named = reader.root.value.get("kind")
    return Kind(named) if isinstance(named, str) and named in set(Kind) else None


def _mends(text: str, spot: Spot, root: Schema, node: Schema) -> Iterator[Mend]:
    is_list = node.get("type") == "array"
    for key, entry in spot.entries.items():
        if not is_list and text[entry.start : entry.start + len(key)] == key and _misread(key):
            yield _mend(text, entry.start, entry.start + len(key), quoted(key))
        below = child(root, node, int(key) if is_list and key.isdigit() else key)
        value = entry.value
        if value.text is None:
            yield from _mends(text, value, root, below)
        elif (new := _written(value, below)) is not None:
            yield _mend(text, value.start, value.end, new)


def _written(value: Spot, node: Schema) -> str | None:
    """Return how a scalar is to be written; None: as it is, or as a person says."""
    types = node.get("type", ())
    wanted = [types] if isinstance(types, str) else types
    said = value.text or ""
    if "string" in wanted:
        is_time = node.get("format") == "date-time"
        return quoted(said) if not value.style and not is_time and _misread(said) else None
    if wanted == ["boolean"]:
        meant = _TRUTHS.get(said.lower())
        return None if meant is None or (not value.style and said == meant) else meant
    if wanted == ["integer"] and value.style in ("'", '"'):
        return said if type(plain_value(said)) is int else None
    return None


def _misread(text: str) -> bool:
    return reading(text) in _MISREAD


def _mend(text: str, start: int, end: int, new: str) -> Mend:
    line = text.count("\n", 0, start) + 1
    return Mend(start, end, new, line, f"{shown(text[start:end])} -> {shown(new)}")


def _is_bound(text: str) -> bool:
    return any(_BINDING.rstrip("=") in line for line in text.splitlines()[:_HEAD_LINES])


def _same(after: Spot, before: Spot, mends: list[Mend]) -> bool:
    """Tell whether two trees say the same, the mended scalars aside."""
    meant = {mend.start: mend.text for mend in mends}

    def said(spot: Spot, expected: bool) -> Any:
        if spot.text is not None:
            new = meant.get(spot.start) if expected else None
            return spot.text if new is None or new.startswith('"') else new
        return [(key, said(entry.value, expected)) for key, entry in spot.entries.items()]

    return bool(said(after, expected=False) == said(before, expected=True))
