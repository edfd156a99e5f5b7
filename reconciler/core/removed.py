"""Machines that were removed, with what is needed to register them again (rule 46).

One list for each environment, on the audit branch: it is written before Octopus is asked, so it is
the promise too. Whatever happens afterwards, the next look at Octopus tells what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.core.slug import slug

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

DAY = timedelta(days=1)
KEPT = 200
"""Machines of which an environment's list tells; older ones are in the history of the branch.

More where more were removed within a day, which counts, or may still be asked for (rule 44).
"""


class Stage(StrEnum):
    """How far the removal of a machine, or its return, has come."""

    ASKED = "asked"  # recorded; whether Octopus has deleted it, the next look tells
    REMOVED = "removed"
    RETURNING = "returning"  # a person asked Octopus to register it again
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Registration:
    """Everything a machine is registered with, in Octopus' own words, foreign and not cleaned.

    `endpoint` is its JSON as canonical text, without the secrets, which Octopus never tells.
    """

    id: str
    name: str
    thumbprint: str
    uri: str
    environments: tuple[str, ...]
    roles: tuple[str, ...]
    participation: str
    tenants: tuple[str, ...]
    tenant_tags: tuple[str, ...]
    policy: str
    is_disabled: bool
    endpoint: str


@dataclass(frozen=True, slots=True)
class Removed:
    """One machine of the list. Times are the server's (aware UTC), to the second.

    `lost_since`: the first look that found it lost. `at`: when its removal was recorded. `who`
    asked for its return, empty: nobody yet. `became` is the id it was registered under again.
    """

    machine: Registration
    stage: Stage
    lost_since: datetime
    at: datetime
    commit: str
    who: str = ""
    became: str = ""


@dataclass(frozen=True, slots=True)
class RemovedList:
    """The recently removed machines of an environment, oldest first, and where that is by ids."""

    environment: str
    server: str
    space: str
    machines: tuple[Removed, ...] = ()

    def asked(self, new: Iterable[Removed]) -> RemovedList:
        """Return the list with machines that Octopus is about to be asked to delete."""
        added = tuple(new)
        ids = {one.machine.id for one in added}
        rest = tuple(one for one in self.machines if one.machine.id not in ids)
        every = (*rest, *added)
        newest = max((one.at for one in every), default=None)
        counted = tuple(
            one
            for one in every[:-KEPT]
            if one.stage is Stage.ASKED or (newest is not None and newest - one.at < DAY)
        )
        return replace(self, machines=(*counted, *every[-KEPT:]))

    def told(self, gone: Collection[str], there: Collection[str]) -> RemovedList:
        """Return the list once Octopus has told whether recorded machines are gone, or there.

        One that is there was not removed after all, and leaves the list; Octopus never gives an
        id twice.
        """
        kept = tuple(
            replace(one, stage=Stage.REMOVED)
            if one.stage is Stage.ASKED and one.machine.id in gone
            else one
            for one in self.machines
            if one.stage is not Stage.ASKED or one.machine.id not in there
        )
        return replace(self, machines=kept)

    def with_one(self, changed: Removed) -> RemovedList:
        """Return the list with one machine of it in another state."""
        machines = tuple(
            changed if one.machine.id == changed.machine.id else one for one in self.machines
        )
        return replace(self, machines=machines)

    @property
    def unsettled(self) -> tuple[Removed, ...]:
        """Those of which the list cannot tell yet whether they were removed."""
        return tuple(one for one in self.machines if one.stage is Stage.ASKED)

    def in_a_day(self, now: datetime) -> int:
        """Return how many were removed, or asked for, in the 24 hours before a time (rule 44).

        One that a person has brought back counts too. A time to come counts: clocks run back.
        """
        return sum(now - one.at < DAY for one in self.machines)

    def find(self, words: str) -> tuple[Removed, ...]:
        """Return the machines that a name or an id means, the newest first."""
        wanted = words.casefold()
        return tuple(
            one
            for one in reversed(self.machines)
            if wanted in (one.machine.name.casefold(), one.machine.id.casefold())
        )


def removed_path(environment: str) -> str:
    """Return where the list of an environment is on the audit branch."""
    return f"machines/{slug(environment)}.yaml"
