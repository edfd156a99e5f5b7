"""`reconciler accept ENV | --all | COMMIT`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit, tell

if TYPE_CHECKING:
    from reconciler.engine.accept import Accepted
    from reconciler.engine.doors import Doors


@click.command("accept")
@click.argument("what", metavar="[ENVIRONMENT|COMMIT]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every environment at the tip.")
@click.option(
    "--plan",
    "digest",
    metavar="DIGEST",
    help="The plan that was looked at (12 digits at least): that one goes ahead, or none.",
)
@click.option(
    "--repo",
    "repositories",
    metavar="PATH|URL",
    multiple=True,
    help="A manifest repository; may be given several times, as for `serve`. Default: the setting, "
    "else the one around this folder.",
)
def command(
    what: str | None, digest: str | None, repositories: tuple[str, ...], *, everything: bool
) -> Exit:
    """Let the first plan of an environment go ahead, after a look at it.

    For ENVIRONMENT, or --all: after first contact, a lost store or a changed server. For COMMIT,
    the full hash of the tip: after the watched branch was rewritten. Accepting deploys nothing.
    """
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.errors import ReconcilerError, UsageError

    if (what is None) is not everything:
        raise click.UsageError("name one environment, or a full hash, or give --all")
    if digest is not None and (what is None or _is_hash(what)):
        raise click.UsageError("--plan goes with one environment")
    several = tuple(dict.fromkeys(repositories))

    async def work(doors: Doors) -> list[Exit]:
        if len(several) > 1 and what is not None and not await _has(doors, what):
            return []
        return await _accept(doors, what, digest)

    ends: list[Exit] = []
    for repo in several or (None,):
        try:
            ends += with_doors(work, repo, records=True)
        except ReconcilerError as error:
            if len(several) < 2:
                raise
            say(f"{clean(str(repo))}:")
            tell(error)
            ends.append(Exit(error.exit_code))
    if not ends and what is not None and len(several) > 1:
        raise UsageError(
            f"none of these repositories has {clean(what)}; nothing was accepted",
            hint="name an environment of one of them, or the full hash of one's tip",
        )
    return next((end for end in ends if end), Exit.OK)


async def _has(doors: Doors, what: str) -> bool:
    """Tell whether a repository has this environment, or this tip."""
    from reconciler.engine.accept import environments_at_tip
    from reconciler.engine.doors import blocking

    if _is_hash(what):
        return await blocking(doors.repository.tip) == what
    return what in await environments_at_tip(doors)


async def _accept(doors: Doors, what: str | None, digest: str | None) -> list[Exit]:
    """Accept one after the other; one that cannot be accepted stops none of the others."""
    from reconciler.cli.session import say
    from reconciler.core.text import clean
    from reconciler.engine.accept import (
        accept_environment,
        environments_at_tip,
        environments_rewritten,
    )
    from reconciler.errors import ReconcilerError

    by_hash = what is not None and _is_hash(what)
    names: tuple[str, ...]
    if what is None:
        names = await environments_at_tip(doors)
    elif by_hash:
        names = await environments_rewritten(doors, what)
        if not names:
            say("no environment lost its accepted commit; there was nothing to accept")
    else:
        names = (what,)
    ends = [Exit.OK]
    for name in names:
        try:
            accepted = await accept_environment(doors, name, rewritten=by_hash, expect=digest)
        except ReconcilerError as error:
            if len(names) == 1:
                raise
            say(f"{clean(name)}:")
            tell(error)
            ends.append(Exit(error.exit_code))
            continue
        ends.append(_tell(name, accepted))
    return ends


def _is_hash(text: str) -> bool:
    return len(text) in {40, 64} and set(text) <= set("0123456789abcdef")


def _tell(name: str, accepted: Accepted) -> Exit:
    from reconciler.cli.render.plan import DIGITS, read_at, summary
    from reconciler.cli.session import say

    plan = accepted.planned.plan
    if not accepted.recorded:
        say(f"error: {name} was not accepted: the audit branch could not be written")
        say("hint: see that the git remote answers, then accept again")
        return Exit.FAILED
    before = "nothing held it" if accepted.held is None else f"it was held: {accepted.held}"
    at = f"commit {plan.commit[:DIGITS]}, read {read_at(plan.read_at)}"
    click.echo(f"accepted {name} at {at} ({before})")
    gates = tuple(g for g in accepted.planned.gates if g.name != "accept")
    click.echo(f"now: {summary(plan, gates)}")
    closed = {gate.cell for gate in gates}
    if "" in closed or (plan.has_work and {a.cell for a in plan.changes} <= closed):
        say(f"next: open the gates that `reconciler plan {name}` shows, then apply")
    elif plan.has_work and _is_served(name):
        say(f"next: nothing; the daemon carries it out, and `reconciler watch {name}` shows how")
    elif plan.has_work:
        say(f"next: reconciler apply {name} --plan {plan.digest[:DIGITS]}")
    return Exit.OK


def _is_served(name: str) -> bool:
    """Tell whether a daemon of this machine looks after an environment."""
    from reconciler.cli.standing import Standing
    from reconciler.errors import StoreTrouble
    from reconciler.settings import read_settings

    try:
        found = Standing.read(read_settings().state_dir, (name,))
    except StoreTrouble:  # it was accepted, and only the advice hangs on this
        return False
    return found is not None and found.is_current and name in found.environments
