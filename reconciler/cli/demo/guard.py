"""The guard of the demo: a program of its own that ends what a killed demo leaves behind.

Run as `python -I guard.py FOLDER`, outside of the demo's session and with the standard library
alone. Each line on stdin names a process that was started (`+PID`) or has ended (`-PID`). The pipe
closes when the demo ends, however it ends: SIGKILL too.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from contextlib import suppress

PATIENCE = 5.0
"""Seconds in which what was killed may still write into the folder."""


def main() -> None:
    """Wait for the end of the demo, kill what still runs, and remove the folder."""
    alive: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        if line[0] == "+":
            alive.add(pid)
        else:
            alive.discard(pid)
    for pid in alive:
        for kill in (os.killpg, os.kill):  # what it started is in its group, where it leads one
            with suppress(OSError):
                kill(pid, signal.SIGKILL)
    remove(sys.argv[1])


def remove(folder: str) -> None:
    """Remove a folder, again where something is still written into it."""
    end = time.monotonic() + PATIENCE
    while os.path.lexists(folder):
        shutil.rmtree(folder, ignore_errors=True)
        if time.monotonic() > end:
            return
        time.sleep(0.05)


if __name__ == "__main__":
    main()
