"""Tasks that show no sign of life: told, and never ended by themselves.

A task is suspected once it runs far longer than it usually does here, and is silent once its log
has not changed for a while since. One that is queued, or waits for a person or a change request,
has its reason and is not suspected. However many tasks run, a look reads one log at most, and none
where nothing is suspected.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.logtree import LogLine, Path, Work
from reconciler.core.state import TaskState
from reconciler.engine.events import Said, Silent
from reconciler.errors import CredentialRefused, NotAllowed, OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.logtree import TaskLog
    from reconciler.core.state import Task
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus

FAR = 3
"""Times its usual duration after which a task is suspected."""

UNKNOWN = 6
"""Times the pace's `silence` after which one is suspected whose usual duration nobody knows."""

LOOKS = 5
"""Readings of a suspected task's log within the pace's `silence`."""

TAIL = 1  # the last line of each branch: enough to see that it grew


_Sign = tuple[tuple[Path, Work, tuple[LogLine, ...]], ...]


@dataclass(slots=True)
class _Suspect:
    sign: _Sign | None  # None: its log may not be read
    since: float  # when this was first read, by the monotonic clock
    read: float
    told: datetime | None = None


class Stillness:
    """The tasks of one pass that run far too long, and which of them are silent."""

    def __init__(self, doors: Doors, octopus: Octopus) -> None:
        self._doors = doors
        self._octopus = octopus
        self._usual: Mapping[CellKey, timedelta] = {}
        self._suspects: dict[str, _Suspect] = {}

    def expect(self, usual: Mapping[CellKey, timedelta]) -> None:
        """Know how long deployments usually take, by cell."""
        self._usual = usual

    async def look(self, running: Collection[tuple[CellKey, Task, float]]) -> dict[str, datetime]:
        """Return the silent ones of these (cell, task, seconds it runs), and since when (UTC).

        Raises: CredentialRefused.
        """
        far = {task.id: cell for cell, task, age in running if self._is_far(cell, task, age)}
        self._suspects = {task: each for task, each in self._suspects.items() if task in far}
        now = self._doors.clock.monotonic()
        again = self._doors.pace.silence / LOOKS
        due = [
            task
            for task in far
            if task not in self._suspects or now - self._suspects[task].read >= again
        ]
        if due:
            oldest = min(due, key=self._last_read)
            await self._read(far[oldest], oldest, now)
        told = {task: each.told for task, each in self._suspects.items()}
        return {task: since for task, since in told.items() if since is not None}

    def _is_far(self, cell: CellKey, task: Task, age: float) -> bool:
        if task.state.is_finished or task.state is TaskState.QUEUED:
            return False
        if task.has_pending_interruptions or task.has_pending_preconditions:
            return False
        usual, silence = self._usual.get(cell), self._doors.pace.silence
        known = None if usual is None else max(FAR * usual.total_seconds(), silence)
        return age > (UNKNOWN * silence if known is None else known)

    def _last_read(self, task: str) -> float:
        found = self._suspects.get(task)
        return float("-inf") if found is None else found.read

    async def _read(self, cell: CellKey, task: str, now: float) -> None:
        sign: _Sign | None = None
        try:
            sign = _sign_of(await self._octopus.task_log(task, TAIL))
        except CredentialRefused:
            raise
        except NotAllowed:
            pass  # a log that may not be read shows no life
        except OctopusTrouble:
            return  # it is read at a later look
        suspect = self._suspects.get(task)
        if suspect is None or suspect.sign != sign:
            if suspect is not None and suspect.told is not None:
                self._doors.tell(Said(f"{cell}: {task} goes on: its log has grown"))
            self._suspects[task] = _Suspect(sign, now, now)
            return
        suspect.read = now
        if suspect.told is None and now - suspect.since >= self._doors.pace.silence:
            quiet = timedelta(seconds=now - suspect.since)
            suspect.told = self._doors.clock.now() - quiet
            usual = self._usual.get(cell)
            self._doors.tell(Silent(cell, task, suspect.told, usual, can_be_read=sign is not None))


def _sign_of(log: TaskLog) -> _Sign:
    """Return what changes in a log when work goes on; its percentage may be only an estimate."""
    return tuple((path, branch.work, branch.lines[-1:]) for path, branch in log.branches())
