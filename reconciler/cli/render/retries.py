"""Words for retries as a table and as data: who said so, of what, and whether it was used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import read_at
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.retryword import RetryWord


def print_retries(words: Sequence[RetryWord], output: str) -> None:
    """Write words for retries to stdout, oldest first."""
    write(output, lambda: [_data(each) for each in words], lambda: _print(words))


def _print(words: Sequence[RetryWord]) -> None:
    if not words:
        click.echo("nobody asked for a retry")
        return
    table = columns("environment", "cell", "version", "by", "given", "used")
    for each in words:
        table.add_row(
            text(each.environment),
            text(each.cell),
            text(each.version),
            text(f"{each.name} ({each.login})"),
            Text(read_at(each.given)),
            Text("not yet" if each.used_at is None else read_at(each.used_at)),
        )
    show(stdout(), table)


def _data(word: RetryWord) -> Data:
    used = word.used_at
    return {
        "cell": clean(word.cell),
        "environment": clean(word.environment),
        "given": f"{word.given:%Y-%m-%dT%H:%M:%SZ}",
        "intent": clean(word.used_by) or None,
        "login": clean(word.login),
        "name": clean(word.name),
        "usedAt": None if used is None else f"{used:%Y-%m-%dT%H:%M:%SZ}",
        "user": clean(word.user),
        "version": clean(word.version),
    }
