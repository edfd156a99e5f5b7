"""Machines that are not well, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from reconciler.cli.render.data import Data
    from reconciler.core.forget import Verdict
    from reconciler.engine.tending import Tending

LINES = 20
"""Machines that people are shown beside a plan."""


def machine_lines(tending: Tending | None) -> list[str]:
    """Return a clean line for each machine that is not well; none where nobody looked."""
    if tending is None:
        return []
    if tending.unread:
        return [f"they could not be judged: {clean(tending.unread, 400)}"]
    lines = [machine_line(one) for one in tending.verdicts[:LINES]]
    more = len(tending.verdicts) - LINES
    return [*lines, f"and {more} more"] if more > 0 else lines


def machine_line(one: Verdict) -> str:
    """Return a machine that is not well in a line: `api-3 (Unavailable): not-yet: ...`."""
    name = clean(one.target.name, 100)
    return f"{name} ({one.target.health.value}): {one.fate.value}: {clean(one.why, 300)}"


def machine_data(tending: Tending) -> dict[str, Data]:
    """Return the same as data."""
    return {
        "unread": clean(tending.unread, 400),
        "unwell": [verdict_data(one) for one in tending.verdicts],
    }


def verdict_data(one: Verdict) -> dict[str, Data]:
    """Return a machine that is not well as data."""
    return {
        "fate": one.fate.value,
        "health": one.target.health.value,
        "id": clean(one.target.id),
        "lostSince": None if one.sickness is None else f"{one.sickness.since:%Y-%m-%dT%H:%M:%SZ}",
        "name": clean(one.target.name),
        "why": clean(one.why, 300),
    }
