"""Pauses as one pass meets them: read again before each request, and while it waits (rule 21).

Another process may write a pause at any moment. A pass under a pause starts nothing new and goes on
watching; once the pause is lifted while something still runs, the same pass starts the rest. When
nothing runs any more, what is still paused is given back, held.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from reconciler.core.cellkey import cell_key
from reconciler.core.gate import Gate, GateName
from reconciler.core.pause import covering, server_names
from reconciler.core.pausegate import paused_gate
from reconciler.engine.doors import blocking
from reconciler.engine.events import Said
from reconciler.errors import StoreTrouble

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.core.cellkey import CellKey
    from reconciler.core.pause import Pause
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation

LOOK = 0.5
"""Seconds between two looks at the pauses while a pass waits: rule 21 gives one second."""


async def names_of_server(doors: Doors, situation: Situation) -> frozenset[str]:
    """Return every name the environment's server goes by."""
    accepted = await blocking(doors.journal.accepted_everywhere)
    return server_names(
        situation.desired.space.server,
        situation.observed.server.installation_id,
        ((one.server_url, one.server) for one in accepted),
    )


class Pauses:
    """The pauses that stand before the cells of one environment, as last looked at."""

    def __init__(
        self,
        doors: Doors,
        environment: str,
        servers: frozenset[str],
        cells: Collection[str],
    ) -> None:
        self._doors = doors
        self._environment = environment
        self._servers = servers
        self._cells = cells
        self._standing: tuple[Pause, ...] | None = None
        self._trouble = ""

    @classmethod
    async def over(cls, doors: Doors, situation: Situation) -> Pauses:
        """Begin to look at the pauses of one environment."""
        servers = await names_of_server(doors, situation)
        cells = frozenset(cell.casefold() for cell in situation.observed.cells)
        return cls(doors, situation.desired.environment.name, servers, cells)

    async def look(self) -> None:
        """Read the store once, and tell what changed.

        A store that cannot be read holds everything (rule 11) and is no reason to stop watching.
        """
        try:
            standing = await blocking(self._doors.journal.pauses)
        except StoreTrouble as error:
            if not self._trouble:
                self._doors.tell(Said(f"nothing new is started: {error.message}"))
            self._trouble = error.message
            return
        self._trouble = ""
        mine = tuple(pause for pause in standing if self._concerns(pause))
        if self._standing is not None:
            for pause in mine:
                if pause not in self._standing:
                    self._doors.tell(Said(f"{pause.words}; what runs there is watched on"))
            for pause in self._standing:
                if pause.scope not in {each.scope for each in mine}:
                    self._doors.tell(Said(f"{pause.scope} goes on: its pause was lifted"))
        self._standing = mine

    def before(self, cell: CellKey) -> Gate | None:
        """Return the closed gate before a cell, as last looked at; None: it may start."""
        if self._trouble or self._standing is None:
            why = self._trouble or "the pauses were not read yet"
            return Gate(
                cell,
                GateName.PAUSED,
                f"whether it is paused cannot be read: {why}",
                "the store can be read again",
            )
        pause = covering(self._standing, self._environment, cell, self._servers, self._cells)
        return None if pause is None else paused_gate(cell, pause)

    async def sleep(self, seconds: float) -> None:
        """Wait, looking at the pauses at least twice a second."""
        naps = max(math.ceil(seconds / LOOK), 1)
        for _ in range(naps):
            await self._doors.clock.sleep(seconds / naps)
            await self.look()

    def _concerns(self, pause: Pause) -> bool:
        """Tell whether a pause stands before this environment or one component of it."""
        scope = pause.scope
        return scope.covers(self._environment, cell_key(scope.component), self._servers)
