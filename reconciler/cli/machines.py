"""`reconciler machines list ENV` and `reconciler machines restore ENV NAME`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.core.removed import Removed
    from reconciler.engine.doors import Doors
    from reconciler.engine.returning import Machines


@click.group("machines")
def command() -> None:
    """List the machines of an environment, and register removed ones again."""


@command.command("list", short_help="List machines, and those that were removed.")
@click.argument("environment")
@output_option("json", "yaml")
@repo_option
def list_(environment: str, output: str, repo: str | None) -> Exit:
    """List the machines of an environment with their health, and those recently removed.

    Of each that is not well it is told since when nothing reaches it, and what becomes of it by the
    policy. Changes nothing in Octopus; it is one look of those that a removal rests on.
    """
    from reconciler.cli.render.machines import print_machines
    from reconciler.cli.session import with_doors
    from reconciler.engine.returning import list_machines

    async def work(doors: Doors) -> Machines:
        return await list_machines(doors, environment)

    found = with_doors(work, repo, records=True)
    print_machines(found, output)
    return Exit.FAILED if found.tending.unread else Exit.OK


@command.command("restore", short_help="Register a removed machine again.")
@click.argument("environment")
@click.argument("name", metavar="NAME")
@repo_option
def restore(environment: str, name: str, repo: str | None) -> Exit:
    """Register a removed machine again as yourself, with what was recorded of it.

    NAME is its name, or the id it had. Your key is in RECONCILER_USER_API_KEY, or in the file that
    RECONCILER_USER_API_KEY_FILE names; Octopus lets you where you hold MachineCreate.
    """
    from reconciler.cli.asself import myself
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.engine.returning import restore_machine

    who = myself()

    async def work(doors: Doors) -> Removed:
        return await restore_machine(doors, who, environment, name)

    done = with_doors(work, repo, records=True)
    click.echo(
        f"registered again: machine {clean(done.machine.name, 120)} as {clean(done.became, 60)}"
    )
    say("Octopus checks its health by itself; secrets of its endpoint are to be given again there")
    return Exit.OK
