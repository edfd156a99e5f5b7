"""Requests whose answers were lost, until a second search tells what became of them (rule 14).

Nobody waits for that: what runs is watched on, and what does not depend on them is started.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.engine.launch import seek

if TYPE_CHECKING:
    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.launch import Lost, Result
    from reconciler.ports import Octopus


@dataclass(slots=True)
class LostRequests:
    """The lost requests of one plan, by cell. The journal has their promises."""

    doors: Doors
    octopus: Octopus
    keeper: LeaseKeeper
    _cells: dict[CellKey, tuple[IntentRecord, Lost]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._cells)

    def __contains__(self, cell: CellKey) -> bool:
        return cell in self._cells

    @property
    def intents(self) -> list[str]:
        """The ids of their intents: each may have a task by now."""
        return [record.intent.id for record, _ in self._cells.values()]

    def add(self, record: IntentRecord, lost: Lost) -> None:
        """Note a request as lost."""
        self._cells[record.cell] = record, lost

    def seconds(self) -> list[float]:
        """Return the seconds until each of them may be searched for."""
        now = self.doors.clock.monotonic()
        return [max(lost.until - now, 0.0) for _, lost in self._cells.values()]

    async def search(self) -> list[tuple[IntentRecord, Result]]:
        """Search for those whose time has come; return what became of each."""
        now = self.doors.clock.monotonic()
        due = [(record, lost) for record, lost in self._cells.values() if lost.until <= now]
        found = []
        for record, lost in due:
            del self._cells[record.cell]
            result = await seek(self.doors, self.octopus, self.keeper, record, lost.why, last=True)
            found.append((record, result))
        return found
