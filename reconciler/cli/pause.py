"""`reconciler pause [ENV [COMPONENT] | --server URL | --all] --reason TEXT`, and `--list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import TABLE, output_option
from reconciler.cli.scope import named_scope, scope_arguments

if TYPE_CHECKING:
    from reconciler.core.pause import Scope


@click.command("pause")
@scope_arguments
@click.option("--reason", metavar="TEXT", help="Why; whoever meets the pause reads it. Needed.")
@click.option("--list", "listing", is_flag=True, help="List the pauses that stand, and no more.")
@click.option("--lifted", is_flag=True, help="With --list: those too that somebody lifted.")
@output_option("json", "yaml", help="With --list.")
def command(
    environment: str | None,
    component: str | None,
    server: str | None,
    reason: str | None,
    output: str,
    *,
    everything: bool,
    listing: bool,
    lifted: bool,
) -> Exit:
    """Stop new deployments within one second, until somebody lifts it.

    Pauses an environment, one component of it, a server, or everything. What runs already is
    watched to its end and gets its receipt. A pause holds for every process that uses this
    machine's state directory and survives restarts; another machine needs its own. Neither git nor
    Octopus is asked.
    """
    from reconciler.core.text import clean

    if listing:
        if environment or server or everything or reason:
            raise click.UsageError("--list takes no scope and no --reason")
        return _list(output, lifted=lifted)
    if lifted or output != TABLE:
        raise click.UsageError("--lifted and --output go with --list")
    scope = named_scope(environment, component, server, everything=everything)
    why = clean((reason or "").strip(), 200)
    if not why:
        raise click.UsageError("say why: --reason TEXT")
    return _pause(scope, why)


def _pause(scope: Scope, reason: str) -> Exit:
    from datetime import UTC, datetime

    from reconciler.bootstrap import open_journal, store_path
    from reconciler.cli.scope import doubted, login
    from reconciler.cli.session import say
    from reconciler.core.pause import Pause
    from reconciler.core.text import clean
    from reconciler.settings import read_settings

    settings = read_settings()
    store = store_path(settings)
    place = clean(str(store), 300)
    is_new = not store.exists()
    pause = Pause(scope, login(), datetime.now(UTC), reason)
    with open_journal(settings) as journal:
        earlier = journal.pause(pause)
        doubts = () if is_new else doubted(journal, scope)
    click.echo(pause.words)
    say(f"nothing new is started there, and what runs is watched to its end; kept in {place}")
    if earlier is not None:
        by = f"{clean(earlier.who, 80)}: {clean(earlier.reason)}"
        say(f"it takes the place of a pause by {by}")
    if is_new:
        say("note: there was no store here before; is RECONCILER_STATE_DIR the one you mean?")
    for doubt in doubts:
        say(f"note: {doubt}")
    say(f"next: to lift it, reconciler unpause {scope.arguments}")
    return Exit.OK


def _list(output: str, *, lifted: bool) -> Exit:
    from reconciler.bootstrap import open_journal, store_path
    from reconciler.cli.render.pauses import print_pauses
    from reconciler.cli.session import say
    from reconciler.core.text import clean
    from reconciler.settings import read_settings

    settings = read_settings()
    with open_journal(settings) as journal:
        found = journal.pause_history() if lifted else journal.pauses()
    print_pauses(found, output)
    say(f"read from {clean(str(store_path(settings)), 300)}")
    return Exit.OK
