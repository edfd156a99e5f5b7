"""Project triggers as clients write them: checked, completed, and what their schedules say.

Source: the trigger filters and actions of Octopus' public clients.
"""

from __future__ import annotations

import calendar
from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.calls import Body
from reconciler.simulator.changes import without_secrets
from reconciler.simulator.schedules import Schedule, read_schedule

if TYPE_CHECKING:
    from reconciler.simulator.records import Project, Space, Trigger

__all__ = ["SCHEDULES", "category_of", "read_parts", "schedule_of"]

_EVERY_DAY = {"Timezone": "UTC", "StartTime": None}
_REPEAT = {"RunType": "ScheduledTime", "Interval": "OnceDaily", "HourInterval": None,
           "MinuteInterval": None}  # fmt: skip
_WEEK = dict.fromkeys(calendar.day_name, False)

SCHEDULES: dict[str, dict[str, Any]] = {
    "OnceDailySchedule": {**_EVERY_DAY, "DaysOfWeek": []},
    "ContinuousDailySchedule": {
        "Timezone": "UTC", "RunAfter": None, "RunUntil": None, "Interval": None,
        "HourInterval": None, "MinuteInterval": None, "DaysOfWeek": [],
    },
    "DaysPerMonthSchedule": {
        **_EVERY_DAY, "MonthlyScheduleType": None, "DateOfMonth": None, "DayNumberOfMonth": None,
        "DayOfWeek": None,
    },
    "CronExpressionSchedule": {"Timezone": "UTC", "CronExpression": None},
    "DailySchedule": {**_EVERY_DAY, **_REPEAT},
    "DaysPerWeekSchedule": {**_EVERY_DAY, **_REPEAT, **_WEEK},
}  # fmt: skip
"""Fields of the filters that name moments, with what an absent one counts as."""

_FILTERS: dict[str, dict[str, Any]] = {
    **SCHEDULES,
    "MachineFilter": {"EnvironmentIds": [], "Roles": [], "EventGroups": [], "EventCategories": []},
    "FeedFilter": {"Packages": []},
    "ArcFeedFilter": {"Packages": []},
    "GitFilter": {"Sources": []},
    "WebhookFilter": {"Secret": None},
}
_SCOPE: dict[str, Any] = {"ChannelId": None, "TenantIds": [], "TenantTags": []}
_DEPLOY = {**_SCOPE, "Variables": None}
_ACTIONS: dict[str, dict[str, Any]] = {
    "AutoDeploy": {"ShouldRedeployWhenMachineHasBeenDeployedTo": False},
    "DeployLatestRelease": {
        **_DEPLOY, "SourceEnvironmentIds": [], "DestinationEnvironmentId": None,
        "ShouldRedeployWhenReleaseIsCurrent": True,
    },
    "DeployLatestReleaseToEnvironment": {
        **_DEPLOY, "EnvironmentId": None, "ShouldRedeployWhenReleaseIsCurrent": True,
    },
    "DeployNewRelease": {**_DEPLOY, "EnvironmentId": None, "VersionControlReference": None},
    "RunRunbook": {"RunbookId": None, "EnvironmentIds": [], "TenantIds": [], "TenantTags": []},
    "CreateRelease": {"ChannelId": None},
}  # fmt: skip

_NEEDED = ("EnvironmentId", "DestinationEnvironmentId", "RunbookId")


def category_of(trigger: Trigger) -> str:
    """Return what a trigger is listed under: `Deployment` or `Runbook`."""
    return "Runbook" if trigger.action["ActionType"] == "RunRunbook" else "Deployment"


def schedule_of(trigger: Trigger) -> Schedule | None:
    """Return the schedule of a trigger, None when it waits for something else."""
    kind = trigger.filter["FilterType"]
    return read_schedule(Body(trigger.filter), kind) if kind in SCHEDULES else None


def read_parts(space: Space, project: Project, body: Body) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return filter and action of a written trigger.

    Raises:
        Refused: 400 for a kind that is not known, a field that is missing or of a wrong type, or an
            action that does not go with the filter; 404 for a reference to nothing.
    """
    given = _part(body, "Filter")
    kind = given.need("FilterType")
    chosen = _filled(given, "FilterType", kind, _FILTERS)
    if kind in SCHEDULES:
        read_schedule(given, kind)
    given = _part(body, "Action")
    action = _filled(given, "ActionType", given.need("ActionType"), _ACTIONS)
    if kind == "MachineFilter" and action["ActionType"] != "AutoDeploy":
        raise _bad("A MachineFilter goes with an AutoDeploy action, and with nothing else.")
    _check_references(space, project, (*chosen.items(), *action.items()))
    return chosen, action


def _part(body: Body, name: str) -> Body:
    value = body.get(name)
    if not isinstance(value, dict):
        raise _bad(f"The {name} field is required.")
    return Body(value)


def _filled(body: Body, name: str, kind: str, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    if kind not in known:
        raise _bad(f"The {name} '{kind}' is not known.")
    made: dict[str, Any] = {"Id": None, name: kind}
    for field, default in known[kind].items():
        given = body.get(field)
        if default is not None and given is not None and type(given) is not type(default):
            raise _bad(f"The {field} field has the wrong type.")
        made[field] = default if given is None else without_secrets(given)
        if field in _NEEDED and body.text(field) is None:
            raise _bad(f"The {field} field is required.")
    return {**made, "Links": {}}


def _check_references(space: Space, project: Project, fields: tuple[tuple[str, Any], ...]) -> None:
    channels = {each.id for each in project.channels}
    runbooks = {each.id for each in space.runbooks.values() if each.project_id == project.id}
    places = {
        "EnvironmentId": (space.environments, "Environment"),
        "EnvironmentIds": (space.environments, "Environment"),
        "SourceEnvironmentIds": (space.environments, "Environment"),
        "DestinationEnvironmentId": (space.environments, "Environment"),
        "ChannelId": (channels, "Channel"),
        "RunbookId": (runbooks, "Runbook"),
    }
    for field, value in fields:
        known, kind = places.get(field, (None, ""))
        for each in value if isinstance(value, list) else [value]:
            if known is not None and each is not None and each not in known:
                raise missing(kind)


def _bad(sentence: str) -> Refused:
    return Refused(400, "Model validation failed.", (sentence,))
