"""`reconciler resume ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("resume")
@click.argument("environment")
@as_option
@repo_option
def command(environment: str, person: str | None, repo: str | None) -> Exit:
    """Propose the commit that ends a suspension.

    The commit takes `suspend` away from ENVIRONMENT and changes nothing else. It is pushed to a
    new branch reconciler/resume/..., or to the watched branch where the setting `edits` is `push`.
    """

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.edit import suspend

        return await suspend(doors, asked, environment, None)

    return run_edit(work, repo, person)
