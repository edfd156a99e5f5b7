"""Where credentials are: variables, and files that are read again when they change (rule 30).

A file is replaced while we run. It is looked at before each use, and its new content is taken only
when it is one whole line and nobody has written to it for a second; until then the old one stays.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.core.secret import Secret
from reconciler.core.text import clean
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.manifest import CredentialSource, Space
    from reconciler.ports import Credential

LONGEST: Final = 4096  # bytes of a file; Octopus' keys have 40, tokens of forges up to some hundred
HINT: Final = "write the credential there, as one line, readable for this user only"
SHORTEST: Final = 6
USER_KEY: Final = "RECONCILER_USER_API_KEY"
"""Where people keep their own Octopus key: no argument (rule 30), and no Space's (rule 29)."""
SETTLED: Final = 1.0  # seconds since the last write: who writes in place is done by then

_FOUND: Final = deque[Secret](maxlen=1000)  # a bound, for files that are replaced for years
_TURN: Final = threading.Lock()


VALUE_VARIABLE: Final = "RECONCILER_VALUE_"
VALUE_FILE: Final = "value-"
"""What the names of secret values for prompted variables begin with: no key of Octopus is sent to a
deployment, and no such value to a server as its key."""


def redacted(text: str) -> str:
    """Return the text with every credential that this process has found masked, by its value.

    One of a few characters is not: that would garble any text (rule 52).
    """
    with _TURN:
        found = tuple(_FOUND)
    for key in sorted(found, key=lambda one: -len(one.reveal())):  # none ends as another's rest
        text = key.hide_in(text)
    return text


def _noted(text: str) -> Secret:
    """Return a credential as a secret that `redacted` knows."""
    key = Secret(text)
    if len(text) >= SHORTEST:
        with _TURN:
            _FOUND.append(key)
    return key


class Variable:
    """A credential in an environment variable."""

    def __init__(self, variable: str) -> None:
        self.name = f"variable {clean(variable, 80)}"
        self._variable = variable
        self._key = Secret("")

    def current(self) -> Secret:
        """Return the value, as the same object while it is the same. Raises: UsageError."""
        value = os.environ.get(self._variable, "").strip()
        if not value:
            raise UsageError(
                f"{self.name} is not set; nothing was asked",
                hint=f"export {clean(self._variable, 80)}=...",
            )
        if value != self._key.reveal():
            self._key = _noted(value)
        return self._key


class Given:
    """A credential that a setting holds itself."""

    def __init__(self, setting: str, value: str) -> None:
        self.name = f"setting {setting}"
        self._key = _noted(value)

    def current(self) -> Secret:
        """Return the value."""
        return self._key


class File:
    """A credential in a file of its own, which may be replaced at any time.

    `tell` hears, once for each writing of it, why a new content was not taken. `now` is the clock
    that files are dated by: seconds since the epoch.
    """

    def __init__(
        self, path: Path, tell: Callable[[str], None], now: Callable[[], float] = time.time
    ) -> None:
        self.name = f"file {clean(str(path), 120)}"
        self._path = path
        self._tell = tell
        self._now = now
        self._turn = threading.Lock()  # git asks from worker threads
        self._seen: tuple[int, ...] | None = None
        self._key: Secret | None = None
        self._why = ""

    def current(self) -> Secret:
        """Return the content as the same object while it is the same.

        Raises: UsageError where it cannot be read and never could.
        """
        with self._turn:
            stamp = self._stamp()
            if self._key is None or (stamp != self._seen and self._is_settled(stamp)):
                self._seen = stamp
                self._read()
            if self._key is None:
                raise UsageError(f"{self.name}: {self._why}; nothing was asked", hint=HINT)
            return self._key

    def _read(self) -> None:
        try:
            with self._path.open("rb") as file:
                content = file.read(LONGEST + 1)
        except OSError as error:
            self._keep(f"it cannot be read: {clean(error.strerror or 'no reason given')}")
            return
        text = content.decode("ascii", "replace").strip()
        if not text or len(content) > LONGEST or not (text.isascii() and text.isprintable()):
            self._keep("it is empty" if not content.strip() else "it is not one line of ASCII")
        elif self._key is None or text != self._key.reveal():
            self._key = _noted(text)

    def _keep(self, why: str) -> None:
        self._why = why
        if self._key is not None:
            self._tell(f"{self.name}: {why}; the credential read before is used on")

    def _stamp(self) -> tuple[int, ...]:
        """Return what changes when the file is written or replaced; empty: it is not there."""
        try:
            facts = self._path.stat()
        except OSError:
            return ()
        return (facts.st_mtime_ns, facts.st_size, facts.st_ino, facts.st_dev)

    def _is_settled(self, stamp: tuple[int, ...]) -> bool:
        return not stamp or not 0 <= self._now() - stamp[0] / 1e9 < SETTLED


