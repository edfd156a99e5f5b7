"""The branches of running tasks, read for whoever looks: a few at each look, in turn.

However many tasks run, a look asks for as many logs as `Pace.branches` says, and for none where
nobody looks. What cannot be read now is read at a later turn, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.core.logtree import merged
from reconciler.engine.doors import side_by_side
from reconciler.engine.events import Grown
from reconciler.errors import OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.cellkey import CellKey
    from reconciler.core.logtree import TaskLog
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus

TAIL = 10
"""Lines of each branch that a reading asks for: what grows on a screen, not the whole log."""

PATIENCE = 2.0
"""Real seconds that a look gives its logs: the lease is tended and tasks are watched meanwhile."""


class Branches:
    """The logs of the tasks that run now, as far as they were read."""

    def __init__(self, doors: Doors, octopus: Octopus) -> None:
        self._doors = doors
        self._octopus = octopus
        self._logs: dict[str, TaskLog] = {}  # by task
        self._turns: dict[str, None] = {}  # tasks, the one that was read last at the end

    async def look(self, running: Collection[tuple[CellKey, str]]) -> None:
        """Read the next branches of these (cell, task id), and tell how they have grown."""
        most = self._doors.pace.branches
        cells = {task_id: cell for cell, task_id in running}
        self._logs = {task: log for task, log in self._logs.items() if task in cells}
        self._turns = {task: None for task in (*self._turns, *cells) if task in cells}
        chosen = list(self._turns)[:most]
        for task_id in chosen:
            self._turns[task_id] = self._turns.pop(task_id)
        await side_by_side(self._read(cells[task_id], task_id) for task_id in chosen)

    async def _read(self, cell: CellKey, task_id: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                log = await self._octopus.task_log(task_id, TAIL)
        except (OctopusTrouble, TimeoutError):
            return  # it is only for looking at
        self._logs[task_id] = merged(self._logs.get(task_id), log)
        self._doors.tell(Grown(cell, self._logs[task_id]))
