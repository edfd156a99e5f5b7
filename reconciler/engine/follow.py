"""Following the logs of an environment until nothing runs there any more.

A turn asks as much of Octopus however many tasks run: for the environment's newest deployments, for
the states of the tasks that run, for what they ask of people, and for a few logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.intent import Comments
from reconciler.core.logtree import last_lines
from reconciler.core.state import TaskState
from reconciler.engine.branches import Branches
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.events import Ended, Found, Said, Watched
from reconciler.engine.launch import SEARCHED
from reconciler.engine.logs import AT_ONCE, Logged, begun_by_us, in_waves
from reconciler.engine.questions import Questions
from reconciler.engine.watch import LOG_TAIL, outcome_of, seen_since
from reconciler.errors import NotAllowed, OctopusTrouble, RemoteRejected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.state import DeploymentDetail, Task
    from reconciler.engine.doors import Doors
    from reconciler.engine.logs import Subject

QUIET = 30.0
"""Seconds without anything that runs, after which it is over: the next wave would have begun."""

TAIL = 200
"""Lines asked for of each branch at a time."""

LOST = 5
"""Turns in which Octopus does not show a task, before it is given up."""


async def follow(doors: Doors, subject: Subject, *, verbose: bool) -> None:
    """Tell what becomes of these tasks, and of those that start meanwhile.

    Returns once nothing has run for half a minute. Raises: OctopusTrouble where it does not answer
    for as long as patience lasts.
    """
    following = _Following(doors, subject, verbose=verbose)
    clock = doors.clock
    answered = busy = clock.monotonic()
    trouble = ""
    while True:
        try:
            await following.turn()
            answered, trouble = clock.monotonic(), ""
        except OctopusTrouble as error:
            if clock.monotonic() - answered > doors.pace.patience:
                raise
            if error.message != trouble:  # once, and again when it is another
                doors.tell(Said(f"still following: {error.message}"))
            trouble = error.message
        if following.runs or trouble:
            busy = clock.monotonic()
        elif clock.monotonic() - busy >= QUIET:
            return
        await clock.sleep(doors.pace.poll)


class _Following:
    """The tasks that are followed now: `runs`, by task."""

    def __init__(self, doors: Doors, subject: Subject, *, verbose: bool) -> None:
        self._doors = doors
        self._subject = subject
        self._octopus = subject.octopus
        self._branches = Branches(subject.octopus, doors.tell, AT_ONCE, tail=TAIL, verbose=verbose)
        self._questions = Questions(doors, subject.octopus)
        self._known: set[str] = set()  # tasks that were seen before, followed or not
        self._shown: list[Logged] = []
        self._told: set[str] = set()  # tasks of which it was told that they are followed
        self._missed: dict[str, int] = {}
        self.runs: dict[str, Logged] = {}
        for one in subject.tasks:
            self._take(one)

    async def turn(self) -> None:
        """Look once. Raises: OctopusTrouble."""
        new = await self._new()
        tasks = {task.id: task for task in await self._octopus.tasks({*self.runs, *new})}
        for task_id, one in new.items():
            if self._known or (task_id in tasks and not tasks[task_id].state.is_finished):
                self._take(one)  # what had ended before we began is not followed
        self._known |= {*new, *self.runs}
        self._tell_states(tasks)
        asking = [i for i in self.runs if i in tasks and tasks[i].has_pending_interruptions]
        await self._questions.look({i: self.runs[i].cell for i in asking})
        ended = [tasks[i] for i in self.runs if i in tasks and tasks[i].state.is_finished]
        if ended:  # their last lines come before the next ones of others
            await side_by_side(self._end(task) for task in ended[:AT_ONCE])
            return
        began = [i for i in self.runs if i in tasks and tasks[i].state is not TaskState.QUEUED]
        await self._branches.look([(self.runs[i].cell, i) for i in began])

    async def _new(self) -> dict[str, Logged]:
        """Return what began in these cells, by task, and was not seen before.

        Deployments are told by Octopus; runs of ours by the journal of the machine that began them.
        """
        newest = await self._octopus.deployments_of(None, self._subject.environment_id, SEARCHED)
        cells, name = self._subject.cells, self._subject.environment
        ours = begun_by_us(await blocking(self._doors.journal.intents, name), cells.values())
        found = {
            detail.task_id: _logged(cells[detail.project_id, detail.tenant_id], detail)
            for detail in newest
            if (detail.project_id, detail.tenant_id) in cells
        }
        seen = self._known | self.runs.keys()
        return {task: one for task, one in {**found, **ours}.items() if task not in seen}

    def _take(self, one: Logged) -> None:
        """Follow a task from now on."""
        self._shown.append(one)
        self.runs[one.task_id] = one

    def _tell_found(self, one: Logged) -> None:
        """Tell once that a task is followed, in the wave it has among those that are."""
        if one.task_id in self._told:
            return
        self._told.add(one.task_id)
        waves = {o.task_id: o.wave for o in in_waves(self._subject.after, self._shown)}
        wave = waves[one.task_id]
        self._doors.tell(Found(one.cell, one.task_id, one.came_from, one.version, wave))

    def _tell_states(self, tasks: Mapping[str, Task]) -> None:
        now = self._doors.clock.now()
        for task_id in [i for i in self.runs if i not in tasks]:
            self._missed[task_id] = self._missed.get(task_id, 0) + 1
            if self._missed[task_id] >= LOST:
                del self.runs[task_id]
                self._doors.tell(Said(f"Octopus does not show {task_id} any more"))
        going = [i for i in self.runs if i in tasks and not tasks[i].state.is_finished]
        for task_id in going:  # of what has ended, when its log was read
            self._tell_found(self.runs[task_id])
        seen = [seen_since(self.runs[i].cell, i, tasks[i], now) for i in going]
        if seen:
            self._doors.tell(Watched(tuple(sorted(seen))))

    async def _end(self, task: Task) -> None:
        """Read the last of a log, and tell how its task ended."""
        one = self.runs[task.id]
        self._tell_found(one)
        good, lines = task.state is TaskState.SUCCESS, tuple[str, ...]()
        link = "" if good else await self._octopus.task_page(task.id)
        try:
            log = await self._branches.read(one.cell, task.id)
            lines = () if good else last_lines(log, LOG_TAIL)
        except (RemoteRejected, NotAllowed) as error:
            lines = (f"its log could not be read: {error.message}",)
        began, over = task.started or task.queued, task.completed or self._doors.clock.now()
        seconds = max((over - began).total_seconds(), 0.0)
        outcome = outcome_of(task)
        self._doors.tell(
            Ended(one.cell, one.version, task.id, outcome, seconds, lines, link, settled=good)
        )
        del self.runs[task.id]


def _logged(cell: CellKey, detail: DeploymentDetail) -> Logged:
    """Return a deployment as its own comments tell of it: they name versions where it is ours."""
    said = Comments.read(detail.comments)
    version, came_from = ("", None) if said is None else (said.version, said.replaces)
    return Logged(cell, detail.task_id, version, came_from)
