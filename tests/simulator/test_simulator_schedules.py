"""When scheduled triggers are due: every kind of schedule that clients write."""

from datetime import UTC, datetime

import pytest

from reconciler.simulator.answers import Refused
from reconciler.simulator.calls import Body
from reconciler.simulator.cron import BadCron, parse_cron
from reconciler.simulator.schedules import read_schedule

FRIDAY = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def _next(kind: str, count: int = 2, **fields: object) -> list[str]:
    schedule, moment, found = read_schedule(Body(fields), kind), FRIDAY, []
    for _ in range(count):
        due = schedule.after(moment)
        assert due is not None
        found.append(f"{due:%a %d %b %H:%M:%S}")
        moment = due
    return found


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        ("0 0 06 * * Mon-Fri", ["Mon 23 Nov 06:00:00", "Tue 24 Nov 06:00:00"]),
        ("30 0/20 10 * * ?", ["Fri 20 Nov 10:00:30", "Fri 20 Nov 10:20:30"]),
        ("0 0 2 L * ?", ["Mon 30 Nov 02:00:00", "Thu 31 Dec 02:00:00"]),
        ("0 0 2 15W 1,8 ?", ["Fri 15 Jan 02:00:00", "Mon 16 Aug 02:00:00"]),
        ("0 0 2 LW * ?", ["Mon 30 Nov 02:00:00", "Thu 31 Dec 02:00:00"]),
        ("0 0 2 ? * 6L", ["Sat 28 Nov 02:00:00", "Sat 26 Dec 02:00:00"]),
        ("0 0 2 ? * FRI#2", ["Fri 11 Dec 02:00:00", "Fri 08 Jan 02:00:00"]),
        ("0 0 2 1 * SUN", ["Sun 22 Nov 02:00:00", "Sun 29 Nov 02:00:00"]),
        ("0 0 0 29 2 ? 2028-2032", ["Tue 29 Feb 00:00:00", "Sun 29 Feb 00:00:00"]),
    ],
)  # fmt: skip
def test_a_cron_expression_names_its_moments(expression: str, moments: list[str]) -> None:
    assert _next("CronExpressionSchedule", CronExpression=expression) == moments


