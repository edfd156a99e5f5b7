"""`reconciler cancel ENV [COMPONENT] [--running] [--yes]`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.scope import named_scope
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.core.pause import Pause, Scope
    from reconciler.engine.cancel import Cancelled, Found, Ours
    from reconciler.engine.doors import Doors
    from reconciler.engine.person import Someone


@click.command("cancel")
@click.argument("environment")
@click.argument("component", metavar="[COMPONENT[@TENANT]]", required=False)
@click.option("--running", is_flag=True, help="Also cancel what we started and what runs still.")
@click.option("--yes", is_flag=True, help="With --running: all of it, without asking for each.")
@click.option("--reason", metavar="TEXT", default="cancelled", help="Why; others read it.")
@repo_option
def command(
    environment: str,
    component: str | None,
    reason: str,
    repo: str | None,
    *,
    running: bool,
    yes: bool,
) -> Exit:
    """Start nothing more, and cancel what runs if you say so.

    The rest of the plan is stopped within one second, the daemon's too, by a pause that `unpause`
    lifts. With --running, deployments that were started from here are cancelled as yourself, each
    after you confirmed it: nobody else's ever is. Your key is in RECONCILER_USER_API_KEY, or in the
    file that RECONCILER_USER_API_KEY_FILE names.
    """
    from reconciler.cli.session import say
    from reconciler.core.text import clean

    if yes and not running:
        raise click.UsageError("--yes goes with --running")
    scope = named_scope(environment, component, None, everything=False)
    why = clean(reason.strip(), 200)
    if not why:
        raise click.UsageError("say why: --reason TEXT")
    pause, doubts = _stop(scope, why)
    click.echo(pause.words)
    for doubt in doubts:
        say(f"note: {doubt}")
    try:
        if running:
            return _cancel(environment, component, repo, sure=yes)
        say("nothing new is started there; what runs is watched to its end")
        return Exit.OK
    finally:  # the pause stands, whatever became of the rest
        say(f"next: to go on, reconciler unpause {scope.arguments}")


def _stop(scope: Scope, why: str) -> tuple[Pause, tuple[str, ...]]:
    from reconciler.bootstrap import SystemClock, open_journal
    from reconciler.cli.scope import doubted, login
    from reconciler.engine.cancel import stop_launching
    from reconciler.settings import read_settings

    with open_journal(read_settings()) as journal:
        return stop_launching(journal, SystemClock(), scope, login(), why), doubted(journal, scope)


def _cancel(environment: str, component: str | None, repo: str | None, *, sure: bool) -> Exit:
    from reconciler.cli.asself import myself
    from reconciler.cli.session import say, with_doors
    from reconciler.engine.cancel import find_running

    who = myself()

    async def look(doors: Doors) -> Found:
        return await find_running(doors, environment, component)

    found = with_doors(look, repo, records=True)
    if not found.tasks:
        say("nothing that was started from here runs there")
        return Exit.OK
    chosen = found.tasks if sure else tuple(filter(_confirmed, found.tasks))
    if not chosen:
        say("nothing was cancelled")
        return Exit.OK
    return _ask(who, found, chosen, repo)


def _confirmed(ours: Ours) -> bool:
    import sys

    if not sys.stdin.isatty():
        raise click.UsageError("nobody is there to confirm each: add --yes, or run it by hand")
    return click.confirm(f"cancel {_words(ours)}?", err=True)


def _ask(who: Someone, found: Found, chosen: tuple[Ours, ...], repo: str | None) -> Exit:
    from reconciler.cli.session import with_doors
    from reconciler.core.text import clean
    from reconciler.engine.cancel import cancel_tasks

    async def work(doors: Doors) -> tuple[Cancelled, ...]:
        return await cancel_tasks(doors, who, found, chosen)

    done = with_doors(work, repo, records=True)
    for each in done:
        if each.why:
            click.echo(f"not cancelled: {_words(each.ours)}: {clean(each.why, 400)}")
            continue
        state = "not shown any more" if each.state is None else each.state.value
        on = "" if each.state is None or each.state.is_finished else ", and runs until it ended"
        click.echo(f"cancel asked for: {_words(each.ours)} is {state}{on}")
    return Exit.FAILED if any(each.why for each in done) else Exit.OK


def _words(ours: Ours) -> str:
    from reconciler.core.text import clean

    what = f"{clean(ours.cell)} {clean(ours.version, 60)}, {clean(ours.task.id)}"
    return f"{what} ({ours.task.state.value} since {ours.task.queued:%Y-%m-%d %H:%M}Z)"
