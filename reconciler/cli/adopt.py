"""`reconciler adopt ENV [COMPONENT...]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("adopt")
@click.argument("environment")
@click.argument("components", metavar="[COMPONENT]...", nargs=-1)
@as_option
@repo_option
def command(
    environment: str, components: tuple[str, ...], person: str | None, repo: str | None
) -> Exit:
    """Propose the commit that pins what people deployed by hand.

    For each COMPONENT that drifted, or for all of them, the commit pins the version that runs now,
    and changes nothing else; nothing is deployed. It is pushed to a new branch
    reconciler/adopt/..., or to the watched branch where the setting `edits` is `push`.
    """

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.adopt import adopt

        return await adopt(doors, asked, environment, components)

    return run_edit(work, repo, person)
