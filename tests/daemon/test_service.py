"""The service: ticks and passes have one parent, a clean end, and a bug ends it as that bug."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, cast

import pytest
from apscheduler.schedulers import base

from reconciler.core.condition import (
    Condition,
    ConditionType,
    EnvironmentStatus,
    RunningDeployment,
)
from reconciler.daemon import service as module
from reconciler.daemon.service import DEAD, Service
from reconciler.daemon.shown import as_json
from reconciler.errors import ReconcilerError, RemoteUnreachable
from reconciler.git.mirror import GitOptions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.daemon.supervisor import Supervisor

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@dataclass
class TurnedClock:
    """A clock that stands until it is turned."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@dataclass
class Watcher:
    """What a service needs of a supervisor."""

    on_tick: Callable[[], Awaitable[None]]
    trouble: ReconcilerError | None = None
    has_read: bool = False
    statuses: dict[str, EnvironmentStatus] = field(default_factory=dict)
    passing: frozenset[str] = frozenset()
    environments: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    stopped: bool = False

    async def tick(self) -> None:
        await self.on_tick()

    def stop(self) -> None:
        self.stopped = True


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK", 0.01)


def service(**ticks: Callable[[], Awaitable[None]]) -> Service:
    watchers = {name: cast("Supervisor", Watcher(tick)) for name, tick in ticks.items()}
    return Service(TurnedClock(), watchers)


async def nothing() -> None:
    """Do nothing."""


async def test_it_ticks_every_supervisor_until_it_is_stopped() -> None:
    ticks: list[str] = []

    async def one() -> None:
        ticks.append("one")

    async def two() -> None:
        ticks.append("two")
        if ticks.count("one") > 2 and ticks.count("two") > 2:
            running.stop()

    running = service(one=one, two=two)
    await running.run()

    count = len(ticks)
    assert {"one", "two"} == set(ticks)
    await asyncio.sleep(0.03)  # a bell that still rang would ring here
    assert len(ticks) == count


