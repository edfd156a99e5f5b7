"""The gathering of one process: who comes while a push runs is in the next, and nobody is lost."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from story import TurnedClock

from reconciler.engine.gather import LOOK, SECOND, Gathering
from reconciler.errors import LeaseLost, RemoteUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Outcome = Any


@dataclass
class Branch:
    """An audit branch that takes names for entries and writes down what was pushed together.

    `during` runs while a push does; what it returns takes the place of the outcomes.
    """

    pushes: list[list[str]] = field(default_factory=list)
    fetches: int = 0
    during: Callable[[Sequence[Any]], Any] = lambda _: None

    def publish(self, entries: Sequence[Any]) -> Sequence[Any]:
        self.pushes.append(list(entries))
        return self.during(entries) or [f"{entry} is written" for entry in entries]

    def fetch(self) -> str:
        self.fetches += 1
        self.during(())
        return f"tip {self.fetches}"


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def branch() -> Branch:
    return Branch()


def gathering(clock: TurnedClock, writers: int) -> Gathering:
    found = Gathering(clock)
    for _ in range(writers):
        found.begin()
    return found


async def publish(gathered: Gathering, branch: Any, *names: Any) -> list[Outcome]:
    works = (gathered.publish(branch, name) for name in names)
    return await asyncio.gather(*works, return_exceptions=True)


async def test_a_pass_that_is_alone_waits_for_nobody(clock: TurnedClock, branch: Branch) -> None:
    alone = gathering(clock, 1)

    await publish(alone, branch, "a")
    await publish(alone, branch, "b")

    assert branch.pushes == [["a"], ["b"]]
    assert clock.monotonic() == 1000.0


async def test_all_passes_that_run_at_once_are_one_push(clock: TurnedClock, branch: Branch) -> None:
    three = gathering(clock, 3)
    await publish(three, branch, "0")

    outcomes = await publish(three, branch, "a", "b", "c")

    assert branch.pushes == [["0"], ["a", "b", "c"]]
    assert outcomes == ["a is written", "b is written", "c is written"]
    assert clock.monotonic() <= 1000.0 + LOOK


async def test_of_many_passes_there_is_one_push_a_second(
    clock: TurnedClock, branch: Branch
) -> None:
    many = gathering(clock, 20)
    begun: list[float] = []
    branch.during = lambda _: begun.append(clock.monotonic())

    for name in ("a", "b", "c"):
        await publish(many, branch, name)

    assert [later - earlier for earlier, later in pairwise(begun)] == [
        pytest.approx(SECOND, abs=LOOK),
        pytest.approx(SECOND, abs=LOOK),
    ]


async def test_the_wait_ends_when_the_last_that_may_come_has_come_or_gone(
    clock: TurnedClock, branch: Branch
) -> None:
    two = gathering(clock, 2)
    await publish(two, branch, "a")
    waiting = asyncio.ensure_future(two.publish(branch, "b"))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    two.end()

    await waiting

    assert branch.pushes == [["a"], ["b"]]
    assert clock.monotonic() < 1000.0 + SECOND


async def test_who_comes_while_a_push_runs_is_in_the_next(
    clock: TurnedClock, branch: Branch
) -> None:
    many = gathering(clock, 4)
    loop = asyncio.get_running_loop()
    later: list[asyncio.Future[Outcome]] = []
    here = threading.Event()

    def come() -> None:
        later.extend(asyncio.ensure_future(publish(many, branch, n)) for n in ("b", "c", "d"))
        loop.call_soon(here.set)

    def during(entries: Sequence[Any]) -> None:
        if list(entries) == ["a"]:
            loop.call_soon_threadsafe(come)
            assert here.wait(30)

    branch.during = during

    assert await publish(many, branch, "a") == ["a is written"]
    assert [await each for each in later] == [[f"{n} is written"] for n in ("b", "c", "d")]
    assert branch.pushes == [["a"], ["b", "c", "d"]]


async def test_each_hears_its_own_outcome(clock: TurnedClock, branch: Branch) -> None:
    lost = LeaseLost("another has it", hint="wait")
    three = gathering(clock, 3)
    await publish(three, branch, "0")
    branch.during = lambda _: ["written", lost, "written too"]

    outcomes = await publish(three, branch, "a", "b", "c")

    assert outcomes == ["written", lost, "written too"]


async def test_rule_26_all_hear_of_a_remote_that_is_down_and_the_next_push_goes(
    clock: TurnedClock, branch: Branch
) -> None:
    down = RemoteUnreachable("no answer", hint="try again")
    two = gathering(clock, 2)
    branch.during = lambda entries: [down] * len(entries)

    assert await publish(two, branch, "a", "b") == [down, down]
    branch.during = lambda _: None
    assert await publish(two, branch, "a", "b") == ["a is written", "b is written"]


async def test_a_bug_in_a_push_reaches_all_of_it_and_nobody_after(
    clock: TurnedClock, branch: Branch
) -> None:
    def bug(_: Sequence[Any]) -> None:
        raise ZeroDivisionError

    two = gathering(clock, 2)
    branch.during = bug

    assert [type(o) for o in await publish(two, branch, "a", "b")] == [ZeroDivisionError] * 2
    branch.during = lambda _: None
    assert await publish(two, branch, "a", "b") == ["a is written", "b is written"]


async def test_who_is_cancelled_in_the_middle_of_a_push_leaves_the_others_their_outcomes(
    clock: TurnedClock, branch: Branch
) -> None:
    two = gathering(clock, 2)
    await publish(two, branch, "0")
    loop = asyncio.get_running_loop()
    cut = threading.Event()

    def during(_: Sequence[Any]) -> None:
        loop.call_soon_threadsafe(leader.cancel)
        loop.call_soon_threadsafe(lambda: loop.call_soon(cut.set))
        assert cut.wait(30)

    branch.during = during
    leader = asyncio.ensure_future(two.publish(branch, "a"))  # type: ignore[arg-type]
    follower = asyncio.ensure_future(two.publish(branch, "b"))  # type: ignore[arg-type]

    with pytest.raises(asyncio.CancelledError):
        await leader
    assert await follower == "b is written"
    assert branch.pushes == [["0"], ["a", "b"]]


async def test_who_is_cancelled_before_the_push_is_not_in_it(
    clock: TurnedClock, branch: Branch
) -> None:
    three = gathering(clock, 3)
    await publish(three, branch, "0")
    gone = asyncio.ensure_future(three.publish(branch, "a"))  # type: ignore[arg-type]
    stays = asyncio.ensure_future(three.publish(branch, "b"))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == "b is written"
    assert branch.pushes == [["0"], ["b"]]


async def test_fetches_at_once_are_one_and_one_that_runs_already_is_not_enough(
    clock: TurnedClock, branch: Branch
) -> None:
    gathered = gathering(clock, 0)
    loop = asyncio.get_running_loop()
    later: list[asyncio.Future[Any]] = []
    here = threading.Event()

    def come() -> None:
        later.extend(asyncio.ensure_future(gathered.fetch(door)) for _ in range(5))
        loop.call_soon(here.set)

    def during(_: Sequence[Any]) -> None:
        if branch.fetches == 1:
            loop.call_soon_threadsafe(come)
            assert here.wait(30)

    door: Any = branch
    branch.during = during

    assert await gathered.fetch(door) == "tip 1"
    assert [await each for each in later] == ["tip 2"] * 5
    assert branch.fetches == 2
