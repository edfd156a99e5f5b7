"""Many environments of one space, and a clock for work that goes on side by side."""

from __future__ import annotations

import asyncio
import heapq
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any

from story import FILES, TurnedClock

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import pytest

    from reconciler.engine.doors import Doors

COMPONENTS = ("db", "api", "web")
VERSIONS = tuple(f"1.0.{number}" for number in range(60))

_ENVIRONMENT = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: @NAME@}
spec:
  octopus: {space: shop, environment: @NAME@}
  stack: platform
  policy: open
  components:
"""


def names_of(number: int) -> tuple[str, ...]:
    return tuple(f"e{each:02}" for each in range(1, number + 1))


def seed_of(names: tuple[str, ...]) -> str:
    """Return a space in which every environment runs the first version of everything."""
    runs = ", ".join(f'{name}: "{VERSIONS[0]}"' for name in names)
    releases = ", ".join(f'"{version}"' for version in VERSIONS)
    phases = "".join(
        f"          - {{name: {name}, environments: [{name}], optional: true}}\n" for name in names
    )
    projects = "".join(
        f"      - {{name: {project}, lifecycle: Anywhere, releases: [{releases}],"
        f" deployed: {{{runs}}}}}\n"
        for project in COMPONENTS
    )
    return f"""
server: {{slots: 100}}
spaces:
  - name: Shop
    default: true
    environments: [{", ".join(names)}]
    lifecycles:
      - name: Anywhere
        phases:
{phases}    projects:
{projects}"""


def files_of(names: tuple[str, ...]) -> dict[str, str]:
    """Return manifests that pin in every environment what runs there."""
    shared = {n: text for n, text in FILES.items() if not n.startswith("environments/")}
    shared["stacks/platform.yaml"] = """
apiVersion: reconciler/v1
kind: Stack
metadata: {name: platform}
spec: {components: {db: {}, api: {after: [db]}, web: {after: [api]}}}
"""
    first = dict.fromkeys(COMPONENTS, VERSIONS[0])
    return shared | {path_of(name): manifest(name, first) for name in names}


def path_of(name: str) -> str:
    return f"environments/{name}.yaml"


def manifest(name: str, pins: dict[str, str]) -> str:
    lines = "".join(f'    {component}: "{version}"\n' for component, version in pins.items())
    return _ENVIRONMENT.replace("@NAME@", name) + lines


_at_work: ContextVar[bool] = ContextVar("at_work", default=False)


class SharedClock(TurnedClock):
    """A clock several sleep on: it turns to the next alarm once nothing else is at work.

    At work is what waits for a thread or for Octopus; so what happens side by side takes the time
    of the longest, and not the sum.
    """

    def __init__(self) -> None:
        super().__init__()
        self._alarms: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()
        self._working = 0

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has turned so far."""
        alarm = asyncio.get_running_loop().create_future()
        heapq.heappush(self._alarms, (self.monotonic() + seconds, next(self._numbers), alarm))
        at_work = _at_work.get()
        self._working -= at_work
        try:
            await alarm
        finally:
            self._working += at_work

    async def turns(self) -> None:
        """Turn for as long as this is awaited."""
        while True:
            for _ in range(20):  # whoever was woken goes to sleep or to work meanwhile
                await asyncio.sleep(0)
            if self._working or not self._alarms:
                await asyncio.sleep(0.001)
                continue
            when, _, alarm = heapq.heappop(self._alarms)
            self.turn(max(when - self.monotonic(), 0.0))
            if not alarm.done():
                alarm.set_result(None)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Let time stand while the block runs."""
        before = _at_work.set(True)
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            _at_work.reset(before)

    def counts(self, call: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
        """Return an awaitable call during which time stands."""

        async def counted(*args: Any, **kwargs: Any) -> Any:
            with self.work():
                return await call(*args, **kwargs)

        return counted

    def stands_for(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[Doors], Doors]:
        """Let time stand for all worker threads; return what does it for Octopus."""
        monkeypatch.setattr(asyncio, "to_thread", self.counts(asyncio.to_thread))
        return lambda doors: replace(doors, octopus=lambda s: _Worked(doors.octopus(s), self))


class _Worked:
    """A door behind which time stands."""

    def __init__(self, door: Any, clock: SharedClock) -> None:
        self._door = door
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._door, name)
        return self._clock.counts(value) if asyncio.iscoroutinefunction(value) else value
