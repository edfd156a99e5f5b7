"""What the server does now and then, whether it does, and what it logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.simulator.answers import Answer, missing
from reconciler.simulator.changes import note
from reconciler.simulator.router import Routes, Scope
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.calls import Call
    from reconciler.simulator.world import World

routes = Routes(Scope.SYSTEM)

_JOBS = ("Health checks", "Project triggers", "Retention", "Subscriptions")
_KEPT = "scheduler"


def _is_running(world: World) -> bool:
    return world.settings.get(_KEPT, {}).get("IsRunning", True) is True


@routes.get("scheduler")
def scheduler(call: Call) -> object:
    """GET /scheduler: what the server does now and then."""
    call.demand_system("ConfigureServer")
    jobs: list[dict[str, Any]] = [
        {"Id": None, "Name": name, "IsEnabled": True, "Links": {}} for name in _JOBS
    ]
    own = "/api/scheduler"
    links = {
        "Self": own,
        **{each.title(): f"{own}/{each}" for each in ("start", "stop", "trigger")},
    }
    return {"Id": "scheduler", "IsRunning": _is_running(call.world), "TaskStatus": jobs,
            "Links": links}  # fmt: skip


def _switch(call: Call, *, on: bool) -> object:
    call.demand_system("AdministerSystem")
    call.world.settings[_KEPT] = {"IsRunning": on}
    note(call, "Modified", "Scheduler", "on" if on else "off")
    return {}


@routes.get("scheduler/start")
def start(call: Call) -> object:
    """GET /scheduler/start."""
    return _switch(call, on=True)


@routes.get("scheduler/stop")
def stop(call: Call) -> object:
    """GET /scheduler/stop: said and shown; triggers of projects fire all the same."""
    return _switch(call, on=False)


@routes.get("scheduler/trigger")
def trigger(call: Call) -> object:
    """GET /scheduler/trigger: everything that is due has happened already."""
    call.demand_system("AdministerSystem")
    return {}


def _job_in(call: Call) -> str:
    call.demand_system("ConfigureServer")
    for name in _JOBS:
        if name.casefold() == call.param("job").casefold():
            return name
    raise missing("Scheduled Task")


@routes.get("scheduler/{job}/logs")
def logs(call: Call) -> object:
    """GET /scheduler/{name}/logs: it was looked at up to this moment."""
    name = _job_in(call)
    return {
        "Id": None,
        "ActivityLog": {
            "Id": name,
            "Name": name,
            "Status": "Success",
            "Started": stamp(call.now),
            "Ended": stamp(call.now),
            "ShowAtSummaryLevel": True,
            "ProgressPercentage": 100,
            "ProgressMessage": "",
            "LogElements": [
                {
                    "Category": "Info",
                    "OccurredAt": stamp(call.now),
                    "MessageText": "Nothing is due.",
                    "Detail": None,
                }
            ],
            "Children": [],
        },
        "Links": {"Raw": f"/api/scheduler/{name}/logs/raw"},
    }


@routes.get("scheduler/{job}/logs/raw")
def raw_logs(call: Call) -> object:
    """GET /scheduler/{name}/logs/raw."""
    text = f"{stamp(call.now)}   INFO  {_job_in(call)}: Nothing is due.\n"
    return Answer(text.encode(), content_type="text/plain; charset=utf-8")
