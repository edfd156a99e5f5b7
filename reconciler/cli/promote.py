"""`reconciler promote FROM TO`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("promote")
@click.argument("source", metavar="FROM")
@click.argument("target", metavar="TO")
@click.option("--only", multiple=True, metavar="COMPONENT", help="Promote this; repeatable.")
@click.option(
    "--except", "excepted", multiple=True, metavar="COMPONENT", help="Leave this; repeatable."
)
@click.option("--live", is_flag=True, help="Read what runs in FROM now, not its last snapshot.")
@click.option("--add", is_flag=True, help="Promote components that TO does not pin yet, too.")
@click.option(
    "--as-platform-version",
    "platform",
    metavar="NAME",
    help="Make all of it a platform version, and let TO run on that.",
)
@as_option
@repo_option
def command(
    source: str,
    target: str,
    only: tuple[str, ...],
    excepted: tuple[str, ...],
    platform: str | None,
    person: str | None,
    repo: str | None,
    *,
    live: bool,
    add: bool,
) -> Exit:
    """Propose the commit that pins in TO what runs in FROM.

    FROM is an environment, of which the last snapshot counts; or snapshot:ENV@COMMIT, live:ENV or
    platform:NAME, which TO then runs on. A component that TO does not have, or has in a newer
    version, is told and left as it is. It is refused while a component of FROM is unsettled, was
    never deployed, or could not be read.

    With --as-platform-version the pins of TO's own file that say no more than the platform version
    are taken out. The commit is pushed to a new branch reconciler/promote/..., or to the watched
    branch where the setting `edits` is `push`.
    """

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.promote import Wish, promote_environment

        wish = Wish(only, excepted, live=live, add=add, platform=platform)
        return await promote_environment(doors, asked, source, target, wish)

    return run_edit(work, repo, person)
