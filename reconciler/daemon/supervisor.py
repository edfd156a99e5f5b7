"""The supervisor of one repository: what changed, what is due, and one pass at a time for each.

A tick asks the remotes for their tips, reads each space that something is due in once, and judges
the environments that are due now, or soon, on that reading. Only one with something to do or to
record gets a pass of its own, which takes the lease; the others cost no request beyond the shared
reading, and are not judged again while nothing changes.
"""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

import structlog

from reconciler.core.condition import EnvironmentStatus, Word
from reconciler.core.manifest import DesiredState, Invalid
from reconciler.daemon.backoff import Timing, wait_after
from reconciler.daemon.notebook import WOKEN, Notebook
from reconciler.engine.doors import blocking
from reconciler.engine.events import Said
from reconciler.engine.ground import fetch_audit, lay_ground, load_manifests
from reconciler.engine.idle import idle_of
from reconciler.engine.planning import judge_situation
from reconciler.engine.run import apply_environment, needs_pass
from reconciler.engine.survey import read_space, situate
from reconciler.errors import Disposition, GitTrouble, ReconcilerError, StoreTrouble

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from typing import Any

    from reconciler.core.manifest import Space
    from reconciler.engine.doors import Doors
    from reconciler.engine.events import Event
    from reconciler.engine.ground import Ground
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Reading

PACKING = 3600.0
"""Seconds between questions whether a mirror is to be packed, which happens once a day at most."""

LATE = 15.0
"""Seconds for which a tick waits for a look; then a server that hangs holds up its own space only
(rule 47)."""


