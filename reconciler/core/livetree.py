"""A plan being carried out, as one tree: environment, wave, component, step, machine.

A value that grows with each fact of a pass, for whoever looks: a terminal, the daemon's status, a
page. Durations are seconds of a clock that never jumps (rule 49); `now` below is that clock's.
"""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Set
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.logtree import TaskLog

_UNKNOWN = 60.0
"""Seconds that a change counts for in the share that is done, where nobody knows its duration."""


class Stage(StrEnum):
    """How far one change is. A closed list, in the order of a change's life."""

    HELD = "held"  # a gate stands before it
    WAITING = "waiting"  # for what comes first, or for a free slot
    QUEUED = "queued"  # Octopus has it, and has not begun
    RUNNING = "running"
    PERSON = "waiting-for-person"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # it ran and did not succeed
    NOT_STARTED = "not-started"

    @property
    def is_running(self) -> bool:
        """True while Octopus has it and it has not ended."""
        return self in _RUNS

    @property
    def has_ended(self) -> bool:
        """True where nothing more becomes of it in this pass."""
        return self in _ENDED


_RUNS = frozenset({Stage.QUEUED, Stage.RUNNING, Stage.PERSON})
_ENDED = frozenset({Stage.SUCCEEDED, Stage.FAILED, Stage.NOT_STARTED})
_DONE = frozenset({Stage.SUCCEEDED})
_BARS = frozenset({Stage.HELD, Stage.FAILED, Stage.NOT_STARTED})


@dataclass(frozen=True, slots=True)
class Part:
    """One change. `wave` 0: of an interrupted pass, whose plan is not known.

    `said` is the state of its task in Octopus' words, or why it was not started; clean. `doing`
    names the runbook that runs in place of the deployment, before or after it; the cell is empty
    for one around all changes. `since` is when it was asked for, `waits_since` (UTC) since when it
    waits for a person, and `asks` the id of the interruption, where Octopus tells. `log` is there
    while somebody looks, `lines` and `link` where it did not succeed.
    """

    cell: CellKey
    stage: Stage
    wave: int = 0
    from_version: str | None = None
    to_version: str | None = None
    waits_for: tuple[CellKey, ...] = ()
    expected: timedelta | None = None
    said: str = ""
    doing: str = ""
    task_id: str = ""
    since: float = 0.0
    waits_since: datetime | None = None
    asks: str = ""
    log: TaskLog | None = None
    lines: tuple[str, ...] = ()
    link: str = ""

    def left(self, now: float) -> float:
        """Return for how many seconds it is likely to run on; 0 where nobody knows."""
        if self.expected is None or self.stage.has_ended:
            return 0.0
        ran = now - self.since if self.stage.is_running else 0.0
        return max(self.expected.total_seconds() - ran, 0.0)

    def share(self, now: float) -> float:
        """Return how much of it is done, from 0 to 1: by its log, else by its usual duration."""
        match self.stage:
            case Stage.SUCCEEDED | Stage.FAILED | Stage.NOT_STARTED:
                return 1.0
            case Stage.RUNNING | Stage.PERSON if self.log is not None:
                return self.log.percent / 100
            case Stage.RUNNING if self.expected:
                return min((now - self.since) / self.expected.total_seconds(), 0.99)
            case _:
                return 0.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """When everything is likely to have ended: in so many seconds.

    `unknown` counts what nobody knows the end of: what was never deployed here, which is taken for
    nothing, and what waits for a person, who may take longer.
    """

    seconds: float
    unknown: int


@dataclass(frozen=True, slots=True)
class Summary:
    """How a pass stands, small enough to be written down again and again.

    `waves`: (number, done, of). `ends` (UTC, whole minutes) is None where nobody knows, and the
    earliest that is likely where `is_bound`. `closes` as for the tree.
    """

    done: int
    of: int
    failed: int
    asking: int
    percent: int
    waves: tuple[tuple[int, int, int], ...]
    next_up: tuple[CellKey, ...]
    ends: datetime | None
    is_bound: bool
    closes: datetime | None


