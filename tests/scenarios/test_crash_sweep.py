"""Kill the process at every door, start again, and count what Octopus has (rule 12)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import pytest
from story import story

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from story import Story

    from reconciler.engine.doors import Doors


class Killed(BaseException):
    """What SIGKILL does to a pass: nothing of it runs any more."""


@dataclass
class Reaper:
    """Counts calls through the doors, and kills at one of them: before it, or just after it.

    A dead process does nothing: once killed, every later call is refused too.
    """

    at: int
    after: bool
    calls: int = 0
    dead: bool = False
    names: list[str] = field(default_factory=list)

    def begin(self, name: str) -> int:
        """Count a call, and die before it if it is the one; return its number.

        Looks at the pauses change nothing and come twice a second: they are no points of their own.
        """
        self._die(self.dead)
        if name == "pauses":
            return -1
        self.calls += 1
        self.names.append(name)
        self._die(self.calls == self.at and not self.after)
        return self.calls

    def end(self, number: int) -> None:
        """Die just after a call if it is the one."""
        self._die(self.dead or (number == self.at and self.after))

    def _die(self, now: bool) -> None:
        if now:
            self.dead = True
            raise Killed

    def wrap(self, doors: Doors) -> Doors:
        def octopus(space: Any) -> Any:
            return Mortal(doors.octopus(space), self)

        def watched(name: str) -> Any:
            return Mortal(getattr(doors, name), self)

        kept = {f.name: getattr(doors, f.name) for f in fields(doors)}
        kept |= {name: watched(name) for name in ("audit", "journal")}
        return replace(doors, **kept | {"octopus": octopus})


class Mortal:
    """A door behind which a process may die."""

    def __init__(self, door: Any, reaper: Reaper) -> None:
        self._door = door
        self._reaper = reaper

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._door, name)
        if not callable(value):
            return value
        return self._async(name, value) if _is_async(value) else self._sync(name, value)

    def _sync(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def through(*args: Any, **kwargs: Any) -> Any:
            number = self._reaper.begin(name)
            answer = call(*args, **kwargs)
            self._reaper.end(number)
            return answer

        return through

    def _async(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        async def through(*args: Any, **kwargs: Any) -> Any:
            number = self._reaper.begin(name)
            answer = await call(*args, **kwargs)
            self._reaper.end(number)
            return answer

        return through


def _is_async(call: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(call)


async def killed_at(world: Story, point: int, *, after: bool) -> bool:
    """Apply and die at one door call; tell whether the pass got that far."""
    reaper = Reaper(point, after)
    world.wrap = reaper.wrap
    try:
        await world.apply()
    except Killed:
        return True
    finally:
        world.wrap = lambda doors: doors
    return False


async def prepare(world: Story) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")


def check(world: Story) -> None:
    for project in ("db", "api", "jobs"):
        assert world.runs(project) == "1.1.0", project
        assert world.ours(project) == ["1.1.0"], project
        assert len(world.receipts(project)) == 1, project
    assert '"1.1.0"' in world.audit("snapshots/test.yaml")


SHORT = (5, 12, 18, 22, 25, 28, 32, 36, 40, 44, 48, 55)
"""Door calls of the pass that `make test` dies at; `make proof` dies at every one."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("point", SHORT)
async def test_rule_12_a_killed_apply_is_finished_without_a_second_deployment(
    world: Story, point: int, after: bool
) -> None:
    await prepare(world)

    await killed_at(world, point, after=after)
    await world.apply()

    check(world)


async def test_the_points_of_the_short_sweep_are_inside_the_pass(world: Story) -> None:
    await prepare(world)
    reaper = Reaper(at=0, after=False)
    world.wrap = reaper.wrap

    await world.apply()

    assert max(SHORT) < reaper.calls
    assert {"promise", "deploy", "launched", "finished", "queue_receipt", "publish"} <= set(
        reaper.names
    )


@pytest.mark.proof
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_rule_12_holds_at_every_door_a_pass_goes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setenv("OCTOPUS_STORY_KEY", "API-SERVICE")
    point, alive = 0, True
    while alive:
        point += 1
        folder = tmp_path / str(point)
        folder.mkdir()
        with story(folder) as world:
            await prepare(world)
            alive = await killed_at(world, point, after=after)
            await world.apply()
            check(world)
    assert point > 60
