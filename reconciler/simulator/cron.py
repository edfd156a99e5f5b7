"""Cron expressions of six or seven fields: which days they name, which times of a day.

Seconds, minutes, hours, day of month, month, day of week, and perhaps a year, with `* , - /`, and
`? L W #` where a day is named. Source: Octopus' public documentation, "Scheduled deployment
triggers".
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta

__all__ = ["BadCron", "Cron", "parse_cron"]

_MONTHS = {name.upper(): at for at, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: at for at, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"))}
_ANY = ("*", "?")


class BadCron(ValueError):
    """The text is no cron expression; says which field."""


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression. Days of the week count from Sunday, 0."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: str
    months: frozenset[int]
    weekdays: str
    years: frozenset[int] | None

    def names(self, day: date) -> bool:
        """Tell whether the expression names a day; two named days mean either, as usual."""
        if day.month not in self.months or (self.years and day.year not in self.years):
            return False
        by_date = [_is_date(part, day) for part in self.days.split(",")]
        by_week = [_is_weekday(part, day) for part in self.weekdays.split(",")]
        if self.days in _ANY:
            return any(by_week)
        if self.weekdays in _ANY:
            return any(by_date)
        return any(by_date) or any(by_week)

    def first_from(self, second: int) -> int | None:
        """Return the first second of a day from this one on, None when none is left."""
        for hour in self.hours:
            if hour * 3600 + 3599 < second:
                continue
            for minute in self.minutes:
                base = hour * 3600 + minute * 60
                if base + 59 < second:
                    continue
                for each in self.seconds:
                    if base + each >= second:
                        return base + each
        return None


def parse_cron(text: str) -> Cron:
    """Read an expression.

    Raises:
        BadCron: it has not six or seven fields, or one of them is out of range.
    """
    fields = text.upper().split()
    if len(fields) not in (6, 7):
        raise BadCron("a cron expression has six fields, and perhaps a seventh for the year")
    years = frozenset(_numbers(fields[6], 1, 9999)) if len(fields) == 7 else None
    days, weekdays = fields[3], fields[5]
    for part in days.split(","):
        if part not in ("L", "W", "LW") and not (part[:-1].isdigit() and part[-1] == "W"):
            _numbers(part, 1, 31)
    for part in weekdays.split(","):
        _numbers(part.split("#")[0].removesuffix("L") or "0", 0, 6, _DAYS)
    return Cron(
        tuple(_numbers(fields[0], 0, 59)),
        tuple(_numbers(fields[1], 0, 59)),
        tuple(_numbers(fields[2], 0, 23)),
        days,
        frozenset(_numbers(fields[4], 1, 12, _MONTHS)),
        weekdays,
        years,
    )


def _numbers(text: str, least: int, most: int, names: dict[str, int] | None = None) -> list[int]:
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        begin, _, end = span.partition("-")
        try:
            low = least if begin in _ANY else _number(begin, names)
            high = _number(end, names) if end else (most if begin in _ANY or step else low)
            stride = int(step) if step else 1
        except ValueError:
            raise BadCron(f"{part!r} is no value of a cron field") from None
        if not (least <= low <= high <= most and stride > 0):
            raise BadCron(f"{part!r} is not between {least} and {most}")
        found.update(range(low, high + 1, stride))
    return sorted(found)


def _number(text: str, names: dict[str, int] | None) -> int:
    return (names or {}).get(text[:3]) if text[:3] in (names or {}) else int(text)  # type: ignore[return-value]


def _last(day: date) -> int:
    return calendar.monthrange(day.year, day.month)[1]


def _is_date(part: str, day: date) -> bool:
    if part == "L":
        return day.day == _last(day)
    if part.endswith("W"):
        wanted = _last(day) if part == "LW" else int(part[:-1] or 1)
        return day == _nearest_weekday(day, min(wanted, _last(day)))
    return day.day in _numbers(part, 1, 31)


def _nearest_weekday(month: date, wanted: int) -> date:
    """Return the Monday to Friday that is nearest to a date, within its month."""
    day = month.replace(day=wanted)
    if day.weekday() == 5:
        moved = day - timedelta(days=1)
        return moved if moved.month == day.month else day + timedelta(days=2)
    if day.weekday() == 6:
        moved = day + timedelta(days=1)
        return moved if moved.month == day.month else day - timedelta(days=2)
    return day


def _is_weekday(part: str, day: date) -> bool:
    own = day.isoweekday() % 7
    if "#" in part:
        name, _, nth = part.partition("#")
        return own in _numbers(name, 0, 6, _DAYS) and str(1 + (day.day - 1) // 7) == nth
    if part.endswith("L"):
        return own in _numbers(part[:-1] or "6", 0, 6, _DAYS) and day.day > _last(day) - 7
    return own in _numbers(part, 0, 6, _DAYS)
