"""`reconciler receipts list | show | verify`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from reconciler.cli.leaving import Exit
from reconciler.cli.output import output_option
from reconciler.cli.session import repo_option

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.receipts import Listing, Shown, Verdict


@click.group("receipts")
def command() -> None:
    """List, show and verify the signed records of deployments."""


@command.command("list", short_help="List the receipts of an environment.")
@click.argument("environment")
@click.argument("which", metavar="[COMPONENT|PROJECT]", required=False)
@output_option("json", "yaml")
@repo_option
def list_(environment: str, which: str | None, output: str, repo: str | None) -> Exit:
    """List the receipts of an environment, oldest first for each project.

    A receipt that the remote does not have yet is marked pending.
    """
    from reconciler.cli.render.plan import read_at
    from reconciler.cli.render.receipts import print_listing
    from reconciler.cli.session import local_certificates, say, with_doors
    from reconciler.engine.receipts import list_receipts

    async def work(doors: Doors) -> Listing:
        return await list_receipts(doors, environment, which, local_certificates())

    listing = with_doors(work, repo, records=True)
    print_listing(listing, output)
    if listing.tip is not None:
        say(f"audit branch at {listing.tip[:12]}, read {read_at(listing.read_at)}")
    for alarm in listing.alarms:
        say(f"alarm: {alarm}")
    return Exit.FAILED if listing.alarms else Exit.OK


@command.command("show")
@click.argument("receipt", metavar="ID|PATH")
@repo_option
def show(receipt: str, repo: str | None) -> Exit:
    """Show what one receipt says, once its signature is verified.

    The payload goes to stdout as JSON; where its envelope is, and who signed it, to stderr.
    """
    from reconciler.cli.render.receipts import pretty
    from reconciler.cli.session import local_certificates, say, with_doors
    from reconciler.engine.receipts import show_receipt

    async def work(doors: Doors) -> Shown:
        return await show_receipt(doors, receipt, local_certificates())

    shown = with_doors(work, repo, records=True)
    click.echo(pretty(shown.payload), nl=False)
    where = "pending on this machine" if shown.pending else "on the audit branch"
    say(f"envelope: {shown.path}, {where}")
    say(f"signed by: {shown.fingerprint}, {shown.origin}")
    return Exit.OK


@command.command("verify", short_help="Verify receipts: of an environment, all, or files.")
@click.argument("what", metavar="[ENVIRONMENT | FILE...]", nargs=-1)
@click.option(
    "--cert",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="The certificate (PEM) that files must be signed with.",
)
@repo_option
def verify(what: tuple[str, ...], cert: str | None, repo: str | None) -> Exit:
    """Verify every receipt of an environment, or of all, or the given files.

    Signatures, places and chains. With --cert the arguments are files, and no repository is read.
    Exits 1 when anything is not as it must be.
    """
    if cert is not None:
        return _verify_files(what, cert)
    if any(name.endswith(".json") or os.sep in name for name in what):
        raise click.UsageError("files are verified against a certificate: add --cert FILE")
    if len(what) > 1:
        raise click.UsageError("name one environment, or none for all")
    from reconciler.cli.render.receipts import print_verdict
    from reconciler.cli.session import local_certificates, say, with_doors
    from reconciler.engine.receipts import verify_receipts

    environment = what[0] if what else None

    async def work(doors: Doors) -> tuple[Verdict, ...]:
        return await verify_receipts(doors, environment, local_certificates())

    verdicts = with_doors(work, repo, records=True)
    for verdict in verdicts:
        print_verdict(verdict)
    if not verdicts:
        say("there is no receipt on the audit branch yet")
    return Exit.FAILED if any(verdict.problems for verdict in verdicts) else Exit.OK


def _verify_files(names: tuple[str, ...], cert: str) -> Exit:
    from pathlib import Path

    from reconciler.cli.leaving import tell
    from reconciler.cli.session import read_file
    from reconciler.core.receipt import PAYLOAD_TYPE, parse_receipt
    from reconciler.core.text import clean
    from reconciler.errors import SigningTrouble, UsageError
    from reconciler.signing.certificates import read_certificate
    from reconciler.signing.verify import MAX_RECEIPT, verify_envelope

    if not names:
        raise click.UsageError("name the receipt files to verify")
    certificate = read_file(Path(cert), MAX_RECEIPT)
    try:
        read_certificate(certificate)
    except SigningTrouble as error:
        raise UsageError(
            f"--cert {clean(cert)}: {error.message}",
            hint="give it the signer's certificate: one of certificates/ on the audit branch",
        ) from error
    result = Exit.OK
    for name in names:
        content = read_file(Path(name), MAX_RECEIPT)
        try:
            found = verify_envelope(content, (certificate,), PAYLOAD_TYPE, name=name)
            receipt = parse_receipt(found.payload)
        except SigningTrouble as error:
            click.echo(f"{clean(name)}: NOT VERIFIED")
            tell(error)
            result = Exit.FAILED
            continue
        what = (
            f"{receipt.project} {receipt.version} in {receipt.environment}: "
            f"{receipt.outcome.value}, {receipt.deployment_id}"
        )
        click.echo(f"{clean(name)}: verified, {clean(what, 300)}; signed by {found.fingerprint}")
    return result
