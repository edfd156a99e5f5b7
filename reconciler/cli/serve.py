"""`reconciler serve`."""

from __future__ import annotations

import click

from reconciler.cli.leaving import Exit


@click.command("serve")
@click.option(
    "--repo",
    "repositories",
    metavar="PATH|URL",
    multiple=True,
    help="A manifest repository to watch; may be given several times. Default: as for `apply`.",
)
def command(repositories: tuple[str, ...]) -> Exit:
    """Watch manifest repositories, and bring their environments to what they pin.

    Runs until SIGTERM or Ctrl-C, then ends the current action and starts no new one. One daemon for
    each state directory. Logs are JSON lines on stderr; `reconciler status` tells how every
    environment stands, and so do /healthz, /readyz and /status of the setting `serve.listen`.
    """
    import asyncio

    from reconciler.cli.daemon import serve
    from reconciler.settings import read_settings

    asyncio.run(serve(read_settings(), repositories))
    return Exit.OK
