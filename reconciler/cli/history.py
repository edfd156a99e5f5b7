"""`reconciler history ENV [COMPONENT]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option, write
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.chronicle import Chronicle
    from reconciler.engine.doors import Doors


@click.command("history")
@click.argument("environment")
@click.argument("component", required=False)
@click.option(
    "--limit",
    type=click.IntRange(1, 5000),
    default=50,
    show_default=True,
    help="How many commits that changed pins.",
)
@click.option(
    "--at", "revision", metavar="COMMIT", help="Up to this commit, branch or tag; default: the tip."
)
@output_option("json", "yaml")
@repo_option
def command(
    environment: str,
    component: str | None,
    limit: int,
    revision: str | None,
    output: str,
    repo: str | None,
) -> Exit:
    """Show who pinned what when, and what was deployed for it.

    Newest first, from git alone: the commits that changed a pin, merges among them, and beside
    each the receipts of what was deployed for it. Pins that were deleted, environments that came
    and went, and commits at which the manifests were invalid are told too.
    """
    from reconciler.cli.render.history import history_data, print_history
    from reconciler.cli.session import say, with_doors
    from reconciler.engine.chronicle import chronicle
    from reconciler.engine.doors import blocking

    async def work(doors: Doors) -> Chronicle:
        commit = None if revision is None else await blocking(doors.repository.resolve, revision)
        return await chronicle(doors, environment, component, limit, commit)

    told = with_doors(work, repo, records=False)
    write(output, lambda: history_data(told), lambda: print_history(told))
    for alarm in told.alarms:
        say(f"alarm: {alarm}")
    return Exit.OK
