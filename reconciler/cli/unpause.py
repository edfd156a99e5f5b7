"""`reconciler unpause [ENV [COMPONENT] | --server URL | --all]`."""

from __future__ import annotations

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.scope import named_scope, scope_arguments


@click.command("unpause")
@scope_arguments
def command(
    environment: str | None, component: str | None, server: str | None, *, everything: bool
) -> Exit:
    """Lift a pause.

    Exactly the pause of this scope: --all lifts the one of everything, and leaves those of single
    environments. A pass that still watches goes on by itself; otherwise apply again.
    """
    from reconciler.bootstrap import open_journal, store_path
    from reconciler.cli.scope import login
    from reconciler.cli.session import say
    from reconciler.errors import UsageError
    from reconciler.settings import read_settings

    scope = named_scope(environment, component, server, everything=everything)
    settings = read_settings()
    with open_journal(settings) as journal:
        lifted = journal.unpause(scope, login())
        left = journal.pauses()
    if lifted is None:
        raise UsageError(
            f"{scope} has no pause of its own in {store_path(settings)}; nothing was changed",
            hint="`reconciler pause --list` shows the pauses that stand",
        )
    click.echo(f"{scope} goes on; lifted: {lifted.words}")
    for pause in left:
        say(f"still: {pause.words}")
    return Exit.OK
