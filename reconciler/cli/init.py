"""`reconciler init`."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.core.manifest import DesiredState, ManifestSet
    from reconciler.engine.estate import Surveyed

_VARIABLE = re.compile(r"(?:OCTOPUS|RECONCILER)_[A-Z0-9_]{1,100}")

PROTECTED = ("*prod*", "*prd*", "*live*")
"""Patterns of the environments that get the protected policy."""


@click.command("init")
@click.option("--server", metavar="URL", required=True, help="Address of the Octopus server.")
@click.option("--space", metavar="NAME", required=True, help="Name or id of the Octopus space.")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    help="Folder for the manifests; default: this one.",
)
@click.option(
    "--key",
    "variable",
    metavar="VARIABLE",
    help="Name of the variable that holds the key to look with; default RECONCILER_USER_API_KEY. "
    "An OCTOPUS_ one is what the Space manifest will name.",
)
@click.option(
    "--protect",
    metavar="PATTERN",
    multiple=True,
    help="Environments that get the protected policy, such as '*prod*'; may be repeated. "
    "Default: *prod*, *prd*, *live*.",
)
@click.option("--update", is_flag=True, help="Write manifests of environments that have none yet.")
@click.option("--dry-run", is_flag=True, help="Show the files instead of writing them.")
def command(
    server: str,
    space: str,
    out: Path,
    variable: str | None,
    protect: tuple[str, ...],
    update: bool,
    dry_run: bool,
) -> Exit:
    """Write the manifests of a space as it runs today.

    Reads the space once, and writes its Space, a Stack of all its projects, two policies that only
    observe, and an Environment for each environment with the versions that run there. Nothing in
    Octopus or git is changed, and no file that is there is touched. Where the folder has manifests
    of the space already, only what differs from them is shown; --update writes manifests of the
    environments that have none.
    """
    import asyncio
    from dataclasses import replace
    from functools import partial

    from reconciler.bootstrap import open_space
    from reconciler.cli.render.estate import news_lines, next_lines, report_lines
    from reconciler.cli.session import say
    from reconciler.credentials import USER_KEY, users_own
    from reconciler.engine.estate import survey_estate
    from reconciler.manifests.founding import check_files, estate_files, write_files
    from reconciler.octopus.words import server_root
    from reconciler.settings import read_settings

    if variable is not None and not _VARIABLE.fullmatch(variable):
        raise click.UsageError(  # it may be the key itself: it is not repeated
            "--key takes the name of a variable that begins with OCTOPUS_ or RECONCILER_, never a "
            "key; if it was one, revoke it, since other processes saw it"
        )
    settings = read_settings()
    root = server_root(server)
    manifests, candidates = _already(out, root)
    own = users_own(say, variable or USER_KEY)

    async def look() -> Surveyed:
        async with open_space(settings, root, space, own) as octopus:
            return await survey_estate(
                octopus, root, manifests, candidates, partial(_matches, protect or PROTECTED)
            )

    seen = asyncio.run(look())
    for line in news_lines(seen):
        click.echo(line)
    if seen.is_known and not update:
        return Exit.OK
    estate = seen.new
    if variable is not None and variable.startswith("OCTOPUS_"):
        estate = replace(estate, key_variable=variable)
    files = estate_files(estate, out)
    if seen.is_known:
        new = ("environments/", "policies/") if estate.environments else ()
        files = {path: data for path, data in files.items() if path.startswith(new)}
    check_files(out, files, estate)
    made = tuple(files) if dry_run else write_files(out, files)
    for line in report_lines(seen, estate, made):
        click.echo(line)
    for path in made if dry_run else ():
        click.echo(f"\n--- {path}\n{files[path].decode()}", nl=False)
    for line in next_lines(estate, out, made, dry_run=dry_run):
        say(line)
    return Exit.OK


def _matches(patterns: Sequence[str], name: str) -> bool:
    """Tell whether a name matches one of the patterns, whatever letters are small."""
    return any(fnmatchcase(name.casefold(), pattern.casefold()) for pattern in patterns)


def _already(out: Path, root: str) -> tuple[ManifestSet, tuple[DesiredState, ...]]:
    """Return what a folder has, and those of its environments that are on this server.

    Raises: ManifestsInvalid, UsageError.
    """
    from reconciler.core.manifest import DesiredState, ManifestSet
    from reconciler.core.text import clean
    from reconciler.errors import ManifestsInvalid
    from reconciler.manifests.folder import load_folder
    from reconciler.octopus.words import server_root

    found = load_folder(out) if out.exists() else ManifestSet({})
    if found.problems:
        raise ManifestsInvalid(
            f"the manifests in {clean(str(out))} are not valid; nothing was asked or written",
            lines=tuple(map(str, found.problems)),
            hint="mend them first, or name another folder with --out",
        )
    whole = [one for one in found.environments.values() if isinstance(one, DesiredState)]
    return found, tuple(one for one in whole if server_root(one.space.server) == root)
