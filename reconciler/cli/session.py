"""One command's work with the doors open, on an event loop of its own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event

T = TypeVar("T")
_CERTIFICATE = ".crt.pem"

repo_option = click.option(
    "--repo",
    metavar="PATH|URL",
    help="The manifest repository; default: the setting, else the one around this folder.",
)


def say(text: str) -> None:
    """Write one line of talk to stderr. The caller has cleaned what is foreign in it."""
    click.echo(text, err=True)


def local_certificates() -> dict[str, bytes]:
    """Return this machine's own certificates (PEM) by Space, where there are any; makes none.

    Raises: UsageError where one cannot be read.
    """
    from reconciler.settings import read_settings
    from reconciler.signing.certificates import MAX_PEM

    settings = read_settings()
    kept = (settings.state_dir / "keys").glob(f"*{_CERTIFICATE}")
    places = {path.name.removesuffix(_CERTIFICATE): path for path in sorted(kept)}
    places |= {space: key.certificate for space, key in settings.signing.items()}
    return {space: read_file(path, MAX_PEM) for space, path in places.items()}


def read_file(path: Path, most: int) -> bytes:
    """Return what a file holds, one byte more than `most` at most. Raises: UsageError."""
    from reconciler.core.text import clean
    from reconciler.errors import UsageError

    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise UsageError(
            f"{clean(str(path))} cannot be read: {clean(error.strerror or 'no reason given')}",
            hint="check that it is there and that this user may read it",
        ) from error


def with_doors(
    work: Callable[[Doors], Coroutine[Any, Any, T]],
    repo: str | None,
    *,
    records: bool,
    tell: Callable[[Event], None] = lambda _: None,
    file: bool = True,
    branches: int = 0,
) -> T:
    """Read the settings, open the doors, do the work, and close them.

    `records`: the command works on the remote's watched branch and writes to the audit branch.
    `file` False: settings come from variables alone. `branches` as for `bootstrap.open_doors`.
    """
    from reconciler.bootstrap import open_doors
    from reconciler.settings import read_settings

    settings = read_settings(file=file)

    async def session() -> T:
        async with open_doors(
            settings, repo, records=records, tell=tell, branches=branches
        ) as doors:
            return await work(doors)

    return asyncio.run(session())
