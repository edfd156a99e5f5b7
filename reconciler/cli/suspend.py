"""`reconciler suspend ENV --reason TEXT [--until TIME]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit, until_of, until_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("suspend")
@click.argument("environment")
@click.option("--reason", metavar="TEXT", required=True, help="Why; people read it on every plan.")
@until_option
@as_option
@repo_option
def command(
    environment: str, reason: str, until: str | None, person: str | None, repo: str | None
) -> Exit:
    """Propose the commit that leaves an environment alone.

    The commit adds `suspend` to ENVIRONMENT and changes nothing else. It is pushed to a new branch
    reconciler/suspend/..., or to the watched branch where the setting `edits` is `push`.
    """
    wanted = until_of(reason, until)

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.edit import suspend

        return await suspend(doors, asked, environment, wanted)

    return run_edit(work, repo, person)
