"""Which version of Octopus has what: the table of docs/servers.md.

A feature that a server is too old for, or whose route it does not know, is "not supported here";
that is never taken for "not known".

Source: Octopus' public clients and documentation (the executions API: the TypeScript client's
`versionCheck`; freezes, rate limits and API keys: the documentation's pages on each).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TESTED = "2026.3"
"""The version whose public descriptions the tests' simulator is made from."""
OLDEST = "2020.5"
"""The oldest version whose public description has every route that is needed."""


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that came with a version: what we use it for, and what is so without it."""

    name: str
    since: str
    used: str
    without: str


FEATURES = (
    Feature(
        "commands of the executions API",
        "2022.3.5512",
        "by CI and Octopus' own tools beside us",
        "nothing here: deployments are asked for by the older route, which every version has",
    ),
    Feature(
        "switching API keys of people off",
        "2023.2",
        "by administrators",
        "a key works until it expires or is deleted",
    ),
    Feature(
        "deployment freezes",
        "2024.2",
        "to hold what Octopus would refuse",
        "there are none to look at: not supported here",
    ),
    Feature(
        "rate limits",
        "2026.3",
        "to be asked politely to wait (429, Retry-After)",
        "an overloaded server answers late or with 503, which is repeated less and less often",
    ),
)

_NUMBERS = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})(?:\.([0-9]{1,9}))?")


def is_at_least(version: str, since: str) -> bool | None:
    """Tell whether a server's version is `since` or later; None where it cannot be read.

    `0.0.0...` is what Octopus' own builds call themselves, and counts as the newest.
    """
    ours, theirs = _numbers(version), _numbers(since)
    if ours is None or theirs is None:
        return None
    return ours == (0, 0, 0) or ours >= theirs


def missing_features(version: str) -> tuple[Feature, ...]:
    """Return what a server of this version does not have; what is not known is not missing."""
    return tuple(one for one in FEATURES if is_at_least(version, one.since) is False)


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = _NUMBERS.match(version)
    if found is None:
        return None
    return int(found[1]), int(found[2]), int(found[3] or 0)
