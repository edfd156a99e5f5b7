"""`reconciler doctor`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option, write
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.core.checkup import Finding


@click.command("doctor")
@click.option(
    "--print-role",
    is_flag=True,
    help="Print the least Octopus roles of our keys instead; asks nobody.",
)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1, 600),
    default=30.0,
    show_default=True,
    help="How long one part is waited for.",
)
@output_option("json", "yaml", help="How to show it.")
@repo_option
def command(print_role: bool, timeout: float, output: str, repo: str | None) -> Exit:
    """Look at everything deployments rest on, and tell what to do about it.

    Settings, state directory and disk; git, the right to push records, manifests; of each server
    its version and clock, of each key whose it is, when it expires and which permission it lacks;
    who else deploys, and what retention would remove. Nothing is changed, no secret is shown, and
    what is broken hides nothing else. Exits with 1 where something failed, else with 0; warnings,
    and what could not be looked at, do not change that.
    """
    from reconciler.cli.render.checkup import (
        checkup_data,
        checkup_lines,
        role_data,
        role_lines,
        summary,
    )
    from reconciler.cli.session import say
    from reconciler.core.checkup import Verdict

    if print_role:
        write(output, role_data, lambda: click.echo("\n".join(role_lines())))
        return Exit.OK
    findings = _found(repo, timeout)
    write(
        output,
        lambda: checkup_data(findings),
        lambda: click.echo("\n".join(checkup_lines(findings))),
    )
    say(summary(findings))
    failed = any(one.verdict is Verdict.FAILED for one in findings)
    return Exit.FAILED if failed else Exit.OK


def _found(repo: str | None, patience: float) -> list[Finding]:
    """Look at settings and state first: they are there when everything else is broken."""
    import asyncio

    from reconciler.bootstrap import open_premises, store_path
    from reconciler.cli.checks import setting_findings
    from reconciler.core.checkup import Check
    from reconciler.core.diagnosis import failure
    from reconciler.engine.doctor import examine
    from reconciler.errors import UsageError
    from reconciler.settings import read_settings
    from reconciler.store.checkup import state_findings

    try:
        settings = read_settings()
    except UsageError as error:
        return [failure(Check.SETTINGS, "", error)]

    async def rest() -> tuple[Finding, ...]:
        async with open_premises(settings, repo, patience) as premises:
            return await examine(premises)

    found = [*setting_findings(settings)]
    found += state_findings(settings.state_dir, store_path(settings))
    try:
        found += asyncio.run(rest())
    except UsageError as error:
        found.append(failure(Check.SETTINGS, "", error))
    return list(dict.fromkeys(found))
