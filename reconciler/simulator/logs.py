"""The log of a task: a pure function of the task and the moment, so it grows with the clock."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.simulator.records import TaskState
from reconciler.simulator.times import stamp

if TYPE_CHECKING:
    from reconciler.simulator.records import Task

__all__ = ["Line", "Node", "log_of", "node_resource", "raw_log"]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log."""

    category: str
    occurred: datetime
    text: str
    number: int


@dataclass(frozen=True, slots=True)
class Node:
    """One part of the work with its lines and the parts below it."""

    id: str
    name: str
    status: str
    started: datetime | None
    ended: datetime | None
    percent: int
    lines: tuple[Line, ...] = ()
    children: tuple[Node, ...] = ()


def _wall(task: Task, work: float) -> datetime | None:
    """Return when so much of the work was done; None before the start."""
    chosen: tuple[datetime, float] | None = None
    for began, done in task.stretches:
        if chosen is None or done < work:
            chosen = (began, done)
    if chosen is None:
        return None
    return chosen[0] + timedelta(seconds=max(0.0, work - chosen[1]))


def _node_id(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32].upper()


def log_of(task: Task, now: datetime) -> Node:
    """Return the task's log tree as it stands at a moment: the steps share the work equally."""
    root_id = f"{task.id}_{_node_id(task.id)[:10]}"
    worked = task.worked(now)
    share = task.work / max(1, len(task.steps))
    children: list[Node] = []
    number = 2
    for index, name in enumerate(task.steps):
        node = _step(
            task, f"{root_id}/{_node_id(task.id, name)}", name, index, share, worked, number
        )
        number += len(node.lines)
        machines = task.step_machines[index] if task.step_machines else ()
        children.append(replace(node, children=tuple(_on(node, each) for each in machines)))
    status = _root_status(task)
    lines: list[Line] = []
    if task.start_time is not None:
        lines.append(Line("Info", task.start_time, task.description, 1))
    if task.completed_time is not None and task.start_time is not None:
        if task.state is TaskState.FAILED:
            lines.append(Line("Fatal", task.completed_time, task.error_message, number))
        elif task.state is TaskState.CANCELED:
            lines.append(Line("Info", task.completed_time, "The task was canceled.", number))
    percent = 100 if task.state is TaskState.SUCCESS else _percent(worked, task.work)
    return Node(
        root_id,
        task.description,
        status,
        task.start_time,
        task.completed_time if task.start_time else None,
        percent,
        tuple(lines),
        tuple(children),
    )


def _on(step: Node, machine: str) -> Node:
    """Return the part of a step that one machine does, at the same time as the others."""
    own = f"{step.id}/{_node_id(step.id, machine)}"
    return replace(step, id=own, name=machine, lines=(), children=())


def _percent(worked: float, work: float) -> int:
    return min(99, int(100 * worked / work)) if work else 0


def _root_status(task: Task) -> str:
    match task.state:
        case TaskState.QUEUED:
            return "Pending"
        case TaskState.EXECUTING | TaskState.CANCELLING:
            return "Running"
        case TaskState.SUCCESS:
            return "SuccessWithWarning" if task.has_warnings else "Success"
        case TaskState.CANCELED:
            return "Canceled"
        case _:
            return "Failed"


def _step(
    task: Task, node_id: str, name: str, index: int, share: float, worked: float, number: int
) -> Node:
    starts, ends = share * index, share * (index + 1)
    is_last = index == len(task.steps) - 1
    over = task.state.is_completed
    if not task.stretches or (worked < starts or (worked == starts and index and share)):
        status = "Canceled" if over and task.state is TaskState.CANCELED else "Pending"
        if over and task.state is TaskState.FAILED:
            status = "Skipped"
        return Node(node_id, name, status, None, None, 0)
    began = _wall(task, starts)
    done = worked >= ends and (not is_last or over)
    lines = [Line("Info", began or task.created, f"{name} started", number)]
    if done and not (is_last and task.state is TaskState.FAILED):
        finished = _wall(task, ends)
        warned = is_last and task.has_warnings
        for text in task.script.lines if is_last else ():
            lines.append(Line("Info", finished or task.created, text, number + len(lines)))
        if warned:
            text = task.script.message or f"{name} finished with a warning"
            lines.append(Line("Warning", finished or task.created, text, number + len(lines)))
        lines.append(
            Line("Info", finished or task.created, f"{name} finished", number + len(lines))
        )
        status = "SuccessWithWarning" if warned else "Success"
        return Node(node_id, name, status, began, finished, 100, tuple(lines))
    if over:
        status = "Canceled" if task.state is TaskState.CANCELED else "Failed"
        ended = task.completed_time
        if status == "Failed":
            lines.append(Line("Error", ended or task.created, task.error_message, number + 1))
        return Node(node_id, name, status, began, ended, 50, tuple(lines))
    if task.is_waiting:
        waited = next(each for each in task.waits if each.is_pending)
        lines.append(Line("Wait", waited.created, f"Waiting: {waited.title}", number + 1))
    return Node(
        node_id, name, "Running", began, None, _percent(worked - starts, share), tuple(lines)
    )


def node_resource(node: Node, *, verbose: bool, tail: int | None) -> dict[str, object]:
    """Return a node as JSON; `tail` keeps the last lines of each node."""
    lines = (
        node.lines if tail is None else node.lines[len(node.lines) - min(tail, len(node.lines)) :]
    )
    elements: list[dict[str, object]] = [
        {
            "Category": line.category,
            "OccurredAt": stamp(line.occurred),
            "MessageText": line.text,
            "Number": line.number,
            "Detail": None,
        }
        for line in lines
        if verbose or line.category != "Verbose"
    ]
    return {
        "Id": node.id,
        "Name": node.name,
        "Status": node.status,
        "Started": stamp(node.started),
        "Ended": stamp(node.ended),
        "ShowAtSummaryLevel": True,
        "ProgressPercentage": node.percent,
        "ProgressMessage": "",
        "LogElements": elements,
        "Children": [node_resource(each, verbose=verbose, tail=tail) for each in node.children],
    }


def raw_log(task: Task, now: datetime) -> str:
    """Return the whole log as text."""
    root = log_of(task, now)
    written = [f"Task ID:        {task.id}", f"Task status:    {task.state}", ""]
    written.append(f"{_mark(root)}: {root.name}")
    for node in (root, *root.children):
        if node is not root:
            written.append(f"  {_mark(node)}: {node.name}")
        written += [
            f"    {line.occurred:%H:%M:%S}   {line.category:<8} |       {line.text}"
            for line in node.lines
        ]
    return "\n".join(written) + "\n"


def _mark(node: Node) -> str:
    return f"| == {node.status} =="
