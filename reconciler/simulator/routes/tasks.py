"""Server tasks: lists, one, details, raw log, cancel, queued-behind."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Answer, Refused
from reconciler.simulator.chores import CHORES
from reconciler.simulator.logs import log_of, node_resource, raw_log
from reconciler.simulator.paging import page
from reconciler.simulator.permissions import refuse
from reconciler.simulator.records import Outcome, TaskState
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.times import duration_text, parse_time, person_time, stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.simulator.calls import Call
    from reconciler.simulator.records import Project, Space, Task
    from reconciler.simulator.world import World

routes = Routes(Scope.MIXED)

_TEMPLATE = (
    "{/id}{?skip,active,environment,tenant,runbook,project,name,node,running,states,"
    "hasPendingInterruptions,hasWarningsOrErrors,take,ids,partialName,spaces,includeSystem,"
    "description,fromCompletedDate,toCompletedDate,fromQueueDate,toQueueDate,fromStartDate,"
    "toStartDate}"
)


def shown_state(world: World, task: Task) -> TaskState:
    """Return the state as lists show it; older servers showed a waiting task as queued."""
    if world.waiting_shows_queued and task.is_waiting:
        return TaskState.QUEUED
    return task.state


def task_resource(world: World, task: Task) -> dict[str, object]:
    """Return a task as JSON; its links are never scoped to its space."""
    own = f"/api/tasks/{task.id}"
    state = shown_state(world, task)
    ended = task.completed_time
    match state:
        case TaskState.TIMED_OUT:
            completed = "Timed out"
        case _ if state.is_completed and ended is not None:
            completed = person_time(ended)
        case _:
            completed = f"{state}..."
    began = task.start_time
    span = (ended or world.now) - began if began else timedelta()
    return {
        "Id": task.id,
        "SpaceId": task.space_id,
        "Name": task.name,
        "Description": task.description,
        "Arguments": task.arguments,
        "State": state,
        "Completed": completed,
        "QueueTime": stamp(task.queue_time),
        "QueueTimeExpiry": stamp(task.queue_expiry),
        "StartTime": stamp(began),
        "LastUpdatedTime": stamp(task.last_updated or task.created),
        "CompletedTime": stamp(ended),
        "ServerNode": f"OctopusServerNodes-{world.node_name}" if began else None,
        "Duration": duration_text(span),
        "ErrorMessage": task.error_message,
        "HasBeenPickedUpByProcessor": began is not None,
        "IsCompleted": state.is_completed,
        "FinishedSuccessfully": state is TaskState.SUCCESS,
        "HasPendingInterruptions": task.is_waiting,
        "PendingInterruptionTypes": _pending_types(task),
        "HasPendingPreconditions": False,
        "PendingPreconditionTypes": [],
        "CanRerun": task.state.is_completed and task.name in CHORES,
        "HasWarningsOrErrors": task.has_warnings,
        "UnmetPreconditions": None,
        "ProjectId": task.cell[0] if task.cell else None,
        "EstimatedRemainingQueueDurationSeconds": 0,
        "Links": {
            "Self": own,
            "Web": f"/app#/{task.space_id}/tasks/{task.id}",
            "Raw": f"{own}/raw",
            "Rerun": f"/api/tasks/rerun/{task.id}",
            "Cancel": f"{own}/cancel",
            "State": f"{own}/state",
            "BlockedBy": f"{own}/blockedby",
            "QueuedBehind": f"{own}/queued-behind{{?skip,take}}",
            "Details": f"{own}/details{{?verbose,tail,ranges}}",
            "StatusMessages": f"{own}/status/messages",
            "Prioritize": f"{own}/prioritize",
            "Artifacts": f"/api/{task.space_id}/artifacts?regarding={task.id}",
            "Interruptions": f"/api/{task.space_id}/interruptions?regarding={task.id}",
        },
    }


def _pending_types(task: Task) -> list[str]:
    return [
        "GuidedFailure" if waited.is_guidance else "ManualIntervention"
        for waited in task.waits
        if waited.is_pending
    ]


def asked_spaces(call: Call) -> list[Space]:
    """Return the spaces of a mixed list: the path's, those of `spaces=`, else the default one."""
    if call.scoped_space is not None:
        return [call.scoped_space]
    wanted = call.query.many("spaces")
    if wanted is None:
        return [space for space in call.spaces() if space.is_default]
    if "all" in {each.casefold() for each in wanted}:
        return call.spaces()
    return [space for space in call.spaces() if space.id in wanted]


