"""The conditions of an environment some of whose machines are not well."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.core.condition import Condition, ConditionType, Word
from reconciler.core.forget import Fate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from reconciler.core.forget import Verdict
    from reconciler.core.roll import Roll

SHOWN = 3
"""Machines of each fate that are named."""


def machine_conditions(
    found: Sequence[Verdict], unread: str, at: datetime
) -> tuple[Condition, ...]:
    """Return what a look at the machines says: an outage calls a person (rule 45).

    `unread` says why they could not be judged, or is empty.
    """
    if unread:
        return (Condition(ConditionType.DEGRADED, Word.MACHINES_UNREAD.value, unread, at),)
    conditions = []
    alarms = [one for one in found if one.fate.is_alarm]
    others = [one for one in found if not one.fate.is_alarm]
    if alarms:
        message = f"{alarms[0].why}; none is forgotten: {_named(alarms)}"
        conditions.append(Condition(ConditionType.STALLED, Word.MACHINE_OUTAGE.value, message, at))
    if others:
        fates = Counter(one.fate for one in others)
        parts = [
            f"{fate.value}: {_named([one for one in others if one.fate is fate])}"
            for fate in Fate
            if fates[fate]
        ]
        words = "; ".join(parts)
        conditions.append(Condition(ConditionType.DEGRADED, Word.MACHINES_UNWELL.value, words, at))
    return tuple(conditions)


def with_roll(
    known: tuple[Condition, ...], roll: Roll | None, at: datetime
) -> tuple[Condition, ...]:
    """Add what the roll says to the conditions of machines; a word that stands there stays."""
    if roll is None:
        return known
    parts = (
        (Word.MACHINES_UNWELL, roll.absent),
        (Word.MACHINES_WITHOUT, roll.without),
        (Word.MACHINES_UNREAD, roll.unknown),
    )
    told = {one.reason for one in known}
    more = (
        Condition(ConditionType.DEGRADED, word.value, _cut(words), at)
        for word, words in parts
        if words and word.value not in told
    )
    return (*known, *more)


def _cut(words: Sequence[str]) -> str:
    shown = ", ".join(words[:SHOWN])
    return shown if len(words) <= SHOWN else f"{shown} and {len(words) - SHOWN} more"


def _named(found: Sequence[Verdict]) -> str:
    return _cut([one.target.name for one in found])
