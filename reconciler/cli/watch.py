"""`reconciler watch [ENVIRONMENT...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.output import output_option
from reconciler.core.condition import ConditionType

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit


@click.command("watch")
@click.argument("environments", nargs=-1, metavar="[ENVIRONMENT]...")
@output_option(
    "json", help="A table on a terminal and a line for each change elsewhere, or JSON lines."
)
@click.option(
    "--until",
    type=click.Choice([kind.value for kind in ConditionType]),
    help="End with 0 once every environment watched is in this condition.",
)
@click.option(
    "--at", "commit", metavar="COMMIT", help="With --until: and was looked at at this commit."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="With --until: end with 1 if that takes longer.",
)
def command(
    environments: tuple[str, ...],
    output: str,
    until: str | None,
    commit: str | None,
    timeout: float | None,
) -> Exit:
    """Watch what the daemon does, until Ctrl-C.

    Shows conditions, running deployments and when each environment was last looked at, whenever
    something changes. Reads what `reconciler serve` writes into the state directory; asks neither
    git nor Octopus. Exits with 1 where no daemon runs.
    """
    from reconciler.cli.watching import Goal, screen, watch
    from reconciler.settings import read_settings

    if until is None and (commit is not None or timeout is not None):
        raise click.UsageError("--at and --timeout go with --until")
    goal = None if until is None else Goal(until, commit or "", frozenset(environments), timeout)
    with screen(as_json=output == "json") as show:
        return watch(read_settings().state_dir, environments, show, goal)