@dataclass(slots=True)
class Supervisor:
    """Watches one repository for as long as `tick` is called.

    `start` runs a pass beside the ticks: the task group of whoever calls `tick`. `keep` is told
    every status that changed, `tell_trouble` what keeps the repository from being read, or that
    nothing does any more. `rival` names an earlier repository that has an environment of the
    same name: store, lock and lease know environments by name, so this one is left alone.
    `remotes` are the RemoteEnvironments, which are named and otherwise ignored. `looked` is told
    of every look that found out how an environment stands.
    """

    doors: Doors
    timing: Timing
    start: Callable[[Coroutine[Any, Any, None]], object]
    keep: Callable[[EnvironmentStatus], None] = lambda _: None
    tell_trouble: Callable[[ReconcilerError | None], None] = lambda _: None
    rival: Callable[[str], str] = lambda _: ""
    chance: Callable[[], float] = random.random
    looked: Callable[[Ground, Reading], None] = lambda *_: None
    statuses: dict[str, EnvironmentStatus] = field(default_factory=dict)
    trouble: ReconcilerError | None = None
    remotes: frozenset[str] = frozenset()
    _whole: str | None = None
    _audit_tip: str | None = None
    _stamp: int = 0
    _listened: int = -1  # the store's stamp when people's words were counted last
    _heard_of: Mapping[str, int] | None = None
    _manifests: Mapping[str, DesiredState | Invalid] = field(default_factory=dict)
    _grounds: dict[str, tuple[tuple[str, str | None, int], Ground]] = field(default_factory=dict)
    _notes: Notebook = field(init=False)
    _looks: dict[asyncio.Task[None], frozenset[str]] = field(default_factory=dict)
    _stopping: bool = False
    _failures: int = 0
    _next_poll: float = float("-inf")
    _next_packing: float = float("-inf")

    def __post_init__(self) -> None:
        pace = replace(self.doors.pace, refused=self.timing.after_refusal)
        self.doors = replace(self.doors, pace=pace)
        clock = self.doors.clock
        self._notes = Notebook(clock, self.timing, self.chance, self._kept, self.statuses)

    def _kept(self, status: EnvironmentStatus) -> None:
        self.keep(status)

    def wake(self, environment: str) -> None:
        """Let the next tick look at an environment, whatever its timetable says."""
        self._notes.wake(environment)

    def stop(self) -> None:
        """Start no new pass; those that run go on to the end of their current action."""
        self._stopping = True
        for look in self._looks:
            look.cancel()  # it only reads

    @property
    def has_read(self) -> bool:
        """True once the repository was read."""
        return bool(self._notes.tip)

    @property
    def environments(self) -> frozenset[str]:
        """The environments that the repository names, valid or not."""
        return frozenset(self._manifests)

    @property
    def passing(self) -> frozenset[str]:
        """The environments a pass works on now."""
        return frozenset(self._notes.passing)

    async def tick(self) -> None:
        """Look once at everything that is due. Never raises what an operator may read."""
        if self._stopping:
            return
        if self._next_poll <= self.doors.clock.monotonic():
            await self._poll()
        if self.trouble is not None:
            return  # what git asks for is not known
        await self._listen()
        self._end_looks()
        await self._look_at([name for name in self._manifests if self._is_due(name)])
        self._end_looks()
        if self._next_packing <= self.doors.clock.monotonic():
            self._next_packing = self.doors.clock.monotonic() + PACKING
            self.start(self._pack())

    async def _listen(self) -> None:
        """Wake the environments of which a person said something since the last tick."""
        journal = self.doors.journal
        try:
            stamp = await blocking(journal.stamp)
            if stamp == self._listened:
                return
            heard = await blocking(journal.heard)
        except ReconcilerError:
            return  # the next look at an environment tells
        before, self._heard_of, self._listened = self._heard_of, heard, stamp
        if before is None:
            return
        news = {name for name in heard if heard[name] != before.get(name, 0)}
        for name in self._manifests if "" in news else news & self._manifests.keys():
            self.wake(name)

    async def _pack(self) -> None:
        """Let git pack the mirrors that were not packed for a day, beside whatever goes on."""
        doors = self.doors
        for door in (doors.repository, doors.audit):
            if door is None:
                continue
            try:
                await blocking(door.pack, self.doors.clock.now(), lambda: self._stopping)
            except GitTrouble as error:
                doors.tell(Said(f"{error.message}; it is tried again in a day"))

    def _is_due(self, name: str) -> bool:
        now = self.doors.clock.monotonic()
        return not self._is_busy(name) and self._notes.due(name) <= now

    def _is_busy(self, name: str) -> bool:
        """Tell whether a pass works on it, or a look at it has not ended."""
        return name in self._notes.passing or any(name in names for names in self._looks.values())

    async def _poll(self) -> None:
        """Ask the remotes for their tips, and set when to ask again."""
        try:
            await self._read_remotes()
        except ReconcilerError as error:
            self._failures += 1
            self._tell(error)
            wait = wait_after(self.timing, error.disposition, self._failures, self.chance)
            wait = min(wait, self.timing.last_retry)
        else:
            self._failures = 0
            if self.trouble is not None:
                for name in self._manifests:
                    self.wake(name)  # nobody looked meanwhile, and records may be pending
            self._tell(None)
            wait = wait_after(self.timing, Disposition.WAIT, 0, self.chance)
        self._next_poll = self.doors.clock.monotonic() + wait

    def _tell(self, trouble: ReconcilerError | None) -> None:
        before = "" if self.trouble is None else self.trouble.message
        self.trouble = trouble
        if before != ("" if trouble is None else trouble.message):
            self.tell_trouble(trouble)

    async def _read_remotes(self) -> None:
        """Load what changed, and wake what it changes."""
        tip = await blocking(self.doors.repository.tip)
        if tip != self._notes.tip or await self._is_lost(tip):
            tip = await blocking(self.doors.repository.fetch)
            # an earlier whole tip tells whose file a broken one is, where nothing is accepted yet
            loaded = await load_manifests(self.doors, tip, self._whole)
            found = loaded.environments
            # where history was rewritten, everything on it is frozen, and says so (rule 27)
            goes_on = await blocking(self.doors.repository.is_ancestor, self._notes.tip, tip)
            for name in found.keys() | self._manifests.keys():
                if not goes_on or found.get(name) != self._manifests.get(name):
                    self.wake(name)
            self._notes.tip, self._manifests = tip, found
            self.remotes = frozenset(loaded.remotes)
            self._whole = self._whole if loaded.problems else tip
            for name in self.statuses.keys() - found.keys():
                if loaded.problems:
                    self._notes.stall(name, Word.INVALID, f"{loaded.problems[0]}")
                else:
                    self._forget(name)
        self._audit_tip = await fetch_audit(self.doors)

    async def _is_lost(self, tip: str) -> bool:
        """Tell, after git failed, whether somebody removed the mirror that had this commit."""
        failed, self._notes.git_failed = self._notes.git_failed, False
        return failed and not await blocking(self.doors.repository.contains, tip)

    def _forget(self, name: str) -> None:
        """Show no more of an environment that git no longer names; nothing is done to it."""
        self._grounds.pop(name, None)
        self._notes.forget(name)

    async def _look_at(self, names: list[str]) -> None:
        """Read each space once, side by side, and judge environments on that: due now, or soon."""
        if not names:
            return
        try:
            self._stamp = await blocking(self.doors.journal.stamp)
        except ReconcilerError as error:
            for name in names:
                self._notes.error(name, error)
            return
        by_space: dict[Space, list[str]] = {}
        for name in names:
            rival = self.rival(name)
            if rival:
                why = f"{rival} has an environment of this name: rename one of them"
                self._notes.stall(name, Word.NAMED_TWICE, why)
                continue
            match self._manifests[name]:
                case Invalid(problems=problems):
                    # the accepted commit may tell that the broken file is another's
                    space = await self._space_of(name)
                    if space is None:
                        self._notes.stall(name, Word.INVALID, f"{problems[0]}")
                    else:
                        by_space.setdefault(space, []).append(name)
                case DesiredState(space=space):
                    by_space.setdefault(space, []).append(name)
        for name in self._manifests.keys() - set(names):
            found = self._manifests[name]
            if isinstance(found, DesiredState) and self._joins(name, by_space.get(found.space, [])):
                by_space[found.space].append(name)
        looks = {
            asyncio.create_task(self._look_in(space, due)): frozenset(due)
            for space, due in by_space.items()
        }
        self._looks |= looks
        if looks:
            await asyncio.wait(looks, timeout=LATE)

    def _end_looks(self) -> None:
        """Forget the looks that have ended. Raises: the first bug in one."""
        ended = [look for look in self._looks if look.done()]
        for look in ended:
            for name in self._looks.pop(look) - self._manifests.keys():
                self._forget(name)  # gone from git while it was looked at
        for look in ended:
            if not look.cancelled():
                look.result()

    def _joins(self, name: str, others: list[str]) -> bool:
        """Tell whether an environment that is due soon makes use of a reading that others need.

        Else many environments of one space would each ask for it at a time of their own. One that
        failed keeps to its growing waits (rule 20), and nobody joins those in a hurry.
        """
        soon = self.doors.clock.monotonic() + self.timing.apart
        return (
            any(self._notes.due(other) > WOKEN for other in others)
            and self._notes.due(name) <= soon
            and not self._is_busy(name)
            and not self._notes.status(name).failures
            and not self.rival(name)
        )

    async def _space_of(self, name: str) -> Space | None:
        try:
            return (await self._ground(name)).tip_state.space
        except ReconcilerError:
            return None

    async def _needs(self, names: Iterable[str]) -> dict[str, bool]:
        """Return what else must be read of a space for some of its environments."""
        tenants = machines = False
        for name in names:
            with suppress(ReconcilerError):
                ground = await self._ground(name)
                tenants, machines = (
                    tenants or ground.names_tenants,
                    machines or ground.serves_machines,
                )
        return {"tenants": tenants, "machines": machines}

    async def _look_in(self, space: Space, names: list[str]) -> None:
        """Judge environments of one space on one reading; its trouble is theirs alone."""
        reading: Reading | ReconcilerError | None = None
        unread: list[str] = []
        for name in names:
            try:
                ground = await self._ground(name)
                if ground.is_moved:
                    await self._judge(name, ground, None)
                    continue
                if reading is None:
                    reading = await self._read(space, names)
                if isinstance(reading, ReconcilerError):
                    raise reading
                await self._judge(name, ground, reading)
                self.looked(ground, reading)
            except ReconcilerError as error:
                self._notes.error(name, error)
                if error is reading:
                    unread.append(name)
        if unread:  # one question serves them all the next time too
            self._notes.meet(unread)

    async def _read(self, space: Space, names: list[str]) -> Reading | ReconcilerError:
        try:
            needs = await self._needs(names)
            return await read_space(self.doors, self.doors.octopus(space), **needs)
        except ReconcilerError as error:
            return error

    async def _ground(self, name: str) -> Ground:
        """Return what git and the store say, read anew only if a tip or the store moved."""
        stands_on = (self._notes.tip, self._audit_tip, self._stamp)
        kept = self._grounds.get(name)
        if kept is not None and kept[0] == stands_on:
            return kept[1]
        ground = await lay_ground(self.doors, name, self._notes.tip)
        self._grounds[name] = (stands_on, ground)
        return ground

    async def _judge(self, name: str, ground: Ground, reading: Reading | None) -> None:
        idle = self._notes.idle.pop(name, None)
        if reading is not None:
            reading = reading.only(ground.tip_state, machines=ground.serves_machines)
        if idle is not None and reading is not None and idle.holds(ground, reading):
            self._notes.still(name, idle, reading.state.read_at)
            return
        situation = await situate(self.doors, ground, reading)
        planned = await judge_situation(self.doors, situation)
        is_needed = await needs_pass(self.doors, planned)
        if is_needed and not self._stopping:
            self._notes.passing.add(name)
            self.start(self._pass(name, planned))
            return
        if not is_needed:  # records that are pending need a pass
            self._notes.count(name, 0)
        self._notes.plan(name, planned)
        idle = None
        if reading is not None and not is_needed:
            idle = idle_of(ground, reading, situation, planned)
        if idle is not None:
            self._notes.idle[name] = idle

    async def _pass(self, name: str, planned: Planned) -> None:
        """Run one whole pass; its failure becomes a condition. Its log lines name it."""
        structlog.contextvars.bind_contextvars(environment=name)
        self._notes.reconciling(name, planned)
        try:
            doors = replace(self.doors, tell=partial(self._hear, name))
            report = await apply_environment(doors, name)
            self._notes.runs_no_more(name)
            await self._count_pending(name)
            self._notes.report(name, report)
        except ReconcilerError as error:
            self._notes.runs_no_more(name)
            await self._count_pending(name)
            self._notes.error(name, error)
        finally:
            self._notes.passing.discard(name)
            self._grounds.pop(name, None)
            if name not in self._manifests:
                self._forget(name)

    def _hear(self, name: str, event: Event) -> None:
        """Keep what runs in a pass, and pass on what it tells."""
        self._notes.hear(name, event)
        self.doors.tell(event)

    async def _count_pending(self, name: str) -> None:
        """Note what the remote does not have yet; a store that cannot say has its own failure."""
        with suppress(StoreTrouble):
            self._notes.count(name, await blocking(self.doors.journal.pending, name))
