"""The machines of an environment beside its plan: not ready, or left without something."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.roll import Roll

LINES = 10
"""Machines, and causes, that people are shown of each kind."""
MOST = 1000
"""Those in data."""


def roll_lines(roll: Roll | None) -> list[str]:
    """Return clean lines for people; none where there is nothing to say."""
    if roll is None:
        return []
    if roll.unread:
        return [f"not read, so none is served: {clean(roll.unread, 400)}"]
    away = _cut([f"{each}: nothing is deployed to it" for each in roll.absent])
    left = _cut([f"{each}, and is left so" for each in roll.without])
    unknown = _cut([f"served to no machine alone: {each}" for each in roll.unknown])
    return [*away, *left, *unknown]


def roll_data(roll: Roll) -> Data:
    """Return the same as data."""
    return {
        "left": [
            {
                "components": [clean(name) for name in cells[:MOST]],
                "id": clean(one.id),
                "name": one.label,
            }
            for one, cells in roll.left[:MOST]
        ],
        "notReady": [
            {"id": clean(one.id), "name": one.label, "state": one.state} for one in roll.away[:MOST]
        ],
        "unknown": list(roll.unknown[:MOST]),
    }


def _cut(lines: Sequence[str]) -> list[str]:
    more = [f"and {len(lines) - LINES} more"] if len(lines) > LINES else []
    return [*lines[:LINES], *more]
