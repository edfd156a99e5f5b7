"""`reconciler approve ENV --plan DIGEST [--expires 8h]`, `--revoke`, and `--list`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import TABLE, output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from datetime import timedelta

    from reconciler.core.manifest import Space
    from reconciler.engine.approve import Approved
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus

_LASTS = re.compile(r"([1-9][0-9]{0,2})(h|d)")


@click.command("approve")
@click.argument("environment", required=False)
@click.option("--plan", "digest", metavar="DIGEST", help="The plan you looked at. Needed.")
@click.option("--expires", metavar="8h|2d", help="How long it stands; the policy says the most.")
@click.option("--revoke", is_flag=True, help="Take back what was approved, of one plan or of all.")
@click.option("--list", "listing", is_flag=True, help="List what was approved, and no more.")
@output_option("json", "yaml", help="With --list.")
@repo_option
def command(
    environment: str | None,
    digest: str | None,
    expires: str | None,
    output: str,
    repo: str | None,
    *,
    revoke: bool,
    listing: bool,
) -> Exit:
    """Approve the plan of an environment, with your own Octopus key.

    The key is in RECONCILER_USER_API_KEY, or in the file that RECONCILER_USER_API_KEY_FILE names.
    You must be allowed to deploy every cell of the plan. DIGEST is what `plan` shows, at least its
    first 12 digits. The approval covers that plan and any later one that is a part of it; it is
    kept in this machine's state directory, where the daemon reads it.
    """
    plain = None if digest is None else _checked(digest)
    if listing:
        if plain or expires or revoke:
            raise click.UsageError("--list takes an environment at most")
        return _list(environment, output)
    if output != TABLE:
        raise click.UsageError("--output goes with --list")
    if environment is None:
        raise click.UsageError("name an environment")
    if revoke:
        if expires:
            raise click.UsageError("--revoke takes no --expires")
        return _revoke(environment, plain or "")
    if plain is None:
        raise click.UsageError("say which plan: --plan DIGEST, as `reconciler plan` shows it")
    return _approve(environment, plain, _lasting(expires), repo)


def _approve(environment: str, digest: str, lasts: timedelta | None, repo: str | None) -> Exit:
    from reconciler.bootstrap import open_space
    from reconciler.cli.render.plan import DIGITS, read_at, summary
    from reconciler.cli.session import say, with_doors
    from reconciler.core.gate import BY_APPROVAL
    from reconciler.credentials import users_own
    from reconciler.engine.approve import approve
    from reconciler.settings import read_settings

    own, settings = users_own(say), read_settings()

    def opened(space: Space) -> AbstractAsyncContextManager[Octopus]:
        return open_space(settings, space.server, space.octopus_space, own)

    async def work(doors: Doors) -> Approved:
        return await approve(doors, environment, digest, opened, lasts)

    done = with_doors(work, repo, records=True)
    approval, planned = done.approval, done.planned
    click.echo(
        f"approved plan {approval.digest[:DIGITS]} of {approval.environment} as {approval.name}, "
        f"until {read_at(approval.expires)}"
    )
    click.echo(f"now: {summary(planned.plan, planned.gates)}")
    for gate in planned.gates:
        if gate.name in BY_APPROVAL:
            say(f"note: still closed: {gate.name.value}: {gate.message}")
    return Exit.OK


def _revoke(environment: str, digest: str) -> Exit:
    from reconciler.bootstrap import open_journal
    from reconciler.cli.render.plan import DIGITS
    from reconciler.cli.scope import login
    from reconciler.cli.session import say
    from reconciler.core.text import clean
    from reconciler.settings import read_settings

    with open_journal(read_settings()) as journal:
        stood = journal.revoke_approvals(environment, digest, login())
    for approval in stood:
        plan = f"plan {approval.digest[:DIGITS]} of {clean(approval.environment)}"
        click.echo(f"revoked: {plan}, approved by {clean(approval.name)}")
    if not stood:
        say("nothing was revoked: no approval of it stands here")
        return Exit.FAILED
    say("nothing new is started on it; what runs is watched to its end")
    return Exit.OK


def _list(environment: str | None, output: str) -> Exit:
    from datetime import UTC, datetime

    from reconciler.bootstrap import open_journal, store_path
    from reconciler.cli.render.approvals import print_approvals
    from reconciler.cli.session import say
    from reconciler.core.text import clean
    from reconciler.settings import read_settings

    settings = read_settings()
    with open_journal(settings) as journal:
        found = journal.approvals(environment)
    print_approvals(found, datetime.now(UTC), output)
    say(f"read from {clean(str(store_path(settings)), 300)}")
    return Exit.OK


def _checked(digest: str) -> str:
    plain = digest.strip().lower().removeprefix("sha256:")
    if not 12 <= len(plain) <= 64 or not set(plain) <= set("0123456789abcdef"):
        raise click.UsageError("--plan takes at least 12 digits of the digest that `plan` shows")
    return plain


def _lasting(expires: str | None) -> timedelta | None:
    from datetime import timedelta

    if expires is None:
        return None
    found = _LASTS.fullmatch(expires.strip())
    if found is None:
        raise click.UsageError("--expires takes hours or days, such as 8h or 2d")
    count = int(found[1])
    return timedelta(hours=count) if found[2] == "h" else timedelta(days=count)
