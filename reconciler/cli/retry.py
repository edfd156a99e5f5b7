"""`reconciler retry ENV [COMPONENT]`, and `--list`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import TABLE, output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.retry import Retried


@click.command("retry")
@click.argument("environment", required=False)
@click.argument("component", metavar="[COMPONENT[@TENANT]]", required=False)
@click.option("--list", "listing", is_flag=True, help="List the words given here, and no more.")
@output_option("json", "yaml", help="With --list.")
@repo_option
def command(
    environment: str | None, component: str | None, output: str, repo: str | None, *, listing: bool
) -> Exit:
    """Let what did not succeed be tried once more, as yourself.

    Opens gate needs-retry of an environment, or of one component, for the attempts that failed or
    were refused until now: no later one. The daemon carries it out, or `apply`. Your key is in
    RECONCILER_USER_API_KEY, or in the file that RECONCILER_USER_API_KEY_FILE names; you must be
    allowed to deploy it.
    """
    if listing:
        if component:
            raise click.UsageError("--list takes an environment at most")
        return _list(environment, output)
    if output != TABLE:
        raise click.UsageError("--output goes with --list")
    if environment is None:
        raise click.UsageError("name an environment")
    return _retry(environment, component, repo)


def _retry(environment: str, component: str | None, repo: str | None) -> Exit:
    from reconciler.cli.asself import myself
    from reconciler.cli.render.plan import summary
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.engine.retry import retry

    who = myself()

    async def work(doors: Doors) -> Retried:
        return await retry(doors, who, environment, component)

    done = with_doors(work, repo, records=True)
    for word in done.words:
        click.echo(f"{clean(word.cell)} {clean(word.version, 60)} is tried once more")
    click.echo(f"now: {summary(done.planned.plan, done.planned.gates)}")
    for gate in done.planned.stopped:
        say(f"note: still closed: {gate.name.value}: {gate.message}")
    say(f"next: the daemon carries it out; without one, reconciler apply {clean(environment)}")
    return Exit.OK


def _list(environment: str | None, output: str) -> Exit:
    from reconciler.bootstrap import open_journal, store_path
    from reconciler.cli.render.retries import print_retries
    from reconciler.cli.session import say
    from reconciler.core.text import clean
    from reconciler.settings import read_settings

    settings = read_settings()
    with open_journal(settings) as journal:
        found = journal.retries(environment)
    print_retries(found, output)
    say(f"read from {clean(str(store_path(settings)), 300)}")
    return Exit.OK
