"""A rehearsal of a pass: every request it would send, with its time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.cli.output import write
from reconciler.core.text import clean

if TYPE_CHECKING:
    from datetime import timedelta

    from reconciler.cli.render.data import Data
    from reconciler.engine.rehearse import Rehearsal

_LONGEST = 1000


def show_rehearsal(rehearsal: Rehearsal, output: str) -> None:
    """Write it to stdout."""
    write(output, lambda: rehearsal_data(rehearsal), lambda: _print(rehearsal))


def rehearsal_data(rehearsal: Rehearsal) -> dict[str, Data]:
    """Return it as data; `after` and `lasts` in whole seconds."""
    plan = rehearsal.planned.plan
    return {
        "apiVersion": "reconciler/v1",
        "kind": "Rehearsal",
        "metadata": {"name": plan.environment},
        "spec": {
            "commit": plan.commit,
            "gates": [
                {
                    "cell": str(gate.cell) or None,
                    "gate": gate.name.value,
                    "message": clean(gate.message, _LONGEST),
                }
                for gate in rehearsal.planned.gates
            ],
            "lasts": round(rehearsal.lasts.total_seconds()),
            "planDigest": f"sha256:{plan.digest}",
            "readAt": f"{plan.read_at:%Y-%m-%dT%H:%M:%SZ}",
            "requests": [
                {
                    "after": round(one.after.total_seconds()),
                    "body": dict(one.fields),
                    "request": one.what,
                    "why": one.why,
                }
                for one in rehearsal.requests
            ],
            "unknown": [str(name) for name in rehearsal.unknown],
        },
    }


def _print(rehearsal: Rehearsal) -> None:
    from rich.text import Text

    from reconciler.cli.render.console import stdout
    from reconciler.cli.render.plan import DIGITS, read_at

    console, plan = stdout(), rehearsal.planned.plan
    head = f"Dry run of plan {plan.digest[:DIGITS]} of {plan.environment}"
    at = f"commit {plan.commit[:DIGITS]}, Octopus read {read_at(plan.read_at)}"
    console.print(Text(f"{head} ({at})", style="bold"))
    for one in rehearsal.requests:
        console.print()
        console.print(Text(f"T+{clock(one.after)}  {clean(one.what, 200)}"))
        console.print(Text(f"         {clean(one.why, 300)}", style="dim"))
        if one.fields:
            body = json.dumps(dict(one.fields), sort_keys=True, ensure_ascii=True)
            console.print(Text(f"         {clean(body, _LONGEST)}"), soft_wrap=True)
    console.print()
    for gate in rehearsal.planned.gates:
        whom = gate.cell or "everything"
        line = f"held: {whom}: {gate.name.value}: {clean(gate.message, 300)}"
        console.print(Text(line, style="yellow"))
    console.print(Text(summary(rehearsal), style="bold"))


def clock(after: timedelta) -> str:
    """Return minutes and seconds, `02:05`."""
    minutes, seconds = divmod(round(after.total_seconds()), 60)
    return f"{minutes:02d}:{seconds:02d}"


def summary(rehearsal: Rehearsal) -> str:
    """Return what would be sent in one sentence."""
    number = len(rehearsal.requests)
    if not number:
        return "Nothing would be asked of Octopus. Nothing was sent."
    many = "1 request" if number == 1 else f"{number} requests"
    unknown = len(rehearsal.unknown)
    blind = f", without {unknown} whose duration nobody knows" if unknown else ""
    return (
        f"{many} would change something in Octopus, for about {clock(rehearsal.lasts)}{blind}; the"
        " lease, the receipts and the snapshot go to git beside. Nothing was sent."
    )
