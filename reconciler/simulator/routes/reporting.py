"""Reports of deployments: one row each as XML, and counts by week."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from reconciler.simulator.answers import Answer, Refused
from reconciler.simulator.router import Routes
from reconciler.simulator.routes.tasks import shown_state
from reconciler.simulator.times import parse_time, stamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Deployment

routes = Routes()

_WEEKS = 26
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What a name may hold and XML may not."""


@routes.get("reporting/deployments/xml")
def deployments_as_xml(call: Call) -> object:
    """GET /reporting/deployments/xml: oldest first, within the times that are asked for.

    What has no such time yet is in no window of it.
    """
    project, environment = call.query.text("projectId"), call.query.text("environmentId")
    started = _window(call, "fromStartTime", "toStartTime")
    completed = _window(call, "fromCompletedTime", "toCompletedTime")
    root = ET.Element("Deployments")
    for each in _visible(call):
        if (
            project in (None, each.release.project_id)
            and environment in (None, each.environment_id)
            and _is_within(each.task.start_time, started)
            and _is_within(each.task.completed_time, completed)
        ):
            row = ET.SubElement(root, "Deployment")
            for name, value in _row(call, each).items():
                ET.SubElement(row, name).text = _NOT_XML.sub("", value)
    body = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Answer(body, content_type="application/xml; charset=utf-8")


def _visible(call: Call) -> Iterator[Deployment]:
    held = call.demand_anywhere("DeploymentView")
    projects = call.space.projects
    for each in call.shown(call.space.deployments.values(), "created"):
        if held.allows(projects[each.release.project_id], each.environment_id, each.tenant_id):
            yield each


Window = tuple[datetime | None, datetime | None]


def _window(call: Call, first: str, last: str) -> Window:
    start, end = call.query.text(first), call.query.text(last)
    return (
        parse_time(start, name=first) if start else None,
        parse_time(end, name=last) if end else None,
    )


def _is_within(moment: datetime | None, window: Window) -> bool:
    first, last = window
    if first is None and last is None:
        return True
    return (
        moment is not None
        and (first is None or moment >= first)
        and (last is None or moment <= last)
    )


def _row(call: Call, deployment: Deployment) -> dict[str, str]:
    space, release, task = call.space, deployment.release, deployment.task
    project = space.projects[release.project_id]
    tenant = space.tenants.get(deployment.tenant_id or "")
    environment = space.environments[deployment.environment_id]
    ended = task.completed_time
    seconds = (ended - task.start_time).total_seconds() if ended and task.start_time else 0
    return {
        "DeploymentId": deployment.id,
        "DeploymentName": f"Deploy to {environment.name}",
        "ProjectId": project.id,
        "ProjectName": project.name,
        "ProjectSlug": project.slug,
        "TenantId": tenant.id if tenant else "",
        "TenantName": tenant.name if tenant else "",
        "ChannelId": deployment.channel_id,
        "ChannelName": space.channels[deployment.channel_id].name,
        "EnvironmentId": environment.id,
        "EnvironmentName": environment.name,
        "ReleaseId": release.id,
        "ReleaseVersion": release.version,
        "TaskId": task.id,
        "TaskState": shown_state(call.world, task),
        "Created": _text(deployment.created),
        "QueueTime": _text(task.queue_time),
        "StartTime": _text(task.start_time),
        "CompletedTime": _text(ended),
        "DurationSeconds": str(round(seconds)),
        "DeployedBy": deployment.deployed_by.username,
    }


def _text(moment: datetime | None) -> str:
    return stamp(moment) or ""


@routes.get("reporting/deployments-counted-by-week")
def counted_by_week(call: Call) -> object:
    """GET /reporting/deployments-counted-by-week: the last half year, a week begins on Monday."""
    call.demand_anywhere("DeploymentView")
    wanted = call.query.many("projectIds")
    if wanted is None:
        raise Refused(400, "A projectIds query string parameter is required.")
    this_week = _week(call.now)
    counts: dict[str, list[float]] = {
        each: [0.0] * _WEEKS for each in sorted(wanted & call.space.projects.keys())
    }
    for each in _visible(call):
        own = counts.get(each.release.project_id)
        age = this_week - _week(each.created)
        if own is not None and age < _WEEKS:
            own[-1 - age] += 1
    labels = [
        f"{_MONDAY + timedelta(weeks=this_week - age):%Y-%m-%d}" for age in reversed(range(_WEEKS))
    ]
    return [
        {
            "Id": None,
            "ProjectId": project,
            "ReportData": {
                "Labels": labels,
                "Series": [{"Label": call.space.projects[project].name, "Data": own}],
            },
            "Links": {},
        }
        for project, own in counts.items()
    ]


def _week(moment: datetime) -> int:
    return (moment - _MONDAY).days // 7
