"""`reconciler hold ENV COMPONENT --reason TEXT [--until TIME] | --lift`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit, until_of, until_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("hold")
@click.argument("environment")
@click.argument("component")
@click.option("--reason", metavar="TEXT", help="Why; people read it on every plan.")
@until_option
@click.option("--lift", is_flag=True, help="Take the hold away.")
@as_option
@repo_option
def command(
    environment: str,
    component: str,
    reason: str | None,
    until: str | None,
    person: str | None,
    repo: str | None,
    *,
    lift: bool,
) -> Exit:
    """Propose the commit that leaves one component alone, or lifts that.

    The commit adds `hold` to the pin of COMPONENT and changes nothing else. It is pushed to a new
    branch reconciler/hold/..., or to the watched branch where the setting `edits` is `push`.
    """
    if lift is (reason is not None) or (lift and until is not None):
        raise click.UsageError("give --reason TEXT, or --lift alone")
    wanted = None if reason is None else until_of(reason, until)

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.edit import hold

        return await hold(doors, asked, environment, component, wanted)

    return run_edit(work, repo, person)
