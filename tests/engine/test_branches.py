"""Logs of running tasks are read in turn, as many at each look however many run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from reconciler.core.logtree import Branch, LogLine, TaskLog, Work
from reconciler.engine.branches import Branches
from reconciler.engine.events import Grown
from reconciler.errors import Unreachable

if TYPE_CHECKING:
    from reconciler.ports import Octopus


class Server:
    """Answers with one line more at each reading; what is in `down` cannot be read."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.down: set[str] = set()

    async def task_log(self, task_id: str, tail: int, *, verbose: bool) -> TaskLog:
        assert tail > 0
        assert not verbose
        self.asked.append(task_id)
        if task_id in self.down:
            raise Unreachable("no answer", hint="")
        line = LogLine(len(self.asked), "Info", None, "x")
        return TaskLog(task_id, (Branch(task_id, "Deploy", Work.RUNNING, lines=(line,)),))


def looking(branches: int) -> tuple[Branches, Server, list[Any]]:
    told: list[Any] = []
    server = Server()
    return Branches(cast("Octopus", server), told.append, branches), server, told


def running(*names: str) -> list[tuple[str, str]]:
    return [(f"cell-{name}", name) for name in names]


@pytest.mark.parametrize("count", [1, 3, 100])
async def test_a_look_reads_no_more_logs_than_it_may_and_each_in_its_turn(count: int) -> None:
    branches, server, _ = looking(2)
    names = [f"T{n}" for n in range(count)]

    for _ in range(count):
        before = len(server.asked)
        await branches.look(running(*names))
        assert len(server.asked) - before == min(2, count)

    assert {server.asked.count(name) for name in names} == {min(2, count)}


async def test_where_nobody_looks_no_log_is_read() -> None:
    branches, server, told = looking(0)

    await branches.look(running("T1", "T2"))

    assert (server.asked, told) == ([], [])


async def test_a_log_grows_with_each_reading_until_its_task_has_ended() -> None:
    branches, _, told = looking(5)

    await branches.look(running("T1"))
    await branches.look(running("T1"))
    await branches.look(running("T2"))
    await branches.look(running("T1"))

    assert [(event.cell, len(event.log.roots[0].lines), len(event.new)) for event in told] == [
        ("cell-T1", 1, 1),
        ("cell-T1", 2, 1),
        ("cell-T2", 1, 1),
        ("cell-T1", 1, 1),
    ]


async def test_a_log_that_cannot_be_read_keeps_nothing_back() -> None:
    branches, server, told = looking(5)
    server.down = {"T1"}

    await branches.look(running("T1", "T2"))

    assert [type(event) for event in told] == [Grown]
    assert told[0].cell == "cell-T2"
