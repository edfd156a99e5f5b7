"""The branches of tasks, read for whoever looks: a few at each look, in turn.

However many tasks run, a look asks for as many logs as it may, and for none where nobody looks.
What cannot be read now is read at a later turn, and nothing waits for it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.core.logtree import gaps, merged, news
from reconciler.engine.doors import side_by_side
from reconciler.engine.events import Grown
from reconciler.errors import OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reconciler.core.cellkey import CellKey
    from reconciler.core.logtree import TaskLog
    from reconciler.engine.events import Event
    from reconciler.ports import Octopus

TAIL = 10
"""Lines of each branch that a reading asks for: what grows on a screen, not the whole log."""


class Branches:
    """The logs of the tasks that run now, as far as they were read.

    `patience`: real seconds that one look gives its logs, None: as many as the client does.
    """

    def __init__(
        self,
        octopus: Octopus,
        tell: Callable[[Event], None],
        most: int,
        *,
        tail: int = TAIL,
        verbose: bool = False,
        patience: float | None = None,
    ) -> None:
        self._octopus = octopus
        self._tell = tell
        self._most = most
        self._tail = tail
        self._verbose = verbose
        self._patience = patience
        self._logs: dict[str, TaskLog] = {}  # by task
        self._turns: dict[str, None] = {}  # tasks, the one that was read last at the end

    async def look(self, running: Collection[tuple[CellKey, str]]) -> None:
        """Read the next branches of these (cell, task id), and tell how they have grown."""
        cells = {task_id: cell for cell, task_id in running}
        self._logs = {task: log for task, log in self._logs.items() if task in cells}
        self._turns = {task: None for task in (*self._turns, *cells) if task in cells}
        chosen = list(self._turns)[: self._most]
        for task_id in chosen:
            self._turns[task_id] = self._turns.pop(task_id)
        await side_by_side(self._read_now(cells[task_id], task_id) for task_id in chosen)

    async def read(self, cell: CellKey, task_id: str) -> TaskLog:
        """Read the log of one task, and tell how it has grown. Raises: OctopusTrouble."""
        found = await self._octopus.task_log(task_id, self._tail, verbose=self._verbose)
        before = self._logs.get(task_id)
        log = self._logs[task_id] = merged(before, found)
        self._tell(Grown(cell, log, news(before, found), gaps(before, found, self._tail)))
        return log

    async def _read_now(self, cell: CellKey, task_id: str) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self.read(cell, task_id)
        except (OctopusTrouble, TimeoutError):
            return  # it is only for looking at
