"""Events as data: the one form in which a pass is told to pages and programs (docs/formats.md).

Values are those of JSON; times are UTC text, durations whole seconds. Every text is cleaned once
more, since what is sent to a page passes through more hands than a terminal's (rule 52).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.engine.events import (
    Asked,
    Ended,
    Found,
    Grown,
    Launched,
    NotStarted,
    PlanMade,
    Recorded,
    Resumed,
    RunEnded,
    RunStarted,
    Said,
    Silent,
    Watched,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from reconciler.core.gate import Gate
    from reconciler.core.logtree import Branch, Told
    from reconciler.core.plan import Action
    from reconciler.engine.events import Event, Seen

_LONGEST = 500  # characters of a text: those of a line of a log

Data = str | int | bool | None | list["Data"] | dict[str, "Data"]


def event_data(event: Event) -> dict[str, Data]:
    """Return an event as an object whose `event` names its kind."""
    return {key: _clean(value) for key, value in _data(event).items()}


def _clean(value: Data) -> Data:
    match value:
        case str():
            return clean(value, _LONGEST)
        case list():
            return [_clean(one) for one in value]
        case dict():
            return {key: _clean(one) for key, one in value.items()}
        case _:
            return value


def _data(event: Event) -> dict[str, Data]:
    match event:
        case PlanMade(plan=plan, gates=gates, takes=takes):
            return {
                "event": "plan.made",
                "environment": plan.environment,
                "commit": plan.commit,
                "digest": f"sha256:{plan.digest}",
                "atOnce": event.at_once,
                "windowCloses": moment(event.closes),
                "changes": [_change(action, takes.get(action.cell)) for action in plan.changes],
                "gates": [_gate(gate) for gate in gates],
            }
        case Launched(action=action, task_id=task, found=found):
            return {
                "event": "deployment.found" if found else "deployment.started",
                "cell": action.cell,
                "task": task,
                "from": action.from_version,
                "to": action.to_version,
                "wave": action.wave,
            }
        case Found(cell=cell, task_id=task, from_version=came, to_version=to, wave=wave):
            return {
                "event": "deployment.found",
                "cell": cell,
                "task": task,
                "from": came,
                "to": to,
                "wave": wave,
            }
        case Watched(running=running):
            return {"event": "tasks.seen", "running": [_seen(one) for one in running]}
        case Grown(cell=cell, log=log, new=new, gaps=gaps):
            return {
                "event": "log.grown",
                "cell": cell,
                "task": log.task_id,
                "branches": [_branch(root) for root in log.roots],
                "lines": [_line(told) for told in new],
                "gaps": [list(path) for path in gaps],
            }
        case Asked(cell=cell, task_id=task, question=question):
            choice = question.choice
            answers: list[Data] = [] if choice is None else [o.value for o in choice.options]
            return {
                "event": "deployment.asks",
                "cell": cell,
                "task": task,
                "interruption": question.id,
                "asking": question.asking.value,
                "title": question.title,
                "instructions": question.instructions,
                "answers": answers,
                "since": moment(question.since),
            }
        case Silent(cell=cell, task_id=task, since=since, usual=usual):
            return {
                "event": "deployment.silent",
                "cell": cell,
                "task": task,
                "since": moment(since),
                "usual": None if usual is None else int(usual.total_seconds()),
                "logCanBeRead": event.can_be_read,
            }
        case Ended():
            return {
                "event": "deployment.ended",
                "cell": event.cell,
                "task": event.task_id,
                "version": event.version,
                "outcome": event.outcome.value,
                "settled": event.settled,
                "seconds": round(event.seconds),
                "lines": list(event.lines),
                "link": event.link or None,
            }
        case RunStarted():
            return {
                "event": "run.found" if event.found else "run.started",
                "cell": event.cell or None,
                "runbook": event.runbook,
                "moment": event.moment.value,
                "task": event.task_id,
            }
        case RunEnded():
            return {
                "event": "run.ended",
                "cell": event.cell or None,
                "runbook": event.runbook,
                "moment": event.moment.value,
                "task": event.task_id,
                "outcome": event.outcome.value,
                "seconds": round(event.seconds),
                "lines": list(event.lines),
                "link": event.link or None,
            }
        case NotStarted(cell=cell, why=why):
            return {"event": "deployment.not-started", "cell": cell, "why": why}
        case Resumed(found=found):
            left: list[Data] = [{"cell": cell, "task": task or None} for cell, task in found]
            return {"event": "pass.resumed", "found": left}
        case Recorded(tip=tip, receipts=receipts, snapshot_changed=changed):
            return {
                "event": "pass.recorded",
                "auditCommit": tip,
                "receipts": receipts,
                "snapshotChanged": changed,
            }
        case Said(text=text):
            return {"event": "pass.said", "text": text}


def _branch(branch: Branch) -> Data:
    return {
        "id": branch.id,
        "name": branch.name,
        "state": branch.work.value,
        "started": moment(branch.started),
        "ended": moment(branch.ended),
        "percent": branch.percent,
        "branches": [_branch(child) for child in branch.children],
        "leftOut": branch.left_out,
    }


def _line(told: Told) -> Data:
    path, line = told
    return {
        "path": list(path),
        "number": line.number,
        "category": line.category,
        "at": moment(line.at),
        "text": line.text,
    }


def moment(time: datetime | None) -> str | None:
    """Return a time as all data has it: `YYYY-MM-DDTHH:MM:SSZ`."""
    return None if time is None else f"{time:%Y-%m-%dT%H:%M:%SZ}"


def _change(action: Action, takes: timedelta | None) -> Data:
    return {
        "cell": action.cell,
        "action": action.kind.value,
        "from": action.from_version,
        "to": action.to_version,
        "wave": action.wave,
        "waitsFor": list(action.waits_for),
        "expectedSeconds": None if takes is None else round(takes.total_seconds()),
    }


def _gate(gate: Gate) -> Data:
    return {
        "cell": gate.cell or None,
        "gate": gate.name.value,
        "message": gate.message,
        "opener": gate.opener,
    }


def _seen(one: Seen) -> Data:
    return {
        "cell": one.cell,
        "task": one.task_id,
        "state": one.state,
        "seconds": round(one.seconds),
        "waitsForPerson": one.is_waiting,
    }
