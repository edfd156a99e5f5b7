"""What a service manager hears: real datagrams, of a service that is as a test says."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from reconciler.daemon.notify import BEAT, LONGEST_END, Notifier, informed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.daemon.service import Service
    from reconciler.ports import Clock

PID = 77


@dataclass
class Stand:
    """What the notifier asks of a service."""

    said: str = "2 Ready"
    looked: bool = True
    lives: bool = True
    ending: str = ""
    passes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        return self.said

    def has_looked(self) -> bool:
        return self.looked

    def alive(self) -> bool:
        return self.lives

    def halted(self) -> str:
        return self.ending

    def passing(self) -> list[str]:
        return self.passes


class Manager:
    """A service manager: its socket, and what arrived."""

    def __init__(self, where: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(f"\0{where[1:]}" if where.startswith("@") else where)
        self.socket.settimeout(0)

    def heard(self) -> list[str]:
        found = []
        try:
            while True:
                found.append(self.socket.recv(4096).decode())
        except BlockingIOError:
            return found


@pytest.fixture(params=["path", "abstract"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "notify"
    return str(path) if request.param == "path" else f"@{path}"


@pytest.fixture
def manager(where: str) -> Iterator[Manager]:
    made = Manager(where)
    with closing(made.socket):
        yield made


def look(notifier: Notifier, stand: Stand, now: float = 0.0) -> None:
    notifier.look(cast("Service", stand), now)


def test_it_is_ready_once_and_its_status_is_told_when_it_changes(
    manager: Manager, where: str
) -> None:
    notifier = Notifier(where)
    stand = Stand(looked=False, said="manifests: not read yet")
    look(notifier, stand)
    assert manager.heard() == ["STATUS=manifests: not read yet"]

    stand.looked, stand.said = True, "2 Ready"
    look(notifier, stand)
    look(notifier, stand)
    stand.said = "1 Ready, 1 \x1b[2J"
    look(notifier, stand)

    assert manager.heard() == ["STATUS=2 Ready", "READY=1", "STATUS=1 Ready, 1 \\x1b[2J"]


def test_a_sign_of_life_is_given_only_while_it_lives_and_somebody_asks(
    manager: Manager, where: str
) -> None:
    stand = Stand()
    look(Notifier(where), stand)
    assert "WATCHDOG=1" not in manager.heard()

    notifier = Notifier(where, watchdog=20.0)
    look(notifier, stand)
    look(notifier, stand)
    assert manager.heard().count("WATCHDOG=1") == 2
    stand.lives = False
    look(notifier, stand)

    assert manager.heard() == []


def test_more_time_is_asked_for_while_a_pass_ends_but_not_for_ever(
    manager: Manager, where: str
) -> None:
    notifier = Notifier(where)
    stand = Stand(ending="the daemon is being stopped", passes=["qa"])
    look(notifier, stand, 100.0)
    look(notifier, stand, 101.0)
    assert manager.heard()[2:] == [
        "STOPPING=1",
        "EXTEND_TIMEOUT_USEC=30000000",
        "EXTEND_TIMEOUT_USEC=30000000",
    ]

    look(notifier, stand, 100.0 + LONGEST_END)
    stand.passes = []
    look(notifier, stand, 102.0)

    assert manager.heard() == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"NOTIFY_SOCKET": ""}, None),
        ({"NOTIFY_SOCKET": "vsock:2:1"}, None),
        ({"NOTIFY_SOCKET": "/run/n"}, ("/run/n", None)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "30000000"}, ("@n", 30.0)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "77"}, ("@n", 5e-6)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "5", "WATCHDOG_PID": "78"}, ("@n", None)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "0"}, ("@n", None)),
        ({"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "soon"}, ("@n", None)),
    ],
)
def test_what_the_manager_said_in_the_environment(
    environ: dict[str, str], expected: tuple[str, float | None] | None
) -> None:
    found = Notifier.of(environ, PID)

    assert (None if found is None else (found.address, found.watchdog)) == expected


@pytest.mark.parametrize("where", ["/nowhere/at/all", f"/{'x' * 200}", "@nobody listens"])
def test_a_manager_that_does_not_listen_is_no_trouble(where: str) -> None:
    notifier = Notifier(where, watchdog=1.0)

    look(notifier, Stand())

    assert notifier.watchdog == 1.0


async def test_it_is_told_twice_within_the_time_of_the_watchdog_and_at_the_end(
    manager: Manager, where: str
) -> None:
    waits: list[float] = []
    enough = asyncio.Event()

    class Turned:
        def monotonic(self) -> float:
            return sum(waits)

        async def sleep(self, seconds: float) -> None:
            waits.append(seconds)
            if len(waits) == 3:
                enough.set()
                await asyncio.Event().wait()
            await asyncio.sleep(0)

    stand = Stand()
    service, clock = cast("Service", stand), cast("Clock", Turned())
    async with informed(Notifier(where, watchdog=0.5), service, clock):
        await enough.wait()
        assert set(waits) == {0.25}
        assert manager.heard().count("WATCHDOG=1") == 3
        stand.ending = "the daemon is being stopped"
    assert manager.heard() == ["WATCHDOG=1", "STOPPING=1"]

    waits.clear()
    enough.clear()
    async with informed(Notifier(where), service, clock):
        await enough.wait()
    assert set(waits) == {BEAT}
    async with informed(None, service, clock):
        assert manager.heard()
    assert manager.heard() == []
