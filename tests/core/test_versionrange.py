"""Ranges of versions: bounds in Octopus' order, and nothing that cannot be ordered."""

import pytest

from reconciler.core.versionrange import VersionRange


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=4.0", ["4.0", "4.0.0.0", "4.1-rc.1", "12"], ["3.9.9", "4.0-rc.1"]),
        (">4.0", ["4.0.1"], ["4.0", "3"]),
        ("<=4.0", ["4.0", "4.0-beta", "1"], ["4.0.1"]),
        ("<4.0", ["3.9", "4.0-beta"], ["4.0", "5"]),
        ("=4.1.2", ["4.1.2", "4.1.2.0", "4.1.2+build.7"], ["4.1.3", "4.1.2-rc"]),
        ("4.1.2", ["4.1.2"], ["4.1"]),
        (">=4.0 <5.0", ["4.0", "4.9.9"], ["3.9", "5.0", "5.1"]),
        (" >= 4.0,  < 5.0 ", ["4.5"], ["5.0"]),
    ],
)
def test_a_range_admits_what_keeps_every_bound(
    text: str, inside: list[str], outside: list[str]
) -> None:
    found = VersionRange.parse(text)

    assert [each for each in inside + outside if found.admits(each)] == inside


def test_rule_8_what_cannot_be_ordered_is_in_no_range() -> None:
    assert not VersionRange.parse(">=1.0").admits("2026/11")
    assert not VersionRange.parse(">=1.2.3").admits("1.2.3_4")


@pytest.mark.parametrize(
    "text",
    ["", " ", ">=", ">= <5", "=>4.0", "~4.0", "4.0<5.0", "4.0 ,", "x y;"],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="range"):
        VersionRange.parse(text)


def test_a_range_with_one_version_left_is_one() -> None:
    assert VersionRange.parse(">=2 <=2.0").admits("2.0.0")


@pytest.mark.parametrize("text", ["<1 >2", ">=2 <2", ">1.0 <=1.0.0", "=1 =2", "=3 <3"])
def test_a_range_that_no_version_is_in_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no version is in the range"):
        VersionRange.parse(text)
