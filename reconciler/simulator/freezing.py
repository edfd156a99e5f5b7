"""Deployment freezes: when they are in force, and for which cells.

Source: Octopus' public Go client (`pkg/deploymentfreezes`) and the generated reference.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused
from reconciler.simulator.versions import version_key

if TYPE_CHECKING:
    from datetime import date, datetime

    from reconciler.simulator.records import Environment, Project
    from reconciler.simulator.tenancy import Tenant
    from reconciler.simulator.world import World

__all__ = ["Freeze", "freezes_of", "knows_freezes", "refuse_frozen", "status_of", "window_at"]

_FIRST_VERSION = "2024.2"
_LONGEST = timedelta(days=366)


@dataclass(slots=True, eq=False)
class Freeze:
    """A span in which some cells are not deployed to, once or again and again."""

    id: str
    name: str
    start: datetime
    end: datetime
    description: str = ""
    scope: dict[str, list[str]] = field(default_factory=dict)
    """Environments by project."""
    tenants: tuple[tuple[str, str, str], ...] = ()
    """Tenant, project and environment."""
    schedule: dict[str, Any] | None = None
    owner: str | None = None

    def covers(self, project: str, environment: str, tenant: str | None) -> bool:
        """Tell whether it is about a cell."""
        if environment in self.scope.get(project, ()):
            return True
        return tenant is not None and (tenant, project, environment) in self.tenants


def knows_freezes(world: World) -> bool:
    """Tell whether the server is new enough to have freezes at all."""
    return version_key(world.server_version) >= version_key(_FIRST_VERSION)


def window_at(freeze: Freeze, moment: datetime) -> tuple[datetime, datetime] | None:
    """Return the begin and end of the occurrence that is in force at a moment, None for none."""
    length = freeze.end - freeze.start
    if freeze.schedule is None:
        return (freeze.start, freeze.end) if freeze.start <= moment < freeze.end else None
    shift = timedelta(minutes=int(freeze.schedule["UserUtcOffsetInMinutes"]))
    first, last = (freeze.start + shift).date(), (moment + shift).date()
    begin = freeze.start + (last - first)
    for _ in range(2 + min(length, _LONGEST).days):
        day = (begin + shift).date()
        if day < first:
            return None
        if begin <= moment < begin + length and _occurs(freeze.schedule, first, day):
            return (begin, begin + length)
        begin -= timedelta(days=1)
    return None


def _occurs(schedule: dict[str, Any], first: date, day: date) -> bool:
    """Tell whether an occurrence begins on a day, its end by date or by count included."""
    if not _is_due(schedule, first, day):
        return False
    match schedule["EndType"]:
        case "OnDate":
            return day.isoformat() <= str(schedule["EndOnDate"])[:10]
        case "AfterOccurrences":
            before = (first + timedelta(days=each) for each in range((day - first).days))
            return sum(_is_due(schedule, first, each) for each in before) < int(
                schedule["EndAfterOccurrences"]
            )
        case _:
            return True


def _is_due(schedule: dict[str, Any], first: date, day: date) -> bool:
    unit = int(schedule["Unit"])
    match schedule["Type"]:
        case "Daily":
            return (day - first).days % unit == 0
        case "Weekly":
            names = {str(each).casefold() for each in schedule["DaysOfWeek"]}
            monday = first - timedelta(days=first.weekday())
            chosen = names or {calendar.day_name[first.weekday()].casefold()}
            turn = (day - monday).days // 7 % unit == 0
            return turn and calendar.day_name[day.weekday()].casefold() in chosen
        case "Monthly":
            months = (day.year - first.year) * 12 + day.month - first.month
            return months % unit == 0 and _is_in_month(schedule, first, day)
        case _:
            same = (day.month, day.day) == (first.month, first.day)
            return same and (day.year - first.year) % unit == 0


def _is_in_month(schedule: dict[str, Any], first: date, day: date) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    if schedule["MonthlyScheduleType"] == "DayOfMonth":
        name = str(schedule["DayOfWeek"] or "").casefold()
        if calendar.day_name[day.weekday()].casefold() != name:
            return False
        nth = schedule["DayNumberOfMonth"]
        return day.day > last - 7 if nth == "L" else str(1 + (day.day - 1) // 7) == nth
    wanted = str(schedule["DateOfMonth"] or first.day)
    return day.day == last if wanted == "L" else str(day.day) == wanted


def status_of(freeze: Freeze, moment: datetime) -> str:
    """Return `Active`, `Scheduled` (it is still to come) or `Complete`."""
    if window_at(freeze, moment) is not None:
        return "Active"
    schedule = freeze.schedule
    if moment < freeze.start:
        return "Scheduled"
    if schedule is None:
        return "Complete"
    if schedule["EndType"] == "OnDate" and moment.isoformat() > str(schedule["EndOnDate"]):
        return "Complete"
    return "Scheduled"


def freezes_of(
    world: World, project: str, environment: str, tenant: str | None, moment: datetime
) -> list[Freeze]:
    """Return the freezes that are in force for a cell at a moment."""
    if not world.freezes or not knows_freezes(world):
        return []
    return [
        each
        for each in world.freezes.values()
        if each.covers(project, environment, tenant) and window_at(each, moment) is not None
    ]


def refuse_frozen(
    world: World,
    project: Project,
    environment: Environment,
    moment: datetime,
    *,
    tenant: Tenant | None = None,
    lifted: frozenset[str] = frozenset(),
) -> None:
    """Refuse a deployment that a freeze covers, but for those that were overridden by id.

    Raises:
        Refused: 400 naming them; the sentence is the simulator's own.
    """
    whom = tenant.id if tenant else None
    found = freezes_of(world, project.id, environment.id, whom, moment)
    names = ", ".join(f"'{each.name}'" for each in found if each.id not in lifted)
    if names:
        raise Refused(
            400,
            "Deployment creation failed.",
            (
                f"Project '{project.name}' cannot be deployed to environment '{environment.name}' "
                f"because of the deployment freeze {names}.",
            ),
        )
