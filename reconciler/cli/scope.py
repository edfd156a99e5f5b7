"""What `pause` and `unpause` share: the words of a scope, who speaks, and the store alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.core.pause import Scope
    from reconciler.ports import Journal

    Command = Callable[..., Any]


def scope_arguments(command: Command) -> Command:
    """Add the words that name a scope to a command."""
    for word in (
        click.option("--all", "everything", is_flag=True, help="Everything on this machine."),
        click.option(
            "--server",
            metavar="URL",
            help="Every environment on an Octopus server: its address, or its installation id.",
        ),
        click.argument("component", metavar="[COMPONENT[@TENANT]]", required=False),
        click.argument("environment", metavar="[ENVIRONMENT]", required=False),
    ):
        command = word(command)
    return command


def named_scope(
    environment: str | None, component: str | None, server: str | None, *, everything: bool
) -> Scope:
    """Return the scope a person named; wrong words are wrong usage."""
    from reconciler.core.pause import Scope

    try:
        return Scope.parse(environment, component, server=server, everything=everything)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def doubted(journal: Journal, scope: Scope) -> tuple[str, ...]:
    """Return what this store has never seen of what was named: it may be a slip of the pen."""
    from reconciler.core.cellkey import cell_key, component_of
    from reconciler.core.pause import server_names

    known = journal.accepted_everywhere()
    found = []
    here = {one.environment for one in known}
    if scope.environment and scope.environment not in here:
        found.append(f"nobody accepted an environment {scope.environment} here; check its name")
    elif scope.component:
        promised = {component_of(r.cell) for r in journal.intents(scope.environment or "")}
        named = component_of(cell_key(scope.component))
        if named not in promised:
            found.append(f"nothing was ever deployed to {named} there from here; check its name")
    servers = {name for one in known for name in server_names(one.server_url, one.server)}
    if scope.server and scope.server not in servers:
        found.append(f"no environment accepted here is on {scope.server}; check its address")
    return tuple(found)


def login() -> str:
    """Return who runs this process: `name@host`, from the operating system, cleaned.

    Variables such as LOGNAME are not asked: anybody may set them.
    """
    import os
    import pwd
    import socket

    from reconciler.core.text import clean

    user = os.getuid()
    try:
        name = pwd.getpwuid(user).pw_name
    except KeyError:
        name = f"uid-{user}"
    return clean(f"{name}@{socket.gethostname()}", 80)
