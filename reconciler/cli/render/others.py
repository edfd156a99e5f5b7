"""Who else deploys the components of a plan: the longest lists first cut, in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.text import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.cli.render.data import Data
    from reconciler.core.cellkey import CellKey
    from reconciler.core.deployers import Deployer, Others

LINES = 10
"""Deployers that people are shown."""
NAMES = 5
"""Components of each that people are shown."""
MOST = 100
"""Deployers, and components of each, in data."""


def other_lines(others: Mapping[CellKey, Others]) -> list[str]:
    """Return a clean line for each other deployer, and one where they may not be all."""
    found, unread = _grouped(others)
    lines = [f"{who.words}: {_listed(names)}" for who, names in found[:LINES]]
    if len(found) > LINES:
        lines.append(f"and {len(found) - LINES} more")
    if unread:
        lines.append(f"perhaps others, because {clean('; '.join(unread), 400)}")
    return lines


def other_data(others: Mapping[CellKey, Others]) -> dict[str, Data]:
    """Return the same as data; `more` deployers and components are not listed."""
    found, unread = _grouped(others)
    return {
        "deployers": [_deployer(who, names) for who, names in found[:MOST]],
        "more": max(len(found) - MOST, 0),
        "unread": [clean(words, 400) for words in unread],
    }


def _deployer(who: Deployer, names: Sequence[str]) -> Data:
    return {
        "components": [clean(name) for name in names[:MOST]],
        "doubt": clean(who.doubt) if who.doubt else "",
        "id": clean(who.id),
        "kind": who.kind.value,
        "more": max(len(names) - MOST, 0),
        "name": clean(who.name),
    }


def _grouped(
    others: Mapping[CellKey, Others],
) -> tuple[list[tuple[Deployer, list[str]]], list[str]]:
    """Return each deployer with its components, and why they may not be all; sorted."""
    components: dict[Deployer, list[str]] = {}
    for name in sorted(others):
        for who in others[name].deployers:
            components.setdefault(who, []).append(name)
    unread = {words for one in others.values() for words in one.unread}
    return sorted(components.items()), sorted(unread)


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(clean(name, 100) for name in names[:NAMES])
    return shown if len(names) <= NAMES else f"{shown} and {len(names) - NAMES} more"
