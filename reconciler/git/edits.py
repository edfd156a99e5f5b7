"""Edits of manifests as commits: made in the bare mirror, pushed to a branch of their own.

Rule 24: the only refs written here are a new `reconciler/<verb>/<id>`, and the watched branch
where a named person asked and the settings allow it. Nothing is ever forced.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Final

from reconciler.core.text import clean
from reconciler.errors import GitTrouble, PushRejected
from reconciler.git import objects
from reconciler.git.names import TRANSACTIONS, checked_branch, is_branch, is_hash, own_ref
from reconciler.git.push import RefUpdate, Verdict, push
from reconciler.git.sign import signed
from reconciler.git.trouble import remote_trouble

if TYPE_CHECKING:
    from reconciler.git.mirror import Mirror
    from reconciler.ports import Clock, ManifestCommit

FOLDER: Final = "reconciler"
_TRIES: Final = 5  # names of a new branch, before something else must be wrong
_PLAIN_MODES = frozenset({"100644", "100755"})
_NEW_MODE = "100644"
_VERB = re.compile(r"[a-z]{1,20}")
_ID = re.compile(r"[a-z0-9-]{1,80}")
_TRAILER_KEY = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_HEAD_LINE = re.compile(r"ref: refs/heads/(\S+)\tHEAD")
_BRANCH_RIGHTS = "let our account create branches reconciler/*, or make the edit by hand"
_WATCHED_RIGHTS = "set RECONCILER_EDITS=branch, and open a pull request from the branch it pushes"


class GitEdits:
    """Edits of the manifest repository: implements the door `ManifestBranches`."""

    def __init__(self, mirror: Mirror, branch: str | None, clock: Clock) -> None:
        """`branch` None: whatever the remote's HEAD points to. Raises: UsageError."""
        self._mirror = mirror
        self._branch = branch if branch is None else checked_branch(branch)
        self._clock = clock

    def commit(self, change: ManifestCommit) -> str:
        """Make the commit in the mirror and return its hash; no remote is asked.

        Raises: GitTrouble (its parent lacks a file, has no plain one there, or has a new one; or
            it cannot be signed).
        """
        modes = self._modes(change)
        message = _message(change)
        # Who asked is author and committer, so that approvals can tell everybody's part (rule 32).
        who = f"{change.author} {int(self._clock.now().timestamp())} +0000"
        ref = own_ref(TRANSACTIONS, f"edit-{secrets.token_hex(8)}")
        script = [
            f"commit {ref}\nmark :1\nauthor {who}\ncommitter {who}\n".encode(),
            b"data %d\n%b\n" % (len(message), message),
            f"from {change.parent}\n".encode(),
        ]
        for path, content in sorted(change.files.items()):
            head = b"M %b inline %b\n" % (modes[path].encode(), _quoted(path))
            script += [head, b"data %d\n%b\n" % (len(content), content)]
        script.append(b"\nget-mark :1\ndone\n")
        arguments = ("fast-import", "--quiet", "--done", "--date-format=raw")
        commit = self._mirror.local(*arguments, stdin=b"".join(script)).text()
        self._mirror.local("update-ref", "-d", ref)  # nothing is collected here: it stays
        commit = signed(self._mirror, commit)
        self._check(commit, change)
        return commit

    def propose(self, commit: str, verb: str, id_: str = "") -> str:
        """Push the commit as a new branch `reconciler/<verb>/<id>`; return the branch's name.

        Empty `id_`: one of its own making. A branch of a given one must not be there yet.

        Raises: RemoteUnreachable, GitTrouble (the remote refuses); nothing was written.
        """
        if not _VERB.fullmatch(verb):
            raise _our_fault(f"'{clean(verb, 40)}' cannot be part of a branch's name")
        if id_ and not _ID.fullmatch(id_):
            raise _our_fault(f"'{clean(id_, 40)}' cannot be part of a branch's name")
        for _ in range(1 if id_ else _TRIES):
            own = f"{self._clock.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
            name = f"{FOLDER}/{verb}/{id_ or own}"
            new = RefUpdate(f"refs/heads/{name}", commit, "")  # it must not exist
            if push(self._mirror, [new], _BRANCH_RIGHTS) is Verdict.DONE:
                return name
        raise GitTrouble(
            f"{self._mirror.address} takes no new branch {FOLDER}/{verb}/...; nothing was pushed",
            hint=f"see whether a branch is called '{FOLDER}' or '{FOLDER}/{verb}' and rename it",
        )

    def standing(self, verb: str) -> frozenset[str]:
        """Return the ids of the branches `reconciler/<verb>/<id>` that the remote has now.

        Raises: RemoteUnreachable, GitTrouble.
        """
        where, prefix = self._mirror.address, f"refs/heads/{FOLDER}/{verb}/"
        arguments = ("ls-remote", "--quiet", "--end-of-options", where.url, f"{prefix}*")
        answer = self._mirror.remote(*arguments)
        if answer.status != 0:
            raise remote_trouble("the branches could not be read", where, answer)
        names = (
            line.partition("\t")[2] for line in answer.out.decode("utf-8", "replace").split("\n")
        )
        return frozenset(name.removeprefix(prefix) for name in names if name.startswith(prefix))

    def advance(self, commit: str, parent: str) -> str:
        """Move the watched branch from `parent` on to its child `commit`; return its name.

        Raises: PushRejected (it is not at `parent` any more), RemoteUnreachable, GitTrouble.
        """
        if self._mirror.local("rev-parse", "--verify", f"{commit}^").text() != parent:
            raise _our_fault(f"commit {clean(commit, 64)} does not follow {clean(parent, 64)}")
        name = self.watched()
        # A child of `parent` where `parent` still is: a fast-forward, and stricter than git's own,
        # which would also bring back commits that somebody has just taken away.
        update = RefUpdate(f"refs/heads/{name}", commit, parent)
        if push(self._mirror, [update], _WATCHED_RIGHTS) is Verdict.DONE:
            return name
        raise PushRejected(
            f"{clean(name, 80)} of {self._mirror.address} moved away from {parent[:12]} in the"
            " meantime; nothing was pushed",
            hint="run it again: it is then made on the new tip",
        )

    def watched(self) -> str:
        """Return the name of the watched branch. Raises: RemoteUnreachable, GitTrouble."""
        if self._branch is not None:
            return self._branch
        where = self._mirror.address
        arguments = ("ls-remote", "--quiet", "--symref", "--end-of-options", where.url, "HEAD")
        answer = self._mirror.remote(*arguments)
        if answer.status != 0:
            raise remote_trouble("the branches could not be read", where, answer)
        lines = answer.out.decode("utf-8", "replace").splitlines()
        names = [found[1] for found in map(_HEAD_LINE.fullmatch, lines) if found is not None]
        if not names or not is_branch(names[0]):
            raise GitTrouble(
                f"the HEAD of {where} names no branch; nothing was pushed",
                hint="name the watched branch by RECONCILER_BRANCH",
            )
        return names[0]

    def _modes(self, change: ManifestCommit) -> dict[str, str]:
        if not is_hash(change.parent) or not change.files:
            raise _our_fault("an edit has no parent or no file")
        listed = objects.list_files(self._mirror, change.parent, "")
        modes = {file.path: file.mode for file in listed if file.path in change.files}
        for path in change.new & modes.keys():
            raise GitTrouble(
                f"{clean(path, 120)} is there already at {change.parent[:12]}; nothing was changed",
                hint="give what is new another name",
            )
        modes |= dict.fromkeys(change.new, _NEW_MODE)
        for path in change.files:
            if modes.get(path) not in _PLAIN_MODES:
                raise GitTrouble(
                    f"{clean(path, 120)} is no plain file at {change.parent[:12]}; nothing was"
                    " changed",
                    hint="put a plain file there; manifests are never links",
                )
        return modes

    def _check(self, commit: str, change: ManifestCommit) -> None:
        """Make sure that the commit changes the named files and nothing else (rule 24)."""
        arguments = ("diff-tree", "-r", "-z", "--no-renames", "--raw", change.parent, commit)
        parts = self._mirror.local(*arguments).out.split(b"\0")[:-1]
        heads = [head.decode("ascii").split(" ") for head in parts[::2]]
        named = [path.decode("utf-8", "surrogateescape") for path in parts[1::2]]
        kept = all(
            (head[0] == f":{head[1]}" and head[4] == "M")
            or (head[1] == _NEW_MODE and head[4] == "A" and path in change.new)
            for head, path in zip(heads, named, strict=True)
        )
        if not kept or not set(named) <= change.files.keys():
            raise _our_fault("a commit would change other files than those that were named")


def _message(change: ManifestCommit) -> bytes:
    """Return the commit message: one subject line, the body, the trailers as last paragraph."""
    values = [str(change.author), *(value for _, value in change.trailers)]
    lines = [change.subject, *change.body.split("\n"), *values]
    keys = [key for key, _ in change.trailers]
    if (
        not all(line.isprintable() for line in lines)
        or not all(_TRAILER_KEY.fullmatch(key) for key in keys)
        or not change.subject.strip()
    ):
        raise _our_fault(f"the text '{clean(change.subject, 80)}' may not be in a commit message")
    tail = "".join(f"{key}: {value}\n" for key, value in change.trailers)
    return f"{change.subject}\n\n{change.body.strip()}\n\n{tail}".encode()


def _quoted(path: str) -> bytes:
    """Return a path as fast-import takes every path: quoted, odd bytes as octal escapes."""
    raw = path.encode("utf-8", "surrogateescape")
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._- "
    return b'"' + b"".join(b"%c" % b if b in plain else b"\\%03o" % b for b in raw) + b'"'


def _our_fault(what: str) -> GitTrouble:
    return GitTrouble(
        f"{what}; nothing was pushed",
        hint="this is a fault of Reconciler: please report it with this line",
    )
