"""The audit log."""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, missing
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.targettriggers import MACHINE_GROUPS
from reconciler.simulator.times import parse_time, stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call, Query
    from reconciler.simulator.records import Event

routes = Routes(Scope.MIXED)

_CATEGORIES = (
    "Created",
    "Deleted",
    "DeploymentFailed",
    "DeploymentQueued",
    "DeploymentResumed",
    "DeploymentStarted",
    "DeploymentSucceeded",
    "GuidedFailureInterruptionRaised",
    "LoginFailed",
    "LoginSucceeded",
    *("MachineDeleted", "MachineHealthChanged", *MACHINE_GROUPS["Machine"]),
    "ManualInterventionInterruptionRaised",
    "Modified",
    "RunbookRunFailed",
    "RunbookRunQueued",
    "RunbookRunResumed",
    "RunbookRunStarted",
    "RunbookRunSucceeded",
    "TaskCanceled",
)

_GROUPS = {
    "Deployment": tuple(name for name in _CATEGORIES if name.startswith("Deployment")),
    "DeploymentCritical": (
        "DeploymentFailed",
        "GuidedFailureInterruptionRaised",
        "ManualInterventionInterruptionRaised",
    ),
    "Document": ("Created", "Modified", "Deleted"),
    **MACHINE_GROUPS,
    "RunbookRun": tuple(name for name in _CATEGORIES if name.startswith("RunbookRun")),
}

_DOCUMENTS = (
    "Channels",
    "Deployments",
    "Environments",
    "Lifecycles",
    "MachinePolicies",
    "Machines",
    "ProjectGroups",
    "ProjectTriggers",
    "Projects",
    "Releases",
    "RunbookRuns",
    "RunbookSnapshots",
    "Runbooks",
    "ServerTasks",
    "Spaces",
    "Users",
    "WorkerPools",
    "Workers",
)


class _Row:
    """An event with an id, so that the shared filters apply."""

    def __init__(self, event: Event) -> None:
        self.event = event
        self.id = f"Events-{event.number}"


def event_resource(row: _Row) -> dict[str, object]:
    """Return an event as JSON."""
    event = row.event
    user = event.user
    home = f"/api/{event.space_id}" if event.space_id else "/api"
    return {
        "Id": row.id,
        "Category": event.category,
        "UserId": user.id if user else "users-system",
        "Username": user.username if user else "system",
        "IsService": user.is_service if user else True,
        "IdentityEstablishedWith": "API key" if user else "",
        "UserAgent": "",
        "IpAddress": "127.0.0.1" if user else None,
        "Occurred": stamp(event.occurred),
        "Message": event.message,
        "MessageHtml": event.message.replace("&", "&amp;").replace("<", "&lt;"),
        "MessageReferences": [],
        "RelatedDocumentIds": list(event.related),
        "Comments": None,
        "Details": None,
        "ChangeDetails": {"DocumentContext": None, "Differences": []},
        "SpaceId": event.space_id,
        "Links": {"Self": f"{home}/events/{row.id}"},
    }


def _visible(call: Call) -> list[_Row]:
    if call.scoped_space is not None:
        spaces = [call.scoped_space]
    else:
        wanted = call.query.many("spaces")
        anywhere = wanted is None or "all" in wanted
        spaces = [each for each in call.spaces() if anywhere or each.id in (wanted or ())]
    held = {space.id for space in spaces if call.access("EventView", space).everything}
    narrow = {
        space.id: space
        for space in spaces
        if space.id not in held and call.access("EventView", space).anything
    }
    sees_system = call.scoped_space is None and call.user.is_administrator
    sees_system = sees_system and call.query.flag("includeSystem") is not False
    found: list[_Row] = []
    for event in reversed(call.world.events):
        space = narrow.get(event.space_id or "")
        if event.space_id in held or (event.space_id is None and sees_system):
            found.append(_Row(event))
        elif space is not None:
            project = next((space.projects[i] for i in event.related if i in space.projects), None)
            place = next((i for i in event.related if i in space.environments), None)
            if call.access("EventView", space).allows(project, place):
                found.append(_Row(event))
    return found


