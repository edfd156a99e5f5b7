"""The manifests of a commit, read once: parsed files are kept by path and blob id."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from itertools import zip_longest
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from reconciler.core.manifest import Place, Problem
from reconciler.manifests.parse import ParsedFile, parse_file, shown_path
from reconciler.manifests.resolve import Resolver
from reconciler.manifests.sorting import puzzling
from reconciler.manifests.source import MAX_BYTES, has_fast_parser, too_large
from reconciler.manifests.wording import Words, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.core.manifest import ManifestSet, SourceFile
    from reconciler.manifests.parse import Claim

    Read = Callable[[Collection[str]], Mapping[str, bytes]]

_PLAIN_MODES = frozenset({"100644", "100755"})
_BATCH_BYTES = 32 * 1024 * 1024  # read and parsed at once: memory stays bounded (rule 47)
_MAX_TOTAL_BYTES = 64 * 1024 * 1024  # of all manifests: a million pins
_MAX_EXPLAINED_BYTES = 16 * 1024 * 1024  # of broken files whose every problem is worded, per load
_SPARE_FILES = 2_000  # kept beyond twice a commit's own, for commands that look at other commits
_OURS = re.compile(rb"""apiVersion["']?[ \t]*:[ \t]*["']?reconciler/""")


class ManifestLoader:
    """Reads manifests (the door `ports.ManifestReader`). Safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parsed: dict[tuple[str, str], ParsedFile] = {}
        self._resolver = Resolver()

    @property
    def is_fast(self) -> bool:
        """True where the C parser of YAML is present; else say so once: it is 17 times slower."""
        return has_fast_parser()

    def load(
        self,
        files: Sequence[SourceFile],
        read: Read,
        earlier: Callable[[Collection[str]], Sequence[SourceFile]] = lambda _: (),
    ) -> ManifestSet:
        """Load all manifests of a commit; only blobs never seen before are read.

        A manifest is every `*.yaml` that no dot-file or dot-folder hides. Raises only what `read`
        raises.
        """
        with self._lock:
            words = Words()
            wanted = sorted((file for file in files if is_manifest(file.path)), key=_by_path)
            parsed = self._parse_all(wanted, read, words)
            puzzles = puzzling(parsed)
            before = earlier(puzzles) if puzzles else ()
            known: dict[str, tuple[Claim, ...]] = {}
            for layer in _layers(before):
                for file in self._parse_all(layer, read, words):
                    known[file.path] = (*known.get(file.path, ()), *file.claims)
            self._forget({(file.path, file.blob) for file in (*wanted, *before)})
            return self._resolver.resolve(parsed, known)

    def _parse_all(
        self, files: Sequence[SourceFile], read: Read, words: Words
    ) -> tuple[ParsedFile, ...]:
        found: dict[str, ParsedFile] = {}
        unseen: list[SourceFile] = []
        total = 0
        for file in files:
            total += file.size
            kept = self._parsed.get((file.path, file.blob))
            if kept is not None and file.mode in _PLAIN_MODES:
                found[file.path] = kept
            elif refusal := _refusal(file, total):
                found[file.path] = _refused(file.path, refusal)
                total -= file.size
            else:
                unseen.append(file)
        left = _MAX_EXPLAINED_BYTES
        for batch in _batches(unseen):
            contents = read({file.blob for file in batch})
            for file in batch:
                data = contents[file.blob]
                result = _parse(file.path, data, words, explain=left > 0)
                found[file.path] = result
                if left > 0 or not result.problems:
                    self._parsed[file.path, file.blob] = result
                if result.problems:
                    left -= len(data)
        return tuple(found[path] for path in sorted(found) if found[path] is not _NOT_OURS)

    def _forget(self, in_use: Collection[tuple[str, str]]) -> None:
        if len(self._parsed) > 2 * len(in_use) + _SPARE_FILES:
            self._parsed = {key: self._parsed[key] for key in in_use if key in self._parsed}


def is_manifest(path: str) -> bool:
    """Tell whether a path is looked at: YAML by its suffix, hidden by no dot-file or dot-folder.

    A file with another spelling of the suffix (`.yml`) is looked at only to say how to rename it.
    """
    if path.startswith(".") or "/." in path:
        return False
    return path.lower().endswith((".yaml", ".yml"))


_NOT_OURS = ParsedFile("", None)


def _parse(path: str, data: bytes, words: Words, *, explain: bool) -> ParsedFile:
    if path.endswith(".yaml"):
        return parse_file(path, data, words, explain=explain)
    if _OURS.search(data) is None:
        return _NOT_OURS
    parsed = parse_file(path, data, words, explain=False)
    rename = shown(PurePosixPath(path).with_suffix(".yaml").name)
    refusal = _refused(path, f"only *.yaml is read; rename it to {rename}")
    return replace(refusal, claims=parsed.claims)


def _refusal(file: SourceFile, total: int) -> str | None:
    """Say why a file is not even read; None: it is."""
    if file.mode not in _PLAIN_MODES:
        what = {"120000": "a symbolic link", "160000": "a submodule"}.get(
            file.mode, f"a special file (mode {shown(file.mode, 12)})"
        )
        return f"{what} where a manifest is expected; put a plain file here"
    if file.size > MAX_BYTES:
        return too_large(file.size)
    if total > _MAX_TOTAL_BYTES:
        return f"all manifests together are larger than {_MAX_TOTAL_BYTES} bytes; not read"
    return None


def _refused(path: str, message: str) -> ParsedFile:
    return ParsedFile(path, None, (Problem(Place(shown_path(path), 1, 1), message),))


def _layers(files: Sequence[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield the files in lists that name each path once, sorted by path."""
    found: dict[str, list[SourceFile]] = {}
    for file in files:
        found.setdefault(file.path, []).append(file)
    for paths in zip_longest(*(found[path] for path in sorted(found))):
        yield [file for file in paths if file is not None]


def _batches(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    batch: list[SourceFile] = []
    size = 0
    for file in files:
        if batch and size + file.size > _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file.size
    if batch:
        yield batch


def _by_path(file: SourceFile) -> str:
    return file.path
