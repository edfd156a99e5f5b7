"""Foreign text made safe to show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.text import clean

any_text = st.text(st.characters())  # surrogates included
limits = st.integers(min_value=1, max_value=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("wallet-api 2.4.1", "wallet-api 2.4.1"),
        ("Zürich, 東京, 🎰", "Zürich, 東京, 🎰"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("one\ntwo\r\n\tthree", "one\\ntwo\\r\\n\\tthree"),
        ("\x00\x07\x7f\x85\x9b", "\\x00\\x07\\x7f\\x85\\x9b"),
        ("evil\u202etxt.exe\u2066", "evil\\u202etxt.exe\\u2066"),
        ("a\u2028b\u2029c\u200bd\ufeff", "a\\u2028b\\u2029c\\u200bd\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u00a0b\u3000c", "a\\xa0b\\u3000c"),
        ("\u3164\ufe0f\u2800", "\\u3164\\ufe0f\\u2800"),
        ("", ""),
    ],
)
def test_rule_52_what_a_terminal_would_obey_or_hide_is_written_out(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(any_text, limits)
def test_rule_52_cleaned_text_is_one_printable_bounded_line(text: str, limit: int) -> None:
    cleaned = clean(text, limit)

    assert len(cleaned) <= limit
    assert cleaned.isprintable()
    assert not {unicodedata.category(char) for char in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(f"{cleaned} ".splitlines()) == 1


@pytest.mark.parametrize("prefix", ["API-", "ghp_", "github_pat_", "glpat-"])
@pytest.mark.parametrize("limit", [8, 15, 20, 30, 200])
def test_rule_52_a_secret_is_told_by_its_shape(prefix: str, limit: int) -> None:
    secret = f"{prefix}ABCDEFGHJKLMNPQRSTUVWXYZ234567"

    shown = clean(f"key {secret} refused, {secret}", limit)

    assert "ABC" not in shown
    assert clean(shown, limit) == shown


def test_a_name_that_only_begins_like_a_secret_is_shown() -> None:
    assert clean("API-Gateway and API-SERVICE") == "API-Gateway and API-SERVICE"


@given(any_text, limits)
def test_cleaning_twice_changes_nothing(text: str, limit: int) -> None:
    assert clean(clean(text, limit), limit) == clean(text, limit)


def test_a_text_that_fits_exactly_is_left_whole_and_one_more_is_cut() -> None:
    assert clean("x" * 200) == "x" * 200
    assert clean("x" * 201) == "x" * 199 + "…"


def test_an_escape_is_never_cut_in_two() -> None:
    assert clean("ab\x1bcd", 6) == "ab…"
    assert clean("ab\x1bcd", 7) == "ab\\x1b…"
    assert clean("ab\x1bcd", 8) == "ab\\x1bcd"


def test_a_limit_without_room_for_a_character_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        clean("text", 0)
