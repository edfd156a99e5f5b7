"""`reconciler plan ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned


@click.command("plan")
@click.argument("environment")
@click.option(
    "--at",
    metavar="COMMIT",
    help="Plan this commit, branch or tag; default: what a clone has checked out (the commit, not "
    "the files), else the tip of the watched branch.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml", "markdown"]),
    default="table",
    show_default=True,
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@repo_option
def command(
    environment: str, at: str | None, output: str, repo: str | None, *, detailed_exitcode: bool
) -> Exit:
    """Show what a pass would do to an environment, and why.

    Changes nothing, neither in Octopus nor in git. Closed gates are shown with who or what can
    open them, and who else deploys there: triggers, schedules, automatic phases, parent projects.
    Exits with 1 where not one component could be read.
    """
    from reconciler.cli.render.plan import show_plan
    from reconciler.cli.session import with_doors
    from reconciler.engine.doors import blocking
    from reconciler.engine.planning import plan_environment

    async def work(doors: Doors) -> Planned:
        commit = None if at is None else await blocking(doors.repository.resolve, at)
        return await plan_environment(doors, environment, commit=commit)

    planned = with_doors(work, repo, records=False)
    show_plan(planned.plan, planned.gates, output, planned.others)
    if planned.plan.is_blind:
        return Exit.FAILED
    return Exit.CHANGES if detailed_exitcode and planned.plan.has_work else Exit.OK
