"""One file: bytes to a typed document, or to problems and to whom the file probably belongs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.core.manifest import Kind, Place, Problem
from reconciler.core.text import clean
from reconciler.manifests.documents import build
from reconciler.manifests.formats import TIMES
from reconciler.manifests.kinds.common import Unfit
from reconciler.manifests.kinds.pins import PinsDocument
from reconciler.manifests.schemas import Schema, child, gate_of, schema_of
from reconciler.manifests.tree import read_tree

if TYPE_CHECKING:
    from reconciler.manifests.documents import Document
    from reconciler.manifests.tree import Branch, Reader
    from reconciler.manifests.wording import Words


_UNEXPLAINED = "does not fit its schema; mend the other files first and every problem is told"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says it is, as far as that can be told.

    `name` is the manifest's name, or of a Pins manifest the environment it pins. `certain` False:
    found by a scan of the lines of a file that is not YAML.
    """

    kind: Kind
    name: str
    certain: bool = True


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What one file holds: a document, or problems and the claims by which they are attributed."""

    path: str
    document: Document | None
    problems: tuple[Problem, ...] = ()
    claims: tuple[Claim, ...] = ()


def parse_file(path: str, data: bytes, words: Words, *, explain: bool = True) -> ParsedFile:
    """Parse one file. Never raises for anything the bytes can hold (rule 47).

    `explain` False: of a file that does not fit its schema only that is said, at no expense.
    """
    reader, whole = read_tree(shown_path(path), data)
    if not whole or reader.root is None:
        return ParsedFile(path, None, tuple(reader.problems), scan_claims(data))
    kind = _plain_kind(reader.root)
    if kind is not None:
        if reader.has_odd:
            _admit_times(reader.root, schema_of(kind), schema_of(kind))
        if not reader.problems and gate_of(kind).is_valid(reader.root.value):
            try:
                document = build(reader.path, kind, reader.root)
            except Unfit:
                pass
            else:
                return ParsedFile(path, document, (), (claim_of(document),))
    if explain:
        problems = _explained(reader, kind, words)
    else:
        problems = (*reader.problems, Problem(Place(reader.path, 1, 1), _UNEXPLAINED))
    return ParsedFile(path, None, problems, _tree_claims(reader.root, kind) or scan_claims(data))


def shown_path(path: str) -> str:
    """Return a path as places show it: a file name is foreign text too (rule 52)."""
    return clean(path, 400)


def claim_of(document: Document) -> Claim:
    """Return what a valid document is."""
    if isinstance(document, PinsDocument):
        return Claim(Kind.PINS, document.environment.name)
    return Claim(document.KIND, document.name)


_KINDS = {str(kind): kind for kind in Kind}


def _plain_kind(root: Branch) -> Kind | None:
    named = root.value.get("kind")
    return _KINDS.get(named) if isinstance(named, str) else None


def _explained(reader: Reader, kind: Kind | None, words: Words) -> tuple[Problem, ...]:
    from reconciler.manifests.diagnose import diagnose, wrong_kind  # heavy; failed files only

    if kind is None:
        return (*reader.problems, wrong_kind(reader, words))
    return diagnose(reader, kind, words)


def _admit_times(branch: Branch, root: Schema, node: Schema) -> None:
    """Give an unquoted time its text where the schema expects a time, and nowhere else (rule 6)."""
    for key, text in branch.odd.items():
        if child(root, node, key).get("format") in TIMES:
            branch.value[key] = text
    for key in branch.marks:
        if (below := branch.below(key)) is not None:
            _admit_times(below, root, child(root, node, key))


def _tree_claims(root: Branch, kind: Kind | None) -> tuple[Claim, ...]:
    if kind is None:
        return ()
    part, field = ("spec", "environment") if kind is Kind.PINS else ("metadata", "name")
    branch = root.below(part)
    name: Any = branch.value.get(field) if branch and isinstance(branch.value, dict) else None
    return (Claim(kind, clean(name, 63)),) if isinstance(name, str) and name else ()


_QUOTE = rb"[\"']?"
_FIELD = rb"(?:^|[{,\s])" + _QUOTE + rb"%s" + _QUOTE + rb"[ \t]*:\s*" + _QUOTE
_KIND_LINE = re.compile(_FIELD % rb"kind" + rb"([A-Za-z]{1,30})", re.MULTILINE)
_NAME = rb"([a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?)"
_NAME_LINE = re.compile(
    rb"(?:^|[{,\s])" + _QUOTE + rb"metadata" + _QUOTE + rb"[ \t]*:\s*(?:\{\s*)?"
    rb"" + _QUOTE + rb"name" + _QUOTE + rb"[ \t]*:[ \t]*" + _QUOTE + _NAME,
    re.MULTILINE,
)
_ENVIRONMENT_LINE = re.compile(_FIELD % rb"environment" + _NAME, re.MULTILINE)
_MAX_CLAIMS = 100


def scan_claims(data: bytes) -> tuple[Claim, ...]:
    """Look for the kind and name in the lines of a file that cannot be read as YAML.

    Looks at no more than 1 MiB. A file with several documents makes several claims.
    """
    claims: dict[Claim, None] = {}
    for part in re.split(rb"^---", data[: 1024 * 1024], flags=re.MULTILINE):
        for kind in _kinds_in(part):
            line = _ENVIRONMENT_LINE if kind is Kind.PINS else _NAME_LINE
            for name in line.finditer(part):
                claims[Claim(kind, name[1].decode("ascii"), certain=False)] = None
                if len(claims) >= _MAX_CLAIMS:
                    return tuple(claims)
    return tuple(claims)


def _kinds_in(part: bytes) -> tuple[Kind, ...]:
    words = {found[1].decode("ascii") for found in _KIND_LINE.finditer(part)}
    return tuple(kind for kind in Kind if kind in words)
