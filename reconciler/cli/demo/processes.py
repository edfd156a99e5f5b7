"""The processes the demo starts: none of them outlives it, whenever and however it is ended."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.cli.demo import guard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

GRACE = 5.0
"""Seconds a process has to end by itself before it is killed."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the demo from outside; a clean-up can answer these. `guard` is for the rest."""


@contextmanager
def undisturbed() -> Iterator[list[int]]:
    """Keep the endings back while the block runs; yield the list of those that came."""
    came: list[int] = []
    before = [
        (each, signal.signal(each, lambda number, _: came.append(number))) for each in ENDINGS
    ]
    try:
        yield came
    finally:
        for each, handler in before:
            signal.signal(each, handler)


@dataclass(slots=True)
class Processes:
    """Everything started and perhaps still running, newest last, and the guard over it."""

    _guard: subprocess.Popen[str]
    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    @classmethod
    def guarded(cls, folder: Path) -> Processes:
        """Return none yet, with a guard that removes the folder if we cannot."""
        return cls(
            subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", guard.__file__, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                encoding="ascii",
                start_new_session=True,
            )
        )

    def start(self, command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
        """Start a process; an interruption just then does not lose it."""
        with undisturbed() as came:
            process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603
                command, encoding="utf-8", errors="replace", **how
            )
            self._started.append(process)
            self._tell(f"+{process.pid}")
        if came:
            raise KeyboardInterrupt
        return process

    def stop(self, process: subprocess.Popen[str], number: int = signal.SIGINT) -> None:
        """End a process as Ctrl-C does, and let it end what it started itself."""
        if process.poll() is None:
            process.send_signal(number)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.forget(process)

    def forget(self, process: subprocess.Popen[str]) -> None:
        """Let go of a process that has ended."""
        self._tell(f"-{process.pid}")
        if process in self._started:
            self._started.remove(process)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def stop_all(self) -> None:
        """End whatever still runs, newest first."""
        while self._started:
            self.stop(self._started[-1])

    def dismiss(self) -> None:
        """Let the guard go, once nothing runs; it removes what is left of the folder."""
        if self._guard.stdin is not None:
            with suppress(OSError):
                self._guard.stdin.close()
        self._guard.wait()

    def _tell(self, line: str) -> None:
        if self._guard.stdin is not None:
            with suppress(OSError):  # without its guard the demo ends as well as it can
                self._guard.stdin.write(f"{line}\n")
                self._guard.stdin.flush()