@dataclass(frozen=True, eq=False)
class LiveTree:
    """One pass over one environment. `at_once`: how many changes may run together.

    `closes` is when the window that is open now closes (UTC), None where none limits it.
    """

    environment: str = ""
    parts: Mapping[CellKey, Part] = field(default_factory=dict)
    at_once: int = 1
    closes: datetime | None = None

    @cached_property
    def counts(self) -> Counter[Stage]:
        """How many changes are at each stage."""
        return Counter(part.stage for part in self.parts.values())

    @property
    def is_over(self) -> bool:
        """True where nothing runs or waits."""
        return not any(self.counts[stage] for stage in (*_RUNS, Stage.WAITING))

    @cached_property
    def waves(self) -> tuple[tuple[int, tuple[Part, ...]], ...]:
        """The waves in order, each with its changes by cell."""
        found: dict[int, list[Part]] = {}
        for part in sorted(self.parts.values(), key=lambda part: (part.wave, part.cell)):
            found.setdefault(part.wave, []).append(part)
        return tuple((number, tuple(parts)) for number, parts in found.items())

    def next_up(self, most: int) -> tuple[Part, ...]:
        """Return what starts next: what waits for the fewest others, by wave, then by name."""
        able = [
            (len(behind), part.wave, part.cell)
            for part in self.parts.values()
            if part.stage is Stage.WAITING
            for behind in [self.behind(part)]
            if not any(self._is_at(name, _BARS) for name in behind)
        ]
        return tuple(self.parts[cell] for _, _, cell in heapq.nsmallest(most, able))

    def behind(self, part: Part) -> tuple[CellKey, ...]:
        """Return what a change still waits for."""
        return tuple(name for name in part.waits_for if not self._is_at(name, _DONE))

    def share(self, now: float) -> float:
        """Return how much of the work is done, from 0 to 1, by what each change usually takes."""
        done = whole = 0.0
        for part in self.parts.values():
            if part.stage is not Stage.HELD:
                known = part.expected
                weight = _UNKNOWN if known is None else known.total_seconds()
                whole += weight
                if part.stage is not Stage.WAITING:
                    done += weight * part.share(now)
        return done / whole if whole else 1.0

    def forecast(self, now: float) -> Forecast:
        """Return when all that runs, and all that can still start, is likely to have ended."""
        running = [(p.left(now), p.cell) for p in self.parts.values() if p.stage.is_running]
        unknown = sum(
            part.expected is None or part.stage is Stage.PERSON
            for part in self.parts.values()
            if part.stage.is_running
        )
        waits, followers, ready = self._graph()
        unknown += sum(self.parts[name].expected is None for name in waits)
        heapq.heapify(running)
        heapq.heapify(ready)
        ended = 0.0
        while running or ready:
            while ready and (len(running) < self.at_once or not running):
                _, name = heapq.heappop(ready)
                heapq.heappush(running, (ended + self.parts[name].left(now), name))
            ended, over = heapq.heappop(running)
            for name in followers.get(over, ()):
                waits[name] -= 1
                if not waits[name]:
                    heapq.heappush(ready, (self.parts[name].wave, name))
        return Forecast(ended, unknown)

    def summary(self, now: float, at: datetime, most: int) -> Summary:
        """Return how it stands at `at` (UTC), with so many of those that start next at most."""
        counts, forecast = self.counts, self.forecast(now)
        ends = (at + timedelta(seconds=forecast.seconds)).replace(second=0, microsecond=0)
        return Summary(
            done=counts[Stage.SUCCEEDED],
            of=len(self.parts),
            failed=counts[Stage.FAILED],
            asking=counts[Stage.PERSON],
            percent=int(100 * self.share(now)),
            waves=tuple(
                (number, sum(part.stage is Stage.SUCCEEDED for part in parts), len(parts))
                for number, parts in self.waves
            ),
            next_up=tuple(part.cell for part in self.next_up(most)),
            ends=ends + timedelta(minutes=1) if forecast.seconds else None,
            is_bound=bool(forecast.unknown),
            closes=self.closes,
        )

    def _graph(
        self,
    ) -> tuple[dict[CellKey, int], dict[CellKey, list[CellKey]], list[tuple[int, CellKey]]]:
        """Return how many each waiting change waits for, who waits for whom, and who is ready."""
        waits: dict[CellKey, int] = {}
        followers: dict[CellKey, list[CellKey]] = {}
        ready: list[tuple[int, CellKey]] = []
        for part in self.parts.values():
            if part.stage is not Stage.WAITING:
                continue
            behind = self.behind(part)
            waits[part.cell] = len(behind)
            for name in behind:
                followers.setdefault(name, []).append(part.cell)
            if not behind:
                ready.append((part.wave, part.cell))
        return waits, followers, ready

    def _is_at(self, name: CellKey, stages: Set[Stage]) -> bool:
        part = self.parts.get(name)
        return part is not None and part.stage in stages