def _may(call: Call, task: Task, permission: str) -> bool:
    space = call.world.space_of(task)
    if space is None:
        return call.user.is_administrator
    project: Project | None = None
    environment = tenant = None
    if task.cell is not None:
        project = space.projects[task.cell[0]]
        _, environment, tenant = task.cell
    return call.access(permission, space).allows(project, environment, tenant)


def sees_task(call: Call, task: Task) -> bool:
    """Tell whether the caller may view a task."""
    return _may(call, task, "TaskView")


def task_in(call: Call, permission: str = "TaskView") -> Task:
    """Return the task that the path names, if the caller holds the permission for it."""
    task = call.world.tasks.get(call.param("task"))
    if task is None or (call.scoped_space and task.space_id != call.scoped_space.id):
        raise Refused(404, "The Task doesn't exist.")
    if not _may(call, task, permission):
        raise refuse(permission, task.id)
    return task


@routes.get("tasks")
def list_tasks(call: Call) -> object:
    """GET /tasks: newest first by queue time; `TotalCounts` look past the filter of states."""
    query = call.query
    spaces = asked_spaces(call)
    for space in spaces:
        if not call.access("TaskView", space).anything:
            raise refuse("TaskView", f"space {space.id}")
    wanted: set[str | None] = {space.id for space in spaces}
    if query.flag("includeSystem") is True and call.scoped_space is None:
        wanted.add(None)
    if query.flag("active") is True or query.flag("running") is True:
        source = list(call.world.engine.active.values())
    else:
        source = list(call.world.tasks.values())
    tests = _tests(call)
    kept = [
        task
        for task in call.shown(source, "created")
        if task.space_id in wanted
        and all(test(task) for test in tests)
        and _may(call, task, "TaskView")
    ]
    counts = _counts(call, kept)
    state_tests = _state_tests(call)
    found = [task for task in kept if all(test(task) for test in state_tests)]
    found.sort(key=lambda task: (task.queue_time, task.created), reverse=True)
    answer = page(call, "Task", found, lambda task: task_resource(call.world, task), _TEMPLATE)
    answer["TotalCounts"] = counts
    answer["TotalCountsInOtherSpaces"] = _counts(call, [])
    return answer


def _counts(call: Call, tasks: list[Task]) -> dict[str, int]:
    counts = {state.value: 0 for state in TaskState} | {"Interrupted": 0}
    for task in tasks:
        counts[shown_state(call.world, task).value] += 1
        counts["Interrupted"] += task.is_waiting
    return counts


def _tests(call: Call) -> list[Callable[[Task], bool]]:
    """Return the filters besides those by state."""
    query = call.query
    tests: list[Callable[[Task], bool]] = []
    ids, names = query.many("ids"), query.many("name")
    if ids is not None:
        tests.append(lambda task: task.id in ids)
    if names is not None:
        low = {name.casefold() for name in names}
        tests.append(lambda task: task.name.casefold() in low)
    cells = [(at, query.many(name)) for at, name in enumerate(("project", "environment", "tenant"))]
    tests += [_in_cell(at, wanted) for at, wanted in cells if wanted is not None]
    runbooks = query.many("runbook")
    if runbooks is not None:
        tests.append(lambda task: task.runbook_id in runbooks)
    if any(query.many(name) is not None for name in ("batch", "tenantTag")):
        tests.append(lambda _: False)
    node = query.many("node")
    if node is not None:
        own = f"OctopusServerNodes-{call.world.node_name}"
        tests.append(lambda task: task.start_time is not None and own in node)
    parts = [query.text(name) for name in ("description", "partialName")]
    tests += [_describes(part.casefold()) for part in parts if part is not None]
    for name, attribute in (
        ("Completed", "completed_time"),
        ("Queue", "queue_time"),
        ("Start", "start_time"),
    ):
        tests += _between(call, name, attribute)
    return tests


def _in_cell(at: int, wanted: frozenset[str]) -> Callable[[Task], bool]:
    return lambda task: task.cell is not None and task.cell[at] in wanted


def _describes(part: str) -> Callable[[Task], bool]:
    return lambda task: part in task.description.casefold()


def _between(call: Call, name: str, attribute: str) -> list[Callable[[Task], bool]]:
    tests: list[Callable[[Task], bool]] = []
    least, most = call.query.text(f"from{name}Date"), call.query.text(f"to{name}Date")
    if least is not None:
        start = parse_time(least, name=f"from{name}Date")
        tests.append(lambda task: (at := getattr(task, attribute)) is not None and at >= start)
    if most is not None:
        end = parse_time(most, name=f"to{name}Date")
        tests.append(lambda task: (at := getattr(task, attribute)) is not None and at <= end)
    return tests


