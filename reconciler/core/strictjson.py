"""A JSON reader for signed files and what is inside them: one meaning, or an error.

Readers that disagree about one text are how a signed file comes to mean two things. So duplicate
keys, numbers that need rounding, unpaired surrogates, trailing text and deep nesting are errors
here, found in time linear in the size of the text.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Never, TypeAlias

from reconciler.core.canonical import MAX_INTEGER
from reconciler.core.text import clean

__all__ = ["MAX_DEPTH", "JsonValue", "NotStrictJson", "read_json"]

JsonValue: TypeAlias = "bool | int | str | list[JsonValue] | dict[str, JsonValue] | None"

MAX_DEPTH = 32
_MAX_DIGITS = 16  # those of 2^53

# A string (or an unfinished one, to the end) is taken as a whole, without ever going back.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]+|\\.)*+"?|[\[\]{}]', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class NotStrictJson(ValueError):
    """The bytes are not JSON, or not of the kind that means one thing only."""


def read_json(data: bytes) -> JsonValue:
    """Return the value of a JSON text in UTF-8 without a byte order mark.

    Numbers are integers within +-(2^53-1). Space around the value is allowed, as in every JSON.

    Raises:
        NotStrictJson: with the reason in words, one line, safe to show.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotStrictJson(f"not UTF-8 at byte {error.start}") from None
    _check_depth(text)
    try:
        value: JsonValue = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_fraction,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        raise NotStrictJson(f"not JSON: {error.msg} at character {error.pos}") from None
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def _check_depth(text: str) -> None:
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                if depth > MAX_DEPTH:
                    raise NotStrictJson(f"nested deeper than {MAX_DEPTH}")
            case "]" | "}":
                depth -= 1


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise NotStrictJson(f"the key {clean(repr(twice), 60)} appears twice in one object")
    return found


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _MAX_DIGITS or abs(int(digits)) > MAX_INTEGER:
        raise NotStrictJson("a number beyond +-(2^53-1)")
    return int(digits)


def _no_fraction(digits: str) -> Never:
    raise NotStrictJson(f"the number {clean(digits, 30)} is not an integer")


def _no_constant(word: str) -> Never:
    raise NotStrictJson(f"{word} is not JSON")


def _check_surrogates(value: JsonValue) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise NotStrictJson("an unpaired surrogate in a string") from None
