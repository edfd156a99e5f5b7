"""Pins that track a channel: which of its releases is proposed next, and when none is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.core.version import Direction, direction

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest release above a pin, None where there is none; or why that cannot be told."""

    version: str | None
    doubt: str = ""


def newest_above(pinned: str, versions: Iterable[str]) -> Newest:
    """Return the highest of some versions that is above the pinned one, as Octopus orders them.

    One whose order is unknown could be the highest, so with it nothing is proposed (rules 8, 11).
    """
    best, known = pinned, tuple(versions)
    for version in known:
        if direction(best, version) is Direction.UP:
            best = version
    for version in (pinned, *known):
        if direction(best, version) is Direction.UNKNOWN:
            why = f"the order of {clean(best, 60)} and {clean(version, 60)} is unknown"
            return Newest(None, why)
    return Newest(None if best == pinned else best)


def proposal_id(environment: str, component: str, version: str) -> str:
    """Return the id of the branch that holds a proposal: the same wherever it is made."""
    said = "\0".join((environment, component, version)).encode()
    return hashlib.sha256(said).hexdigest()[:16]
