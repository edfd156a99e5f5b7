"""`reconciler snapshot ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.snapshot import Seen


@click.command("snapshot")
@click.argument("environment")
@repo_option
def command(environment: str, repo: str | None) -> Exit:
    """Show what runs in an environment now, and record it.

    The snapshot is written to stdout as YAML, and to the audit branch where it differs from the
    last one there.
    """
    from reconciler.cli.render.plan import DIGITS, read_at
    from reconciler.cli.session import say, with_doors
    from reconciler.engine.snapshot import snapshot_environment

    async def work(doors: Doors) -> tuple[bytes, Seen]:
        seen = await snapshot_environment(doors, environment)
        return doors.write_snapshot(seen.snapshot), seen

    content, seen = with_doors(work, repo, records=True)
    click.echo(content.decode("utf-8"), nl=False)
    say(
        f"read {read_at(seen.read_at)}, manifests at commit {seen.commit[:DIGITS]}; "
        + ("recorded on the audit branch" if seen.changed else "as last recorded, nothing written")
    )
    return Exit.OK
