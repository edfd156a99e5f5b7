"""Who hears of logs that are followed: JSON lines, plain lines, or lines above a tree."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from rich.live import Live
from rich.text import Text

from reconciler.cli.live import Board
from reconciler.cli.progress import Lines
from reconciler.cli.render.console import stdout
from reconciler.cli.render.log import line_text
from reconciler.cli.session import say
from reconciler.core.livetree import LiveTree
from reconciler.core.text import clean
from reconciler.engine.eventdata import event_data
from reconciler.engine.events import Grown, Watched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from reconciler.engine.events import Event

    Hear = Callable[[Event], None]


@contextmanager
def follower(environment: str, *, as_json: bool) -> Iterator[Hear]:
    """Return who hears: on a terminal a tree with lines above it, elsewhere plain lines."""
    if as_json:
        yield JsonLines().hear
    elif sys.stdout.isatty():
        board = Board(LiveTree(environment))
        with Live(board, console=stdout(), refresh_per_second=4, transient=True) as live:
            yield Painted(board, live.console).hear
    else:
        yield Plain().hear


class JsonLines:
    """Each event as one JSON object; tasks that only go on are not told again."""

    def __init__(self) -> None:
        self._states: list[tuple[str, str]] = []

    def hear(self, event: Event) -> None:
        """Write what is new."""
        if isinstance(event, Watched):
            states = [(one.task_id, one.state) for one in event.running]
            if states == self._states:
                return
            self._states = states
        click.echo(json.dumps(event_data(event), sort_keys=True))
        sys.stdout.flush()


class Plain:
    """Lines of logs on stdout, everything else on stderr."""

    def __init__(self) -> None:
        self._lines = Lines()

    def hear(self, event: Event) -> None:
        """Write what is new."""
        if isinstance(event, Grown):
            for told in event.new:
                click.echo(line_text(event.cell, told).plain)
            sys.stdout.flush()
            for line in gap_lines(event):
                say(line)
        else:
            self._lines.hear(event)


class Painted:
    """Lines of logs above the tree of what runs."""

    def __init__(self, board: Board, console: Console) -> None:
        self._board = board
        self._console = console
        self._lines = Lines()

    def hear(self, event: Event) -> None:
        """Let the tree grow, and write what is new above it."""
        self._board.hear(event)
        if isinstance(event, Grown):
            for told in event.new:
                self._console.print(line_text(event.cell, told))
            rows = gap_lines(event)
        else:
            rows = self._lines.lines(event)
        for row in rows:
            self._console.print(Text(row, style="bold"))


def gap_lines(event: Grown) -> list[str]:
    """Say of which branches older lines were not read."""
    where = [clean(" > ".join(path) or "the task", 300) for path in event.gaps]
    task = f"{clean(event.log.task_id)} has them in Octopus"
    return [f"{clean(event.cell)}: older lines of {one} were not read; {task}" for one in where]
