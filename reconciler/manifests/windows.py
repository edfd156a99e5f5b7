"""The windows of a policy: times of day, weekdays, dates and a time zone, as written and as values.

A name of a zone is looked up among the known ones; none ever becomes a path (rule 23).
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, available_timezones

from reconciler.core.window import Entry, Windows
from reconciler.manifests.wording import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_PLACES = frozenset({"localtime", "Factory"})  # each machine has another one
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|24:00")
_DATES = re.compile(r"(2[0-9]{3}-[0-9]{2}-[0-9]{2})(?:/(2[0-9]{3}-[0-9]{2}-[0-9]{2}))?")


def windows_of(fields: dict[str, Any]) -> Windows:
    """Return the windows of a policy that has passed its schema.

    Raises:
        ValueError: a time, a date or the zone is none; the message is the problem's.
    """
    return Windows(
        zone_name=fields["zone"],
        zone=parse_zone(fields["zone"]),
        allow=_entries(fields.get("allow", ())),
        deny=_entries(fields.get("deny", ())),
    )


def _entries(fields: Sequence[dict[str, Any]]) -> tuple[Entry, ...]:
    return tuple(
        Entry(
            days=frozenset(DAYS.index(day) for day in each.get("days", ())),
            dates=tuple(parse_dates(text) for text in each.get("dates", ())),
            begins=parse_time_of_day(each.get("from", "00:00")) % 1440,
            ends=parse_time_of_day(each.get("to", "24:00")),
        )
        for each in fields
    )


def parse_zone(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name. Raises: ValueError."""
    if name in _known_zones():
        return ZoneInfo(name)
    raise ValueError(
        f"'{shown(name)}' is no time zone known here: write an IANA name such as Europe/London"
    )


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(available_timezones()) - _NO_PLACES


def parse_time_of_day(text: str) -> int:
    """Return the minutes after midnight of HH:MM, 24:00 included. Raises: ValueError."""
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        raise ValueError(f"'{shown(text)}' is not a time of day: write it as 22:00, up to 24:00")
    return 1440 if found[1] is None else int(found[1]) * 60 + int(found[2])


def parse_dates(text: str) -> tuple[date, date]:
    """Return the first and the last day of `2026-12-24`, or `2026-12-24/2027-01-02`.

    Raises: ValueError.
    """
    found = _DATES.fullmatch(text)
    if found is None:
        raise ValueError(
            f"'{shown(text)}' is no date: write 2026-12-24, or 2026-12-24/2027-01-02 for several"
        )
    try:
        first, last = (date.fromisoformat(day) for day in (found[1], found[2] or found[1]))
    except ValueError:
        raise ValueError(f"'{shown(text)}' does not exist in the calendar") from None
    if last < first:
        raise ValueError(f"'{shown(text)}' ends before it begins")
    return first, last
