"""Processes of the program that kill themselves at one step, forked from one that has started.

Run as a script, it reads orders from stdin, a line each: the step to die at, or nothing; a tab; the
file to write all steps to, or nothing. For each it forks a process that runs `reconciler apply
test`, waits for its end, and answers with its return code: negative is the signal that ended it.

A step is a transaction of the store, a request to Octopus, a git, or a signature; one dies `before`
or `after` it. All of these happen as in any process. The clock alone is not the machine's: it is
turned by whoever waits, and shared through the file `STORY_CLOCK`.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from story import TurnedClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType


class SharedClock(TurnedClock):
    """A turned clock of several processes: its time is in a file they all map."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(bytes(8))
        with file.open("r+b") as opened:
            self._shared = mmap.mmap(opened.fileno(), 8)
        self._wrong = 0.0

    @property
    def _offset(self) -> float:
        (seconds,) = struct.unpack("d", self._shared[:])
        return float(seconds)

    @_offset.setter
    def _offset(self, seconds: float) -> None:
        self._shared[:] = struct.pack("d", seconds)


class Nursery:
    """Lets processes live, one after the other, on the test's side."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def live(self, die_at: str = "", steps: Path | None = None) -> int:
        """Let one process live to its end; return its return code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{die_at}\t{steps or ''}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def __enter__(self) -> Nursery:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()


@dataclass
class Reaper:
    """Counts steps, and kills this process at one of them."""

    at: str
    steps: str
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        with self.lock:
            self.seen[name] += 1
            step = f"{name} {self.seen[name]}"
            if self.steps:
                with Path(self.steps).open("a") as file:
                    file.write(f"{step}\n")
        self.die(f"{step} before")
        yield
        self.die(f"{step} after")

    def die(self, moment: str) -> None:
        if self.at == moment:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(reaper: Reaper) -> None:
    """Let the reaper stand at every step of this process."""
    from reconciler.git import run
    from reconciler.octopus import http
    from reconciler.signing.dsse import SpaceSigner
    from reconciler.store.database import Database

    writing, execute, sign = Database.writing, run._execute, SpaceSigner.sign
    exchange = http._Metered.handle_async_request

    @contextmanager
    def written(self: Any) -> Iterator[Any]:
        with reaper.around("store"), writing(self) as connection:
            yield connection

    def executed(command: Any, verb: str, call: Any) -> Any:
        with reaper.around(f"git {verb}"):
            return execute(command, verb, call)

    def signed(self: Any, *args: Any, **kwargs: Any) -> Any:
        with reaper.around("sign"):
            return sign(self, *args, **kwargs)

    async def exchanged(self: Any, request: Any) -> Any:
        what = request.url.path.rsplit("/", 1)[-1].rstrip("-.0123456789") or "release"
        with reaper.around(f"{request.method} {what}"):
            return await exchange(self, request)

    Database.writing = written  # type: ignore[method-assign]
    run._execute = executed
    SpaceSigner.sign = signed  # type: ignore[method-assign]
    http._Metered.handle_async_request = exchanged  # type: ignore[method-assign]


def live(die_at: str, steps: str) -> None:
    """Be a process of the program."""
    from reconciler.__main__ import main

    quiet = os.open(os.environ["STORY_TALK"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for stream in (0, 1, 2):
        os.dup2(quiet, stream)
    watch(Reaper(die_at, steps))
    sys.argv = ["reconciler", "apply", "test"]
    main()


def serve() -> None:
    """Fork a process for each order."""
    import reconciler.cli.apply
    import reconciler.engine.run  # noqa: F401  # what each process would import anew
    from reconciler import bootstrap
    from reconciler.git.run import check_version

    clock = SharedClock(Path(os.environ["STORY_CLOCK"]))
    bootstrap.open_doors = partial(  # type: ignore[assignment]
        bootstrap.open_doors, clock=clock, pause=clock.turn
    )
    check_version()
    for order in sys.stdin:
        die_at, _, steps = order.rstrip("\n").partition("\t")
        child = os.fork()
        if not child:
            try:
                live(die_at, steps)
            except SystemExit as end:
                os._exit(int(end.code or 0))
            os._exit(70)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
