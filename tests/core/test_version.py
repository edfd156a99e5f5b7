"""Versions order as in Octopus, whatever the text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.version import (
    MAX_LENGTH,
    Direction,
    OctopusVersion,
    direction,
    only_prerelease_lower,
)

parse = OctopusVersion.parse

PAIRS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "version_pairs.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def _is_version(text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


# Few letters, so that near misses and equal versions are drawn often.
likely = st.text("0123AaBb.-_\\+ v", max_size=12)
versions = st.one_of(
    st.from_regex(
        r"[vV]?[0-3](\.[0-3]){0,3}([.\-_][abAB0-2]{1,2}([.\-_][ab0-2]{0,2}){0,2})?", fullmatch=True
    ),
    likely.filter(_is_version),
)


def test_all_published_pairs_are_here() -> None:
    assert len(PAIRS) == 85


@pytest.mark.parametrize(("left", "order", "right"), PAIRS)
def test_rule_8_a_published_pair_is_ordered_as_octopus_orders_it(
    left: str, order: str, right: str
) -> None:
    one, other = parse(left), parse(right)

    assert (one < other, one == other, one > other) == (order == "<", order == "=", order == ">")
    assert (other > one, other == one, other < one) == (order == "<", order == "=", order == ">")
    assert (one <= other, one >= other) == (order != ">", order != "<")
    assert (hash(one) == hash(other)) or order != "="
    expected = {"<": Direction.UP, "=": Direction.SAME, ">": Direction.DOWN}[order]
    assert direction(left, right) is expected


@pytest.mark.parametrize(
    ("text", "numbers", "prerelease"),
    [
        ("1", (1, 0, 0, 0), ""),
        ("1.2.3.4", (1, 2, 3, 4), ""),
        ("v1.2", (1, 2, 0, 0), ""),
        ("V007.010", (7, 10, 0, 0), ""),
        ("2147483647.0", (2147483647, 0, 0, 0), ""),
        ("1.2.3.4.5", (1, 2, 3, 4), "5"),
        ("19.0.0.Final", (19, 0, 0, 0), "Final"),
        ("1_2_3", (1, 0, 0, 0), "2_3"),
        ("1.0.0beta", (1, 0, 0, 0), "beta"),
        ("NotAVersion", (0, 0, 0, 0), "NotAVersion"),
        ("latest", (0, 0, 0, 0), "latest"),
        ("-alpha", (0, 0, 0, 0), "alpha"),
        ("1.2.3-", (1, 2, 3, 0), ""),
        ("1.2.3+build.7", (1, 2, 3, 0), ""),
        ("1.2.3-rc.1+a+b", (1, 2, 3, 0), "rc.1"),
        ("+meta", (0, 0, 0, 0), ""),
        ("1.0.0-99999999999", (1, 0, 0, 0), "99999999999"),
    ],
)
def test_a_text_is_read_into_numbers_and_prerelease(
    text: str, numbers: tuple[int, int, int, int], prerelease: str
) -> None:
    version = parse(text)

    assert (version.numbers, version.prerelease) == (numbers, prerelease)
    assert version.text == str(version) == text


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("1.0.0-beta11", "1.0.0-beta2"),  # one label each: text
        ("1.0.0-beta.2", "1.0.0-beta.11"),
        ("1.0.0-2147483647", "1.0.0-2147483648"),  # beyond Int32 a label is text
        ("1.0.0-9", "1.0.0-a"),
        ("1.0.0-9", "1.0.0-.1"),  # an empty label counts, and is text
        ("1.0.0-a", "1.0.0-a-"),
        ("1.0.0-zeta", "1.0.0"),
        ("NotAVersion", "0.0.1"),
    ],
)
def test_the_left_version_is_lower(left: str, right: str) -> None:
    assert parse(left) < parse(right)


def test_spaces_around_the_numbers_are_tolerated_and_not_shown() -> None:
    assert parse("  v 1 . 2 .3 -rc.1\n").text == "v1.2.3-rc.1"
    assert parse("1 . 2") == parse("1.2")
    assert parse("1.0 beta") == parse("1.0-beta")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "an empty text"),
        (" \t\n", "an empty text"),
        ("2147483648.1", "a number is larger than 2147483647"),
        ("1.1.1.99999999999999999999", "a number is larger than"),
        ("1.0-a b", "a space may stand around its numbers only"),
        ("1.0+a b", "a space may stand around its numbers only"),
        ("1" * (MAX_LENGTH + 1), "longer than 349 characters"),
        ("1" + "-" * 1_000_000 + "!", "longer than 349 characters"),
        *[
            (f"1.0{char}1", "character 4 may not stand in a version")
            for char in "\"';%?#&/\n\t,:!()[]{}*=<>|~^@$`\0\x1béß١\u202e\ud800"
        ],
    ],
)
def test_a_text_that_octopus_refuses_is_a_value_error_saying_why(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse(text)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("before", "after"), [("", "1.0"), ("1.0", "1/0"), ("1.0-a b", "2.0"), ("9999999999", "1.0")]
)
def test_rule_8_a_text_that_is_no_version_gives_an_unknown_direction(
    before: str, after: str
) -> None:
    assert direction(before, after) is Direction.UNKNOWN
    assert direction(after, before) is Direction.UNKNOWN
    assert not only_prerelease_lower(before, after)


def test_rule_11_a_number_glued_to_text_is_only_ordered_where_both_readings_agree() -> None:
    assert direction("1.2.3_4", "1.2.2") is Direction.UNKNOWN
    assert direction("1.0.0", "1.0.1beta") is Direction.UNKNOWN
    assert direction("1.2.3_4", "1.3.0") is Direction.UP
    assert direction("1.0.0beta", "1.0.0") is Direction.UP
    assert direction("1.2.3_4", "1.2.3_4") is Direction.SAME
    assert direction("0", "v 0A") is Direction.UNKNOWN


def test_a_step_from_a_release_to_its_own_candidate_is_lower_by_the_prerelease_only() -> None:
    assert only_prerelease_lower("2.0.0", "2.0-rc.1")
    assert only_prerelease_lower("2.0.0-rc.2", "2.0.0-rc.1")
    assert not only_prerelease_lower("2.0.0-rc.1", "2.0.0")
    assert not only_prerelease_lower("2.0.1", "2.0.0-rc.1")
    assert not only_prerelease_lower("2.0.0", "2.0.0")


@given(versions, versions)
def test_exactly_one_of_lower_equal_and_higher_holds(left: str, right: str) -> None:
    one, other = parse(left), parse(right)

    assert (one < other) + (one == other) + (one > other) == 1
    assert (one < other) == (other > one)
    assert (one <= other) == (one < other or one == other)
    assert (one >= other) == (one > other or one == other)


@given(versions, versions)
def test_equal_versions_have_equal_hashes(left: str, right: str) -> None:
    one, other = parse(left), parse(right)

    assert one != other or hash(one) == hash(other)


@given(st.lists(versions, min_size=3, max_size=3))
def test_order_is_transitive(texts: list[str]) -> None:
    low, middle, high = sorted(map(parse, texts))

    assert low <= middle <= high
    assert low <= high
    assert low != high or low == middle == high


@given(st.text() | likely, st.text() | likely)
def test_rule_47_any_text_is_a_version_or_a_value_error(left: str, right: str) -> None:
    known = _is_version(left) and _is_version(right)

    assert known or direction(left, right) is Direction.UNKNOWN


@given(versions, versions)
def test_turning_a_change_round_turns_its_direction(left: str, right: str) -> None:
    turned = {Direction.UP: Direction.DOWN, Direction.DOWN: Direction.UP}
    there = direction(left, right)

    assert direction(right, left) is turned.get(there, there)


def test_a_version_is_not_compared_with_anything_else() -> None:
    assert parse("1.0") != "1.0"
    for compare in ("__lt__", "__le__", "__gt__", "__ge__"):
        assert getattr(parse("1.0"), compare)("1.0") is NotImplemented
