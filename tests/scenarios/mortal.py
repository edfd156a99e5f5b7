"""The program `reconciler`, whose process kills itself at one call through its doors.

Run as a script with the arguments of the program. `STORY_KILL` names the call: door, method, the
how-manieth of its kind since a pass began, and `before` or `after`. Empty: it lives, and writes the
calls of its first pass to the file `STORY_CALLS` names. Waits are cut short where no setting does.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections import Counter
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from reconciler.engine.doors import Doors

PLAIN = ("repository", "audit", "manifests", "journal")


@dataclass
class Reaper:
    """Counts the calls of the first pass, and kills this process at one of them."""

    at: str = os.environ.get("STORY_KILL", "")
    calls: str = os.environ.get("STORY_CALLS", "")
    is_passing: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, name: str) -> str:
        """Count a call, and die before it if it is the one; return what it is called."""
        with self.lock:
            if not self.is_passing:
                return ""
            self.seen[name] += 1
            call = f"{name} {self.seen[name]}"
            if self.calls:
                with Path(self.calls).open("a") as file:
                    file.write(f"{call}\n")
        self.die(f"{call} before")
        return call

    def die(self, moment: str) -> None:
        if self.at == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def around(self, name: str) -> Iterator[None]:
        call = self.begin(name)
        yield
        self.die(f"{call} after")

    @contextmanager
    def locked(self, lock: Any) -> Iterator[None]:
        """Hold the environment's lock: the length of a pass."""
        with lock:
            self.is_passing = True
            with self.around("lock.take"):
                pass
            yield
            with self.around("lock.give"):
                pass
            self.is_passing = False
            self.calls = ""

    def over(self, doors: Doors) -> Doors:
        """Stand at every door."""
        plain = {name: Watched(getattr(doors, name), name, self) for name in PLAIN}
        return replace(
            doors,
            octopus=lambda space: Watched(doors.octopus(space), "octopus", self),
            signer=lambda space: Watched(doors.signer(space), "signer", self),
            lock=lambda name: self.locked(doors.lock(name)),
            pace=replace(doors.pace, lost=0.5),
            **plain,
        )


class Watched:
    """A door at which the reaper stands."""

    def __init__(self, door: Any, name: str, reaper: Reaper) -> None:
        self._door, self._name, self._reaper = door, name, reaper

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._door, name)
        if not callable(value):
            return value
        what = f"{self._name}.{name}"
        return (
            self._later(what, value)
            if asyncio.iscoroutinefunction(value)
            else self._now(what, value)
        )

    def _now(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def through(*args: Any, **kwargs: Any) -> Any:
            with self._reaper.around(what):
                return call(*args, **kwargs)

        return through

    def _later(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def through(*args: Any, **kwargs: Any) -> Any:
            with self._reaper.around(what):
                return await call(*args, **kwargs)

        return through


def main() -> None:
    """Run the program with the reaper at its doors."""
    from reconciler import bootstrap
    from reconciler.__main__ import main as run
    from reconciler.daemon import service

    opened, reaper = bootstrap.open_doors, Reaper()

    @asynccontextmanager
    async def open_doors(*args: Any, **kwargs: Any) -> AsyncIterator[Doors]:
        async with opened(*args, **kwargs) as doors:
            yield reaper.over(doors)

    bootstrap.open_doors = open_doors
    service.TICK = 0.05
    run()


if __name__ == "__main__":
    main()
