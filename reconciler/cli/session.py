"""One command's work with the doors open, on an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event

T = TypeVar("T")

repo_option = click.option(
    "--repo",
    metavar="PATH|URL",
    help="The manifest repository; default: the setting, else the one around this folder.",
)


def say(text: str) -> None:
    """Write one line of talk to stderr. The caller has cleaned what is foreign in it."""
    click.echo(text, err=True)


def with_doors(
    work: Callable[[Doors], Coroutine[Any, Any, T]],
    repo: str | None,
    *,
    records: bool,
    tell: Callable[[Event], None] = lambda _: None,
) -> T:
    """Read the settings, open the doors, do the work, and close them.

    `records`: the command works on the remote's watched branch and writes to the audit branch.
    """
    from reconciler.bootstrap import open_doors
    from reconciler.settings import read_settings

    settings = read_settings()

    async def session() -> T:
        async with open_doors(settings, repo, records=records, tell=tell) as doors:
            return await work(doors)

    return asyncio.run(session())
