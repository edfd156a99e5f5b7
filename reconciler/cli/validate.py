"""`reconciler validate PATH`."""

from __future__ import annotations

from pathlib import Path

import click

from reconciler.cli.leaving import Exit


@click.command("validate")
@click.argument("path", type=click.Path(path_type=Path), default=Path())
@click.option("--fix", is_flag=True, help="Mend what is mechanical in the files first.")
def command(path: Path, fix: bool) -> Exit:
    """Check all manifests below a folder.

    PATH is a work tree, or the folder in it that holds the manifests; left out, where you are.
    Every problem of every file is a line on stdout, `file:line:column: message`; then the exit code
    is 3.

    With --fix missing quotes are put in, quotes around booleans and counts are taken away, and the
    comment that binds an editor to its schema is added; each change is told. Nothing else is
    touched, and what needs a decision is left.
    """
    from reconciler.cli.session import say
    from reconciler.core.manifest import DesiredState
    from reconciler.errors import UsageError
    from reconciler.manifests.folder import load_folder
    from reconciler.manifests.mending import mend_folder

    if fix:
        changes = mend_folder(path)
        for change in changes:
            say(f"mended {change}")
        say(f"{_count(len(changes), 'change')} made")
    found = load_folder(path)
    for problem in found.problems:
        click.echo(str(problem))
    good = [e for e in found.environments.values() if isinstance(e, DesiredState)]
    pins = sum(len(each.environment.pins) for each in good)
    if found.problems:
        broken = len(found.environments) - len(good)
        stopped = (
            f"{_count(broken, 'environment')} of {len(found.environments)} cannot be applied until "
            "they are mended"
            if broken
            else "no environment is stopped by it"
        )
        say(f"{_count(len(found.problems), 'problem')}; {stopped}")
        return Exit.INVALID
    if not good:
        raise UsageError(
            "there is no Environment manifest below this folder; nothing was checked",
            hint="name the folder that holds them; only *.yaml outside of dot-folders is read",
        )
    say(f"all good: {_count(len(good), 'environment')}, {_count(pins, 'pin')}")
    return Exit.OK


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
