"""Windows: by the clock on the wall, across midnight, and on the two odd days of a year."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from core_builders import APPLY, COMMIT, NOON, cell, desired, observed, settled
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.core.cellkey import CellKey
from reconciler.core.gate import Gate
from reconciler.core.plan import Plan, make_plan
from reconciler.core.window import Entry, Windows
from reconciler.core.windowgate import UNKNOWN, window_gate, window_gates

LONDON = "Europe/London"
MINUTE = timedelta(minutes=1)
WEEK_NIGHTS = frozenset({0, 1, 2, 3})


def windows(*allow: Entry, deny: tuple[Entry, ...] = (), zone: str = LONDON) -> Windows:
    return Windows(zone, ZoneInfo(zone), allow, deny)


def clock(hours: int, minutes: int = 0) -> int:
    return hours * 60 + minutes


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


NIGHTS = windows(Entry(days=WEEK_NIGHTS, begins=clock(22), ends=clock(4)))


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-11-19T21:59:59+00:00", False),  # a Thursday
        ("2026-11-19T22:00:00+00:00", True),
        ("2026-11-20T03:59:59+00:00", True),  # Friday, in the window that began on Thursday
        ("2026-11-20T04:00:00+00:00", False),
        ("2026-11-20T22:00:00+00:00", False),  # none begins on a Friday
        ("2026-11-23T01:00:00+00:00", False),  # Monday, and none began on Sunday
    ],
)
def test_a_window_across_midnight_belongs_to_the_day_it_begins(moment: str, is_open: bool) -> None:
    assert NIGHTS.verdict(at(moment)).is_open is is_open


def test_a_closed_window_says_when_it_opens_next() -> None:
    verdict = NIGHTS.verdict(at("2026-11-20T12:00:00+00:00"))

    assert verdict.opens == at("2026-11-23T22:00:00+00:00")
    assert NIGHTS.shown(verdict.opens) == "Mon 2026-11-23 22:00 Europe/London"


def test_the_wall_of_another_zone_is_another_wall() -> None:
    tokyo = windows(Entry(begins=clock(9), ends=clock(10)), zone="Asia/Tokyo")

    assert tokyo.verdict(at("2026-11-20T00:30:00+00:00")).is_open
    assert not NIGHTS.verdict(at("2026-11-20T00:30:00+09:00")).is_open


def test_two_windows_that_touch_are_one() -> None:
    two = windows(Entry(begins=clock(20)), Entry(begins=0, ends=clock(2)))

    verdict = two.verdict(at("2026-11-20T23:30:00+00:00"), timedelta(hours=2))

    assert verdict.is_open
    assert verdict.closes == at("2026-11-21T02:00:00+00:00")


def test_what_is_denied_is_denied_whatever_is_allowed() -> None:
    holidays = Entry(dates=((date(2026, 12, 24), date(2027, 1, 3)),))
    shop = windows(Entry(begins=clock(8), ends=clock(18)), deny=(holidays,))

    verdict = shop.verdict(at("2026-12-28T10:00:00+00:00"))

    assert not verdict.is_open
    assert verdict.opens == at("2027-01-04T08:00:00+00:00")


def test_without_allow_every_moment_is_allowed_that_is_not_denied() -> None:
    lunch = windows(deny=(Entry(begins=clock(12), ends=clock(13)),))

    assert lunch.verdict(at("2026-11-20T11:00:00+00:00"), timedelta(hours=1)).is_open
    assert not lunch.verdict(at("2026-11-20T12:59:59+00:00")).is_open
    assert lunch.verdict(at("2026-11-20T13:00:00+00:00")).is_open


def test_what_is_longer_than_every_window_has_no_opening() -> None:
    verdict = NIGHTS.verdict(at("2026-11-19T22:00:00+00:00"), timedelta(hours=7))

    assert (verdict.is_open, verdict.opens) == (False, None)
    assert verdict.closes == at("2026-11-20T04:00:00+00:00")


def test_a_date_that_is_long_gone_never_opens_again() -> None:
    past = windows(Entry(dates=((date(2025, 1, 1), date(2025, 1, 2)),)))

    assert past.verdict(NOON).opens is None


# London, 2026-03-29: 00:59:59 is followed by 02:00. 2026-10-25: 01:59:59 by 01:00.


def test_rule_49_a_window_that_begins_in_the_skipped_hour_begins_when_the_clocks_go_forward() -> (
    None
):
    early = windows(Entry(begins=clock(1, 30), ends=clock(4)))

    assert early.verdict(at("2026-03-29T00:30:00+00:00")).opens == at("2026-03-29T01:00:00+00:00")


def test_rule_49_a_window_inside_the_skipped_hour_does_not_open_on_that_day() -> None:
    gone = windows(Entry(begins=clock(1), ends=clock(2)))

    assert gone.verdict(at("2026-03-29T00:00:00+00:00")).opens == at("2026-03-30T00:00:00+00:00")


def test_rule_49_an_hour_that_comes_twice_makes_an_allowed_window_shorter() -> None:
    until = windows(Entry(begins=clock(22), ends=clock(1, 30)))
    since = windows(Entry(begins=clock(1, 30), ends=clock(6)))

    closes = until.verdict(at("2026-10-24T23:00:00+00:00")).closes
    assert closes == at("2026-10-25T01:30:00+01:00")  # the first time
    opens = since.verdict(at("2026-10-25T00:00:00+00:00")).opens
    assert opens == at("2026-10-25T01:30:00+00:00")  # the second time


def test_rule_49_an_hour_that_comes_twice_makes_a_denied_window_longer() -> None:
    until = windows(deny=(Entry(begins=clock(22), ends=clock(1, 30)),))
    since = windows(deny=(Entry(begins=clock(1, 30), ends=clock(6)),))

    assert until.verdict(at("2026-10-24T23:00:00+00:00")).opens == at("2026-10-25T01:30:00+00:00")
    assert since.verdict(at("2026-10-25T00:00:00+00:00")).closes == at("2026-10-25T01:30:00+01:00")


NIGHTLY = Entry(begins=clock(22), ends=clock(4))
ZONES = ("Europe/London", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu", "UTC")
minutes = st.integers(0, 1439)
entries = st.builds(
    Entry,
    days=st.frozensets(st.integers(0, 6), max_size=6),
    begins=minutes,
    ends=st.integers(0, 1440),
)
some = st.lists(entries, max_size=3)
zones = st.sampled_from(ZONES)
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
lengths = st.integers(0, 600).map(lambda count: count * MINUTE)


def on_the_wall(one: Windows, moment: datetime) -> bool:
    """The plain reading: does the clock on the wall show a time inside of an entry?"""
    wall = moment.astimezone(one.zone).replace(tzinfo=None)
    midnight = wall.replace(hour=0, minute=0, second=0, microsecond=0)

    def covers(entry: Entry) -> bool:
        length = entry.ends - entry.begins + (0 if entry.ends > entry.begins else 1440)
        for day in (midnight, midnight - timedelta(days=1)):
            begin = day + entry.begins * MINUTE
            named = not entry.days or day.weekday() in entry.days
            if named and begin <= wall < begin + length * MINUTE:
                return True
        return False

    allowed = not one.allow or any(map(covers, one.allow))
    return allowed and not any(map(covers, one.deny))


def is_odd(one: Windows, moment: datetime) -> bool:
    """Tell whether clocks are changed in this zone within a day of a moment."""
    offsets = {
        (moment + days * timedelta(hours=25)).astimezone(one.zone).utcoffset()
        for days in (-1, 0, 1)
    }
    return len(offsets) > 1


@settings(max_examples=50, deadline=None)
@given(
    st.lists(entries, max_size=3), st.lists(entries, max_size=2), st.sampled_from(ZONES), moments
)
def test_rule_49_a_window_is_open_when_the_clock_on_its_wall_says_so(
    allow: list[Entry], deny: list[Entry], zone: str, moment: datetime
) -> None:
    one = windows(*allow, deny=tuple(deny), zone=zone)
    is_open = one.verdict(moment).is_open

    if is_odd(one, moment):  # there it never opens what the wall says is closed
        assert on_the_wall(one, moment) or not is_open
    else:
        assert is_open == on_the_wall(one, moment)


@settings(max_examples=50, deadline=None)
@given(
    st.lists(entries, max_size=3),
    st.lists(entries, max_size=2),
    st.sampled_from(ZONES),
    moments,
    lengths,
)
@example(
    [Entry(begins=clock(22), ends=clock(4))],
    [],
    LONDON,
    at("2026-10-25T00:10:00+00:00"),
    90 * MINUTE,
)
@example(
    [Entry(begins=clock(22), ends=clock(4))],
    [],
    LONDON,
    at("2026-03-28T22:10:00+00:00"),
    90 * MINUTE,
)
def test_rule_49_what_is_started_in_a_window_ends_in_it(
    allow: list[Entry], deny: list[Entry], zone: str, moment: datetime, length: timedelta
) -> None:
    one = windows(*allow, deny=tuple(deny), zone=zone)
    verdict = one.verdict(moment, length)

    assert verdict.is_open == (verdict.opens == moment)
    if verdict.opens is not None:
        assert verdict.opens >= moment
        there = one.verdict(verdict.opens, length)
        assert there.is_open
        for part in range(5):
            assert one.verdict(verdict.opens + part * length / 5).is_open or not length


# The gate.


def a_plan(*names: str) -> Plan:
    cells = [cell(name, settled("1.0")) for name in names]
    return make_plan(desired(dict.fromkeys(names, "2.0")), observed(*cells), COMMIT)


EVENINGS = windows(Entry(begins=clock(18), ends=clock(20)))


def gates(moment: str, *, takes: dict[str, timedelta] | None = None) -> tuple[Gate, ...]:
    policy = replace(APPLY, windows=EVENINGS)
    return window_gates(
        a_plan("api", "web"), policy, {CellKey(n): t for n, t in (takes or {}).items()}, at(moment)
    )


def test_outside_of_its_windows_a_whole_plan_is_closed_and_says_until_when() -> None:
    (gate,) = gates("2026-11-20T12:00:00+00:00")

    assert str(gate.name) == "window"
    assert gate.cell == ""
    assert gate.message == "outside of the windows of policy 'carries-out'"
    assert gate.opener == "by itself, Fri 2026-11-20 18:00 Europe/London"


def test_rule_49_only_what_would_not_end_in_time_is_closed_inside_of_a_window() -> None:
    (gate,) = gates("2026-11-20T19:30:00+00:00", takes={"api": 31 * MINUTE, "web": 30 * MINUTE})

    assert gate.cell == "api"
    assert gate.message == (
        "the window closes Fri 2026-11-20 20:00 Europe/London, and it usually takes 31 min"
    )
    assert gate.opener == "by itself, Sat 2026-11-21 18:00 Europe/London"


def test_what_was_never_deployed_is_taken_for_a_quarter_of_an_hour() -> None:
    assert gates("2026-11-20T19:45:00+00:00") == ()
    late = gates("2026-11-20T19:45:01+00:00")

    assert UNKNOWN == 15 * MINUTE
    assert {gate.cell for gate in late} == {"api", "web"}
    assert "what was never deployed here is taken for 15 min" in late[0].message


def test_a_policy_without_windows_closes_nothing() -> None:
    assert window_gates(a_plan("api"), APPLY, {}, NOON) == ()
    assert window_gate(CellKey("api"), APPLY, {}, NOON) is None
