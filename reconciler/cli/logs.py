"""`reconciler logs ENV [COMPONENT]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event


@click.command("logs")
@click.argument("environment")
@click.argument("component", metavar="[COMPONENT[@TENANT]]", required=False)
@click.option("-f", "--follow", is_flag=True, help="Go on until nothing has run for 30 s.")
@click.option("--verbose", is_flag=True, help="Verbose lines too.")
@output_option("json", help="A tree, with --follow lines as they come; or JSON lines.")
@repo_option
def command(
    environment: str,
    component: str | None,
    output: str,
    repo: str | None,
    *,
    follow: bool,
    verbose: bool,
) -> Exit:
    """Show the logs of what runs in an environment, or ran last.

    Reads Octopus beside whatever deploys there: a daemon, an `apply`, or people. Where nothing
    runs, shows the last deployment of COMPONENT, or the last ten of the environment. JSON lines are
    the events that docs/formats.md describes. Changes nothing.
    """
    from reconciler.cli.following import JsonLines, follower
    from reconciler.cli.render.log import print_logs
    from reconciler.cli.session import say, with_doors
    from reconciler.engine.follow import follow as follow_logs
    from reconciler.engine.logs import find_tasks, read_logs

    as_json = output == "json"

    async def once(doors: Doors) -> None:
        subject = await find_tasks(doors, environment, component)
        found = await read_logs(doors, subject, verbose=verbose)
        if not as_json:
            print_logs(found)
        if not found:
            say("nothing runs, and Octopus shows nothing that ran")

    async def on(doors: Doors) -> None:
        await follow_logs(doors, await find_tasks(doors, environment, component), verbose=verbose)

    if not follow:
        with_doors(once, repo, records=False, tell=JsonLines().hear if as_json else _nothing)
        return Exit.OK
    with follower(environment, as_json=as_json) as hear:
        with_doors(on, repo, records=False, tell=hear)
    return Exit.OK


def _nothing(event: Event) -> None:
    """Hear nothing: the whole is printed at the end."""