def _state_tests(call: Call) -> list[Callable[[Task], bool]]:
    query, world = call.query, call.world
    tests: list[Callable[[Task], bool]] = []
    states = query.many("states")
    if states is not None:
        low = {state.casefold() for state in states}
        tests.append(lambda task: shown_state(world, task).casefold() in low)
    active, running = query.flag("active"), query.flag("running")
    if active is not None:
        tests.append(lambda task: task.state.is_completed is not active)
    if running is not None:
        on = (TaskState.EXECUTING, TaskState.CANCELLING)
        tests.append(lambda task: (shown_state(world, task) in on) is running)
    waiting, warned = query.flag("hasPendingInterruptions"), query.flag("hasWarningsOrErrors")
    if waiting is not None:
        tests.append(lambda task: task.is_waiting is waiting)
    if warned is not None:
        tests.append(lambda task: task.has_warnings is warned)
    if query.flag("hasPendingPreconditions") is True:
        tests.append(lambda _: False)
    return tests


@routes.get("tasks/{task}")
def one_task(call: Call) -> object:
    """GET /tasks/{id}."""
    return task_resource(call.world, task_in(call))


@routes.get("tasks/{task}/details")
def task_details(call: Call) -> object:
    """GET /tasks/{id}/details: the log tree as it stands now."""
    task = task_in(call)
    if not _may(call, task, "TaskViewLog"):
        raise refuse("TaskViewLog", task.id)
    tail = call.query.number("tail", 0) if call.query.text("tail") else None
    root = log_of(task, call.now)
    verbose = bool(call.query.flag("verbose"))
    left = max(0.0, task.work - task.worked(call.now))
    stuck = task.script.outcome in (Outcome.STUCK, Outcome.STUCK_QUEUED, Outcome.STUCK_CANCELLING)
    remaining = "" if task.state.is_completed or stuck else duration_text(timedelta(seconds=left))
    return {
        "Task": task_resource(call.world, task),
        "Progress": {"ProgressPercentage": root.percent, "EstimatedTimeRemaining": remaining},
        "PhysicalLogSize": len(raw_log(task, call.now)),
        "ActivityLogs": [node_resource(root, verbose=verbose, tail=tail)],
        "Links": {"Self": f"/api/tasks/{task.id}/details"},
    }


@routes.get("tasks/{task}/raw")
def task_raw(call: Call) -> object:
    """GET /tasks/{id}/raw: the whole log as text."""
    task = task_in(call, "TaskViewLog")
    text = raw_log(task, call.now)
    return Answer(text.encode(), content_type="text/plain; charset=utf-8")


@routes.post("tasks/{task}/cancel")
def cancel_task(call: Call) -> object:
    """POST /tasks/{id}/cancel: a completed task is left as it is."""
    task = task_in(call, "TaskCancel")
    call.world.engine.cancel(task)
    return task_resource(call.world, task)


@routes.post("tasks/{task}/state")
def set_task_state(call: Call) -> object:
    """POST /tasks/{id}/state: among Canceled, Failed and Success, for completed tasks."""
    task = task_in(call, "TaskEdit")
    if call.json() is None:
        raise Refused(400, "No body was provided.")
    body = call.body()
    wanted, reason = body.text("state"), body.text("reason")
    if wanted is None:
        raise Refused(400, "No state was provided.")
    if reason is None:
        raise Refused(400, "No reason was provided.")
    new = next((each for each in _SETTABLE if each.casefold() == wanted.casefold()), None)
    if new is None:
        raise Refused(400, f"The task can not be put into the state.  Valid states are: {_VALID}.")
    if task.state is new:
        raise Refused(400, "The task is already in the state.")
    if task.state not in _SETTABLE:
        raise Refused(
            400,
            "The task state can not be changed to the selected state.  It can only be changed "
            f"out of the states: {_VALID}.",
        )
    task.state = new
    task.error_message = "" if new is TaskState.SUCCESS else reason
    deployment = call.world.deployment_of.get(task.id)
    if deployment is not None:
        deployment.item_as_current = deployment.item_as_previous = None
    return task_resource(call.world, task)


_SETTABLE = (TaskState.CANCELED, TaskState.FAILED, TaskState.SUCCESS)
_VALID = ", ".join(_SETTABLE)