@pytest.mark.parametrize(
    "expression",
    ["0 0 6 * *", "0 0 24 * * ?", "60 0 0 * * ?", "0 0 0 32 * ?", "a b c d e f", "0 0 0 ? * FOO",
     "0 9-3 0 * * ?", "0 0/0 0 * * ?", "", "0 0 0 * 13 ?"],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(BadCron):
        parse_cron(expression)


@pytest.mark.parametrize(
    ("kind", "fields", "moments"),
    [
        ("OnceDailySchedule",
         {"StartTime": "2024-03-22T09:00:00", "DaysOfWeek": ["Tuesday", "monday"]},
         ["Mon 23 Nov 09:00:00", "Tue 24 Nov 09:00:00"]),
        ("OnceDailySchedule", {"StartTime": "2024-03-22T09:00:00.000Z"},
         ["Sat 21 Nov 09:00:00", "Sun 22 Nov 09:00:00"]),
        ("ContinuousDailySchedule",
         {"Interval": "OnceHourly", "HourInterval": 3, "RunAfter": "2024-03-22T09:00:00",
          "RunUntil": "2024-03-29T13:00:00", "DaysOfWeek": ["Friday"]},
         ["Fri 20 Nov 12:00:00", "Fri 27 Nov 09:00:00"]),
        ("ContinuousDailySchedule", {"Interval": "OnceEveryMinute", "MinuteInterval": 30},
         ["Fri 20 Nov 10:30:00", "Fri 20 Nov 11:00:00"]),
        ("DaysPerMonthSchedule",
         {"StartTime": "2024-03-22T09:00:00", "MonthlyScheduleType": "DateOfMonth",
          "DateOfMonth": "31"},
         ["Thu 31 Dec 09:00:00", "Sun 31 Jan 09:00:00"]),
        ("DaysPerMonthSchedule",
         {"StartTime": "09:00", "MonthlyScheduleType": "DateOfMonth", "DateOfMonth": "L"},
         ["Mon 30 Nov 09:00:00", "Thu 31 Dec 09:00:00"]),
        ("DaysPerMonthSchedule",
         {"StartTime": "09:00", "MonthlyScheduleType": "DayOfMonth", "DayNumberOfMonth": "L",
          "DayOfWeek": "Saturday"},
         ["Sat 28 Nov 09:00:00", "Sat 26 Dec 09:00:00"]),
        ("DaysPerMonthSchedule",
         {"StartTime": "09:00", "MonthlyScheduleType": "DayOfMonth", "DayNumberOfMonth": "1",
          "DayOfWeek": "Saturday"},
         ["Sat 05 Dec 09:00:00", "Sat 02 Jan 09:00:00"]),
        ("DailySchedule", {"StartTime": "11:00", "RunType": "ScheduledTime"},
         ["Fri 20 Nov 11:00:00", "Sat 21 Nov 11:00:00"]),
        ("DaysPerWeekSchedule", {"StartTime": "11:00", "Sunday": True, "Interval": "OnceHourly"},
         ["Sun 22 Nov 11:00:00", "Sun 22 Nov 12:00:00"]),
        ("CronExpressionSchedule",
         {"CronExpression": "0 0 9 * * ?", "Timezone": "Europe/Berlin"},
         ["Sat 21 Nov 08:00:00", "Sun 22 Nov 08:00:00"]),
    ],
)  # fmt: skip
def test_a_schedule_names_its_moments(
    kind: str, fields: dict[str, object], moments: list[str]
) -> None:
    assert _next(kind, **fields) == moments


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("OnceDailySchedule", {}),
        ("OnceDailySchedule", {"StartTime": "nine"}),
        ("OnceDailySchedule", {"StartTime": "09:00", "DaysOfWeek": ["Someday"]}),
        ("OnceDailySchedule", {"StartTime": "09:00", "Timezone": "Nowhere/Else"}),
        ("OnceDailySchedule", {"StartTime": "09:00", "Timezone": "../../etc/passwd"}),
        ("ContinuousDailySchedule", {"Interval": "OnceDaily"}),
        ("ContinuousDailySchedule", {"Interval": "OnceHourly", "HourInterval": 0}),
        ("ContinuousDailySchedule",
         {"Interval": "OnceHourly", "RunAfter": "12:00", "RunUntil": "11:00"}),
        ("DaysPerMonthSchedule", {"StartTime": "09:00", "MonthlyScheduleType": "Weekly"}),
        ("DaysPerMonthSchedule",
         {"StartTime": "09:00", "MonthlyScheduleType": "DateOfMonth", "DateOfMonth": "32"}),
        ("DaysPerWeekSchedule", {"StartTime": "09:00"}),
        ("CronExpressionSchedule", {"CronExpression": "daily"}),
    ],
)  # fmt: skip
def test_a_schedule_that_makes_no_sense_is_refused(kind: str, fields: dict[str, object]) -> None:
    with pytest.raises(Refused) as refused:
        read_schedule(Body(fields), kind)
    assert refused.value.status == 400


def test_a_schedule_that_is_over_has_no_next_moment() -> None:
    body = Body({"CronExpression": "0 0 0 1 1 ? 2020"})
    assert read_schedule(body, "CronExpressionSchedule").after(FRIDAY) is None


def test_an_hour_that_the_clocks_skip_is_due_once() -> None:
    body = Body({"CronExpression": "0 30 2 28-29 3 ?", "Timezone": "Europe/Berlin"})
    schedule = read_schedule(body, "CronExpressionSchedule")
    first = schedule.after(datetime(2027, 3, 27, 12, tzinfo=UTC))
    assert first is not None
    second = schedule.after(first)
    assert second is not None
    assert (first.isoformat(), second.isoformat()) == (
        "2027-03-28T01:30:00+00:00",
        "2027-03-29T00:30:00+00:00",
    )
