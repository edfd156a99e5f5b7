"""What deployments of ours ask of people while a pass watches them: told once, never answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.events import Asked, Said
from reconciler.errors import CredentialRefused, NotAllowed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus


class Questions:
    """Tells each question once; Octopus is asked only while a task says it waits for a person."""

    def __init__(self, doors: Doors, octopus: Octopus) -> None:
        self._doors = doors
        self._octopus = octopus
        self._told: set[str] = set()
        self._refused = False

    async def look(self, waiting: Mapping[str, CellKey]) -> None:
        """Tell what is asked anew by these tasks: one request, none where none waits.

        Raises: OctopusTrouble, but not where our key may not see questions: that is said once.
        """
        if not waiting:
            return
        try:
            asked = await self._octopus.interruptions()
        except CredentialRefused:
            raise
        except NotAllowed as error:
            if not self._refused:
                self._doors.tell(Said(f"what is asked of people cannot be read: {error.message}"))
            self._refused = True
            return
        for question in asked:
            cell = waiting.get(question.task_id or "")
            if cell is not None and question.id not in self._told:
                self._told.add(question.id)
                self._doors.tell(Asked(cell, question.task_id or "", question))
