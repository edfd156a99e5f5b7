"""Runbooks of a stack and of its components, and how long dependants wait, as written."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.core.runbook import Around, Runbook
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

_DURATION = re.compile(r"([1-9][0-9]{0,5})([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def parse_duration(text: str) -> timedelta:
    """Return a time like `90s`, `5m` or `1h`; at most a day.

    Raises:
        ValueError: it is none; the message is the problem's.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"'{shown(text)}' is not a duration: write it as 90s, 5m or 1h")
    length = timedelta(seconds=int(found[1]) * _SECONDS[found[2]])
    if length > timedelta(days=1):
        raise ValueError(f"'{shown(text)}' is longer than a day")
    return length


def around_of(fields: dict[str, Any] | None) -> Around:
    """Return the runbooks of a stack or a component that has passed its schema."""
    said = fields or {}
    return Around(_runbooks(said.get("before", ())), _runbooks(said.get("after", ())))


def _runbooks(entries: Iterable[dict[str, str]]) -> tuple[Runbook, ...]:
    return tuple(
        Runbook(each["runbook"], each.get("project"), each.get("machines")) for each in entries
    )
