"""Progress on a terminal: one table that is drawn anew while tasks run, and lines above it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.live import Live
from rich.text import Text

from reconciler.cli.progress import Lines, told
from reconciler.cli.render.console import columns, stderr, text
from reconciler.cli.render.plan import shown
from reconciler.cli.story import Story
from reconciler.engine.events import Ended, Launched, NotStarted, PlanMade, Watched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action
    from reconciler.engine.events import Event

_ROWS = 30
"""Rows drawn at once: what runs and what waits next; a table taller than the screen flickers."""


@contextmanager
def listen() -> Iterator[Listener]:
    """Return who listens to a pass: a live table on a terminal, plain lines anywhere else."""
    if not sys.stderr.isatty():
        yield Listener()
        return
    board = Board()
    with Live(
        get_renderable=board.draw,
        console=stderr(),
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        yield LiveListener(board, live)


class Listener:
    """Keeps the story of a pass and tells it in lines."""

    def __init__(self) -> None:
        self.story = Story()
        self._lines = Lines()

    def hear(self, event: Event) -> None:
        """Take one fact of the pass."""
        self.story.hear(event)
        self._lines.hear(event)


class LiveListener(Listener):
    """Keeps the story of a pass and shows it on a board."""

    def __init__(self, board: Board, live: Live) -> None:
        super().__init__()
        self._board = board
        self._live = live

    def hear(self, event: Event) -> None:
        """Take one fact of the pass; what does not belong into the table goes above it."""
        self.story.hear(event)
        self._board.hear(event)
        lines = self._lines.lines(event) if isinstance(event, PlanMade) else told(event)
        for line in lines:
            self._live.console.print(Text(line))


class Board:
    """The changes of a plan that have not ended, as they stand now."""

    def __init__(self) -> None:
        self._waiting: dict[CellKey, Action] = {}
        self._running: dict[CellKey, tuple[Action | None, str, str, float]] = {}

    def hear(self, event: Event) -> None:
        """Note what changes on the board."""
        match event:
            case PlanMade(plan=plan, gates=gates):
                closed = {gate.cell for gate in gates}
                free = "" not in closed
                self._waiting = {a.cell: a for a in plan.changes if free and a.cell not in closed}
            case Launched(action=action, task_id=task_id):
                self._waiting.pop(action.cell, None)
                self._running[action.cell] = (action, task_id, "Queued", time.monotonic())
            case Watched(running=running):
                for name, task_id, state, seconds in running:
                    known = self._running[name][0] if name in self._running else None
                    self._running[name] = (known, task_id, state, time.monotonic() - seconds)
            case Ended(cell=cell) | NotStarted(cell=cell):
                self._running.pop(cell, None)
                self._waiting.pop(cell, None)
            case _:
                pass

    def draw(self) -> Table | Text:
        """Return the table of this moment; nothing where nothing runs or waits."""
        running, waiting = dict(self._running), dict(self._waiting)
        if not running and not waiting:
            return Text("")
        table = columns("component", "from -> to", "wave", "state", "seconds", "task")
        now = time.monotonic()
        for name, (action, task_id, state, since) in sorted(running.items()):
            table.add_row(
                text(name),
                Text(_move(action)),
                Text(str(action.wave) if action else "-"),
                text(state, "bold"),
                Text(f"{now - since:.0f}"),
                text(task_id),
            )
        rest = sorted(waiting.values(), key=lambda a: (a.wave, a.cell))
        room = max(_ROWS - len(running), 3)
        for action in rest[:room]:
            table.add_row(
                text(action.cell),
                Text(_move(action)),
                Text(str(action.wave)),
                Text("waits", style="dim"),
                Text(""),
                Text(""),
            )
        if len(rest) > room:
            table.add_row(Text(f"... and {len(rest) - room} more", style="dim"))
        return table


def _move(action: Action | None) -> str:
    if action is None:
        return ""
    return f"{shown(action.from_version)} -> {shown(action.to_version)}"
