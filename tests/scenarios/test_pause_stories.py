"""Stories of pauses: written by another process, at any moment of a pass (rule 21)."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.core.gate import GateName
from reconciler.core.pause import Pause, Scope
from reconciler.engine.apply import Done
from reconciler.engine.events import Launched, Said
from reconciler.engine.pausing import LOOK
from reconciler.errors import StoreTrouble
from reconciler.store import SqliteJournal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from story import Story

    from reconciler.engine.doors import Doors
    from reconciler.engine.run import PassReport

TEST = Scope.parse("test")


@contextmanager
def another_process(world: Story) -> Iterator[SqliteJournal]:
    """Open the same store a second time, as `reconciler pause` does beside a running apply."""
    journal = SqliteJournal(world.folder / "state" / "store.sqlite3", clock=world.clock)
    try:
        yield journal
    finally:
        journal.close()


def pause(world: Story, scope: Scope = TEST, who: str = "ann@desk", why: str = "CHG-7") -> None:
    with another_process(world) as journal:
        journal.pause(Pause(scope, who, world.clock.now(), why))


def unpause(world: Story, scope: Scope = TEST) -> None:
    with another_process(world) as journal:
        assert journal.unpause(scope, "bob@desk") is not None


@dataclass
class Timeline:
    """Does something once, at a moment of the turned clock, whatever the pass does then."""

    world: Story
    moments: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    began: float = 0.0

    def at(self, seconds: float, do: Callable[[], None]) -> None:
        """`seconds` are counted from the first deployment that was asked for."""
        self.moments.append((seconds, do))

    def start(self) -> None:
        sleep = self.world.clock.sleep

        async def sleeping(seconds: float) -> None:
            await sleep(seconds)
            now = self.world.clock.monotonic()
            started = any(isinstance(event, Launched) for event in self.world.events)
            self.began = self.began or (now if started else 0.0)
            for moment in list(self.moments):
                if self.began and now - self.began >= moment[0]:
                    self.moments.remove(moment)
                    moment[1]()

        self.world.clock.sleep = sleeping  # type: ignore[method-assign]


@pytest.fixture
def timeline(world: Story) -> Timeline:
    made = Timeline(world)
    made.start()
    return made


def paused_gates(report: PassReport) -> list[str]:
    return [g.cell for g in report.planned.gates if g.name is GateName.PAUSED]


def said(world: Story) -> list[str]:
    return [event.text for event in world.events if isinstance(event, Said)]


@pytest.mark.parametrize("reach", ["all", "server", "installation", "environment"])
async def test_rule_21_a_pause_of_any_wide_scope_stops_every_request_before_it(
    world: Story, reach: str
) -> None:
    accepted = await world.accept()
    installation = accepted.planned.situation.observed.server.installation_id
    scope = {
        "all": Scope.parse(everything=True),
        "server": Scope.parse(server=world.server.url.upper().replace("HTTP", "http") + "/"),
        "installation": Scope.parse(server=installation),
        "environment": TEST,
    }[reach]
    pause(world, scope)
    world.pin(api="1.1.0", jobs="1.1.0")

    planned = await world.plan()
    report = await world.apply()

    (gate,) = planned.stopped
    assert gate.name is GateName.PAUSED
    assert "paused by ann@desk since 2026-11-20 12:0" in gate.message
    assert gate.message.endswith("Z: CHG-7")
    assert gate.opener == f"`reconciler unpause {scope.arguments}`"
    assert report.planned.stopped == planned.stopped
    assert world.ours("api") == world.ours("jobs") == []
    assert any('"paused"' in world.audit(path) for path in world.audit_files("passes"))

    unpause(world, scope)
    report = await world.apply()
    assert {r.done for r in report.results.values()} == {Done.SUCCEEDED}
    assert world.ours("api") == world.ours("jobs") == ["1.1.0"]


async def test_rule_21_a_pause_of_one_component_holds_it_and_what_waits_for_it(
    world: Story,
) -> None:
    await world.accept()
    pause(world, Scope.parse("test", "api"))
    pause(world, Scope.parse("another", "jobs"))
    pause(world, Scope.parse(server="https://octopus.elsewhere"))
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0", jobs="1.1.0")

    report = await world.apply()

    assert paused_gates(report) == ["api"]
    assert {name: result.done for name, result in report.results.items()} == {
        "db": Done.SUCCEEDED,
        "jobs": Done.SUCCEEDED,
        "api": Done.HELD,
        "web": Done.HELD,
    }
    assert world.ours("api") == world.ours("web") == []


async def test_rule_21_a_pause_in_the_middle_starts_nothing_more_and_watches_to_the_receipts(
    world: Story, timeline: Timeline
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", web="1.1.0", jobs="1.1.0")
    timeline.at(5.0, lambda: pause(world))

    report = await world.apply()

    assert {name: result.done for name, result in report.results.items()} == {
        "db": Done.SUCCEEDED,
        "jobs": Done.SUCCEEDED,
        "api": Done.HELD,
        "web": Done.HELD,
    }
    assert "environment test is paused by ann@desk since" in report.results["api"].why
    assert report.recorded
    assert [len(world.receipts(name)) for name in ("db", "jobs", "api")] == [1, 1, 0]
    assert world.ours("api") == []
    assert {gate.opener for gate in report.halted} == {"`reconciler unpause test`"}
    assert any("what runs there is watched on" in text for text in said(world))


async def test_rule_21_no_request_leaves_later_than_a_second_after_the_pause_was_written(
    world: Story,
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", jobs="1.1.0", mail="1.1.0")
    written: list[float] = []
    looked: list[float] = []

    class Watched:
        """The journal, with every look at the pauses noted by the turned clock."""

        def __init__(self, journal: Any) -> None:
            self._journal = journal

        def __getattr__(self, name: str) -> Any:
            if name == "pauses":
                looked.append(world.clock.monotonic())
            if name == "launched" and not written:
                pause(world)
                written.append(world.clock.monotonic())
            return getattr(self._journal, name)

    world.wrap = lambda doors: replace(doors, journal=Watched(doors.journal))
    report = await world.apply()

    assert [r.done for r in report.results.values()].count(Done.SUCCEEDED) == 1
    assert sum(len(world.ours(name)) for name in ("db", "jobs", "mail")) == 1
    later = [moment for moment in looked if moment >= written[0]]
    gaps = [after - before for before, after in pairwise(later)]
    assert later[0] - written[0] <= LOOK
    assert max(gaps) <= LOOK
    told = next(e for e in world.events if isinstance(e, Said) and "is paused by" in e.text)
    assert "what runs there is watched on" in told.text


async def test_rule_21_a_pause_between_the_promise_and_the_request_voids_the_promise(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    promised: list[str] = []

    class Promising:
        """The journal; somebody pauses just when a promise is on disk."""

        def __init__(self, journal: Any) -> None:
            self._journal = journal

        def __getattr__(self, name: str) -> Any:
            if name == "promise":
                return self._promise
            return getattr(self._journal, name)

        def _promise(self, record: Any, fence: int) -> None:
            self._journal.promise(record, fence)
            promised.append(record.intent.id)
            if len(promised) == 1:
                pause(world)

    world.wrap = lambda doors: replace(doors, journal=Promising(doors.journal))
    report = await world.apply()

    assert len(promised) == 1
    assert report.results["api"].done is Done.HELD
    assert not report.started
    assert [r for r in world.octopus.requests if r.method == "POST"] == []

    unpause(world)
    await world.apply()
    assert world.ours("api") == ["1.1.0"]
    assert len(world.receipts("api")) == 1


async def test_rule_21_waiting_for_the_request_budget_does_not_carry_a_request_past_a_pause(
    world: Story,
) -> None:
    await world.accept()
    world.pin(api="1.1.0")
    waited: list[float] = []

    def slow_budget(doors: Doors) -> Doors:
        def octopus(space: Any) -> Any:
            door = doors.octopus(space)
            budget = door._deployer._budget
            take = budget.take

            async def slowly(at_most: float) -> bool:
                if at_most < 30 and not waited and door._deployer is not None:
                    waited.append(at_most)
                    await world.clock.sleep(5.0)
                    pause(world)
                return bool(await take(at_most))

            budget.take = slowly
            return door

        return replace(doors, octopus=octopus)

    world.wrap = slow_budget
    report = await world.apply()

    assert waited
    assert report.results["api"].done is Done.HELD
    assert world.ours("api") == []


async def test_rule_21_a_pause_lifted_while_something_runs_lets_the_same_pass_go_on(
    world: Story, timeline: Timeline
) -> None:
    world.edit("policies/open.yaml", ("mode: apply", "mode: apply, limits: {parallel: 1}"))
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")
    timeline.at(3.0, lambda: pause(world))
    timeline.at(9.0, lambda: unpause(world))

    report = await world.apply()

    assert {r.done for r in report.results.values()} == {Done.SUCCEEDED}
    assert world.ours("db") == world.ours("api") == world.ours("jobs") == ["1.1.0"]
    assert report.halted == ()
    assert "environment test goes on: its pause was lifted" in said(world)


async def test_rule_21_a_pause_of_one_component_in_the_middle_leaves_the_others_going(
    world: Story, timeline: Timeline
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0", jobs="1.1.0")
    timeline.at(3.0, lambda: pause(world, Scope.parse("test", "api")))

    report = await world.apply()

    assert report.results["db"].done is report.results["jobs"].done is Done.SUCCEEDED
    assert report.results["api"].done is Done.HELD
    assert paused_gates(report) == ["api"]


class Killed(BaseException):
    """What SIGKILL does to a pass."""


async def test_rule_21_a_restart_keeps_the_pause_and_finishes_what_ran(
    world: Story, timeline: Timeline
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")

    def dies() -> None:
        pause(world)
        raise Killed

    timeline.at(3.0, dies)
    with pytest.raises(Killed):
        await world.apply()
    world.clock.turn(300)

    report = await world.apply()

    assert [finished.settled for finished in report.resumed] == [True]
    assert report.planned.stopped[0].name is GateName.PAUSED
    assert len(world.receipts("db")) == 1
    assert world.ours("db") == ["1.1.0"]
    assert world.ours("api") == []

    unpause(world)
    assert (await world.apply()).results["api"].done is Done.SUCCEEDED


async def test_rule_21_a_store_that_cannot_tell_its_pauses_holds_and_does_not_stop_watching(
    world: Story,
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    broken: list[int] = []

    class Blind:
        """The journal, whose pauses cannot be read once something runs."""

        def __init__(self, journal: Any) -> None:
            self._journal = journal

        def __getattr__(self, name: str) -> Any:
            if name == "launched":
                broken.append(1)
            if name == "pauses" and broken:
                return self._refuse
            return getattr(self._journal, name)

        def _refuse(self) -> None:
            raise StoreTrouble("the disk failed", hint="look at it")

    world.wrap = lambda doors: replace(doors, journal=Blind(doors.journal))
    report = await world.apply()

    assert report.results["db"].done is Done.SUCCEEDED
    assert report.results["api"].done is Done.HELD
    assert "cannot be read: the disk failed" in report.results["api"].why
    assert len(world.receipts("db")) == 1
    assert said(world).count("nothing new is started: the disk failed") == 1


async def test_a_pause_under_way_is_recorded_with_the_pass(
    world: Story, timeline: Timeline
) -> None:
    await world.accept()
    world.pin(db="1.1.0", api="1.1.0")
    timeline.at(3.0, lambda: pause(world, who="ann\x1b[31m@desk", why="stop\nnow"))

    await world.apply()

    (path,) = world.audit_files("passes")
    told = world.audit(path)
    assert '"gate": "paused"' in told
    assert '"outcome": "held"' in told
    assert "ann\\\\x1b[31m@desk" in told
