"""The machines of a space as one look shows them, and what looks so far have seen of the lost ones.

Only Octopus' health checks can tell that a machine is gone, so what counts is when they were made,
by the server's own clock: our looks between two of them see the same answer again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime, timedelta


class Health(StrEnum):
    """What Octopus' last health check of a machine found; a word that is not known is UNKNOWN.

    Source: Octopus REST API, `MachineResource.HealthStatus`.
    """

    HEALTHY = "Healthy"
    HAS_WARNINGS = "HasWarnings"
    UNHEALTHY = "Unhealthy"  # it answers, and its check fails
    UNAVAILABLE = "Unavailable"  # nothing reaches it
    UNKNOWN = "Unknown"

    @property
    def looks_dead(self) -> bool:
        """True for what may be the sign of an outage (rule 45)."""
        return self in {Health.UNHEALTHY, Health.UNAVAILABLE}


class Cleanup(StrEnum):
    """Whether a machine policy of Octopus deletes machines itself.

    Source: Octopus REST API, `MachineCleanupPolicy.DeleteMachinesBehavior`.
    """

    LEAVES = "DoNotDelete"
    DELETES = "DeleteUnavailableMachines"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Target:
    """A deployment target: ids of its environments and of its machine policy, clean words.

    `is_busy`: Octopus says that a task works on it now.
    """

    id: str
    name: str
    environments: tuple[str, ...]
    roles: tuple[str, ...]
    thumbprint: str
    policy_id: str
    health: Health
    is_disabled: bool
    is_busy: bool

    @property
    def is_lost(self) -> bool:
        """True where nothing reaches it, and it is not that a person has put it aside."""
        return self.health is Health.UNAVAILABLE and not self.is_disabled


@dataclass(frozen=True, slots=True)
class Fleet:
    """All targets of a space that our key sees; `at` is the server's time, None if it told none.

    `is_whole` False: the list did not come to its end. `checked` tells when Octopus last checked
    a lost machine, `cleanups` what machine policies do to machines; asked only where some are lost.
    """

    at: datetime | None
    targets: tuple[Target, ...]
    is_whole: bool = True
    checked: Mapping[str, datetime] = field(default_factory=dict)
    cleanups: Mapping[str, Cleanup] = field(default_factory=dict)

    def of(self, environment_id: str) -> tuple[Target, ...]:
        """Return the machines of an environment."""
        return tuple(one for one in self.targets if environment_id in one.environments)

    def looks_dead(self, environment_id: str) -> tuple[int, int]:
        """Return how many machines of an environment look dead, and how many there are.

        Disabled ones are in neither number: nobody deploys to them, and their health is old.
        """
        active = [one for one in self.of(environment_id) if not one.is_disabled]
        return sum(one.health.looks_dead for one in active), len(active)

    def is_outage(self, environment_id: str) -> bool:
        """Tell whether so many look dead at once that it is no clean-up (rule 45)."""
        dead, all_of_them = self.looks_dead(environment_id)
        return dead > 2 and dead * 5 > all_of_them


@dataclass(frozen=True, slots=True)
class Sickness:
    """What looks in a row have seen of one lost machine; all times are the server's.

    It was lost at each look from `since` to `seen`. `first_check` and `last_check` are when the
    health checks were made that the first and the last of these looks told of.
    """

    machine: str
    thumbprint: str
    since: datetime
    seen: datetime
    first_check: datetime
    last_check: datetime

    @property
    def checks_differ(self) -> bool:
        """True where at least two health checks found it lost (rule 44)."""
        return self.first_check < self.last_check

    def lasted(self, grace: timedelta) -> bool:
        """Tell whether a check has found it lost a whole grace period after the first look."""
        return self.checks_differ and self.last_check - self.since >= grace


def after_look(before: Iterable[Sickness], fleet: Fleet, grace: timedelta) -> tuple[Sickness, ...]:
    """Return what is known of the lost machines after one more look at them all.

    Whatever was not lost at this look is forgotten. So is what cannot be a row: another machine
    under the id, a clock that ran back, or looks so far apart that a whole grace period may lie
    between them. Without the server's time, or of a list that may lack some, nothing is known.
    """
    if fleet.at is None or not fleet.is_whole:
        return tuple(before)
    known = {one.machine: one for one in before}
    found = []
    for target in fleet.targets:
        checked = fleet.checked.get(target.id)
        if not target.is_lost or checked is None:
            continue
        so_far = known.get(target.id)
        goes_on = (
            so_far is not None
            and so_far.thumbprint == target.thumbprint
            and so_far.seen <= fleet.at <= so_far.seen + grace
            and so_far.last_check <= checked
        )
        if checked > fleet.at:  # made while we looked: the next look tells of it
            found += [so_far] if so_far is not None and goes_on else []
        elif so_far is not None and goes_on:
            found.append(replace(so_far, seen=fleet.at, last_check=checked))
        else:
            fresh = (fleet.at, fleet.at, checked, checked)
            found.append(Sickness(target.id, target.thumbprint, *fresh))
    return tuple(found)
