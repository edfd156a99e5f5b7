"""Receipts as tables, and their payloads as JSON for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click
from rich.text import Text

from reconciler.cli.output import write
from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.plan import DIGITS, read_at
from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.cli.render.data import Data
    from reconciler.engine.receipts import Listed, Listing, Verdict


def print_listing(listing: Listing, output: str) -> None:
    """Write the receipts of one environment to stdout."""
    write(output, lambda: [_data(each) for each in listing.receipts], lambda: _print(listing))


def _print(listing: Listing) -> None:
    if not listing.receipts:
        click.echo("no receipts")
        return
    table = columns("project", "number", "version", "outcome", "deployment", "recorded", "receipt")
    for each in listing.receipts:
        link = each.link
        table.add_row(
            text(link.project),
            Text(str(link.sequence)),
            text(link.version),
            Text(link.outcome.value),
            text(link.deployment_id),
            Text("pending" if each.pending else "yes"),
            text(each.id),
        )
    show(stdout(), table)


def _data(each: Listed) -> Data:
    link = each.link
    return {
        "commit": clean(link.commit),
        "deploymentId": clean(link.deployment_id),
        "digest": link.digest,
        "outcome": link.outcome.value,
        "path": clean(link.path),
        "pending": each.pending,
        "project": clean(link.project),
        "receiptId": clean(each.id),
        "sequence": link.sequence,
        "tenant": None if link.tenant is None else clean(link.tenant),
        "version": clean(link.version),
    }


def print_verdict(verdict: Verdict) -> None:
    """Write what verifying one environment came to."""
    good = "all verified" if not verdict.problems else f"{len(verdict.problems)} problems"
    waiting = f", {verdict.pending} pending on this machine" if verdict.pending else ""
    count = f"{verdict.receipts} receipt" + ("" if verdict.receipts == 1 else "s")
    click.echo(f"{clean(verdict.environment)}: {count}{waiting}, {good}")
    if verdict.tip is not None:
        click.echo(f"  audit branch at {verdict.tip[:DIGITS]}, read {read_at(verdict.read_at)}")
    for fingerprint, origin, number in verdict.signers:
        click.echo(f"  {number} signed by {fingerprint}: {origin}")
    for problem in verdict.problems:
        click.echo(f"  problem: {clean(problem, 600)}")


def pretty(payload: bytes) -> str:
    """Return a verified payload as indented JSON, in ASCII: its texts are foreign."""
    return json.dumps(json.loads(payload), indent=2, ensure_ascii=True) + "\n"
