"""What a plain scalar means: the same to every YAML, or nothing we accept (rule 6).

YAML 1.1 and 1.2 read `012`, `1e3`, `no` or `12:30:45` differently, and both read `1.10` as the
number 1.1. So an unquoted scalar is text only if neither of them sees anything else in it.

Source: YAML 1.1 type repository (bool, int, float, null, timestamp, merge, value); YAML 1.2.2
core schema, section 10.3.2.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

# What a JSON Schema engine is shown. None stands for a scalar that has no agreed meaning.
Plain: TypeAlias = str | int | bool | None


class Reading(StrEnum):
    """What some YAML takes an unquoted scalar for, in the words of a message."""

    NUMBER = "a number"
    BOOLEAN = "true or false"
    NOTHING = "nothing (null)"
    TIME = "a date or time"
    SPECIAL = "a special key"


_BOOLEAN = frozenset(
    spelling
    for word in ("y", "n", "yes", "no", "on", "off", "true", "false")
    for spelling in (word, word.capitalize(), word.upper())
)
_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})
_SPECIAL = frozenset({"<<", "="})
# The union of both versions' integers and floats, underscores and base 60 included. Possessive
# quantifiers: no text makes this backtrack.
_NUMBER = re.compile(
    r"""
    [-+]?+ (?:
        0b[01_]++ | 0o[0-7_]++ | 0x[0-9a-fA-F_]++
      | [0-9][0-9_]*+ (?: :(?: [0-5][0-9] | [0-9] ) )++ (?: \.[0-9_]*+ )?
      | (?: [0-9][0-9_]*+ (?: \.[0-9_]*+ )? | \.[0-9_]*+ ) (?: [eE][-+]?+[0-9]++ )?
      | \.(?: inf | Inf | INF )
    )
    | \.(?: nan | NaN | NAN )
    """,
    re.VERBOSE,
)
_TIME = re.compile(
    r"""
    [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}
    (?: (?: [Tt] | [\ \t]+ ) [0-9]{1,2}:[0-9]{2}:[0-9]{2} (?: \.[0-9]* )?
        (?: [\ \t]* (?: [Zz] | [-+][0-9]{1,2} (?: :?[0-9]{2} )? ) )?
    )?
    """,
    re.VERBOSE,
)
_INTEGER = re.compile(r"0|[1-9][0-9]{0,14}")


def reading(text: str) -> Reading | None:
    """Tell what YAML 1.1 or 1.2 reads this unquoted scalar as; None: text to both."""
    if text in _NOTHING:
        return Reading.NOTHING
    if text in _BOOLEAN:
        return Reading.BOOLEAN
    if text in _SPECIAL:
        return Reading.SPECIAL
    if _NUMBER.fullmatch(text):
        return Reading.NUMBER
    if _TIME.fullmatch(text):
        return Reading.TIME
    return None


@lru_cache(maxsize=16_384)
def plain_value(text: str) -> Plain:
    """Return what an unquoted scalar stands for: an integer, a boolean, text, or None.

    Integers are `0` or `[1-9][0-9]*` of at most 15 digits, booleans `true` and `false`; None is
    everything that needs quotes, a place where a time is expected, or a correction.
    """
    if text == "true":
        return True
    if text == "false":
        return False
    if reading(text) is None:
        return text
    return int(text) if _INTEGER.fullmatch(text) else None
