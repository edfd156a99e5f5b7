"""Tasks of somebody else in cells of a plan: waited for, and never raced (rule 16)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.cellkey import CellKey


@dataclass(slots=True)
class Others:
    """What is waited for: by cell, the tasks under way there and since when, monotonic."""

    _cells: dict[CellKey, tuple[frozenset[str], float]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self._cells)

    def __contains__(self, cell: CellKey) -> bool:
        return cell in self._cells

    @property
    def tasks(self) -> frozenset[str]:
        """Every task that is waited for."""
        return frozenset().union(*(tasks for tasks, _ in self._cells.values()))

    def ages(self, now: float) -> list[float]:
        """Return for how long each cell has been waited for, in seconds."""
        return [now - since for _, since in self._cells.values()]

    def wait_for(self, cells: Mapping[CellKey, frozenset[str]], now: float) -> None:
        """Wait for these tasks in these cells, too."""
        for cell, tasks in cells.items():
            self._cells[cell] = tasks, self._cells.get(cell, (tasks, now))[1]

    def end(self, over: Collection[str]) -> tuple[CellKey, ...]:
        """Return the cells in which every task has ended; they are not waited for any more."""
        ended = tuple(cell for cell, (tasks, _) in self._cells.items() if tasks <= set(over))
        for cell in ended:
            del self._cells[cell]
        return ended
