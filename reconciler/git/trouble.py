"""What git said on standard error, as one clear error for people (rules 30, 51, 52)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, RemoteUnreachable

if TYPE_CHECKING:
    from reconciler.git.address import Address
    from reconciler.git.run import Answer

# Git's own words (LC_ALL=C), curl's and ssh's, found by trying; first match wins.
_AUTHENTICATION: Final = re.compile(
    r"Authentication failed|could not read (?:Username|Password)|Access denied|Permission denied"
    r"|terminal prompts disabled|unable to read askpass|HTTP 40[13]\b|returned error: 40[13]\b"
    r"|Host key verification failed",
    re.IGNORECASE,
)
_ABSENT: Final = re.compile(
    r"repository .*not found|does not appear to be a git repository|not a git repository"
    r"|returned error: 404|project you were looking for could not be found",
    re.IGNORECASE,
)
_REDIRECT: Final = re.compile(r"returned error: 30[12378]|redirect", re.IGNORECASE)
_NOT_GIT: Final = re.compile(
    r"not valid: is this a git repository|invalid server response|bad line length|"
    r"protocol error|invalid index-pack output|did not send all necessary objects",
    re.IGNORECASE,
)
_NOT_ATOMIC: Final = re.compile(r"does not support --atomic", re.IGNORECASE)
_SHALLOW: Final = re.compile(r"shallow", re.IGNORECASE)
_OWNER: Final = re.compile(r"dubious ownership", re.IGNORECASE)
_DISK: Final = re.compile(
    r"No space left|Read-only file system|insufficient permission|unable to create|cannot mkdir",
    re.IGNORECASE,
)
_USERINFO: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"]*@")
_NOISE: Final = re.compile(r"(?:hint|warning|info):|Please make sure|and the repository exists")


def git_words(answer: Answer) -> str:
    """Return the lines of standard error that say something, as one safe line."""
    lines = (_USERINFO.sub(r"\1", line).strip() for line in answer.err.splitlines())
    telling = [line for line in lines if line and not _NOISE.match(line)]
    shown = telling[-4:]  # the last ones name the cause, what comes before is progress
    return clean("; ".join(shown), 300) or f"exit status {answer.status}"


def remote_trouble(doing: str, address: Address, answer: Answer) -> GitTrouble:
    """Return the error for a remote that did not do what was asked.

    `doing` starts the sentence: "the manifests could not be fetched".
    """
    words = git_words(answer)
    where = f"{doing} from {address}" if doing.endswith("fetched") else f"{doing} at {address}"
    if _AUTHENTICATION.search(answer.err):
        return GitTrouble(
            f"{where}: the remote refused our credential, or wants one ({words})",
            hint="give a token by RECONCILER_GIT__TOKEN, or an ssh key and known host to ssh",
        )
    if _REDIRECT.search(answer.err):
        return GitTrouble(
            f"{where}: the remote answered with a redirect, which is not followed ({words})",
            hint="set the repository's final address, often the same with .git at its end",
        )
    if _OWNER.search(answer.err):
        return GitTrouble(
            f"{where}: the repository belongs to another user of this machine ({words})",
            hint="run as its owner, or give the address of its remote instead of the path",
        )
    if _ABSENT.search(answer.err):
        return GitTrouble(
            f"{where}: there is no such repository, or we may not see it ({words})",
            hint="check the address, and that the credential may read the repository",
        )
    if _NOT_ATOMIC.search(answer.err):
        return GitTrouble(
            f"{where}: this server cannot write several refs at once, which leases need ({words})",
            hint="set audit.remote to a repository on a server that supports atomic pushes",
        )
    if _SHALLOW.search(answer.err):
        return GitTrouble(
            f"{where}: it is a shallow clone, and history is needed ({words})",
            hint="run 'git fetch --unshallow' there (in CI: a checkout with the whole history)",
        )
    if _NOT_GIT.search(answer.err):
        return RemoteUnreachable(
            f"{where}: what answered does not speak git as it should ({words})",
            hint="check the address and what stands between; it is tried again at the next pass",
        )
    if _DISK.search(answer.err):
        return local_trouble(doing, answer)
    return RemoteUnreachable(
        f"{where}: the remote did not answer as it should ({words})",
        hint="check network and address; it is tried again at the next pass",
    )


def local_trouble(doing: str, answer: Answer) -> GitTrouble:
    """Return the error for our own mirror that did not do what was asked."""
    return GitTrouble(
        f"{doing}: {git_words(answer)}",
        hint="check space and rights of the state directory; a damaged mirror in it may be"
        " removed, the next fetch makes it anew",
    )
