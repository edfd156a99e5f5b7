"""A group of commands that are imported when they are called, and one way out for all of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

import click

from reconciler.cli.leaving import Exit, leave

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Entry:
    """A command that is not imported yet: its module in this package, and its help in one line.

    The module's `command` is the click command; a test holds the line against its own help.
    """

    module: str
    summary: str


class LazyGroup(click.Group):
    """A group that knows its commands by a table of entries."""

    def __init__(self, *args: Any, commands_table: Mapping[str, Entry], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._table = commands_table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        del ctx
        return sorted(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command; None where there is none of this name."""
        del ctx
        entry = self._table.get(cmd_name)
        if entry is None:
            return None
        command = import_module(f"reconciler.cli.{entry.module}").command
        assert isinstance(command, click.Command)  # noqa: S101  # for the type checker
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, self._table[name].summary) for name in self.list_commands(ctx)]
            )

    def main(  # type: ignore[override]  # it never returns, in any mode
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> NoReturn:
        """Run a command and leave with its exit code; no failure leaves as a traceback."""
        extra["standalone_mode"] = False
        with leave():
            result = super().main(args, prog_name, **extra)
            sys.stdout.flush()
        sys.exit(result if isinstance(result, int) else Exit.OK)
