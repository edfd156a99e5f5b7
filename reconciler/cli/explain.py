"""`reconciler explain ENV COMPONENT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option, write
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.explain import Explanation


@click.command("explain")
@click.argument("environment")
@click.argument("component", metavar="COMPONENT[@TENANT]")
@click.option(
    "--at", "revision", metavar="COMMIT", help="Explain the plan of this commit, branch or tag."
)
@output_option("json", "yaml")
@repo_option
def command(
    environment: str, component: str, revision: str | None, output: str, repo: str | None
) -> Exit:
    """Explain why one component is planned as it is.

    Tells the chain: pinned where and by whom, seen what, deployed by whom, compared how, stopped
    by what, and who or what opens that. Changes nothing.
    """
    from reconciler.cli.render.explain import explanation_data, print_explanation
    from reconciler.cli.session import with_doors
    from reconciler.engine.doors import blocking
    from reconciler.engine.explain import explain

    async def work(doors: Doors) -> Explanation:
        commit = None if revision is None else await blocking(doors.repository.resolve, revision)
        return await explain(doors, environment, component, commit=commit)

    found = with_doors(work, repo, records=False)
    write(output, lambda: explanation_data(found), lambda: print_explanation(found))
    return Exit.OK
