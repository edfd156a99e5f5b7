"""`reconciler plan ENV`, and `reconciler plan --base REV --head REV`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import write
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.review import Review


@click.command("plan")
@click.argument("environment", required=False)
@click.option(
    "--at",
    metavar="COMMIT",
    help="Plan this commit, branch or tag; default: what a clone has checked out (the commit, not "
    "the files), else the tip of the watched branch.",
)
@click.option(
    "--base", metavar="REV", help="Check a change: all environments that differ from this commit."
)
@click.option("--head", metavar="REV", help="The commit of the change that is checked.")
@click.option(
    "--observed",
    type=click.Choice(["live", "snapshot"]),
    help="With --base: what runs, from Octopus or from the last snapshot, which needs no key. "
    "Default: from Octopus where the space's key is there.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml", "markdown"]),
    help="Default: a table, and Markdown with --base.",
)
@click.option(
    "--all", "everything", is_flag=True, help="Show components too that run what is pinned."
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when there is something to do.")
@repo_option
def command(
    environment: str | None,
    at: str | None,
    base: str | None,
    head: str | None,
    observed: str | None,
    output: str | None,
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

    With --base and --head it checks a change: every environment that differs between the two
    commits is planned, by the policy and in the spaces of the base, and altered policies and
    invalid manifests (then it exits with 3) are listed. Settings come from variables alone: a
    reconciler.toml could be the change's own.
    """
    if base is not None or head is not None:
        if base is None or head is None:
            raise click.UsageError("--base and --head go together")
        if environment is not None or at is not None or everything or output == "table":
            raise click.UsageError(
                "a check of a change takes no environment, --at, --all or table: it plans every "
                "environment that the change touches, as Markdown or data"
            )
        return _check(base, head, observed, output, repo, detailed_exitcode=detailed_exitcode)
    if environment is None or observed is not None:
        raise click.UsageError("name an environment; or check a change by --base and --head")
    return _plan(
        environment,
        at,
        output or "table",
        repo,
        everything=everything,
        detailed_exitcode=detailed_exitcode,
    )


def _plan(
    environment: str,
    at: str | None,
    output: str,
    repo: str | None,
    *,
    everything: bool,
    detailed_exitcode: bool,
) -> Exit:
    from reconciler.cli.render.plan import Page, show_plan
    from reconciler.cli.session import say, with_doors
    from reconciler.core.remote import remote_plan
    from reconciler.core.roll import roll_of
    from reconciler.engine.deeds import estimate_of
    from reconciler.engine.doors import blocking
    from reconciler.engine.ground import IsRemote
    from reconciler.engine.planning import plan_environment

    async def work(doors: Doors) -> Page:
        commit = None if at is None else await blocking(doors.repository.resolve, at)
        try:
            planned = await plan_environment(doors, environment, commit=commit)
        except IsRemote as found:
            plan = remote_plan(found.remote, found.commit, doors.clock.now())
            return Page(plan, (), everything=everything, is_remote=True)
        for line in planned.unasked:
            say(line)
        estimate = estimate_of(doors, planned)
        roll = roll_of(planned.situation.observed)
        if roll is not None and planned.tending is not None:
            roll = replace(roll, away=())  # told there, with what becomes of them
        return Page(
            planned.plan,
            planned.gates,
            planned.others,
            estimate,
            everything,
            tending=planned.tending,
            roll=roll,
        )

    page = with_doors(work, repo, records=False)
    show_plan(page, output)
    if page.is_remote:
        say(f"{environment} is a RemoteEnvironment: it is deployed where its space is")
    if page.plan.is_blind:
        return Exit.FAILED
    return Exit.CHANGES if detailed_exitcode and page.plan.has_work else Exit.OK


def _check(
    base: str,
    head: str,
    observed: str | None,
    output: str | None,
    repo: str | None,
    *,
    detailed_exitcode: bool,
) -> Exit:
    from reconciler.cli.render.review import review_data, review_markdown
    from reconciler.cli.session import with_doors
    from reconciler.engine.doors import blocking
    from reconciler.engine.review import Observed, review

    async def work(doors: Doors) -> Review:
        first = await blocking(doors.repository.resolve, base)
        last = await blocking(doors.repository.resolve, head)
        return await review(doors, first, last, None if observed is None else Observed(observed))

    found = with_doors(work, repo, records=False, file=False)
    write(
        output or "markdown",
        lambda: review_data(found),
        lambda: click.echo(review_markdown(found), nl=False),
    )
    if found.changes.problems:
        return Exit.INVALID
    if any(one.trouble for one in found.environments):
        return Exit.FAILED
    return Exit.CHANGES if detailed_exitcode and found.has_work else Exit.OK
