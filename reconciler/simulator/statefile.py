"""The file that keeps a server's state: one line about it, one line of state, written whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reconciler.simulator.states import BadState
from reconciler.simulator.times import utcnow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.simulator import Simulator

__all__ = ["StateFile", "StateNotWritten"]

_FORMAT = "reconciler.simulator.state"
_VERSION = 1


class StateNotWritten(OSError):
    """The state could not be written; the file is as it was. The message says why."""


class _Header(msgspec.Struct):
    format: str
    version: int
    written: str
    sha256: str


class StateFile:
    """A file with the whole state of one server, or the place where it will be."""

    def __init__(self, name: str) -> None:
        self.path = Path(name)
        self._requests = -1
        self._rested = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the file to this process while the block runs, by a lock on `NAME.lock`.

        Raises:
            BadState: another process holds it, or its folder cannot be written.
        """
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            handle = lock.open("a")
        except OSError as error:
            raise BadState(f"{lock} cannot be opened: {error.strerror}") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise BadState(f"another simulator keeps its state in {self.path}") from error
            yield

    def read(self) -> bytes | None:
        """Return the state for `Simulator.restore`, None while there is no file.

        Raises:
            BadState: the file is damaged, of a newer version, or something else.
        """
        try:
            head, _, body = self.path.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadState(f"{self.path} cannot be read: {error.strerror}") from error
        try:
            header = msgspec.json.decode(head, type=_Header)
        except (msgspec.DecodeError, RecursionError):
            header = None
        if header is None or header.format != _FORMAT:
            raise BadState(f"{self.path} is not a simulator's state file")
        if header.version > _VERSION:
            was = f"of version {header.version}, and this simulator reads up to {_VERSION}"
            raise BadState(f"{self.path} is newer: {was}")
        if hashlib.sha256(body).hexdigest() != header.sha256:
            raise BadState(f"{self.path} is damaged: its content is not what was written")
        return body

    def write_now_and_then(self, simulator: Simulator) -> None:
        """Write, unless that would take more than a twentieth of the time.

        Raises:
            StateNotWritten: the file could not be written.
        """
        begun = time.monotonic()
        if begun >= self._rested:
            self.write(simulator)
            ended = time.monotonic()
            self._rested = ended + 20 * (ended - begun)

    def write(self, simulator: Simulator) -> None:
        """Write the state in place of the file, whole or not at all, for this user's eyes only.

        Nothing is written while nobody has asked the server anything since the last time.

        Raises:
            StateNotWritten: the file could not be written.
        """
        served = simulator.app.served
        if served == self._requests:
            return
        body = simulator.backup()
        header = _Header(_FORMAT, _VERSION, utcnow().isoformat(), hashlib.sha256(body).hexdigest())
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "wb") as out:
                out.write(msgspec.json.encode(header) + b"\n" + body)
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self.path)
        except OSError as error:
            raise StateNotWritten(f"{self.path} cannot be written: {error.strerror}") from error
        self._requests = served
