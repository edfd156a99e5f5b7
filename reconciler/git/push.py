"""One push of some refs, all or none, each with the value it must replace (rules 19, 24)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, RemoteUnreachable
from reconciler.git.trouble import git_words, remote_trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.git.mirror import Mirror
    from reconciler.git.run import Answer

_LINE = re.compile(r"!\t[^\t]*:(\S+)\t(.*)")
_MOVED = re.compile(r"\((?:fetch first|non-fast-forward|needs force|stale info|already exists)\)")
# What receive-pack says when a ref changed between its own look and its own write.
_NOBODY: Final = "reconciler <reconciler@localhost> 0 +0000"
_RACED = re.compile(r"lock|failed to update|transaction|incorrect old value|reference already")


class Refused(GitTrouble):
    """The remote understood the push and said no, perhaps because of one of its refs alone."""


class Verdict(StrEnum):
    """What became of a push."""

    DONE = "done"
    MOVED = "moved"  # nothing was written: at least one ref is not where we thought


@dataclass(frozen=True, slots=True)
class RefUpdate:
    """One ref to write. `expected` is the value it must still have (empty: must not exist).

    None: an ordinary fast-forward, never forced.
    """

    ref: str
    value: str
    expected: str | None = None


AUDIT_RIGHTS: Final = (
    "let our account write the audit branch and refs/reconciler/lease/*, also past hooks and branch"
    " protection"
)


def push(mirror: Mirror, updates: Sequence[RefUpdate], rights: str = AUDIT_RIGHTS) -> Verdict:
    """Push all updates atomically; after a broken connection, look whether they arrived.

    `rights` is the hint for a remote that refuses.

    Raises:
        RemoteUnreachable: no answer, and the remote does not show the updates.
        Refused: the remote says no (a hook, a right, a protected branch); nothing was written.
        GitTrouble: the push failed otherwise; nothing was written.
    """
    expectations = [
        f"--force-with-lease={update.ref}:{update.expected}"
        for update in updates
        if update.expected is not None
    ]
    try:
        answer = mirror.remote(
            "push",
            "--atomic",
            "--porcelain",
            "--no-verify",
            "--no-signed",
            "--recurse-submodules=no",
            *expectations,
            "--end-of-options",
            mirror.address.url,
            *(f"{update.value}:{update.ref}" for update in updates),
        )
    except RemoteUnreachable:
        if _arrived(mirror, updates):
            return Verdict.DONE
        raise
    if answer.status == 0:
        return Verdict.DONE
    return _verdict(mirror, updates, answer, rights)


def rehearse(mirror: Mirror, ref: str, value: str | None) -> None:
    """Push to a ref as a dry run; `value` None: as if the ref were made.

    Raises: RemoteUnreachable, GitTrouble.
    """
    if value is None:  # any commit will do, and an empty one is no trouble to make
        tree = mirror.local("hash-object", "-t", "tree", "-w", "--stdin").text()
        text = f"tree {tree}\nauthor {_NOBODY}\ncommitter {_NOBODY}\n\nrehearsal\n"
        arguments = ("hash-object", "-t", "commit", "-w", "--stdin")
        value = mirror.local(*arguments, stdin=text.encode()).text()
    how = ("--dry-run", "--porcelain", "--no-verify", "--no-signed", "--recurse-submodules=no")
    where = ("--end-of-options", mirror.address.url, f"{value}:{ref}")
    answer = mirror.remote("push", *how, *where)
    if answer.status != 0:
        raise remote_trouble("a push would fail", mirror.address, answer)


def _verdict(mirror: Mirror, updates: Sequence[RefUpdate], answer: Answer, rights: str) -> Verdict:
    lines = answer.out.decode("utf-8", "replace").splitlines()
    reasons = [found[2] for found in map(_LINE.match, lines) if found is not None]
    if any(_MOVED.search(reason) for reason in reasons):
        return Verdict.MOVED
    refusals = [reason for reason in reasons if reason.startswith("[remote rejected]")]
    if refusals and all(_RACED.search(reason) for reason in refusals):
        return Verdict.MOVED
    if refusals:
        raise Refused(
            f"{mirror.address} refused the push: {clean(refusals[0], 120)}; nothing was written"
            f" ({git_words(answer)})",
            hint=rights,
        )
    if _arrived(mirror, updates):
        return Verdict.DONE
    raise remote_trouble("the push failed", mirror.address, answer)


def _arrived(mirror: Mirror, updates: Sequence[RefUpdate]) -> bool:
    """Look whether a push without an answer took effect; it was atomic, so all or nothing."""
    found = mirror.remote_refs(*(update.ref for update in updates))
    return all(found.get(update.ref) == update.value for update in updates)
