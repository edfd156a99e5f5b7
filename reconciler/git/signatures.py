"""Commits and who signed them: git asks ssh-keygen, and only about the keys we name (rule 28).

A signature says by itself which program checks it, so a commit could choose gpg and the keyring of
whoever runs us. Those programs are taken away: only an SSH signature of a listed key counts.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from typing import TYPE_CHECKING, Final

from reconciler.core.signature import Unsigned
from reconciler.core.text import clean
from reconciler.errors import GitTrouble
from reconciler.git.run import MIB, check_version
from reconciler.git.trouble import local_trouble

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reconciler.git.mirror import Mirror

OLDEST_GIT: Final = (2, 34)  # the first that knows SSH signatures
MOST: Final = 10_000  # commits since the accepted one; checking takes about 15 ms each
AT_ONCE: Final = 200
ENOUGH: Final = 10  # unsigned commits are named, and more are not looked for
REMEMBERED: Final = 100_000  # commits, before all are forgotten: a bound on memory (rule 47)
KEYGEN: Final = "ssh-keygen"

_GOOD = "G"
_WORDS = {
    "N": "has no SSH signature",
    "U": "is signed by a key that is not allowed",
    "B": "has a signature that does not fit it",
}
_OTHER = "has a signature that cannot be checked"
_CONFIG = (
    ("gpg.ssh.program", KEYGEN),
    ("gpg.program", "false"),
    ("gpg.openpgp.program", "false"),
    ("gpg.x509.program", "false"),
)


def check_tools() -> None:
    """Make sure that git and ssh-keygen can make and check signatures. Raises: GitTrouble."""
    if check_version() < OLDEST_GIT:
        raise GitTrouble("this git knows no SSH signatures", hint="install git 2.34 or newer")
    if shutil.which(KEYGEN) is None:
        raise GitTrouble(
            f"{KEYGEN} was not found on this machine",
            hint="install the OpenSSH client 8.2 or newer (apt-get install openssh-client)",
        )


class CommitSignatures:
    """Verdicts on commits of one mirror: implements the door `Signatures`.

    They are remembered by commit for as long as the file of signers has the same content.
    """

    def __init__(self, mirror: Mirror, signers: Path) -> None:
        self._mirror = mirror
        self._signers = signers
        self._turn = threading.Lock()
        self._digest = b""
        self._verdicts: dict[str, str] = {}
        self._ranges: dict[tuple[str, str | None], tuple[str, ...]] = {}

    def unsigned(self, tip: str, since: str | None) -> tuple[Unsigned, ...]:
        """Return commits that no allowed key signed: of `tip` and all it has that `since` has not.

        `since` None, or not in the mirror: of the tip alone. Newest first, ten at most.

        Raises:
            GitTrouble: the signers or a commit cannot be read, or ssh-keygen is missing or too old.
        """
        with self._turn:
            allowed = self._read_signers()
            found = []
            commits = self._range(tip, since)
            for start in range(0, len(commits), AT_ONCE):
                part = commits[start : start + AT_ONCE]
                self._verify([one for one in part if one not in self._verdicts], allowed)
                verdicts = [(one, self._verdicts[one]) for one in part]
                found += [Unsigned(c, _WORDS.get(v, _OTHER)) for c, v in verdicts if v != _GOOD]
                if len(found) >= ENOUGH:
                    break
            return tuple(found[:ENOUGH])

    def _read_signers(self) -> bytes:
        """Return the file's content; what was remembered under another content is forgotten."""
        try:
            with self._signers.open("rb") as file:
                content = file.read(MIB + 1)
        except OSError as error:
            raise self._useless(clean(error.strerror or "it cannot be read")) from error
        lines = [line.strip() for line in content.splitlines()]
        if len(content) > MIB or not any(line and not line.startswith(b"#") for line in lines):
            raise self._useless("it is too large" if len(content) > MIB else "it names nobody")
        digest = hashlib.sha256(content).digest()
        if digest != self._digest or len(self._verdicts) > REMEMBERED:
            self._digest = digest
            self._verdicts.clear()
            self._ranges.clear()
        return content

    def _range(self, tip: str, since: str | None) -> tuple[str, ...]:
        """Return the commits to check, newest first. Histories do not change: asked once."""
        known = self._ranges.get((tip, since))
        if known is not None:
            return known
        if not self._mirror.contains(tip):
            raise GitTrouble(
                f"commit {clean(tip, 64)} is not in the mirror",
                hint="fetch again: the next look does",
            )
        if since is None or not self._mirror.contains(since):
            return (tip,)
        arguments = ("rev-list", f"--max-count={MOST + 1}", tip, f"^{since}", "--")
        # the tip itself is signed even where nothing is new
        asked = self._mirror.local(*arguments).text().split() or [tip]
        if len(asked) > MOST:
            raise GitTrouble(
                f"more than {MOST} commits since the accepted one have to be checked",
                hint="accept an environment before signatures are required",
            )
        if sum(map(len, self._ranges.values())) + len(asked) > REMEMBERED:
            self._ranges.clear()
        self._ranges[tip, since] = tuple(asked)
        return self._ranges[tip, since]

    def _verify(self, commits: Sequence[str], allowed: bytes) -> None:
        """Let git check commits against a copy of just these signers, and remember its verdicts."""
        if not commits:
            return
        check_tools()
        question = "".join(f"{one}\n" for one in commits).encode("ascii")
        with tempfile.NamedTemporaryFile(prefix="reconciler-signers-") as copy:
            copy.write(allowed)
            copy.flush()
            answer = self._mirror.local(
                "log",
                "--no-walk=unsorted",
                "--stdin",
                "--no-mailmap",
                "--no-show-signature",
                "--format=%H %G?",
                stdin=question,
                config=(*_CONFIG, ("gpg.ssh.allowedSignersFile", copy.name)),
            )
        if answer.err:  # git would tell what it could not start or write as "not signed"
            raise local_trouble("signatures could not be checked", answer)
        verdicts = dict(line.split(" ") for line in answer.text().splitlines())
        if verdicts.keys() != set(commits):
            raise GitTrouble(
                "git did not say of every commit whether it is signed",
                hint="the mirror may be damaged: remove it from the state directory",
            )
        self._verdicts.update(verdicts)

    def _useless(self, why: str) -> GitTrouble:
        return GitTrouble(
            f"the file of allowed signers {clean(str(self._signers))} is of no use: {why}",
            hint="give the setting git.allowed_signers a file of ssh-keygen's allowed signers",
        )
