"""How the story is told: chapters, sentences and commands, with or without a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from dataclasses import dataclass, field
from datetime import datetime

import click

BREATH = 1.5
"""Seconds to read a sentence in before its command runs; only on a terminal."""

WHO = 6
"""Columns for who did it: `daemon` is the longest."""


def _on_terminal() -> bool:
    return sys.stdout.isatty()


@dataclass(slots=True)
class Teller:
    """Writes to stdout at once, so that the output of commands falls in its place."""

    live: bool = field(default_factory=_on_terminal)
    chapter_name: str = "setting the stage"
    _chapter: int = 0

    @property
    def width(self) -> int:
        """Columns of the page."""
        return min(shutil.get_terminal_size((96, 24)).columns, 96)

    def chapter(self, title: str, sentence: str = "") -> None:
        """Begin a chapter: its number, its title and what happens in it."""
        self._chapter += 1
        self.chapter_name = f"chapter {self._chapter}, {title}"
        rule = f"── {self._chapter}. {title} "
        self._write("\n" + self._styled(rule + "─" * max(self.width - len(rule), 0), fg="cyan"))
        if sentence:
            self.say(sentence)

    def say(self, text: str) -> None:
        """Say a sentence."""
        self._write(textwrap.fill(" ".join(text.split()), self.width))
        if self.live:
            time.sleep(BREATH)

    def command(self, line: str) -> None:
        """Show a command as one would type it."""
        first, *rest = line.splitlines()
        rows = [f"$ {first}", *(f"> {row}" for row in rest)]
        self._write("\n" + "\n".join(self._styled(row, bold=True) for row in rows))

    def news(self, who: str, text: str) -> None:
        """Tell what somebody just did, with the time of this machine."""
        head = f"{datetime.now().astimezone():%H:%M:%S}  {who:<{WHO}}  "
        rows = textwrap.wrap(text, self.width - len(head), break_on_hyphens=False)
        rest = "".join(f"\n{'':{len(head)}}{row}" for row in rows[1:])
        self._write(self._styled(head, dim=True) + (rows[0] if rows else "") + rest)

    def show(self, text: str) -> None:
        """Write lines as they are."""
        self._write(text)

    def note(self, text: str) -> None:
        """Write an aside, if there is one."""
        if text:
            self._write(self._styled(f"  ({text})", dim=True))

    def end(self) -> None:
        """Give the terminal back as it was: a killed command may have hidden the cursor."""
        if self.live:
            self._write("\x1b[?25h", newline=False)

    def _styled(self, text: str, *, fg: str = "", bold: bool = False, dim: bool = False) -> str:
        if not self.live or os.environ.get("NO_COLOR"):
            return text
        return click.style(text, fg=fg or None, bold=bold or None, dim=dim or None)

    def _write(self, text: str, *, newline: bool = True) -> None:
        click.echo(text, nl=newline, color=self.live)
        sys.stdout.flush()
