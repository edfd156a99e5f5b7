"""The processes the demo starts: none of them outlives it, whenever it is interrupted."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GRACE = 5.0
"""Seconds a process has to end by itself before it is killed."""

ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends the demo from outside."""


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
    """Everything started and perhaps still running, newest last."""

    _started: list[subprocess.Popen[str]] = field(default_factory=list)

    def start(self, command: Sequence[str], **how: Any) -> subprocess.Popen[str]:
        """Start a process; an interruption just then does not lose it."""
        with undisturbed() as came:
            process: subprocess.Popen[str] = subprocess.Popen(  # noqa: S603
                command, encoding="utf-8", errors="replace", **how
            )
            self._started.append(process)
        if came:
            raise KeyboardInterrupt
        return process

    def stop(self, process: subprocess.Popen[str]) -> None:
        """End a process as Ctrl-C does, and let it end what it started itself."""
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()

    def stop_all(self) -> None:
        """End whatever still runs, newest first."""
        while self._started:
            self.stop(self._started.pop())
