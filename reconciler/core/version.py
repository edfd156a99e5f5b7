r"""Release versions as Octopus reads and orders them (rule 8).

Up to four numbers, an optional prerelease, optional metadata: `1.2.3-beta.4+build`. Looser than
semantic versioning: `1.0` equals `1.0.0.0`, `-alpha.1` equals `-alpha_1`, and a text without any
number is all prerelease. Metadata never matters.

Source: OctopusDeploy/Versioning (public), `OctopusVersionParser` and `OctopusVersion`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from reconciler.core.text import clean

__all__ = [
    "MAX_LENGTH",
    "Direction",
    "OctopusVersion",
    "direction",
    "is_same_release",
    "only_prerelease_lower",
]

MAX_LENGTH = 349  # characters of a release number (Octopus REST API, releases)
MAX_NUMBER = 2**31 - 1  # .NET's Int32: larger numbers are refused, larger labels are text

_SPACES = " \t\r\n\v\f"

# `{end}` follows each number. Possessive quantifiers: no input makes this backtrack.
_SHAPE = r"""
    (?: [vV]? [ ]*+ ([0-9]++){end} [ ]*+
        (?: \. [ ]*+ ([0-9]++){end} [ ]*+ )?
        (?: \. [ ]*+ ([0-9]++){end} [ ]*+ )?
        (?: \. [ ]*+ ([0-9]++){end} [ ]*+ )?
    )?
    [.\-_\\]?
    ([A-Za-z0-9.\-_\\]*+)
    (?: \+ [A-Za-z0-9.\-_\\+]*+ )?
"""
_match = re.compile(_SHAPE.format(end=""), re.VERBOSE).fullmatch
_match_strictly = re.compile(_SHAPE.format(end=r"\b"), re.VERBOSE | re.ASCII).fullmatch
_separators = re.compile(r"[.\-_\\]")
_glued = re.compile(r"[0-9][A-Za-z_]")
_foreign = re.compile(r"[^A-Za-z0-9.\-_\\+ ]")

_Label = tuple[int, int, str]
_Numbers = tuple[int, int, int, int]


class Direction(StrEnum):
    """Where a change of version leads."""

    UP = "up"
    DOWN = "down"
    SAME = "same"
    UNKNOWN = "unknown"  # at least one text cannot be ordered: handled like `DOWN` (rule 8)


@dataclass(frozen=True, slots=True, eq=False)
class OctopusVersion:
    """A release version, ordered and equal exactly as in Octopus, hashable to match.

    `text` is the text as Octopus shows it: without spaces. `numbers` are always four. `prerelease`
    is empty for a plain release.
    """

    text: str
    numbers: _Numbers
    prerelease: str

    @staticmethod
    def parse(text: str) -> OctopusVersion:
        """Read a version; the last 65,536 different texts are remembered.

        Raises:
            ValueError: Octopus would not take it as a version; the message names the text (cleaned)
                and what is wrong with it.
        """
        return _parse(text)

    def __str__(self) -> str:
        return self.text

    def __hash__(self) -> int:
        return hash((self.numbers, _labels(self.prerelease)))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OctopusVersion):
            return NotImplemented
        return self.numbers == other.numbers and (
            self.prerelease == other.prerelease
            or _labels(self.prerelease) == _labels(other.prerelease)
        )

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, OctopusVersion):
            return NotImplemented
        if self.numbers != other.numbers:
            return self.numbers < other.numbers
        if self.prerelease and other.prerelease:
            return _labels(self.prerelease) < _labels(other.prerelease)
        return bool(self.prerelease) and not other.prerelease

    def __gt__(self, other: object) -> bool:
        if not isinstance(other, OctopusVersion):
            return NotImplemented
        return other < self

    def __le__(self, other: object) -> bool:
        if not isinstance(other, OctopusVersion):
            return NotImplemented
        return not other < self

    def __ge__(self, other: object) -> bool:
        if not isinstance(other, OctopusVersion):
            return NotImplemented
        return not self < other


def direction(from_text: str, to_text: str) -> Direction:
    """Tell where a change from one version to another leads; never raises.

    `UNKNOWN` where a text is no version. Also where a number runs straight into a letter or `_`
    (`1.2.3_4`, `1.0.1beta`) and the answer depends on it: published releases of Octopus' library
    differ on whether that last number still counts, and a guess could hide a downgrade (rule 11).
    """
    try:
        found = _compare(_parse(from_text), _parse(to_text))
        if _glued.search(from_text) or _glued.search(to_text):
            strict = _compare(_read(from_text, strict=True), _read(to_text, strict=True))
            return found if found is strict else Direction.UNKNOWN
    except ValueError:
        return Direction.UNKNOWN
    return found


def is_same_release(one: str, other: str) -> bool:
    """Tell whether two versions name one release.

    Metadata never orders versions, but tells releases apart: `1.2.0+8` is not `1.2.0+7`.
    """
    if one == other:  # most cells of most plans: nothing to parse
        return True
    same = direction(one, other) is Direction.SAME
    return same and one.partition("+")[2].casefold() == other.partition("+")[2].casefold()


def only_prerelease_lower(from_text: str, to_text: str) -> bool:
    """Tell whether `to_text` is the lower version by its prerelease alone, the numbers being equal.

    False where a text is no version.
    """
    try:
        before, after = _parse(from_text), _parse(to_text)
    except ValueError:
        return False
    return after < before and after.numbers == before.numbers


def _compare(before: OctopusVersion, after: OctopusVersion) -> Direction:
    if before == after:
        return Direction.SAME
    return Direction.UP if before < after else Direction.DOWN


def _read(text: str, *, strict: bool = False) -> OctopusVersion:
    bare = text.strip(_SPACES)
    if not bare or len(bare) > MAX_LENGTH:
        raise ValueError(_why(bare))
    found = _match_strictly(bare) if strict else _match(bare)
    if found is None:
        raise ValueError(_why(bare))
    major, minor, patch, revision, prerelease = found.groups()
    numbers = (
        int(major) if major else 0,
        int(minor) if minor else 0,
        int(patch) if patch else 0,
        int(revision) if revision else 0,
    )
    if len(bare) > 9 and max(numbers) > MAX_NUMBER:  # ten digits at least
        raise ValueError(_why(bare))
    return OctopusVersion(bare.replace(" ", "") if " " in bare else bare, numbers, prerelease)


_parse = lru_cache(maxsize=65_536)(_read)


@lru_cache(maxsize=4096)
def _labels(prerelease: str) -> tuple[_Label, ...]:
    """Return the parts of a prerelease as they compare; a plain release has none."""
    return tuple(map(_label, _separators.split(prerelease))) if prerelease else ()


def _label(text: str) -> _Label:
    """Return a label as it compares: numbers before texts, texts without regard to case."""
    if text.isdigit() and (number := int(text)) <= MAX_NUMBER:
        return (0, number, "")
    return (1, 0, text.upper())


def _why(text: str) -> str:
    shown = f"'{clean(text, 80)}' is not a version that Octopus can order"
    if not text:
        return "an empty text is not a version"
    if len(text) > MAX_LENGTH:
        return f"{shown}: longer than {MAX_LENGTH} characters"
    if found := _foreign.search(text):
        return f"{shown}: character {found.start() + 1} may not stand in a version"
    if _match(text):
        return f"{shown}: a number is larger than {MAX_NUMBER}"
    return f"{shown}: a space may stand around its numbers only"
