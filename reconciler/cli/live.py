"""Progress on a terminal: one tree that is drawn anew while tasks run, and lines above it."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich.console import Group
from rich.live import Live
from rich.text import Text

from reconciler.cli.progress import Lines, told
from reconciler.cli.render.console import stderr
from reconciler.cli.render.tree import tree_rows
from reconciler.cli.story import Story
from reconciler.core.livetree import LiveTree
from reconciler.engine.events import PlanMade
from reconciler.engine.growth import grown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, ConsoleOptions, RenderResult

    from reconciler.engine.events import Event

BRANCHES = 4
"""Logs of running tasks that are read at each look where a person watches a terminal."""

_SPARE = 4
"""Rows of the screen that stay free for the lines above the tree."""


@contextmanager
def listen() -> Iterator[Listener]:
    """Return who listens to a pass: a live tree on a terminal, plain lines anywhere else."""
    if not is_watched():
        yield Listener()
        return
    board = Board()
    with Live(
        board,
        console=stderr(),
        refresh_per_second=4,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        yield LiveListener(board, live)


def is_watched() -> bool:
    """Tell whether talk goes to a terminal, where a person looks at it."""
    return sys.stderr.isatty()


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
        """Take one fact of the pass; what does not belong into the tree goes above it."""
        self.story.hear(event)
        self._board.hear(event)
        lines = self._lines.lines(event) if isinstance(event, PlanMade) else told(event)
        for line in lines:
            self._live.console.print(Text(line))


class Board:
    """The tree of a pass, drawn for the size its console has at that moment."""

    def __init__(self, tree: LiveTree | None = None) -> None:
        self._tree = tree or LiveTree()
        self._drawn: tuple[object, ...] = ()
        self._rows: list[Text] = []

    def hear(self, event: Event) -> None:
        """Let the tree grow."""
        self._tree = grown(self._tree, event, time.monotonic())

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the tree; nothing where nothing runs or waits."""
        room = max(console.height - _SPARE, 1)
        now, at, tree = time.monotonic(), datetime.now(UTC), self._tree
        moment = (tree, int(now), options.max_width, room)
        if moment != self._drawn:  # a tree of ten thousand takes a tenth of a second
            self._drawn = moment
            self._rows = tree_rows(tree, now, at, options.max_width, room)
        yield Group(*self._rows)
