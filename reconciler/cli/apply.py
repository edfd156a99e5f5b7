"""`reconciler apply ENV`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import TABLE, output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.run import PassReport


@click.command("apply")
@click.argument("environment")
@click.option("--plan", "digest", metavar="DIGEST", help="Carry out this reviewed plan, or none.")
@click.option("--dry-run", is_flag=True, help="Only tell every request it would send, and when.")
@output_option("json", "yaml", help="Form of what --dry-run tells.")
@repo_option
def command(
    environment: str, digest: str | None, output: str, repo: str | None, *, dry_run: bool
) -> Exit:
    """Carry out the plan of an environment, and record what was done.

    Finds and finishes the work of an interrupted pass first. DIGEST is what `plan` shows, at
    least its first 12 digits. Times of a dry run are those of earlier deployments.
    """
    if output != TABLE and not dry_run:
        raise click.UsageError("-o goes with --dry-run")
    if dry_run:
        return _rehearsed(environment, digest, output, repo)
    from reconciler.cli.live import BRANCHES, is_watched, listen
    from reconciler.cli.render.report import exit_code, next_step, print_report
    from reconciler.cli.session import say, with_doors
    from reconciler.core.text import clean
    from reconciler.engine.run import apply_environment

    expect = None if digest is None else _checked(digest)

    async def work(doors: Doors) -> PassReport:
        return await apply_environment(doors, environment, expect=expect)

    try:
        with listen() as listener:
            branches = BRANCHES if is_watched() else 0
            report = with_doors(work, repo, records=True, tell=listener.hear, branches=branches)
    except KeyboardInterrupt:
        say("interrupted: nothing new is started; tasks that run in Octopus go on")
        say(f"hint: `reconciler apply {clean(environment)}` finds them and finishes their receipts")
        return Exit.INTERRUPTED
    print_report(report, listener.story)
    step = next_step(report)
    if step:
        say(f"next: {step}")
    return exit_code(report, reviewed=expect is not None)


def _rehearsed(environment: str, digest: str | None, output: str, repo: str | None) -> Exit:
    from reconciler.cli.render.rehearsal import show_rehearsal
    from reconciler.cli.session import with_doors
    from reconciler.engine.rehearse import Rehearsal, rehearse

    expect = None if digest is None else _checked(digest)

    async def work(doors: Doors) -> Rehearsal:
        return await rehearse(doors, environment, expect=expect)

    rehearsal = with_doors(work, repo, records=True)
    show_rehearsal(rehearsal, output)
    waits = rehearsal.planned.plan.has_work and not rehearsal.planned.runnable
    return Exit.GATED if waits else Exit.OK


def _checked(digest: str) -> str:
    plain = digest.strip().lower().removeprefix("sha256:")
    if not 12 <= len(plain) <= 64 or not set(plain) <= set("0123456789abcdef"):
        raise click.UsageError("--plan takes at least 12 digits of the digest that `plan` shows")
    return plain
