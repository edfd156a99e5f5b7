"""`reconciler status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option, write

if TYPE_CHECKING:
    from reconciler.cli.render.data import Data
    from reconciler.cli.standing import Standing


@click.command("status")
@click.argument("environment", required=False)
@output_option("json", help="How to show it.")
def command(environment: str | None, output: str) -> Exit:
    """Show how the environments stood when the daemon last looked at them.

    Reads what `reconciler serve` wrote into the state directory; asks neither git nor Octopus.
    Exits with 0 whatever the conditions are, and with 1 where no daemon runs: then it is shown how
    the environments stood when the last one looked.
    """
    from reconciler.cli.render.standing import trouble_line
    from reconciler.cli.session import say
    from reconciler.cli.standing import NoDaemon, Standing
    from reconciler.core.text import clean
    from reconciler.errors import UsageError
    from reconciler.settings import read_settings

    state_dir = read_settings().state_dir
    found = Standing.read(state_dir, () if environment is None else (environment,))
    if found is None:
        raise NoDaemon(state_dir, "no daemon has looked at anything yet from")
    if environment is not None and not found.environments and not found.remotes:
        raise UsageError(
            f"the daemon knows no environment '{clean(environment)}'",
            hint="`reconciler status` lists those it knows",
        )
    for name, trouble in found.troubles.items():
        say(trouble_line(name, trouble))
    environments: Data = {name: dict(one) for name, one in found.environments.items()}
    write(output, lambda: environments, lambda: _print(found))
    if not found.is_served:
        say(f"error: no daemon runs for {clean(str(state_dir))}: this is how things stood before")
        say("hint: start `reconciler serve`")
        return Exit.FAILED
    if not found.is_current:
        say("the daemon has just begun: this is how things stood before it")
    return Exit.OK


def _print(found: Standing) -> None:
    from reconciler.cli.render.standing import standing_lines
    from reconciler.core.text import clean

    for name, one in sorted(found.environments.items()):
        for line in standing_lines(name, one):
            click.echo(line)
    for name in found.remotes:
        click.echo(f"{clean(name)}: RemoteEnvironment, deployed where its space is")