def users_own(tell: Callable[[str], None], variable: str = USER_KEY) -> Credential:
    """Return the key of whoever runs a command: in a variable, or in the file `<variable>_FILE`.

    Raises: UsageError where there is none, or both are set.
    """
    file = os.environ.get(f"{variable}_FILE", "").strip()
    if file and os.environ.get(variable, "").strip():
        raise UsageError(
            f"both {variable} and {variable}_FILE are set; nothing was asked",
            hint="keep one of them",
        )
    own: Credential = File(Path(file), tell) if file else Variable(variable)
    own.current()
    return own


class Credentials:
    """The credentials of one process, each found once whoever names it.

    `folder` holds the files that Space manifests name; `tell` as for `File`.
    """

    def __init__(self, folder: Path | None, tell: Callable[[str], None]) -> None:
        self._folder = folder
        self._tell = tell
        self._found: dict[CredentialSource, Credential] = {}

    def of(self, space: Space, use: str, source: CredentialSource | None) -> Credential:
        """Return a credential that a Space names for a use.

        Raises: UsageError where it names none, or there is none now.
        """
        if source is None:
            raise UsageError(
                f"Space {space.name} names no {use!r} credential; nothing was asked of Octopus",
                hint=f"add credentials: {{{use}: {{env: OCTOPUS_...}}}} at {space.place}",
            )
        if _is_value(source):
            raise UsageError(
                f"Space {space.name} names a value that is kept for prompted variables as its {use}"
                " credential; nothing was asked of Octopus",
                hint="keep an Octopus key in a variable of its own, such as OCTOPUS_KEY",
            )
        try:
            found = self._found.get(source) or self._open(source)
            found.current()
        except UsageError as error:
            raise UsageError(
                f"the {use} credential of Space {space.name}: {error.message}", hint=error.hint
            ) from None
        self._found[source] = found
        return found

    def value(self, source: CredentialSource) -> Credential:
        """Return the secret value of a prompted variable, which is never a key of Octopus.

        Raises: UsageError where there is none now.
        """
        if not _is_value(source):
            raise UsageError(
                "it is not kept for prompted variables; nothing was asked of Octopus",
                hint=f"keep it in a variable {VALUE_VARIABLE}..., or a file {VALUE_FILE}...",
            )
        found = self._found.get(source) or self._open(source)
        found.current()
        self._found[source] = found
        return found

    def _open(self, source: CredentialSource) -> Credential:
        if source.env is not None:
            if source.env.startswith("RECONCILER_") and "__" in source.env:
                raise UsageError(  # else a commit could send the git token to a server of its own
                    f"{source.env} is a name of settings; nothing was asked",
                    hint="keep an Octopus key in a variable of its own, such as OCTOPUS_KEY",
                )
            return Variable(source.env)
        if self._folder is None:
            raise UsageError(
                "it is a file, and no folder is set; nothing was asked",
                hint="set RECONCILER_SECRETS_DIR to the folder that holds it",
            )
        return File(self._folder / (source.file or ""), self._tell)


def _is_value(source: CredentialSource) -> bool:
    return (source.env or "").startswith(VALUE_VARIABLE) or (source.file or "").startswith(
        VALUE_FILE
    )
