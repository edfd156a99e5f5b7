"""Leaving: exit codes, and how each failure is told (one line, one hint, no traceback)."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn

import click

from reconciler.core.text import clean
from reconciler.errors import ManifestsInvalid, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST = 2000  # characters of a message or hint; the engine bounds what is foreign in it


class Exit(IntEnum):
    """What the process says when it ends (docs/cli.md)."""

    OK = 0
    FAILED = 1
    CHANGES = 2  # `plan --detailed-exitcode` only
    INVALID = 3
    GATED = 4
    SOME_FAILED = 5
    STALE = 6
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130


MEANINGS = {
    Exit.OK: "done",
    Exit.FAILED: "failed",
    Exit.CHANGES: "`plan --detailed-exitcode`: there is something to do",
    Exit.INVALID: "manifests invalid",
    Exit.GATED: "nothing started because of a gate",
    Exit.SOME_FAILED: "some deployments failed",
    Exit.STALE: "stale plan",
    Exit.USAGE: "usage, or a setting",
    Exit.BUG: "a bug",
    Exit.INTERRUPTED: "interrupted",
}


@contextmanager
def leave() -> Iterator[None]:
    """Turn every failure inside the block into words on stderr and an exit code."""
    try:
        yield
    except ReconcilerError as error:
        tell(error)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        _tell_usage(error)
        sys.exit(Exit.USAGE)
    except click.ClickException as error:
        click.echo(f"error: {clean(error.format_message(), _LONGEST)}", err=True)
        sys.exit(Exit.FAILED)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(Exit.INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        sys.exit(Exit.FAILED)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            _tell_bug(error)
        _drop_output()
        click.echo("error: no space is left where output or state is written", err=True)
        click.echo("hint: make room, then run the same again", err=True)
        sys.exit(Exit.FAILED)
    except Exception as error:  # noqa: BLE001  # the last resort: a bug is told in one line
        _tell_bug(error)


def _tell_bug(error: Exception) -> NoReturn:
    from reconciler.cli.crash import tell_bug

    tell_bug(error)
    sys.exit(Exit.BUG)


def tell(error: ReconcilerError) -> None:
    """Write a failure to stderr: every problem of the manifests first, then what and what now."""
    if isinstance(error, ManifestsInvalid):
        for line in error.lines:
            click.echo(clean(line, _LONGEST), err=True)
    click.echo(f"error: {clean(error.message, _LONGEST)}", err=True)
    if error.hint:
        click.echo(f"hint: {clean(error.hint, _LONGEST)}", err=True)


def _tell_usage(error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return
    click.echo(f"error: {clean(error.format_message(), _LONGEST)}", err=True)
    path = error.ctx.command_path if error.ctx is not None else "reconciler"
    click.echo(f"hint: see `{path} --help`", err=True)


def _drop_output() -> None:
    """Let what is left of the output go nowhere: its reader has gone, which is no news."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
