"""Schedules of triggers: from the filter that a client wrote to the next moment it names.

Every kind comes down to days and times of a day, in a time zone. Source: the trigger filters of
Octopus' public clients.
"""

from __future__ import annotations

import calendar
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.simulator.answers import Refused
from reconciler.simulator.cron import BadCron, parse_cron

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.calls import Body

__all__ = ["Schedule", "read_schedule"]

_DAY = 86_400
_FARTHEST = 366 * 8
"""Days looked ahead: 29 February comes at least every eight years."""

_WEEK = tuple(calendar.day_name)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments that a trigger's filter names."""

    zone: tzinfo
    is_day: Callable[[date], bool]
    first_from: Callable[[int], int | None]
    """The first second of a day from a given one on, None when the day has no more."""

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment after this one, None when there is none in eight years."""
        local = moment.astimezone(self.zone)
        second = local.hour * 3600 + local.minute * 60 + local.second + 1
        day = local.date()
        for _ in range(_FARTHEST):
            found = self.first_from(second) if self.is_day(day) else None
            if found is not None:
                clock = time(found // 3600, found // 60 % 60, found % 60)
                due = datetime.combine(day, clock, self.zone).astimezone(UTC)
                if due > moment:
                    return due
                second = found + 1
                continue
            day, second = day + timedelta(days=1), 0
        return None


def read_schedule(body: Body, kind: str) -> Schedule:
    """Read the filter of a scheduled trigger.

    Raises:
        Refused: 400 for a field that is missing or makes no sense.
    """
    zone = _zone(body.text("Timezone") or "UTC")
    match kind:
        case "CronExpressionSchedule":
            try:
                cron = parse_cron(body.need("CronExpression"))
            except BadCron as error:
                raise _bad(f"CronExpression: {error}.") from None
            return Schedule(zone, cron.names, cron.first_from)
        case "OnceDailySchedule":
            return Schedule(zone, _weekdays(body.texts("DaysOfWeek")), _at(_clock(body)))
        case "ContinuousDailySchedule":
            begin, end = _clock(body, "RunAfter", 0), _clock(body, "RunUntil", _DAY - 1)
            return Schedule(zone, _weekdays(body.texts("DaysOfWeek")), _every(body, begin, end))
        case "DaysPerMonthSchedule":
            return Schedule(zone, _of_month(body), _at(_clock(body)))
        case _:
            chosen = [name for name in _WEEK if body.flag(name)]
            if kind == "DaysPerWeekSchedule" and not chosen:
                raise _bad("A schedule by days of the week names at least one.")
            days = _weekdays(tuple(chosen))
            if body.text("RunType") == "Continuously" or body.text("Interval") in _SPANS:
                return Schedule(zone, days, _every(body, _clock(body, least=0), _DAY - 1))
            return Schedule(zone, days, _at(_clock(body)))


_SPANS = {"OnceHourly": ("HourInterval", 3600), "OnceEveryMinute": ("MinuteInterval", 60)}


def _every(body: Body, begin: int, end: int) -> Callable[[int], int | None]:
    if begin > end:
        raise _bad("RunAfter must be before RunUntil.")
    name, unit = _SPANS.get(body.text("Interval") or "", ("", 0))
    if not unit:
        raise _bad("Interval must be OnceHourly or OnceEveryMinute.")
    every = body.get(name)
    count = 1 if every is None else every
    if not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 1440:
        raise _bad(f"{name} must be a whole number from 1 on.")
    return _at(*range(begin, end + 1, count * unit))


def _at(*seconds: int) -> Callable[[int], int | None]:
    def first_from(second: int) -> int | None:
        place = bisect_left(seconds, second)
        return seconds[place] if place < len(seconds) else None

    return first_from


def _clock(body: Body, name: str = "StartTime", least: int | None = None) -> int:
    """Return the second of the day that a date with a time names; its date does not count."""
    text = body.text(name)
    if text is None:
        if least is None:
            raise _bad(f"The {name} field is required.")
        return least
    try:
        found = datetime.fromisoformat(text).time() if "-" in text else time.fromisoformat(text)
    except ValueError:
        raise _bad(f"The {name} field is no time.") from None
    return found.hour * 3600 + found.minute * 60 + found.second


def _weekdays(names: tuple[str, ...]) -> Callable[[date], bool]:
    """Return the test for named days of the week; none named means every day."""
    low = [name.casefold() for name in _WEEK]
    for name in names:
        if name.casefold() not in low:
            raise _bad(f"'{name}' is no day of the week.")
    wanted = {low.index(name.casefold()) for name in names} or set(range(7))
    return lambda day: day.weekday() in wanted


def _of_month(body: Body) -> Callable[[date], bool]:
    kind = body.need("MonthlyScheduleType")
    if kind == "DateOfMonth":
        dates = body.need("DateOfMonth")
        if dates == "L":
            return lambda day: (day + timedelta(days=1)).day == 1
        if not (dates.isdecimal() and 1 <= int(dates) <= 31):
            raise _bad("DateOfMonth must be from 1 to 31, or L for the last day.")
        return lambda day: day.day == int(dates)
    if kind != "DayOfMonth":
        raise _bad("MonthlyScheduleType must be DateOfMonth or DayOfMonth.")
    is_weekday = _weekdays((body.need("DayOfWeek"),))
    nth = body.need("DayNumberOfMonth")
    if nth == "L":
        return lambda day: is_weekday(day) and (day + timedelta(days=7)).month != day.month
    if nth not in ("1", "2", "3", "4"):
        raise _bad("DayNumberOfMonth must be from 1 to 4, or L for the last one.")
    return lambda day: is_weekday(day) and 1 + (day.day - 1) // 7 == int(nth)


def _zone(name: str) -> tzinfo:
    if name.upper() in ("UTC", "ETC/UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _bad(f"The time zone '{name}' is not known.") from None


def _bad(sentence: str) -> Refused:
    return Refused(400, "There was a problem with your request.", (sentence,))
