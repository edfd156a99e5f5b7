"""`reconciler pin ENV COMPONENT=VERSION...`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.editing import as_option, run_edit
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.cli.leaving import Exit
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited


@click.command("pin")
@click.argument("environment")
@click.argument("pins", nargs=-1, required=True, metavar="COMPONENT=VERSION...")
@click.option("--add", is_flag=True, help="Pin components that are new to the environment, too.")
@as_option
@repo_option
def command(
    environment: str, pins: tuple[str, ...], person: str | None, repo: str | None, *, add: bool
) -> Exit:
    """Propose the commit that pins other versions.

    One changed pin is one changed line: in the file that holds it, whether that is the
    environment's or a team's. A component the environment does not pin yet is added to the
    environment's file with --add, else refused. The commit is pushed to a new branch
    reconciler/pin/..., or to the watched branch where the setting `edits` is `push`.
    """
    versions = _versions(pins)

    async def work(doors: Doors, asked: Asked) -> Edited:
        from reconciler.engine.pin import pin

        return await pin(doors, asked, environment, versions, add=add)

    return run_edit(work, repo, person)


def _versions(pins: tuple[str, ...]) -> dict[str, str]:
    """Read COMPONENT=VERSION pairs. Raises: click.UsageError."""
    from reconciler.core.text import clean
    from reconciler.manifests.formats import version_trouble

    versions: dict[str, str] = {}
    for pair in pins:
        name, sign, version = pair.partition("=")
        if not sign or not name:
            raise click.UsageError(f"'{clean(pair, 80)}' is not COMPONENT=VERSION")
        if name in versions:
            raise click.UsageError(f"'{clean(name, 80)}' is named twice")
        if trouble := version_trouble(version):
            raise click.UsageError(f"{clean(name, 80)}: {trouble}")
        versions[name] = version
    return versions
