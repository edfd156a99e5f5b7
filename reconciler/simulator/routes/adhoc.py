"""Tasks that people queue themselves, and queue again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Refused, created, missing
from reconciler.simulator.chores import CHORES, SERVER_ONLY, queue_chore
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.routes.tasks import task_in, task_resource
from reconciler.simulator.times import parse_time

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.records import Space

routes = Routes(Scope.MIXED)


@routes.get("tasks/tasktypes")
def task_types(call: Call) -> object:
    """GET /tasks/tasktypes."""
    del call
    titles = {**SERVER_ONLY, **{name: chore.title for name, chore in CHORES.items()}}
    return [{"Id": name, "Name": title, "Links": {}} for name, title in sorted(titles.items())]


@routes.post("tasks")
def create_task(call: Call) -> object:
    """POST /tasks: of a kind that people may queue, in a space or for the whole server."""
    body = call.body()
    name = body.need("Name")
    known = {each.casefold(): each for each in (*CHORES, *SERVER_ONLY)}
    kind = known.get(name.casefold())
    chore = CHORES.get(kind or "")
    space = None
    if chore is not None and chore.of_server:
        call.demand_system("AdministerSystem")
    else:
        space = _space(call, body)
    if kind is None:
        raise Refused(400, f"The task '{name}' is not known.")
    if chore is None:
        raise Refused(400, f"Tasks of the kind {kind} are made by the server only.")
    description = body.need("Description")
    arguments = body.get("Arguments")
    if arguments is not None and not isinstance(arguments, dict):
        raise Refused(400, "Model validation failed.", ("The Arguments field has the wrong type.",))
    given = {key.casefold(): value for key, value in (arguments or {}).items()}
    for needed in chore.needs:
        names = needed.split("|")
        if not any(given.get(each.casefold()) for each in names):
            wanted = f"The {' or '.join(names)} argument is required."
            raise Refused(400, "Model validation failed.", (wanted,))
    if space is not None:
        _check_places(call, space, given)
    task = queue_chore(
        call.world,
        space,
        kind,
        description,
        arguments or {},
        queue_time=_moment(body, "QueueTime"),
        queue_expiry=_moment(body, "QueueTimeExpiry"),
    )
    return created(task_resource(call.world, task))


def _space(call: Call, body: Body) -> Space:
    """Return the space of a new task: the address's, else the body's, else the default one."""
    wanted = body.text("SpaceId")
    space = call.scoped_space
    if space is None and wanted is not None:
        space = call.world.spaces.get(wanted)
    elif space is None:
        space = call.world.default_space()
    if space is None or not call.sees_space(space):
        raise missing("Space")
    if not call.access("TaskCreate", space).anything:
        call.demand("TaskCreate", space=space)
    return space


def _check_places(call: Call, space: Space, arguments: dict[str, Any]) -> None:
    """Refuse places that are not there, and those in which the caller may not queue tasks."""
    environments = _many(arguments, "environmentid", "environmentids")
    for each in environments:
        if each not in space.environments:
            raise missing("Environment")
        call.demand("TaskCreate", environment=each, space=space)
    for each in _many(arguments, "machineids"):
        if each not in space.machines and each not in space.workers:
            raise missing("Machine")
    for each in _many(arguments, "workerpoolid", "workerpoolids"):
        if each not in space.worker_pools:
            raise missing("Worker Pool")


def _many(arguments: dict[str, Any], *names: str) -> list[str]:
    found: list[str] = []
    for name in names:
        value = arguments.get(name)
        many = value if isinstance(value, list) else [value]
        found += [each for each in many if isinstance(each, str) and each]
    return found


def _moment(body: Body, name: str) -> datetime | None:
    text = body.text(name)
    return None if text is None else parse_time(text, name=name)


@routes.post("tasks/rerun/{task}")
def rerun_task(call: Call) -> object:
    """POST /tasks/rerun/{id}: the same again; deployments and runs of runbooks cannot be rerun."""
    task = task_in(call, "TaskCreate")
    if task.name not in CHORES or not task.state.is_completed:
        raise Refused(400, "This task cannot be re-run.")
    space = call.world.space_of(task)
    again = queue_chore(call.world, space, task.name, task.description, task.arguments)
    return task_resource(call.world, again)
