"""`reconciler plan ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.core.estimate import Estimate
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
@click.option(
    "--all", "everything", is_flag=True, help="Show components too that run what is pinned."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@repo_option
def command(
    environment: str,
    at: str | None,
    output: str,
    repo: str | None,
    *,
    everything: bool,
    detailed_exitcode: bool,
) -> Exit:
    """Show what a pass would do to an environment, and why.

    Changes nothing, neither in Octopus nor in git. Closed gates are shown with who or what can
    open them, and who else deploys there: triggers, schedules, automatic phases, parent projects.
    What it would take is estimated from the durations of earlier deployments, as their receipts
    tell them. Exits with 1 where not one component could be read.
    """
    from reconciler.cli.render.plan import Page, show_plan
    from reconciler.cli.session import with_doors
    from reconciler.engine.deeds import estimate_of
    from reconciler.engine.doors import blocking
    from reconciler.engine.planning import plan_environment

    async def work(doors: Doors) -> tuple[Planned, Estimate]:
        commit = None if at is None else await blocking(doors.repository.resolve, at)
        planned = await plan_environment(doors, environment, commit=commit)
        return planned, await estimate_of(doors, planned)

    planned, estimate = with_doors(work, repo, records=False)
    page = Page(planned.plan, planned.gates, planned.others, estimate, everything)
    show_plan(page, output)
    if planned.plan.is_blind:
        return Exit.FAILED
    return Exit.CHANGES if detailed_exitcode and planned.plan.has_work else Exit.OK
