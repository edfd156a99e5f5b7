"""What the service manager is told, where one started us: sd_notify(3), without its library.

A datagram for each fact, to the socket that the manager named. It is never waited for: a manager
that does not listen is no reason to stop working.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reconciler.daemon.service import Service
    from reconciler.ports import Clock

BEAT = 1.0
"""Seconds between two looks at the service: how late the manager learns of a change."""

EXTENSION = 30.0
"""Seconds more that are asked for at each beat of an end: long enough to miss a few beats."""

LONGEST_END = 1800.0
"""Seconds for which more time is asked for after a stop; then the manager's own patience counts.
What still runs in Octopus after a kill is found and recorded by the next daemon."""


@dataclass(slots=True)
class Notifier:
    """Tells a service manager how the daemon does; only what changed, and signs of life.

    `address` is the value of NOTIFY_SOCKET: a path, or a name that begins with `@` (an abstract
    socket). `watchdog` is within how many seconds a sign of life is expected; None: nobody asks.
    """

    address: str
    watchdog: float | None = None
    _told: dict[str, str] = field(default_factory=dict)
    _stopped: float | None = None

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Notifier | None:
        """Return the notifier for what a manager said in the environment, None if none did."""
        address = environ.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return None
        mine = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        microseconds = environ.get("WATCHDOG_USEC", "")
        asked = mine and microseconds.isdecimal() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if asked else None)

    async def follow(self, service: Service, clock: Clock) -> None:
        """Tell how the service does, until cancelled. A loop that hangs gives no sign of life."""
        beat = BEAT if self.watchdog is None else min(BEAT, self.watchdog / 2)
        while True:
            self.look(service, clock.monotonic())
            await clock.sleep(beat)

    def look(self, service: Service, now: float) -> None:
        """Tell what is to be told at this moment of the monotonic clock."""
        self._tell_once("STATUS", clean(service.summary()))
        if service.has_looked():
            self._tell_once("READY", "1")
        if self.watchdog is not None and service.alive():
            self._send("WATCHDOG=1")
        if service.halted():
            self._tell_once("STOPPING", "1")
            self._stopped = now if self._stopped is None else self._stopped
            if service.passing() and now - self._stopped < LONGEST_END:
                self._send(f"EXTEND_TIMEOUT_USEC={EXTENSION * 1e6:.0f}")

    def _tell_once(self, key: str, value: str) -> None:
        if self._told.get(key) != value:
            self._told[key] = value
            self._send(f"{key}={value}")

    def _send(self, fact: str) -> None:
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with (
            suppress(OSError),
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out,
        ):
            out.settimeout(0)
            out.sendto(fact.encode(), name)


@asynccontextmanager
async def informed(
    notifier: Notifier | None, service: Service, clock: Clock
) -> AsyncIterator[None]:
    """Keep the manager informed for the length of the block, and tell the end of it."""
    if notifier is None:
        yield
        return
    following = asyncio.create_task(notifier.follow(service, clock))
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
        notifier.look(service, clock.monotonic())
