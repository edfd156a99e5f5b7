"""Listing and reading objects by hash, many at once, without a work tree (rule 22)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.core.manifest import SourceFile
from reconciler.core.text import clean
from reconciler.errors import GitTrouble
from reconciler.git.names import is_hash
from reconciler.git.run import MIB

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.git.mirror import Mirror

LARGEST_MANIFEST: Final = MIB  # rule 7: a larger file is an error of its reader, by its size alone
LARGEST_RECORD: Final = 64 * MIB
_PLAIN: Final = "100644"
_BATCH_OVERHEAD: Final = 200  # bytes of a header line of `cat-file --batch`


def list_files(mirror: Mirror, commit: str, folder: str) -> tuple[SourceFile, ...]:
    """List every file below `folder` (empty: all) at a commit, all modes, sorted by path.

    A path that is not UTF-8 keeps its bytes as surrogates, so that its reader can report it.
    Submodules have size 0.
    """
    where = ("--", f"{folder}/") if folder else ()
    answer = mirror.local("ls-tree", "-r", "-z", "-l", "--full-tree", commit, *where)
    return tuple(sorted(_entries(answer.out), key=lambda file: file.path))


def _entries(listing: bytes) -> Iterator[SourceFile]:
    for entry in listing.split(b"\0"):
        if entry:
            facts, _, path = entry.partition(b"\t")
            mode, _, blob, size = facts.decode("ascii").split()
            yield SourceFile(
                path=path.decode("utf-8", "surrogateescape"),
                blob=blob,
                mode=mode,
                size=0 if size == "-" else int(size),
            )


def read_blobs(
    mirror: Mirror, blobs: Collection[str], largest: int, known: Mapping[str, int]
) -> dict[str, bytes]:
    """Read blobs by hash. `known` are sizes from a listing; others are asked for first.

    Raises:
        GitTrouble: one is missing, no blob, or larger than `largest` bytes; none is returned.
    """
    names = sorted(set(blobs))
    for name in names:
        if not is_hash(name):
            raise GitTrouble(
                f"'{clean(name, 80)}' is no object name", hint="this is a fault of Reconciler"
            )
    unknown = [name for name in names if name not in known]
    sizes = {**known, **sizes_of(mirror, unknown)}
    for name in names:
        if sizes[name] > largest:
            raise GitTrouble(
                f"object {name} has {sizes[name]} bytes, more than {largest} are never read",
                hint="take the large file out of the repository's folder of manifests",
            )
    found = read_named(mirror, names, sum(sizes[name] for name in names))
    missing = [name for name, content in found.items() if content is None]
    if missing:
        raise _not_there(missing[0])
    return {name: content for name, content in found.items() if content is not None}


def sizes_of(mirror: Mirror, names: Collection[str]) -> dict[str, int]:
    """Return the sizes of objects without reading them. Raises: GitTrouble (missing)."""
    if not names:
        return {}
    question = "".join(f"{name}\n" for name in names).encode()
    answer = mirror.local("cat-file", "--batch-check=%(objectsize)", "--buffer", stdin=question)
    sizes = {}
    for name, line in zip(names, answer.out.splitlines(), strict=True):
        if not line.isdigit():
            raise _not_there(name)
        sizes[name] = int(line)
    return sizes


def identities(
    mirror: Mirror, commit: str, paths: Sequence[str]
) -> dict[str, tuple[str, str] | None]:
    """Return (type, hash) of what is at each path of a commit, without reading it; None: nothing.

    Paths must hold neither spaces nor line ends.
    """
    question = "".join(f"{commit}:{path}\n" for path in paths).encode("ascii")
    arguments = ("cat-file", "--batch-check=%(objecttype) %(objectname)", "--buffer")
    lines = mirror.local(*arguments, stdin=question).out.decode("ascii").splitlines()
    found: dict[str, tuple[str, str] | None] = {}
    for path, line in zip(paths, lines, strict=True):
        kind, _, name = line.partition(" ")
        found[path] = (kind, name) if is_hash(name) else None
    return found


def versions(
    mirror: Mirror, commits: Collection[str], paths: Collection[str]
) -> tuple[SourceFile, ...]:
    """Return what stood at paths in commits, each blob once, in one question; modes are not asked.

    A commit that is not in the mirror has nothing, and a path with a line end is nowhere.
    """
    asked = [path for path in paths if "\n" not in path for _ in commits]
    names = [f"{commit}:{path}\n" for path in paths if "\n" not in path for commit in commits]
    if not names:
        return ()
    question = "".join(names).encode("utf-8", "surrogateescape")
    arguments = ("cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize)", "--buffer")
    lines = mirror.local(*arguments, stdin=question).out.split(b"\n")[:-1]
    found: dict[tuple[str, str], SourceFile] = {}
    for path, line in zip(asked, lines, strict=True):
        facts = line.split(b" ")
        if len(facts) == 3 and facts[0] == b"blob":
            blob = facts[1].decode("ascii")
            found[path, blob] = SourceFile(path, blob, _PLAIN, int(facts[2]))
    return tuple(found.values())


def read_named(mirror: Mirror, names: Collection[str], size: int) -> dict[str, bytes | None]:
    """Read blobs by any name git knows (`<hash>`, `<hash>:<path>`); None: there is none.

    `size` bounds the sum of their sizes in bytes. Names must hold no line end.

    Raises:
        GitTrouble: one is a folder or a commit, or together they are larger than `size`.
    """
    if not names:
        return {}
    question = "".join(f"{name}\n" for name in names).encode("utf-8", "surrogateescape")
    limit = size + _BATCH_OVERHEAD * len(names) + len(question)
    answer = mirror.local("cat-file", "--batch", "--buffer", stdin=question, limit=limit).out
    found: dict[str, bytes | None] = {}
    position = 0
    for name in names:
        end = answer.index(b"\n", position)
        facts = answer[position:end].rsplit(b" ", 2)
        position = end + 1
        if facts[-1] == b"missing":
            found[name] = None
            continue
        if facts[1] != b"blob":
            raise GitTrouble(
                f"{clean(name, 120)} is no file but a {clean(facts[1].decode())}",
                hint="find out who changed it: git log -- the path",
            )
        length = int(facts[2])
        found[name] = answer[position : position + length]
        position += length + 1
    return found


def _not_there(name: str) -> GitTrouble:
    return GitTrouble(
        f"object {clean(name, 80)} is not in the mirror",
        hint="the mirror may be damaged: remove it from the state directory, it is made anew",
    )
