"""`reconciler explain ENV COMPONENT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
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
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "yaml"]),
    default="table",
    show_default=True,
)
@repo_option
def command(
    environment: str, component: str, revision: str | None, output: str, repo: str | None
) -> Exit:
    """Explain why one component is planned as it is.

    Tells the chain: pinned where and by whom, seen what, deployed by whom, compared how, stopped
    by what, and who or what opens that. Changes nothing.
    """
    from reconciler.cli.render.data import as_json, as_yaml
    from reconciler.cli.render.explain import explanation_data, print_explanation
    from reconciler.cli.session import with_doors
    from reconciler.engine.doors import blocking
    from reconciler.engine.explain import explain

    async def work(doors: Doors) -> Explanation:
        commit = None if revision is None else await blocking(doors.repository.resolve, revision)
        return await explain(doors, environment, component, commit=commit)

    found = with_doors(work, repo, records=False)
    match output:
        case "json":
            click.echo(as_json(explanation_data(found)), nl=False)
        case "yaml":
            click.echo(as_yaml(explanation_data(found)), nl=False)
        case _:
            print_explanation(found)
    return Exit.OK
