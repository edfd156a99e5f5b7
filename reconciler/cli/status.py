"""`reconciler status`."""

from __future__ import annotations

import json

import click

from reconciler.cli.leaving import Exit


@click.command("status")
@click.argument("environment", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to show it.",
)
def command(environment: str | None, output: str) -> Exit:
    """Show how the environments stood when the daemon last looked at them.

    Reads what `reconciler serve` wrote into the state directory; asks neither git nor Octopus.
    """
    from reconciler.core.text import clean
    from reconciler.errors import UsageError
    from reconciler.settings import read_settings
    from reconciler.store.statusfile import read_status

    settings = read_settings()
    found = read_status(settings.state_dir)
    if found is None:
        raise UsageError(
            f"no daemon has looked at anything from {clean(str(settings.state_dir))} yet",
            hint="start `reconciler serve`, or set RECONCILER_STATE_DIR to where it runs",
        )
    standing = {
        name: one
        for repository in found["repositories"].values()
        for name, one in repository["environments"].items()
        if environment in (None, name)
    }
    if environment is not None and not standing:
        raise UsageError(
            f"the daemon knows no environment '{clean(environment)}'",
            hint="`reconciler status` lists those it knows",
        )
    for name, repository in found["repositories"].items():
        if repository["trouble"]:
            click.echo(f"{clean(name)}: {clean(str(repository['trouble']), 300)}", err=True)
    if output == "json":
        click.echo(json.dumps(standing, indent=1, sort_keys=True))
        return Exit.OK
    for name, one in sorted(standing.items()):
        commit = clean(str(one["commit"]))[:12] or "no commit"
        pending = int(one.get("pending", 0))
        told = f", {pending} record{'' if pending == 1 else 's'} pending" if pending else ""
        click.echo(f"{clean(name)} at {commit}, looked at {one['looked'] or 'never'}{told}")
        for condition in one["conditions"]:
            told = clean(str(condition["message"]), 300)
            click.echo(
                f"  {condition['type']:<11} {clean(str(condition['reason'])):<16} {told} "
                f"(since {condition['since']})"
            )
    return Exit.OK