async def test_rule_49_a_wall_clock_that_jumps_neither_stops_nor_bursts_the_ticks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    jumps = iter([-3600.0, 60 * 365 * 86_400.0, -86_400.0])
    shift = 0.0
    ticks: list[float] = []

    class Wall(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Wall:
            return cast("Wall", datetime.now(tz) + timedelta(seconds=shift))

    class Jumping(TurnedClock):
        def now(self) -> datetime:
            return Wall.now(UTC)

        def monotonic(self) -> float:
            return time.monotonic()

    async def tick() -> None:
        nonlocal shift
        ticks.append(time.monotonic())
        if len(ticks) % 5 == 0:
            try:
                shift = next(jumps)
            except StopIteration:
                running.stop()

    monkeypatch.setattr(base, "datetime", Wall)
    running = service(repo=tick)
    running.clock = Jumping()
    began = time.monotonic()
    await asyncio.wait_for(running.run(), 20)

    assert len(ticks) == 20
    assert ticks[-1] - ticks[0] > 18 * 0.75 * module.TICK  # no burst made up for what was skipped
    assert ticks[-1] - began < 10


async def test_a_slow_tick_never_runs_twice_at_once_and_holds_up_no_other() -> None:
    at_once = most = others = 0
    release = asyncio.Event()

    async def slow() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await release.wait()
        at_once -= 1

    async def quick() -> None:
        nonlocal others
        others += 1
        if others == 5:
            release.set()
            running.stop()

    running = service(slow=slow, quick=quick)
    await running.run()

    assert (most, others) == (1, 5)


async def test_a_clean_end_waits_for_the_pass_that_runs_and_says_why_it_starts_nothing() -> None:
    told: list[str] = []
    stopped, go_on = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        running.stop()
        stopped.set()
        await go_on.wait()
        told.append(running.halted())

    async def begin() -> None:
        if not told:
            running.start(work())
            told.append(running.halted())

    running = service(repo=begin)
    ended = asyncio.create_task(running.run())
    await stopped.wait()
    assert not (await asyncio.wait([ended], timeout=0.05))[0]
    go_on.set()
    await ended

    assert told == ["", "the daemon is being stopped"]
    assert cast("Watcher", running.supervisors["repo"]).stopped


async def test_a_tick_that_hangs_does_not_keep_the_service_from_ending() -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = service(repo=hang)
    ended = asyncio.create_task(running.run())
    await begun.wait()
    running.stop()

    await asyncio.wait_for(ended, 5)
    assert running.alive()


async def test_a_bug_in_a_tick_ends_the_service_with_that_bug() -> None:
    async def broken() -> None:
        raise ZeroDivisionError("the bug")

    running = service(broken=broken, other=nothing)
    with pytest.raises(ZeroDivisionError, match="the bug"):
        await running.run()

    assert all(cast("Watcher", each).stopped for each in running.supervisors.values())


async def test_a_bug_in_a_pass_ends_the_service_and_cuts_no_other_pass_short() -> None:
    done: list[str] = []
    begun = False
    over = asyncio.Event()

    async def bad() -> None:
        asyncio.get_running_loop().call_later(0.02, over.set)
        raise KeyError("the bug")

    async def good() -> None:
        await over.wait()
        assert running.halted()
        done.append("recorded")

    async def begin() -> None:
        nonlocal begun
        if not begun:
            begun = True
            running.start(good())
            running.start(bad())

    running = service(repo=begin)
    with pytest.raises(KeyError, match="the bug"):
        await running.run()

    assert done == ["recorded"]


async def test_a_pass_is_refused_before_the_service_runs() -> None:
    with pytest.raises(AssertionError, match="only while the service runs"):
        service().start(nothing())


def test_a_tick_that_only_fetches_long_histories_is_not_called_dead() -> None:
    git = GitOptions()
    tries = 2  # of each fetch: a ref that is locked, or that was rewound, is tried once more
    slowest = git.timeout + 2 * tries * git.fetch_timeout  # the tip, then the two branches

    assert slowest.total_seconds() < DEAD


async def test_it_is_alive_until_a_tick_hangs_for_too_long() -> None:
    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    running = service(repo=hang)
    clock = cast("TurnedClock", running.clock)
    clock.seconds = 2 * DEAD
    assert running.alive()  # nothing ticks yet
    ended = asyncio.create_task(running.run())
    await begun.wait()

    assert running.alive()
    clock.seconds += DEAD + 1
    assert not running.alive()
    running.stop()
    await ended


def test_it_is_ready_once_every_repository_is_read_and_none_is_in_trouble() -> None:
    running = service(a=nothing, b=nothing)
    one, two = (cast("Watcher", each) for each in running.supervisors.values())

    assert running.ready() == (False, "a: not read yet")
    one.has_read = two.has_read = True
    assert running.ready() == (True, "every repository is read")
    two.trouble = RemoteUnreachable("no answer", hint="wait")
    assert running.ready() == (False, "b: no answer")


def test_it_has_looked_once_every_repository_is_read_or_in_trouble_and_says_how_they_stand() -> (
    None
):
    running = service(a=nothing, b=nothing)
    one, two = (cast("Watcher", each) for each in running.supervisors.values())
    assert (running.has_looked(), running.summary()) == (False, "a: not read yet")

    one.has_read, two.trouble = True, RemoteUnreachable("no answer", hint="wait")
    assert (running.has_looked(), running.summary()) == (True, "b: no answer")
    two.has_read, two.trouble = True, None
    assert running.summary() == "no environments"
    ready = Condition(ConditionType.READY, "InSync", "", NOON)
    stalled = Condition(ConditionType.STALLED, "accept", "", NOON)
    one.statuses = {"qa": EnvironmentStatus("qa", "", (ready,)), "new": EnvironmentStatus("new")}
    two.statuses = {"live": EnvironmentStatus("live", "", (ready, stalled))}
    assert running.summary() == "1 Ready, 1 Stalled, 1 not looked at yet"
    two.passing = frozenset({"live"})
    running.stop()

    assert running.summary() == "ending; waits for live"


def test_it_names_what_passes_work_on() -> None:
    running = service(a=nothing, b=nothing)
    one, two = (cast("Watcher", each) for each in running.supervisors.values())
    one.passing, two.passing = frozenset({"qa", "dev"}), frozenset({"live"})

    assert running.passing() == ["dev", "live", "qa"]


def test_the_repository_named_first_has_the_environment() -> None:
    running = service(a=nothing, b=nothing)
    one, two = (cast("Watcher", each) for each in running.supervisors.values())
    one.environments, two.environments = frozenset({"qa"}), frozenset({"qa", "live"})

    assert [running.rival(repo, "qa") for repo in "ab"] == ["", "a"]
    assert [running.rival(repo, "live") for repo in "ab"] == ["", ""]


def test_its_status_is_json_values_of_every_environment() -> None:
    running = service(repo=nothing)
    watcher = cast("Watcher", running.supervisors["repo"])
    condition = Condition(ConditionType.READY, "InSync", "3 of 3 as pinned", NOON)
    runs = (RunningDeployment("api", "ServerTasks-1", "Queued", NOON),)
    watcher.statuses["qa"] = EnvironmentStatus(
        "qa", "4f" * 20, (condition,), looked=NOON, running=runs, next_look=NOON
    )
    watcher.remotes = frozenset({"clinic", "away"})

    status: dict[str, Any] = running.status()

    assert status["repositories"]["repo"]["trouble"] is None
    assert status["repositories"]["repo"]["remotes"] == ["away", "clinic"]
    assert status["repositories"]["repo"]["environments"] == {
        "qa": {
            "commit": "4f" * 20,
            "looked": "2026-11-20T12:00:00Z",
            "attempted": None,
            "reached": None,
            "next_look": "2026-11-20T12:00:00Z",
            "failures": 0,
            "pending": 0,
            "running": [
                {
                    "component": "api",
                    "task": "ServerTasks-1",
                    "state": "Queued",
                    "since": "2026-11-20T12:00:00Z",
                    "wave": 0,
                }
            ],
            "progress": None,
            "conditions": [
                {
                    "type": "Ready",
                    "reason": "InSync",
                    "message": "3 of 3 as pinned",
                    "since": "2026-11-20T12:00:00Z",
                }
            ],
        }
    }
    assert as_json(EnvironmentStatus("new"))["looked"] is None
