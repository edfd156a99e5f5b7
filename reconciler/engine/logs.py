"""The logs of an environment's tasks, read beside whatever watches or started them.

Tasks are found in Octopus and in this machine's journal, and read with the observing credential
alone: nothing is written, no lease is taken, and no daemon is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING

from reconciler.core.expand import cell_order
from reconciler.core.intent import Progress
from reconciler.core.sighting import observe
from reconciler.core.text import clean
from reconciler.core.wave import needed_changes, order, waves
from reconciler.engine.branches import Branches
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.events import Found, Watched
from reconciler.engine.ground import fetch_audit, lay_ground
from reconciler.engine.survey import look
from reconciler.engine.watch import seen_since
from reconciler.errors import OctopusTrouble, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.logtree import TaskLog
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.state import SpaceState, Task
    from reconciler.engine.doors import Doors
    from reconciler.ports import Octopus

LAST = 10
"""Deployments shown where nothing runs: those that ended last."""

MOST = 20
"""Logs that are read at once: more are for a person who names a component."""

AT_ONCE = 4
"""Logs read side by side, and at each look of one who follows."""

WHOLE = 1000
"""Lines asked for of each branch: what is kept of a task in the end."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A task whose log is looked at, in the wave of its cell among those that are."""

    cell: CellKey
    task_id: str
    version: str
    came_from: str | None
    wave: int = 1


@dataclass(frozen=True, slots=True)
class Subject:
    """What is looked at: tasks of one environment, by wave and cell.

    `cells` are all that were asked for, by ids of project and tenant: what starts in one of them
    later is of it too. `after` has the cells that each is deployed after.
    """

    environment: str
    environment_id: str
    octopus: Octopus
    tasks: tuple[Logged, ...]
    cells: Mapping[tuple[str, str | None], CellKey]
    after: Mapping[CellKey, Sequence[CellKey]]


def in_waves(
    after: Mapping[CellKey, Sequence[CellKey]], found: Collection[Logged]
) -> tuple[Logged, ...]:
    """Return tasks by wave and cell, in the order that the stack gives their components."""
    waits, _ = order(needed_changes(after, {one.cell for one in found}), frozenset())
    number = waves(waits)
    ordered = (replace(one, wave=number[one.cell]) for one in found)
    return tuple(sorted(ordered, key=lambda one: (one.wave, one.cell, one.task_id)))


@dataclass(frozen=True, slots=True)
class Reading:
    """One task as it stands, with its log. `task` None: Octopus does not show it any more.

    `log` None: it was not read, `why` says why not. `link` is the address of the task's page.
    """

    logged: Logged
    task: Task | None
    link: str
    log: TaskLog | None
    why: str = ""


async def read_logs(doors: Doors, subject: Subject, *, verbose: bool) -> tuple[Reading, ...]:
    """Read the logs once, a few at a time, and tell them as events too.

    Raises: OctopusTrouble where Octopus does not even tell the tasks' states.
    """
    octopus = subject.octopus
    ids = [one.task_id for one in subject.tasks]
    tasks = {task.id: task for task in await octopus.tasks(ids)}
    branches = Branches(octopus, doors.tell, AT_ONCE, tail=WHOLE, verbose=verbose)
    found: dict[str, Reading] = {}
    places = asyncio.Semaphore(AT_ONCE)

    async def read(one: Logged) -> None:
        link, log, why = await octopus.task_page(one.task_id), None, "not read: too many at once"
        if one in subject.tasks[:MOST]:
            try:
                async with places:
                    log, why = await branches.read(one.cell, one.task_id), ""
            except OctopusTrouble as error:
                why = f"not read: {error.message}"
        found[one.task_id] = Reading(one, tasks.get(one.task_id), link, log, why)

    now = doors.clock.now()
    for one in subject.tasks:
        doors.tell(Found(one.cell, one.task_id, one.came_from, one.version, one.wave))
    seen = [seen_since(one.cell, one.task_id, tasks.get(one.task_id), now) for one in subject.tasks]
    doors.tell(Watched(tuple(sorted(seen))))
    await side_by_side(read(one) for one in subject.tasks)
    return tuple(found[task_id] for task_id in ids)


