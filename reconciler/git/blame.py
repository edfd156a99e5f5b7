"""Who wrote a line, and who changed which files: read from the mirror's objects alone (rule 22).

No attribute, text conversion, mailmap or signature program of the repository has a say. Both
questions are bounded in time and size: a hostile history costs a late answer, or none.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from reconciler.core.authorship import Authorship, FileChange, Step
from reconciler.core.manifest import SourceFile
from reconciler.git.names import is_hash
from reconciler.git.objects import LARGEST_MANIFEST, read_blobs
from reconciler.git.run import MIB, GitTimeout

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reconciler.git.mirror import Mirror

PATIENCE: Final = timedelta(seconds=20)  # for one question; a thousand commits take well under one
_BATCH: Final = 8 * MIB  # of blobs in memory at once
_PLAIN: Final = "100644"
_PLAIN_MODES = frozenset({"100644", "100755"})
_FORMAT: Final = "--format=%x01%H%n%P%n%an%n%ae%n%at%n%s"


def blame(mirror: Mirror, commit: str, path: str, line: int) -> Authorship | None:
    """Tell which commit wrote a line (from 1) of a file as it stands at `commit`.

    None: there is no such line, or git could not tell in time. Raises: GitTrouble.
    """
    if not is_hash(commit) or line < 1:
        return None
    arguments = ("blame", "--no-textconv", "--porcelain", "--encoding=UTF-8", f"-L{line},{line}")
    try:
        answer = mirror.local(*arguments, commit, "--", path, ok=(0, 128), timeout=PATIENCE)
    except GitTimeout:
        return None
    head, *facts = answer.out.decode("utf-8", "replace").split("\n")
    found = head.split(" ")[0]
    if answer.status != 0 or not is_hash(found):
        return None
    known: dict[str, str] = {}
    for fact in facts:
        if fact.startswith("\t"):  # the line itself
            break
        key, _, value = fact.partition(" ")
        known.setdefault(key, value)
    return Authorship(
        commit=found,
        author=known.get("author", ""),
        email=known.get("author-mail", "").removeprefix("<").removesuffix(">"),
        at=_time(known.get("author-time", "")),
        subject=known.get("summary", ""),
    )


def changed_at(mirror: Mirror, tip: str, path: str) -> datetime | None:
    """Tell when the newest commit that changed a path was made, None where none did.

    Raises: GitTrouble.
    """
    arguments = ("log", "-1", "--format=%ct", "--no-show-signature", tip, "--", path)
    return _time(mirror.local(*arguments, timeout=PATIENCE).text())


def changes(mirror: Mirror, tip: str, path: str, most: int) -> tuple[str, ...]:
    """Return the newest commits that changed a path, newest first. Raises: GitTrouble."""
    arguments = ("log", f"--max-count={most}", "--format=%H", "--no-show-signature", tip, "--")
    return tuple(mirror.local(*arguments, path, timeout=PATIENCE).text().split())


def walk(mirror: Mirror, tip: str, root: str, most: int) -> tuple[Step, ...]:
    """Return the history of a folder (empty: of all), newest first, children before parents.

    At most `most` commits. Raises: GitTrouble (it takes too long, or says too much).
    """
    if not is_hash(tip):
        return ()
    arguments = (
        *("log", "--topo-order", "--full-history", f"--max-count={most}", "--encoding=UTF-8"),
        *("--no-mailmap", "--no-show-signature", "--no-ext-diff", "--no-textconv"),
        *("--diff-merges=first-parent", "--raw", "-z", "--no-abbrev", "--no-renames"),
        *(_FORMAT, tip, "--"),
    )
    where = (f"{root}/",) if root else ()
    answer = mirror.local(*arguments, *where, timeout=PATIENCE)
    return tuple(_steps(answer.out.decode("utf-8", "surrogateescape").split("\0")))


def standing(
    mirror: Mirror, commits: Collection[str], paths: Collection[str]
) -> dict[str, tuple[SourceFile, ...]]:
    """Return what stood at these paths in each of these commits, in one question.

    Modes are not asked: everything that has bytes counts as a plain file. Raises: GitTrouble.
    """
    known = [commit for commit in commits if is_hash(commit)]
    sane = [path for path in paths if "\n" not in path]
    asked = [(commit, path) for commit in known for path in sane]
    found: dict[str, list[SourceFile]] = {commit: [] for commit in known}
    if asked:
        question = "".join(f"{commit}:{path}\n" for commit, path in asked)
        answer = mirror.local(
            *("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)", "--buffer"),
            stdin=question.encode("utf-8", "surrogateescape"),
            timeout=PATIENCE,
        )
        for (commit, path), line in zip(asked, answer.out.split(b"\n")[:-1], strict=True):
            facts = line.split(b" ")
            if len(facts) == 3 and facts[0] == b"blob":
                blob = facts[1].decode("ascii")
                found[commit].append(SourceFile(path, blob, _PLAIN, int(facts[2])))
    return {commit: tuple(files) for commit, files in found.items()}


def peek(mirror: Mirror, blobs: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the bytes of those blobs that may be manifests; larger and missing ones are left out.

    Some megabytes of them are in memory at once. Raises: GitTrouble.
    """
    names = sorted(blob for blob in set(blobs) if is_hash(blob))
    if not names:
        return
    question = "".join(f"{name}\n" for name in names).encode("ascii")
    arguments = ("cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer")
    answer = mirror.local(*arguments, stdin=question, timeout=PATIENCE).out.split(b"\n")[:-1]
    sizes: dict[str, int] = {}
    for name, line in zip(names, answer, strict=True):
        kind, _, size = line.partition(b" ")
        if kind == b"blob" and int(size) <= LARGEST_MANIFEST:
            sizes[name] = int(size)
    batch: dict[str, int] = {}
    held = 0
    for name, length in sizes.items():
        batch[name] = length
        held += length
        if held >= _BATCH:
            yield from read_blobs(mirror, batch, LARGEST_MANIFEST, batch).items()
            batch, held = {}, 0
    yield from read_blobs(mirror, batch, LARGEST_MANIFEST, batch).items()


def _steps(parts: list[str]) -> Iterator[Step]:
    """Read `git log -z --raw`: a head, and a meta word and a path for each file that changed."""
    head: list[str] = []
    files: list[FileChange] = []
    words = iter(parts)
    for word in words:
        if word.startswith("\x01"):
            if head:
                yield _step(head, files)
            head, files = word[1:].split("\n", 5), []
        elif (meta := word.lstrip("\n")).startswith(":"):
            old_mode, new_mode, before, after, _ = meta[1:].split(" ")
            path = next(words)
            gone = before if old_mode in _PLAIN_MODES else None
            came = after if new_mode in _PLAIN_MODES else None
            files.append(FileChange(path, gone, came))
    if head:
        yield _step(head, files)


def _step(head: list[str], files: list[FileChange]) -> Step:
    commit, parents, author, email, seconds, subject = (*head, *[""] * (6 - len(head)))
    written = Authorship(
        commit=commit,
        author=_readable(author),
        email=_readable(email),
        at=_time(seconds),
        subject=_readable(subject),
    )
    return Step(written, tuple(parents.split()), tuple(files))


def _readable(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _time(seconds: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
