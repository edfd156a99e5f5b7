"""Canonical bytes: equal to RFC 8785 where they exist, refused where they do not."""

import re
from enum import StrEnum

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import MAX_DEPTH, MAX_INTEGER, canonical_bytes, digest_hex

texts = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=127))
scalars = st.none() | st.booleans() | st.integers(-MAX_INTEGER, MAX_INTEGER) | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=30,
)


class Word(StrEnum):
    UP = "up"


@given(values)
def test_the_bytes_are_those_of_rfc_8785(value: object) -> None:
    assert canonical_bytes(value) == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.dictionaries(keys, scalars))
def test_the_order_in_which_an_object_was_filled_does_not_matter(value: dict[str, object]) -> None:
    backwards = dict(reversed(value.items()))

    assert digest_hex(backwards) == digest_hex(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, ()]}, b'{"a":[true,null,[]],"b":1}'),
        (
            '\x00\x1f\x7f\b\t\n\f\r"\\/\u2028é',
            b'"\\u0000\\u001f\x7f\\b\\t\\n\\f\\r\\"\\\\/\xe2\x80\xa8\xc3\xa9"',
        ),
        ({"B": 1, "a": 2, "_": 3}, b'{"B":1,"_":3,"a":2}'),
        (Word.UP, b'"up"'),
        (-MAX_INTEGER, b"-9007199254740991"),
    ],
)
def test_a_value_has_these_very_bytes(value: object, expected: bytes) -> None:
    assert canonical_bytes(value) == expected


def test_a_digest_is_the_sha_256_of_the_bytes() -> None:
    assert digest_hex({}) == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"


@pytest.mark.parametrize(
    ("value", "error", "place"),
    [
        (1.0, TypeError, "$: a float"),
        ([0, float("nan")], TypeError, "$[1]: a float"),
        ({"a": {"b": b""}}, TypeError, "$['a']['b']: a bytes"),
        ({"a": {1, 2}}, TypeError, "$['a']: a set"),
        ({"a": {1: 2}}, TypeError, "$['a']: a int is no key"),
        ({None: 2}, TypeError, "$: a NoneType is no key"),
        ({"pins": [MAX_INTEGER + 1]}, ValueError, "$['pins'][0]: an integer beyond"),
        (-MAX_INTEGER - 1, ValueError, "$: an integer beyond"),
        (["\ud800"], ValueError, "$[0]: an unpaired surrogate"),
        ({"a": {"clé": 1}}, ValueError, "$['a']: the key 'clé' is not ASCII"),
        ({"\udfff": 1}, ValueError, "$: the key '\\udfff' is not ASCII"),
    ],
)
def test_a_value_without_canonical_form_is_refused_at_its_place(
    value: object, error: type[Exception], place: str
) -> None:
    with pytest.raises(error, match=f"^{re.escape(place)}"):
        canonical_bytes(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)

    with pytest.raises(ValueError, match=f"nested deeper than {MAX_DEPTH}"):
        canonical_bytes(endless)


def test_rule_52_a_hostile_key_is_escaped_and_bounded_in_the_message() -> None:
    with pytest.raises(TypeError) as caught:
        canonical_bytes({"\x1b[2J" + "x" * 10_000: 0.5})

    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 300