async def find_tasks(
    doors: Doors, name: str, component: str | None = None, *, commit: str | None = None
) -> Subject:
    """Find the tasks of an environment, or of one component (or cell) of it.

    What runs; where nothing does, the last deployment of each cell that was named, or the last ten
    of the environment.

    Raises: UsageError, ManifestsInvalid, GitTrouble and its kin, OctopusTrouble and its kin.
    """
    if commit is None:
        commit = await doors.gathering.fetch(doors.repository)
    await fetch_audit(doors)
    ground = await lay_ground(doors, name, commit)
    if ground.is_moved:
        raise UsageError(
            f"the server of {name} is at another address than was accepted; it was not contacted",
            hint=f"look at `reconciler plan {name}`, then `reconciler accept {name}`",
        )
    desired = ground.desired
    octopus = doors.octopus(desired.space)
    state = await look(doors, octopus, tenants=ground.names_tenants)
    observed = observe(desired, state, ground.audit.snapshot)
    if observed.environment_id is None:
        raise UsageError(
            f"Octopus shows no environment '{clean(desired.environment.octopus_environment)}'",
            hint="check `octopus.environment` in the manifest, and what the observing key may see",
        )
    wanted = _wanted(name, observed, component)
    found = _running(state, wanted, await blocking(doors.journal.intents, name))
    if not found:
        found = _ended(state, observed.environment_id, wanted)[: None if component else LAST]
    after = cell_order(desired, observed)
    return Subject(
        environment=name,
        environment_id=observed.environment_id,
        octopus=octopus,
        tasks=in_waves(after, found),
        cells={
            (cell.project.id, cell.tenant_id): cell.key
            for cell in wanted.values()
            if cell.project is not None
        },
        after=after,
    )


def _wanted(
    environment: str, observed: ObservedState, name: str | None
) -> dict[CellKey, ObservedCell]:
    """Return the cells that a word means: of a component, one cell, or all."""
    cells = observed.cells
    found = {
        key: cell for key, cell in cells.items() if name is None or name in {key, cell.component}
    }
    if found or name is None:
        return found
    near = get_close_matches(name.lower(), cells, n=1)
    known = ", ".join(clean(key) for key in sorted(cells)[:20]) or "none"
    raise UsageError(
        f"{environment} pins no '{clean(name)}'",
        hint=f"did you mean {clean(near[0])}?" if near else f"its components: {known}",
    )


def _running(
    state: SpaceState, wanted: Mapping[CellKey, ObservedCell], ours: Iterable[IntentRecord]
) -> list[Logged]:
    """Return what runs in these cells, as Octopus shows it or our journal knows it."""
    versions = {item.task_id: item.version for item in state.items}
    found = {
        task.id: Logged(cell.key, task.id, versions.get(task.id, ""), cell.version)
        for cell in wanted.values()
        for task in cell.running
        if task.deployment_id is not None
    }
    return list({**begun_by_us(ours, wanted), **found}.values())


def begun_by_us(records: Iterable[IntentRecord], wanted: Collection[CellKey]) -> dict[str, Logged]:
    """Return what this machine's journal knows to run in these cells, by task: runs too."""
    return {
        record.task_id: Logged(
            record.cell,
            record.task_id,
            f"runbook {record.runbook}" if record.runbook else record.intent.version,
            record.replaces,
        )
        for record in records
        if record.task_id and record.progress is Progress.LAUNCHED and record.cell in wanted
    }


def _ended(
    state: SpaceState, environment_id: str, wanted: Mapping[CellKey, ObservedCell]
) -> list[Logged]:
    """Return the newest deployment of each of these cells, the one that ended last first."""
    found: list[tuple[datetime, Logged]] = []
    for cell in wanted.values():
        if cell.project is None:
            continue
        row = state.squares_of(environment_id, cell.tenant_id or "").get(cell.project.id, ())
        before = next((item.version for item in row if item.is_previous), None)
        found += [
            (
                item.completed,
                Logged(cell.key, item.task_id, item.version, before),
            )
            for item in row
            if not item.is_previous and item.completed is not None
        ]
    found.sort(key=lambda one: (one[0], one[1].cell), reverse=True)
    return [one for _, one in found]
