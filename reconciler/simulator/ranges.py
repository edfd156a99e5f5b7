"""Version ranges and tags of channel rules: `[1.0,2.0)`, and a pattern for the prerelease part.

Source: the range syntax of NuGet, which Octopus' public documentation of channels names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused
from reconciler.simulator.versions import is_release_number, version_key

if TYPE_CHECKING:
    from reconciler.simulator.versions import VersionKey

__all__ = ["VersionRange", "read_range", "read_tag", "tag_of"]

_INTERVAL = re.compile(r"([\[(])([^,]*)(?:(,)([^,]*))?([\])])")
_BAD_RANGE = (
    "The 'versionRange' parameter was not a valid NuGet version-range "
    "(see http://g.octopushq.com/NuGetVersioning)"
)


@dataclass(frozen=True, slots=True)
class VersionRange:
    """Versions from `low` to `high`; None is no bound."""

    low: VersionKey | None = None
    high: VersionKey | None = None
    has_low: bool = True
    has_high: bool = False
    """Whether a bound itself belongs to the range."""

    def holds(self, version: str) -> bool:
        """Tell whether a version lies in the range."""
        key = version_key(version)
        if self.low is not None and (key < self.low or (key == self.low and not self.has_low)):
            return False
        return self.high is None or key < self.high or (key == self.high and self.has_high)


def read_range(text: str | None) -> VersionRange:
    """Read a range; nothing is every version, a bare version is that one and all above.

    Raises:
        Refused: 400 when the text is no range.
    """
    text = (text or "").strip()
    if not text:
        return VersionRange()
    if is_release_number(text):
        return VersionRange(version_key(text))
    found = _INTERVAL.fullmatch(text)
    if found is None:
        raise Refused(400, _BAD_RANGE)
    opening, first, comma, second, closing = found.groups()
    low, high = first.strip(), first.strip() if comma is None else (second or "").strip()
    exact = opening == "[" and closing == "]" and low
    bad = any(each and not is_release_number(each) for each in (low, high))
    if bad or (comma is None and not exact) or not (low or high):
        raise Refused(400, _BAD_RANGE)
    made = VersionRange(
        version_key(low) if low else None,
        version_key(high) if high else None,
        has_low=opening == "[",
        has_high=closing == "]",
    )
    if made.low is not None and made.high is not None and made.high < made.low:
        raise Refused(400, _BAD_RANGE)
    return made


def tag_of(version: str) -> str:
    """Return the prerelease part of a version, empty for none."""
    numbers = re.match(r"\s*[vV]?\d+(?:\s*\.\s*\d+){0,3}", version)
    rest = version[numbers.end() :] if numbers else version
    return rest.split("+")[0].strip().lstrip(".-_\\")


def read_tag(text: str | None) -> re.Pattern[str]:
    """Read the pattern of a rule's tag; nothing is every prerelease and none.

    Raises:
        Refused: 400 when the text is no pattern.
    """
    try:
        return re.compile(text or "", re.IGNORECASE)
    except re.error:
        raise Refused(400, f"The pre-release tag '{text}' is not a valid expression.") from None
