"""`reconciler track ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("track")
@click.argument("environment")
@as_option
@repo_option
def command(environment: str, person: str | None, repo: str | None) -> Exit:
    """Propose the commit that pins the newest release of a tracked channel.

    A pin with `track: CHANNEL` follows that channel of its Octopus project: upwards only, never
    while it is held or its environment suspended, one pin in one commit, and one proposal at a
    time. The daemon does the same by itself; this does it once, also for a version whose branch
    was deleted. The commit is pushed to a new branch reconciler/track/..., or to the watched
    branch where the setting `edits` is `push`.
    """

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.track import track_asked

        return await track_asked(doors, asked, environment)

    return run_edit(work, repo, person)
