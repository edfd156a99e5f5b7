"""One text, one meaning: whatever could be read in two ways is an error."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.canonical import MAX_INTEGER, canonical_bytes
from reconciler.core.strictjson import MAX_DEPTH, NotStrictJson, read_json

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner, max_size=5)
    ),
    max_leaves=30,
)


@given(VALUES)
def test_what_is_written_canonically_is_read_back(value: object) -> None:
    assert read_json(canonical_bytes(value)) == value


@given(VALUES)
def test_canonical_bytes_of_what_was_read_are_the_same_bytes(value: object) -> None:
    written = canonical_bytes(value)

    assert canonical_bytes(read_json(json.dumps(value, indent=2).encode())) == written


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a":1,"b":2,"a":1}', "'a' appears twice"),
        (b'{"a":{"b":1,"\\u0062":2}}', "'b' appears twice"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"12345678901234567", "beyond"),
        (b"9007199254740992", "beyond"),
        (b"-9007199254740992", "beyond"),
        (b"1.5", "not an integer"),
        (b"1e3", "not an integer"),
        (b"01", "not JSON"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{}x", "not JSON"),
        (b"", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'"a\nb"', "not JSON"),
        (b'["\\ud800"]', "unpaired surrogate"),
        (b'{"\\udc00a":1}', "unpaired surrogate"),
        (b"[" * 33 + b"]" * 33, "nested deeper than 32"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "nested deeper than 32"),
        (b"[" * 1_000_000, "nested deeper than 32"),
    ],
)
def test_a_text_with_two_meanings_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(NotStrictJson) as caught:
        read_json(data)

    assert reason in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b' {"a":[1,-0,true,null]}\n', {"a": [1, 0, True, None]}),
        (b"9007199254740991", MAX_INTEGER),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b'"[[[[{{{{ \\" [[[["', '[[[[{{{{ " [[[['),
        (b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None),
        ('"é\\\\"'.encode(), "é\\"),
    ],
)
def test_ordinary_json_is_read(data: bytes, value: object) -> None:
    assert value is None or read_json(data) == value
    assert read_json(data) is not None


def reading(data: bytes) -> object:
    """What comes of reading: the value, or the refusal."""
    try:
        return read_json(data)
    except NotStrictJson as error:
        return error


NEARLY_JSON = st.text('{}[]",:\\ud80aeE.-+ tn').map(str.encode)


@given(st.binary() | st.text().map(str.encode) | NEARLY_JSON)
def test_rule_47_hostile_bytes_never_do_more_than_be_refused(data: bytes) -> None:
    found = reading(data)

    if isinstance(found, NotStrictJson):
        assert str(found).isprintable()
    else:
        assert read_json(json.dumps(found).encode()) == found


@pytest.mark.parametrize(
    "data",
    [
        b'"' + b'\\"' * 500_000,
        b'"\\' * 300_000,
        b"{" + b",".join(b'"%d":0' % n for n in range(90_000)) + b',"7":0}',
        b"1" * 1_000_000,
        b"[" + b"{}," * 300_000 + b"{}]",
    ],
    ids=["unfinished string", "quotes", "late duplicate", "long number", "wide"],
)
def test_rule_47_a_megabyte_of_anything_is_judged_quickly(data: bytes) -> None:
    begin = time.process_time()
    reading(data)

    assert time.process_time() - begin < 5
