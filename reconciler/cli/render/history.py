"""The history of an environment as a table, and as data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.cli.render.console import columns, show, stdout, text
from reconciler.cli.render.data import moment
from reconciler.cli.render.explain import authorship_data
from reconciler.cli.render.plan import DIGITS, number, read_at, shown
from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.cli.render.data import Data
    from reconciler.core.chronicle import Deployed, Entry, PinChange
    from reconciler.core.manifest import Pin
    from reconciler.engine.chronicle import Chronicle


def print_history(told: Chronicle) -> None:
    """Write the history to stdout, newest first: a row for each pin that changed."""
    console = stdout()
    table = columns("when", "who", "commit", "component", "from -> to", "deployed", "subject")
    for entry in told.entries:
        for row in _rows(entry):
            table.add_row(*row)
    show(console, table)
    console.print()
    pins = number(sum(entry.written is not None for entry in told.entries), "commit")
    end = "" if told.is_whole else "; older ones are not shown: raise --limit"
    at = f"commit {told.commit[:DIGITS]}, read {read_at(told.read_at)}"
    console.print(Text(f"{clean(told.environment)}: {pins} that changed pins up to {at}{end}."))


def _rows(entry: Entry) -> Iterator[tuple[Text, ...]]:
    written = entry.written
    if written is None:
        for each in entry.deployments:
            ended = Text(read_at(each.ended_at or each.asked_at))
            what, moved = text(each.component), Text(f"-> {shown(each.version)}")
            alone = Text(f"for commit {each.commit[:DIGITS]}", style="dim")
            yield ended, Text(""), Text(""), what, moved, text(_end(each)), alone
        return
    when = "no known time" if written.at is None else read_at(written.at)
    head = (Text(when), text(written.author, limit=60), Text(written.commit[:DIGITS]))
    said = f"merge: {clean(written.subject, 90)}" if entry.is_merge else written.subject
    subject = text(said, limit=100)
    if entry.note:
        yield *head, Text(""), text(entry.note), Text(""), subject
        head, subject = (Text(""),) * 3, Text("")
    for change in entry.changes:
        ends = ", ".join(_end(each) for each in entry.deployments if _is_of(each, change))
        ring = f" in ring {change.ring}" if change.ring else ""
        yield *head, text(f"{change.component}{ring}"), text(_moved(change)), text(ends), subject
        head, subject = (Text(""),) * 3, Text("")


def _is_of(each: Deployed, change: PinChange) -> bool:
    return each.component == change.component


def _moved(change: PinChange) -> str:
    before, after = change.before, change.after
    if after is None:
        return f"{_pin(before)} -> no pin"
    return f"{_pin(before)} -> {_pin(after)}"


def _pin(pin: Pin | None) -> str:
    if pin is None:
        return "-"
    raised = f" redeploy {pin.redeploy}" if pin.redeploy else ""
    raised += " fresh variables" if pin.refresh else ""
    return f"{shown(pin.version)}{raised}" + (" held" if pin.hold is not None else "")


def _end(each: Deployed) -> str:
    when = "" if each.ended_at is None else f" {read_at(each.ended_at)}"
    whose = "" if each.tenant is None else f"{clean(each.tenant, 60)} "
    return f"{whose}{each.outcome}{when} {clean(each.receipt)}"


def history_data(told: Chronicle) -> dict[str, Data]:
    """Return the history as `docs/cli.md` describes it."""
    return {
        "apiVersion": "reconciler/v1",
        "kind": "History",
        "metadata": {"name": clean(told.environment)},
        "spec": {
            "commit": told.commit,
            "entries": [_entry(entry) for entry in told.entries],
            "isWhole": told.is_whole,
            "readAt": moment(told.read_at),
        },
    }


def _entry(entry: Entry) -> Data:
    return {
        "changes": [
            {
                "component": clean(change.component),
                "from": _pin_data(change.before),
                "ring": clean(change.ring) if change.ring else None,
                "to": _pin_data(change.after),
            }
            for change in entry.changes
        ],
        "deployments": [
            {
                "askedAt": moment(each.asked_at),
                "commit": each.commit,
                "component": clean(each.component),
                "endedAt": None if each.ended_at is None else moment(each.ended_at),
                "outcome": each.outcome,
                "receipt": clean(each.receipt),
                "tenant": None if each.tenant is None else clean(each.tenant),
                "version": clean(each.version),
            }
            for each in entry.deployments
        ],
        "isMerge": entry.is_merge,
        "note": entry.note,
        "written": None if entry.written is None else authorship_data(entry.written),
    }


def _pin_data(pin: Pin | None) -> Data:
    if pin is None:
        return None
    return {
        "held": pin.hold is not None,
        "redeploy": pin.redeploy,
        "refreshVariables": pin.refresh,
        "version": clean(pin.version),
    }
