"""`reconciler rollback ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit, until_of
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("rollback")
@click.argument("environment")
@click.option(
    "--to",
    default="last-good",
    show_default=True,
    metavar="COMMIT|PLATFORM-VERSION|last-good",
    help="What to return to.",
)
@click.option(
    "--except", "excepted", multiple=True, metavar="COMPONENT", help="Leave this; repeatable."
)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the holds and the commit.")
@click.option(
    "--until", metavar="TIME", help="When the holds end by themselves; default: when taken away."
)
@click.option("--dry-run", is_flag=True, help="Only tell what can return; push nothing.")
@output_option("json", "yaml", help="Form of what --dry-run tells.")
@as_option
@repo_option
def command(
    environment: str,
    to: str,
    excepted: tuple[str, ...],
    reason: str,
    until: str | None,
    output: str,
    person: str | None,
    repo: str | None,
    *,
    dry_run: bool,
) -> Exit:
    """Propose the commit that pins in ENV what ran there before.

    last-good are the pins that ran before those of today, all of them settled, as snapshots tell.
    Each component that returns is held at its earlier version: it is deployed, and then left alone
    until `reconciler hold ENV COMPONENT --lift`. What the stack calls up-only stays. Where a
    component cannot return, because its release or a package is gone or its lifecycle does not let
    it, nothing is proposed until --except names it.

    The commit is pushed to a new branch reconciler/rollback/..., or to the watched branch where the
    setting `edits` is `push`. Reverting a commit with git does the same. Either way the brake holds
    a plan with many downgrades until `reconciler approve`.
    """
    from reconciler.engine.rollback import Wish, rollback, ways_back

    if output != "table" and not dry_run:
        raise click.UsageError("-o goes with --dry-run")
    wish = Wish(to, excepted, reason, until_of(reason, until).until)

    if dry_run:
        from reconciler.cli.leaving import Exit
        from reconciler.cli.render.rollback import show_way
        from reconciler.cli.session import with_doors

        way = with_doors(lambda doors: ways_back(doors, environment, wish), repo, records=True)
        show_way(way, output)
        return Exit.GATED if way.stuck else Exit.OK

    async def work(doors: Doors, asked: Asked) -> Edited:
        return await rollback(doors, asked, environment, wish)

    return run_edit(work, repo, person)
