"""`reconciler snapshot ENV [--as-platform-version NAME]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.leaving import Exit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited
    from reconciler.engine.snapshot import Seen


@click.command("snapshot")
@click.argument("environment")
@click.option(
    "--as-platform-version",
    "name",
    metavar="NAME",
    help="Propose the commit that adds a PlatformVersion manifest of what runs.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["yaml"]),
    help="With --as-platform-version: print the manifest, and push nothing.",
)
@as_option
@repo_option
def command(
    environment: str, name: str | None, output: str | None, person: str | None, repo: str | None
) -> Exit:
    """Show what runs in an environment now, and record it.

    The snapshot is written to stdout as YAML, and to the audit branch where it differs from the
    last one there.

    With --as-platform-version nothing is recorded: what runs, with the identity of each release,
    becomes a manifest on a new branch reconciler/snapshot/... (or on the watched branch where the
    setting `edits` is `push`). It is refused while a pinned component is unsettled, was never
    deployed, is being deployed, or could not be read.
    """
    if name is None and (output is not None or person is not None):
        raise click.UsageError("-o and --as go with --as-platform-version NAME")
    if name is None:
        return _record(environment, repo)
    if output is not None:
        return _print(environment, name, repo)

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.signoff import propose_platform

        return await propose_platform(doors, asked, environment, name)

    return run_edit(work, repo, person)


def _print(environment: str, name: str, repo: str | None) -> Exit:
    """Write the manifest of a platform version to stdout, with what is worth a look to stderr."""
    from reconciler.cli.session import say, with_doors
    from reconciler.engine.signoff import sign_off

    async def work(doors: Doors) -> tuple[bytes, tuple[str, ...]]:
        signed = await sign_off(doors, environment, name)
        return doors.write_platform(signed.platform), signed.lines()

    content, lines = with_doors(work, repo, records=True)
    click.echo(content.decode("utf-8"), nl=False)
    for line in lines:
        say(line)
    return Exit.OK


def _record(environment: str, repo: str | None) -> Exit:
    """Write the snapshot to stdout, and to the audit branch where it is news."""
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
