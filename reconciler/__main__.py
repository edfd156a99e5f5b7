"""The program `reconciler`, also as `python -m reconciler`."""

from __future__ import annotations

import io
import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A name that the terminal's encoding lacks is shown as an escape, never a traceback.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    from reconciler.cli import cli

    cli.main(prog_name="reconciler")


if __name__ == "__main__":
    main()
