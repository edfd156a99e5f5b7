"""The windows of a policy as they are written: quoted or not, and refused at their places."""

from datetime import date

import pytest
from manifest_world import POLICY, changed, lines, load, state

from reconciler.core.window import Entry

NIGHTS = """\
windows:
    zone: Europe/London
    allow:
      - {days: [mon, thu], from: 22:00, to: 04:30}
      - {dates: [2026-12-24, "2026-12-28/2027-01-02"], to: "24:00"}
    deny:
      - {from: "09:00"}
"""


def policy(windows: str) -> str:
    return POLICY.replace("start: auto", windows)


def test_windows_are_read_with_days_times_and_dates_and_stay_off_by_default() -> None:
    windows = state(load(changed(careful=policy(NIGHTS))), "production-uk").policy.windows

    assert windows is not None
    assert (windows.zone_name, str(windows.zone)) == ("Europe/London", "Europe/London")
    christmas = date(2026, 12, 24)
    assert windows.allow == (
        Entry(days=frozenset({0, 3}), begins=22 * 60, ends=4 * 60 + 30),
        Entry(dates=((christmas, christmas), (date(2026, 12, 28), date(2027, 1, 2)))),
    )
    assert windows.deny == (Entry(begins=9 * 60),)
    assert state(load(changed()), "production-uk").policy.windows is None


def test_rule_6_a_time_in_windows_is_its_own_text_quoted_or_not() -> None:
    bare = policy(NIGHTS.replace('"', ""))
    quoted = policy(NIGHTS.replace("22:00", '"22:00"').replace("2026-12-24", '"2026-12-24"'))

    one = state(load(changed(careful=bare)), "production-uk").policy
    assert one == state(load(changed(careful=quoted)), "production-uk").policy
    assert one.windows is not None


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("22:00", "22", '13:34: 22 is a number to YAML, not text; quote it: "22"'),
        ("22:00", "9:00", "13:34: '9:00' is not a time of day: write it as 22:00, up to 24:00"),
        ("22:00", "24:01", "13:34: '24:01' is not a time of day: write it as 22:00, up to 24:00"),
        ("mon", "monday", "13:17: 'monday' is not one of mon, tue, wed, thu, fri, sat, sun, "
                          "did you mean 'mon'?"),
        ("[mon, thu]", "[mon, mon]", "13:16: 'mon' is in this list twice"),
        ("2026-12-24", "2026-02-30", "14:18: '2026-02-30' does not exist in the calendar"),
        ("2027-01-02", "2026-01-02", "14:30: '2026-12-28/2026-01-02' ends before it begins"),
        ("2026-12-24", "tomorrow", "14:18: 'tomorrow' is no date: write 2026-12-24, or "
                                   "2026-12-24/2027-01-02 for several"),
        ("Europe/London", "Europe/Londen", "11:11: 'Europe/Londen' is no time zone known here: "
                                           "write an IANA name such as Europe/London"),
        ("Europe/London", "../../etc/passwd", "11:11: '../../etc/passwd' is no time zone known "
                                              "here: write an IANA name such as Europe/London"),
        ("Europe/London", "localtime", "11:11: 'localtime' is no time zone known here: "
                                       "write an IANA name such as Europe/London"),
        ('{from: "09:00"}', "{}", "16:9: must not be empty"),
        ("zone: Europe/London", "zones: UTC", "10:3: missing field 'zone'"),
    ],
)  # fmt: skip
def test_wrong_windows_are_refused_at_their_place(old: str, new: str, line: str) -> None:
    assert old in NIGHTS

    found = lines(load(changed(careful=policy(NIGHTS.replace(old, new)))))

    assert any(each.startswith(f"policies/careful.yaml:{line}") for each in found), found
