"""`reconciler compare A B`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.core.compare import Comparison
    from reconciler.engine.doors import Doors


@click.command("compare")
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@output_option("json", "yaml", "markdown")
@click.option("--all", "everything", is_flag=True, help="Show what is the same, too.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when they differ.")
@repo_option
def command(
    left: str,
    right: str,
    output: str,
    repo: str | None,
    *,
    everything: bool,
    detailed_exitcode: bool,
) -> Exit:
    """Show how B stands to A, component by component. Changes nothing.

    A and B are each one of

    \b
      ENV[@COMMIT]            what the manifests pin
      snapshot:ENV[@COMMIT]   what ran, by a commit of the audit branch (~1: before the last)
      live:ENV                what runs now
      platform:NAME[@COMMIT]  a platform version

    Without COMMIT that is the newest one. Equal versions are compared by their releases, too: ids,
    packages and snapshots of process and variables, as far as both sides know them.
    """  # noqa: D301  # click wants this one character
    from reconciler.cli.render.comparison import show_comparison
    from reconciler.cli.session import with_doors
    from reconciler.engine.compare import compare_named

    async def work(doors: Doors) -> Comparison:
        return await compare_named(doors, left, right)

    comparison = with_doors(work, repo, records=False)
    show_comparison(comparison, output, everything=everything)
    return Exit.CHANGES if detailed_exitcode and comparison.differs else Exit.OK