@routes.get("events")
def list_events(call: Call) -> object:
    """GET /events: newest first; `fromAutoId` and `toAutoId` include their own number."""
    query = call.query
    every, some = query.many("regarding"), query.many("regardingAny")
    users = query.many("users", "user")
    categories, kinds = _categories(query), query.many("documentTypes")
    groups = query.many("projectGroups")
    in_groups = None if groups is None else _projects_of(call, groups)
    related = [
        wanted
        for name in ("projects", "environments", "tenants")
        if (wanted := query.many(name)) is not None
    ]
    start, end = query.text("from"), query.text("to")
    since = parse_time(start, name="from") if start else None
    until = parse_time(end, name="to") if end else None
    least, most = query.number("fromAutoId", 0), query.number("toAutoId", 2_147_483_647)
    found = [
        row
        for row in by_ids(call, _visible(call))
        if least <= row.event.number <= most
        and (every is None or every <= set(row.event.related))
        and (some is None or some & set(row.event.related))
        and all(wanted & set(row.event.related) for wanted in related)
        and (categories is None or row.event.category in categories)
        and (kinds is None or any(each.rpartition("-")[0] in kinds for each in row.event.related))
        and (in_groups is None or in_groups & set(row.event.related))
        and (users is None or (row.event.user.id if row.event.user else "users-system") in users)
        and (since is None or row.event.occurred >= since)
        and (until is None or row.event.occurred < until)
    ]
    if query.flag("asCsv"):
        return Answer(_as_csv(found), content_type="text/csv; charset=utf-8")
    return page(call, "Event", found, event_resource, "{/id}{?skip,take,ids,regarding}")


_COLUMNS = ("Id", "Occurred", "Category", "Username", "UserId", "Message", "SpaceId")


def _as_csv(rows: list[_Row]) -> bytes:
    """Return every event that was asked for, on one page; no cell begins like a formula."""
    out = StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "RelatedDocumentIds"])
    for row in rows:
        shown = event_resource(row)
        cells = [*(str(shown[name] or "") for name in _COLUMNS), " ".join(row.event.related)]
        writer.writerow([f"'{each}" if each.startswith(("=", "+", "-", "@")) else each
                         for each in cells])  # fmt: skip
    return out.getvalue().encode()


def _categories(query: Query) -> frozenset[str] | None:
    """Return the categories that are asked for, by their own names or by groups; None: all."""
    named, groups = query.many("eventCategories"), query.many("eventGroups")
    if named is None and groups is None:
        return None
    of_groups = (each for group in groups or () for each in _GROUPS.get(group, ()))
    return frozenset({*(named or ()), *of_groups})


def _projects_of(call: Call, groups: frozenset[str]) -> set[str]:
    return {
        project.id
        for space in call.spaces()
        for project in space.projects.values()
        if project.group_id in groups
    }


@routes.get("events/categories")
def categories(call: Call) -> object:
    """GET /events/categories: with `appliesTo` those about one kind of thing, as Machine."""
    kind = (call.query.text("appliesTo") or "").casefold()
    return [_named(name) for name in _CATEGORIES if name.casefold().startswith(kind)]


@routes.get("events/groups")
def groups(call: Call) -> object:
    """GET /events/groups: which categories belong together; `appliesTo` as for categories."""
    kind = (call.query.text("appliesTo") or "").casefold()
    return [
        {**_named(name), "EventCategories": list(own)}
        for name, own in _GROUPS.items()
        if name.casefold().startswith(kind)
    ]


@routes.get("events/agents")
def agents(call: Call) -> object:
    """GET /events/agents: the server itself."""
    del call
    return [_named("Server")]


@routes.get("events/documenttypes")
def document_types(call: Call) -> object:
    """GET /events/documenttypes: kinds of documents that events are about."""
    del call
    return [{"Id": name, "Name": name} for name in _DOCUMENTS]


@routes.get("events/archives", scope=Scope.SYSTEM)
def archives(call: Call) -> object:
    """GET /events/archives: files of old events; the simulator keeps all events in the log."""
    call.demand_system("EventRetentionView")
    return page(call, "ArchivedEventFile", [], lambda each: each, "{?skip,take}")


@routes.get("events/archives/{archive}", scope=Scope.SYSTEM)
def one_archive(call: Call) -> object:
    """GET /events/archives/{name}: none."""
    call.demand_system("EventRetentionView")
    raise missing("Archived Event File")


def _named(name: str) -> dict[str, object]:
    return {"Id": name, "Name": name, "Links": {}}


@routes.get("events/{event}")
def one_event(call: Call) -> object:
    """GET /events/{id}."""
    for row in _visible(call):
        if row.id == call.param("event"):
            return event_resource(row)
    raise missing("Event")
