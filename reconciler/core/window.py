"""Windows: when changes may be started, told by the clock on the wall of one time zone.

An entry is open on the days it names, from one time of day to another; where the second is not
after the first, it ends on the day after. Without `allow` every moment is allowed; `deny` always
wins. A local time that is skipped when clocks go forward stands for the moment they do; one that
comes twice when they go back is taken so that the window allows less (rule 49).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import tzinfo

Stretch = tuple[datetime, datetime]
"""A stretch of time, aware UTC: from a moment until just before another."""

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_NEAR, _FAR = 9 * _DAY, 400 * _DAY
"""How far is looked for an opening: a week for most, a year and more for rare dates."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of `allow` or `deny`.

    `days` are weekdays (0: Monday), `dates` first and last days; empty: any. Both must hold of the
    day on which the entry begins. `begins` and `ends` are minutes after midnight, up to 1440.
    """

    days: frozenset[int] = frozenset()
    dates: tuple[tuple[date, date], ...] = ()
    begins: int = 0
    ends: int = 1440

    def occurrences(self, first: date, last: date) -> Iterator[tuple[date, int, int]]:
        """Yield the days on which it begins, with its minutes counted from that day's midnight."""
        ends = self.ends if self.ends > self.begins else self.ends + 1440
        for since, until in self.dates or ((first, last),):
            day = max(since, first)
            while day <= min(until, last):
                if not self.days or day.weekday() in self.days:
                    yield day, self.begins, ends
                day += _DAY


@dataclass(frozen=True, slots=True)
class Windows:
    """When changes may be started. `zone_name` is the IANA name of `zone`."""

    zone_name: str
    zone: tzinfo = field(compare=False)
    allow: tuple[Entry, ...] = ()
    deny: tuple[Entry, ...] = ()

    def stretches(self, since: datetime, until: datetime) -> list[Stretch]:
        """Return the stretches in which changes may be started, in order, none touching."""
        opened = [(since, until)]
        if self.allow:
            opened = self._all(self.allow, since, until, denies=False)
        denied = self._all(self.deny, since, until, denies=True)
        return _without(_merged(opened), _merged(denied))

    def verdict(self, at: datetime, need: timedelta = timedelta()) -> Verdict:
        """Tell whether something that takes so long may be started at a moment (aware UTC)."""
        closes = None
        for ahead in (_NEAR, _FAR):
            until = at + ahead
            found = self.stretches(at, until)
            is_open = bool(found) and found[0][0] == at
            closes = found[0][1] if is_open else None
            opens = next((begin for begin, end in found if end - begin >= need), None)
            if opens is not None:
                return Verdict(closes, opens, is_open=opens == at)
        return Verdict(closes, None, is_open=False)

    def shown(self, moment: datetime) -> str:
        """Return a moment as the clock on that wall shows it."""
        return f"{moment.astimezone(self.zone):%a %Y-%m-%d %H:%M} {self.zone_name}"

    def _all(
        self, entries: Iterable[Entry], since: datetime, until: datetime, *, denies: bool
    ) -> list[Stretch]:
        first = since.astimezone(self.zone).date() - 2 * _DAY
        last = until.astimezone(self.zone).date() + _DAY
        found = []
        for entry in entries:
            for day, begins, ends in entry.occurrences(first, last):
                begin = max(_moment(day, begins, self.zone, second=not denies), since)
                end = min(_moment(day, ends, self.zone, second=denies), until)
                if begin < end:
                    found.append((begin, end))
        return sorted(found)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something may be started now.

    `closes`: when what is open now closes; None where it is closed. `opens`: when there is room
    for it, now included; None: not within 400 days.
    """

    closes: datetime | None
    opens: datetime | None
    is_open: bool


def _moment(day: date, minutes: int, zone: tzinfo, *, second: bool) -> datetime:
    """Return when the clock on the wall shows a time; `second`: the second time it does so."""
    wall = datetime.combine(day, time.min) + timedelta(minutes=minutes)
    before, after = (_offset(wall, zone, fold) for fold in (0, 1))
    if before >= after:  # an ordinary time, or one that comes twice
        return (wall - (after if second else before)).replace(tzinfo=UTC)
    low, high = ((wall - offset).replace(tzinfo=UTC) for offset in (after, before))
    while high - low > _SECOND:  # skipped: the clocks go forward between these two
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _offset(wall: datetime, zone: tzinfo, fold: int) -> timedelta:
    return wall.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta()


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    found: list[Stretch] = []
    for begin, end in stretches:
        if found and begin <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((begin, end))
    return found


def _without(opened: list[Stretch], denied: list[Stretch]) -> list[Stretch]:
    """Return what of these stretches is not denied; both are in order, and none touch."""
    found = []
    first = 0
    for begin, end in opened:
        while first < len(denied) and denied[first][1] <= begin:
            first += 1
        rest = begin
        for shut, reopened in islice(denied, first, None):
            if shut >= end:
                break
            if rest < shut:
                found.append((rest, shut))
            rest = reopened
        if rest < end:
            found.append((rest, end))
    return found
