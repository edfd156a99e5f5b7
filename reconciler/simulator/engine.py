"""How tasks move: queue, slots, one run per cell, waiting for people, the end.

A discrete event simulation. Nothing runs in the background: `advance` plays every appointment up
to a moment, in order of time, so that a turned clock gives the same story as a slow real one.
"""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.simulator.records import Cell, Outcome, Task, TaskState

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Engine"]


class _Due(StrEnum):
    PICK_UP = "pick up"
    FINISH = "finish"
    PAUSE = "pause"
    CANCELED = "canceled"
    EXPIRE = "expire"
    CALL = "call"


def _turn(task: Task) -> tuple[bool, datetime, datetime]:
    """Sort key of the queue: prioritized tasks first, then by their time."""
    return (not task.is_prioritized, task.queue_time, task.created)


class Engine:
    """The one node's processor: moves tasks through their states by the clock."""

    def __init__(
        self,
        now: datetime,
        *,
        slots: int,
        changed: Callable[[Task], None],
        halted: Callable[[Task], None],
        may_start: Callable[[Task], bool],
    ) -> None:
        self.now = now
        self.slots = slots
        self.cancel_seconds = 2.0
        self.waiting_frees_slot = True
        self.active: dict[str, Task] = {}
        self._changed = changed
        self._halted = halted
        self._may_start = may_start
        self.calls: dict[str, Callable[..., None]] = {}
        """What `call_at` calls, by name: appointments are values, so that they can be kept."""
        self._due: list[tuple[datetime, int, _Due, tuple[Any, ...]]] = []
        self._appointments = 0
        self._ready: list[Task] = []
        self._resuming: list[Task] = []
        self._busy: dict[tuple[str | None, Cell], Task] = {}
        self._used_slots = 0

    def advance(self, now: datetime) -> None:
        """Play everything due up to now; a clock turned back changes nothing."""
        while self._due and self._due[0][0] <= now:
            moment, _, what, subject = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            self._play(what, *subject)
            if not (self._due and self._due[0][0] <= self.now and self._due[0][2] is what):
                self._fill_slots()
        self.now = max(self.now, now)
        self._fill_slots()

    def add(self, task: Task) -> None:
        """Take a new task in; it starts at its queue time, when a slot and its cell are free."""
        self.active[task.id] = task
        self._appoint(max(task.queue_time, self.now), _Due.PICK_UP, task, task.epoch)
        if task.queue_expiry is not None:
            self._appoint(task.queue_expiry, _Due.EXPIRE, task, task.epoch)

    def call_at(self, moment: datetime, name: str, *arguments: Any) -> None:
        """Make one of the `calls` at a moment, by the same clock; never before now."""
        self._appoint(max(moment, self.now), _Due.CALL, name, *arguments)

    def cancel(self, task: Task) -> None:
        """Cancel: a queued task at once, a running one after a while; a completed one stays."""
        if task.state is TaskState.QUEUED:
            self._end(task, TaskState.CANCELED)
        elif task.state is TaskState.EXECUTING:
            self._stop_work(task)
            task.state = TaskState.CANCELLING
            task.last_updated = self.now
            for waited in task.waits:
                waited.is_pending = False
            if task.script.outcome is not Outcome.STUCK_CANCELLING:
                ends = self.now + timedelta(seconds=self.cancel_seconds)
                self._appoint(ends, _Due.CANCELED, task, task.epoch)

    def end(self, task: Task, state: TaskState, message: str = "") -> None:
        """End a task now, whatever it was doing."""
        self._stop_work(task)
        self._end(task, state, message)
        self._fill_slots()

    def pause(self, task: Task, *, frees_slot: bool | None = None) -> None:
        """Stop the work of a task that waits, for a person or something else; it keeps its cell."""
        self._stop_work(task)
        if self.waiting_frees_slot if frees_slot is None else frees_slot:
            self._free_slot(task)

    def resume(self, task: Task, *, again: float = 0.0) -> None:
        """Go on after a person answered, in a free slot; `again` seconds of work are repeated."""
        task.done = max(0.0, task.done - again)
        self._resuming.append(task)
        self._fill_slots()

    def queued_behind(self, task: Task) -> list[Task]:
        """Return what a queued task waits for: its cell's running and earlier tasks, or the cap."""
        if task.state is not TaskState.QUEUED:
            return []
        same = [
            other
            for other in self.active.values()
            if other is not task and task.lane is not None and other.lane == task.lane
        ]
        before = [
            other
            for other in same
            if other.state is not TaskState.QUEUED or _turn(other) < _turn(task)
        ]
        if before:
            return before
        if self._used_slots >= self.slots:
            return [other for other in self.active.values() if other.holds_slot]
        return []

    def running_count(self) -> int:
        """Return how many slots are taken."""
        return self._used_slots

    def _appoint(self, moment: datetime, what: _Due, *subject: Any) -> None:
        self._appointments += 1
        heapq.heappush(self._due, (moment, self._appointments, what, subject))

    def _play(self, what: _Due, *subject: Any) -> None:
        if what is _Due.CALL:
            name, *arguments = subject
            self.calls[name](*arguments)
        else:
            self._move(what, *subject)

    def _move(self, what: _Due, task: Task, epoch: int) -> None:
        match what:
            case _Due.PICK_UP:
                if task.state is TaskState.QUEUED:
                    self._ready.append(task)
            case _Due.EXPIRE:
                if task.state is TaskState.QUEUED:
                    self._end(task, TaskState.TIMED_OUT, "The task expired in the queue.")
            case _ if epoch != task.epoch:
                return
            case _Due.PAUSE:
                self._halted(task)
            case _Due.CANCELED:
                self._end(task, TaskState.CANCELED)
            case _Due.FINISH:
                self._finish(task)

    def _finish(self, task: Task) -> None:
        self._stop_work(task)
        match task.script.outcome:
            case Outcome.FAILURE if task.is_guided:
                self._halted(task)
            case Outcome.FAILURE:
                self._end(task, TaskState.FAILED, task.script.message or "The deployment failed.")
            case Outcome.WARNING:
                task.has_warnings = True
                self._end(task, TaskState.SUCCESS)
            case _:
                self._end(task, TaskState.SUCCESS)

    def _end(self, task: Task, state: TaskState, message: str = "") -> None:
        task.epoch += 1
        task.state = state
        task.completed_time = task.last_updated = self.now
        task.error_message = message
        task.has_warnings = task.has_warnings or state is TaskState.FAILED
        for waited in task.waits:
            waited.is_pending = False
        self.active.pop(task.id, None)
        self._free_slot(task)
        if task.lane is not None and self._busy.get(task.lane) is task:
            del self._busy[task.lane]
        if task in self._ready:
            self._ready.remove(task)
        if task in self._resuming:
            self._resuming.remove(task)
        self._changed(task)

    def _stop_work(self, task: Task) -> None:
        task.done = task.worked(self.now)
        task.since = None
        task.epoch += 1

    def _free_slot(self, task: Task) -> None:
        if task.holds_slot:
            task.holds_slot = False
            self._used_slots -= 1

    def _fill_slots(self) -> None:
        for task in list(self._resuming):
            if task.holds_slot or self._used_slots < self.slots:
                self._resuming.remove(task)
                self._work(task)
        if self._used_slots >= self.slots or not self._ready:
            return
        self._ready.sort(key=_turn)
        for task in list(self._ready):
            if self._used_slots >= self.slots:
                return
            taken = task.lane is not None and task.lane in self._busy
            if taken or task.script.outcome is Outcome.STUCK_QUEUED or not self._may_start(task):
                continue
            self._ready.remove(task)
            if task.lane is not None:
                self._busy[task.lane] = task
            task.state = TaskState.EXECUTING
            task.start_time = self.now
            self._work(task)
            self._changed(task)

    def _work(self, task: Task) -> None:
        if not task.holds_slot:
            task.holds_slot = True
            self._used_slots += 1
        task.since = task.last_updated = self.now
        task.epoch += 1
        task.stretches.append((self.now, task.done))
        halt = task.next_halt()
        if halt is not None:
            wait = timedelta(seconds=max(0.0, halt - task.done))
            self._appoint(self.now + wait, _Due.PAUSE, task, task.epoch)
        elif task.script.outcome not in (Outcome.STUCK, Outcome.STUCK_CANCELLING):
            rest = timedelta(seconds=task.work - task.done)
            self._appoint(self.now + rest, _Due.FINISH, task, task.epoch)
