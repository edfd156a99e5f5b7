"""Consoles that take text as text: no markup, no emoji codes, no guessing of colours."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from reconciler.core.text import clean

if TYPE_CHECKING:
    from rich.console import RenderableType

_WIDE = 10_000  # where no terminal folds it, a row stays one line


def stdout() -> Console:
    """Return the console for data: coloured on a terminal only, where NO_COLOR does not forbid."""
    wide = None if sys.stdout.isatty() else _WIDE
    return Console(
        file=sys.stdout, width=wide, markup=False, emoji=False, highlight=False, soft_wrap=False
    )


def stderr() -> Console:
    """Return the console for talk."""
    wide = None if sys.stderr.isatty() else _WIDE
    return Console(
        file=sys.stderr, width=wide, markup=False, emoji=False, highlight=False, soft_wrap=False
    )


def show(console: Console, what: RenderableType) -> None:
    """Write a table; where it is not seen on a terminal, without the blanks that fill its rows."""
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as drawn:
        console.print(what)
    for line in drawn.get().splitlines():
        console.print(Text(line.rstrip()), soft_wrap=True)


def columns(*names: str) -> Table:
    """Return an empty table: headed columns, two spaces apart, long text folded."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def text(words: str, style: str = "", limit: int = 300) -> Text:
    """Return cleaned words as they are."""
    return Text(clean(words, limit) if words else "", style=style)
