"""Draw `docs/demo.svg` anew: `python docs/draw_demo.py`, from a real plan and a real live apply.

Both run in a pseudo terminal against the demo's simulator. What a person would see there is drawn,
the apply as it stands in its middle.
"""

from __future__ import annotations

import codecs
import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from reconciler.cli.demo.stage import set_stage
from reconciler.cli.demo.story import FIRST, commit_pins, push
from reconciler.cli.demo.teller import Teller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.demo.stage import Stage

TARGET = Path(__file__).with_name("demo.svg")
WIDTH, HEIGHT = 92, 60
CONTROL = re.compile(r"\n|\x1b\[(\d*)A|\x1b\[2K|\x1b\[\?25[lh]|\r")
STARTED = re.compile(r"^(\S+): .* started, ", re.MULTILINE)
ENDED = re.compile(r"^(\S+): .* ended ", re.MULTILINE)
EXECUTING = re.compile(r"^  (\S+) .* ServerTasks-", re.MULTILINE)
FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""Taken out: a picture in a README fetches nothing."""


class Screen:
    """Lines as a terminal shows them, as far as the live tree moves the cursor."""

    def __init__(self) -> None:
        self.lines = [""]
        self._row = 0

    def feed(self, text: str) -> None:
        """Take what a command wrote."""
        end = 0
        for control in CONTROL.finditer(text):
            self.lines[self._row] += text[end : control.start()]
            self._obey(control[0], int(control[1] or 1))
            end = control.end()
        self.lines[self._row] += text[end:]

    def _obey(self, word: str, count: int) -> None:
        if word == "\n":
            self._row += 1
            self.lines += [""] * (self._row + 1 - len(self.lines))
        elif word.endswith("A"):
            self._row -= count
        elif word.endswith("2K"):
            self.lines[self._row] = ""


def screens(stage: Stage, *arguments: str) -> Iterator[list[str]]:
    """Run one command of ours in a pseudo terminal; yield its screen after each thing it writes."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
    environment = {**stage.environment, "TERM": "xterm-256color"}
    environment.pop("NO_COLOR", None)
    command = [sys.executable, "-m", "reconciler", *arguments]
    with subprocess.Popen(  # noqa: S603
        command, cwd=stage.clone, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    ):
        os.close(theirs)
        screen, decoder = Screen(), codecs.getincrementaldecoder("utf-8")("replace")
        while piece := _read(ours):
            screen.feed(decoder.decode(piece))
            yield list(screen.lines)
        os.close(ours)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the command has ended and its side is closed
        return b""


def in_its_middle(stage: Stage, *arguments: str) -> list[str]:
    """Run an apply to its end; return its last screen on which something ended, runs and waits."""
    middle: list[str] = []
    for screen in screens(stage, *arguments):
        text = "\n".join(screen)
        started, ended = STARTED.findall(text), ENDED.findall(text)
        drawn = EXECUTING.findall(text)  # the tree is drawn a moment after the lines above it
        whole = "Executing" in text and "next: " in text
        if drawn and ended and whole and {*drawn} == {*started} - {*ended}:
            middle = screen
    return middle


def draw() -> str:
    """Return the picture as SVG."""
    with set_stage(Teller(live=False)) as stage:
        stage.ask("accept", "qa")
        stage.ask("apply", "qa")
        commit_pins(stage, FIRST, "Wallet 2.5")
        push(stage)
        *_, plan = screens(stage, "plan", "qa")
        apply = in_its_middle(stage, "apply", "qa")
    rows = ["\x1b[1m$ reconciler plan qa\x1b[0m", *plan]
    rows += ["\x1b[1m$ reconciler apply qa\x1b[0m", *apply]
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    for row in rows:
        console.print(Text.from_ansi(row))
    return FACE.sub("", console.export_svg(title="reconciler", unique_id="demo"))


if __name__ == "__main__":
    TARGET.write_text(draw(), encoding="utf-8")
