"""The daemon of the demo: a real `reconciler serve`, and what it logs, read as it comes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from reconciler.cli.demo.trouble import PATIENCE, broken
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reconciler.cli.demo.stage import Stage

Fact: TypeAlias = "dict[str, Any]"
"""One line of the log."""

LOOK = 0.05
"""Seconds between looks at the log while somebody waits for a word in it."""


@dataclass(slots=True)
class Daemon:
    """One daemon after the other, with one log; `tell` hears each fact once, in order."""

    stage: Stage
    tell: Callable[[Fact], None]
    process: subprocess.Popen[str] | None = None
    address: str = "127.0.0.1:0"
    _read: int = 0
    _facts: deque[Fact] = field(default_factory=deque)
    _other: str = ""

    @property
    def log(self) -> Path:
        """The file of JSON lines."""
        return self.stage.folder / "daemon.log"

    @property
    def pid(self) -> int:
        """The process that runs, or that ran last."""
        assert self.process is not None  # noqa: S101  (asked for after `start` only)
        return self.process.pid

    @property
    def is_dead(self) -> bool:
        """True once it has ended."""
        return self.process is None or self.process.poll() is not None

    @property
    def status(self) -> int:
        """How it ended: an exit code, or a signal below zero; 0 while it runs."""
        return 0 if self.process is None else self.process.poll() or 0

    def start(self) -> None:
        """Start it and return once it listens; later ones listen where the first one did.

        Raises: ReconcilerError if it does not start.
        """
        self._other = ""
        with self.log.open("ab") as log:
            self.process = self.stage.processes.start(
                [sys.executable, "-m", "reconciler", "serve"],
                cwd=self.stage.clone,
                env={**self.stage.environment, "RECONCILER_SERVE__LISTEN": self.address},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the demo, which then ends the daemon
            )
        (self.stage.folder / "daemon.pid").write_text(f"{self.pid}\n", encoding="ascii")
        self.address = str(self.hears("daemon.started")["listen"])

    def kill(self) -> None:
        """Kill it as the kernel does. Raises: ReconcilerError if it had ended by itself."""
        assert self.process is not None  # noqa: S101  (asked for after `start` only)
        self.process.kill()
        if self.process.wait() != -signal.SIGKILL:
            raise broken(f"the daemon ended with {self.process.returncode} before the kill")

    def hears(self, event: str, is_it: Callable[[Fact], bool] = bool) -> Fact:
        """Wait for a fact, telling all up to it, and return it. Raises: ReconcilerError."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            ended = self.is_dead
            for fact in self.news():
                if fact.get("event") == event and is_it(fact):
                    return fact
            if ended:
                raise broken(f"the daemon ended by itself: {self._other or 'it did not say why'}")
            time.sleep(LOOK)
        raise broken(f"the daemon did not log {event} within {PATIENCE:.0f} s")

    def hear_out(self) -> None:
        """Tell whatever was logged since."""
        for _ in self.news():
            pass

    def stands(self, environment: str, condition: str, commit: str = "") -> str:
        """Wait until an environment stands so; return the condition's reason and message."""
        fact = self.hears(
            "environment.stood",
            lambda fact: (
                fact["environment"] == environment
                and condition in fact["conditions"]
                and fact["commit"].startswith(commit)
            ),
        )
        return str(fact["conditions"][condition])

    def news(self) -> Iterator[Fact]:
        """Tell and yield what was logged since, one by one; the rest stays for the next time."""
        self._take()
        while self._facts:
            fact = self._facts.popleft()
            self.tell(fact)
            yield fact

    def _take(self) -> None:
        with self.log.open("rb") as log:
            log.seek(self._read)
            whole, end, _ = log.read().rpartition(b"\n")
        self._read += len(whole) + len(end)
        for line in whole.decode("utf-8", "replace").splitlines():
            with suppress(ValueError):
                self._facts.append(json.loads(line))
                continue
            self._other = clean(f"{self._other} {line}".strip(), 300)
