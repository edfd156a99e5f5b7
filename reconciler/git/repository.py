"""The manifest repository, read at a commit from the bare mirror: every object by its hash."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from reconciler.core.approval import Committed
from reconciler.core.text import clean
from reconciler.errors import GitTrouble, UsageError
from reconciler.git import blame, objects, upkeep
from reconciler.git.names import (
    ASKED,
    WATCHED,
    checked_branch,
    checked_root,
    is_branch,
    is_hash,
    own_ref,
)
from reconciler.git.run import Call, run_git
from reconciler.git.trouble import remote_trouble

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from reconciler.core.authorship import Authorship, Step
    from reconciler.core.manifest import SourceFile
    from reconciler.git.mirror import Mirror
    from reconciler.git.run import Answer

_BASE = re.compile(r"[^~^:@]+")
_LONGEST_WORDS = 250
_LONGEST_LIST = 5
_LISTINGS = 4  # commits whose files are remembered: the tip, accepted ones, the last whole one
_MOST_COMMITS = 10_000  # whose authors are asked for at once (rule 47)
_DESCENTS = 1000  # pairs of commits that are known to descend from each other


class GitRepository:
    """Commits of a remote, through its mirror: implements the door `Repository`.

    `branch` None: whatever the remote's HEAD points to. `root` is the folder of the manifests.
    """

    def __init__(self, mirror: Mirror, branch: str | None, root: str = "") -> None:
        """Check the names. Raises: UsageError."""
        self._mirror = mirror
        self._branch = branch
        self._root = checked_root(root)
        self._remote_ref = "HEAD" if branch is None else f"refs/heads/{checked_branch(branch)}"
        self._own_ref = own_ref(WATCHED, branch or "HEAD")
        self._sizes: dict[str, int] = {}
        # what a commit holds, and what it descends from, never changes
        self._list = functools.lru_cache(_LISTINGS)(functools.partial(objects.list_files, mirror))
        self._descends: set[tuple[str, str]] = set()

    @property
    def root(self) -> str:
        """The folder of the manifests, without outer slashes; empty: the whole tree."""
        return self._root

    def fetch(self) -> str:
        """Bring the mirror up to date and return the tip of the watched branch (full hash).

        Raises: RemoteUnreachable, GitTrouble (no such branch, empty remote).
        """
        answer = self._mirror.fetch(self._remote_ref, self._own_ref)
        if answer.status != 0:
            raise self._explained(answer)
        tip = self._mirror.value(self._own_ref)
        if tip is None:
            raise self._no_branch()
        return tip

    def known(self) -> str | None:
        """Return the tip as the last fetch found it, None where there was none. Asks nobody."""
        return self._mirror.value(self._own_ref)

    def tip(self) -> str:
        """Ask the remote for the tip of the watched branch now, without fetching objects."""
        tip = self._mirror.remote_refs(self._remote_ref).get(self._remote_ref)
        if tip is None:
            raise self._no_branch()
        return tip

    def resolve(self, revision: str) -> str:
        """Return the full hash of the commit a person's words name.

        The words mean what they mean in the repository of a local path, and what its branches
        are called at a remote. Fetches what the mirror lacks.

        Raises:
            UsageError: they name no commit. GitTrouble: the remote could not be asked.
        """
        usable = revision.isprintable() and len(revision) <= _LONGEST_WORDS
        if not revision or not usable or revision.startswith("-"):
            raise self._unknown(revision)
        path = self._mirror.address.path
        found = self._at_remote(revision) if path is None else self._at_path(revision, path)
        if found is None:
            raise self._unknown(revision)
        return found

    def contains(self, commit: str) -> bool:
        """Tell whether the mirror holds this commit (full hash)."""
        return self._mirror.contains(commit)

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Tell whether `newer` descends from (or is) `older`; False if either is missing.

        False for the last accepted commit and the tip means a rewritten branch (rule 27).
        """
        if not (is_hash(older) and is_hash(newer)):
            return False
        if (older, newer) in self._descends:
            return True
        arguments = ("merge-base", "--is-ancestor", older, newer)
        descends = self._mirror.local(*arguments, ok=(0, 1, 128)).status == 0
        if descends:
            if len(self._descends) >= _DESCENTS:
                self._descends.clear()
            self._descends.add((older, newer))
        return descends

    def people(self, since: str, tip: str) -> tuple[Committed, ...] | None:
        """Return who wrote and who committed what `tip` has that `since` has not.

        None where that cannot be told: a commit is missing, or they are too many.
        """
        if not (is_hash(since) and is_hash(tip)):
            return None
        span = f"{since}..{tip}"
        most = f"--max-count={_MOST_COMMITS + 1}"
        arguments = ("log", "--no-mailmap", most, "--format=%ae%x00%ce", "--end-of-options", span)
        answer = self._mirror.local(*arguments, ok=(0, 128))
        lines = answer.text().splitlines()
        if answer.status != 0 or len(lines) > _MOST_COMMITS:
            return None
        pairs = (line.partition("\0") for line in lines)
        return tuple({Committed(author, committer) for author, _, committer in pairs})

    def files(self, commit: str) -> tuple[SourceFile, ...]:
        """List every file under the manifest root at `commit`, sorted by path, all modes."""
        if not is_hash(commit):
            raise self._unknown(commit)
        found = self._list(commit, self._root)
        self._sizes = {file.blob: file.size for file in found}
        return found

    def versions(self, commits: Collection[str], paths: Collection[str]) -> tuple[SourceFile, ...]:
        """List what stood at these paths in these commits, each blob once, as plain files."""
        known = [commit for commit in commits if is_hash(commit)]
        return objects.versions(self._mirror, known, paths)

    def read(self, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of blobs by their ids, in one batch.

        Raises: GitTrouble (missing, or larger than 1 MiB: rule 7 refuses those unread).
        """
        return objects.read_blobs(self._mirror, blobs, objects.LARGEST_MANIFEST, self._sizes)

    def blame(self, commit: str, path: str, line: int) -> Authorship | None:
        """Tell which commit wrote a line of a file; None where git cannot tell in time."""
        return blame.blame(self._mirror, commit, path, line)

    def walk(self, tip: str, most: int) -> tuple[Step, ...]:
        """Return the history of the manifest root, newest first. Raises: GitTrouble."""
        return blame.walk(self._mirror, tip, self._root, most)

    def standing(
        self, commits: Collection[str], paths: Collection[str]
    ) -> Mapping[str, tuple[SourceFile, ...]]:
        """Return what stood at these paths in each of these commits. Raises: GitTrouble."""
        return blame.standing(self._mirror, commits, paths)

    def peek(self, blobs: Collection[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the bytes of those blobs that may be manifests; others are left out."""
        return blame.peek(self._mirror, blobs)

    def pack(self, now: datetime, halted: Callable[[], bool]) -> bool:
        """Pack the mirror if nobody has for a day and it is worth it. Raises: GitTrouble."""
        return upkeep.pack(self._mirror, now, halted)

    def _at_path(self, revision: str, path: Path) -> str | None:
        """Look the words up in the repository they were said about, then fetch that commit."""
        call = Call(where=path, timeout=20)
        if not path.is_dir():
            return None
        words = f"{revision}^{{commit}}"
        answer = run_git(call, "rev-parse", "--verify", "--quiet", "--end-of-options", words)
        commit = answer.text()
        if answer.status != 0 or not is_hash(commit):
            return None
        fetched = self._mirror.fetch(commit, own_ref(ASKED, "path"))
        if fetched.status != 0:
            raise self._explained(fetched)
        return commit

    def _at_remote(self, revision: str) -> str | None:
        if is_hash(revision):
            if self.contains(revision) or self._fetch_asked(revision):
                return revision
            return None
        base = _BASE.match(revision)
        name = base[0] if base else ""
        rest = revision[len(name) :]
        if name in {"", "HEAD"} or name == self._branch:
            self.fetch()
            return self._in_mirror(self._own_ref + rest.removeprefix("@"))
        if is_branch(name):
            for ref in (f"refs/heads/{name}", f"refs/tags/{name}"):
                if self._mirror.remote_refs(ref) and self._fetch_asked(ref):
                    return self._in_mirror(own_ref(ASKED, ref) + rest)
        self.fetch()
        return self._in_mirror(revision)

    def _fetch_asked(self, source: str) -> bool:
        """Fetch a ref, or a commit by its hash, that a person asked for."""
        return self._mirror.fetch(source, own_ref(ASKED, source)).status == 0

    def _in_mirror(self, words: str) -> str | None:
        return self._mirror.value(f"{words}^{{commit}}")

    def _unknown(self, revision: str) -> UsageError:
        return UsageError(
            f"'{clean(revision, 80)}' names no commit of {self._mirror.address}",
            hint="give a full hash, a branch or a tag; 'git log --oneline' lists the commits",
        )

    def _explained(self, answer: Answer) -> GitTrouble:
        if "couldn't find remote ref" in answer.err:
            return self._no_branch()
        return remote_trouble("the manifests could not be fetched", self._mirror.address, answer)

    def _no_branch(self) -> GitTrouble:
        names = [ref.removeprefix("refs/heads/") for ref in self._mirror.remote_refs()]
        where = self._mirror.address
        if not names:
            return GitTrouble(
                f"{where} has no commit yet; nothing was applied",
                hint="push the manifests to it first",
            )
        some = clean(", ".join(names[:_LONGEST_LIST]), 120) + ", ..." * (len(names) > _LONGEST_LIST)
        if self._branch is None:
            return GitTrouble(
                f"the HEAD of {where} points to no branch that exists; nothing was applied",
                hint=f"name the branch to watch by RECONCILER_BRANCH; there are: {some}",
            )
        return GitTrouble(
            f"{where} has no branch '{clean(self._branch, 80)}'; nothing was applied",
            hint=f"check the setting branch; there are: {some}",
        )
