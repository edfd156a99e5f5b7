"""Which tasks are told to be silent: late ones without a new line, and none that has its reason."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pytest

from reconciler.core.cellkey import CellKey
from reconciler.core.logtree import Branch, LogLine, TaskLog, Work
from reconciler.core.state import Task, TaskState
from reconciler.engine.doors import Pace
from reconciler.engine.events import Said, Silent
from reconciler.engine.stillness import Stillness
from reconciler.errors import NotAllowed, Unreachable

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event
    from reconciler.errors import OctopusTrouble
    from reconciler.ports import Octopus

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
API = CellKey("api")
TASK = Task(
    id="ServerTasks-1",
    state=TaskState.EXECUTING,
    description="",
    queued=NOON,
    started=NOON,
    completed=None,
    has_warnings=False,
    has_pending_interruptions=False,
    error="",
)


@dataclass
class World:
    """The doors that stillness uses: a clock, a pace, and logs as they are now."""

    seconds: float = 0.0
    told: list[Event] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    lines: int = 1
    trouble: OctopusTrouble | None = None
    pace: Pace = field(default_factory=lambda: Pace(silence=600.0))

    @property
    def clock(self) -> World:
        return self

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def tell(self, event: Event) -> None:
        self.told.append(event)

    async def task_log(self, task_id: str, tail: int) -> TaskLog:
        self.asked.append(task_id)
        if self.trouble is not None:
            raise self.trouble
        assert tail == 1
        percent = int(self.seconds) % 100  # an estimate by time is no sign of life
        line = LogLine(self.lines, "Info", None, "still here")
        return TaskLog(
            task_id, (Branch("1", "Deploy", Work.RUNNING, percent=percent, lines=(line,)),)
        )


def watched(world: World, usual: float | None = 60.0) -> Stillness:
    stillness = Stillness(cast("Doors", world), cast("Octopus", world))
    stillness.expect({} if usual is None else {API: timedelta(seconds=usual)})
    return stillness


async def run(world: World, stillness: Stillness, until: float, task: Task = TASK) -> set[str]:
    """Look every 30 seconds; return what is silent then."""
    silent: dict[str, datetime] = {}
    while world.seconds < until:
        world.seconds += 30.0
        silent = await stillness.look([(API, task, world.seconds)])
    return set(silent)


async def test_a_late_task_without_a_new_line_is_told_once_and_that_it_goes_on() -> None:
    world = World()
    stillness = watched(world)
    assert await run(world, stillness, 600) == set()
    assert world.asked == []  # what is not late is not read
    assert await run(world, stillness, 1200) == set()

    assert await run(world, stillness, 1800) == {"ServerTasks-1"}
    (silent,) = world.told
    assert silent == Silent(API, "ServerTasks-1", NOON + timedelta(seconds=630), timedelta(0, 60))
    assert len(world.asked) <= 12  # at most one for each two minutes

    world.lines = 2
    assert await run(world, stillness, 2000) == set()
    assert isinstance(world.told[-1], Said)


async def test_a_slow_task_is_late_only_beyond_three_times_its_usual_duration() -> None:
    world = World()

    assert await run(world, watched(world, 3600.0), 3 * 3600) == set()
    assert world.asked == []


async def test_a_task_nobody_knows_is_given_an_hour() -> None:
    world = World()
    stillness = watched(world, None)

    await run(world, stillness, 3600)
    assert world.asked == []
    assert await run(world, stillness, 5000) == {"ServerTasks-1"}


@pytest.mark.parametrize(
    "task",
    [
        replace(TASK, has_pending_interruptions=True),
        replace(TASK, has_pending_preconditions=True),
        replace(TASK, state=TaskState.QUEUED),
    ],
)
async def test_what_waits_for_a_reason_is_never_silent(task: Task) -> None:
    world = World()

    assert await run(world, watched(world), 20_000, task) == set()
    assert world.told == []


async def test_a_log_that_may_not_be_read_shows_no_life_and_one_that_cannot_is_no_proof() -> None:
    world = World(trouble=NotAllowed("no", hint="ask"))
    assert await run(world, watched(world), 2000) == {"ServerTasks-1"}
    (silent,) = world.told
    assert isinstance(silent, Silent)
    assert not silent.can_be_read

    world = World(trouble=Unreachable("gone", hint="wait"))
    assert await run(world, watched(world), 2000) == set()
