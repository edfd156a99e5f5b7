"""Retention: releases, runs and packages that policies no longer keep are removed.

Source: Octopus' public documentation, "Retention policies" and "Configuring lifecycle retention
policy": every four hours; a phase without a policy has the one of the phase before, else the
lifecycle's; a release goes when each phase it was deployed to has its count without it. What a
board shows, and the release before it in the same place, is kept and not counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.simulator.changes import forget_release
from reconciler.simulator.progress import lifecycle_of, phases_of
from reconciler.simulator.records import TaskState
from reconciler.simulator.running import forget_run
from reconciler.simulator.shelf import BUILT_IN, discard, packages_of, taken_packages

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.simulator.records import Deployment, Lifecycle, Project, Release, Space, Task
    from reconciler.simulator.runbooks import Runbook, RunbookRun
    from reconciler.simulator.world import World

__all__ = ["apply_retention", "attach"]

_EVERY = timedelta(hours=4)
_MANY = 12
"""A turn of the clock over more rounds than these has one at its beginning and one at its end."""
_TURN = "retention"
_FOREVER = {"Strategy": "Forever"}


def attach(world: World) -> None:
    """Apply the policies every four hours, and at the end of a task that is made for it."""
    world.on_task_change.append(partial(_task_changed, world))
    world.engine.calls[_TURN] = partial(_round, world)
    world.engine.call_at(world.now + _EVERY, _TURN)


def _round(world: World) -> None:
    apply_retention(world, world.spaces.values())
    rounds = (world.clock() - world.now) // _EVERY
    world.engine.call_at(world.now + _EVERY * (rounds if rounds > _MANY else 1), _TURN)


def _task_changed(world: World, task: Task) -> None:
    if task.name == "Retention" and task.state is TaskState.SUCCESS:
        space = world.space_of(task)
        apply_retention(world, world.spaces.values() if space is None else [space])


def apply_retention(world: World, spaces: Iterable[Space]) -> None:
    """Remove what the policies of the spaces no longer keep; the audit log tells of releases."""
    for space in spaces:
        may_go = _may_go(space)
        cells = _cells(space) if may_go else {}
        for project in space.projects.values() if may_go else ():
            for release in _spent(space, project, world.now, cells.get(project.id, [])):
                forget_release(world, space, release)
                message = f"Release {release.version} was deleted by a retention policy"
                ids = (release.id, project.id)
                world.record("Deleted", message, space=space, user=None, related=ids)
        for runbook in space.runbooks.values():
            for made in _spent_runs(space, runbook, world.now):
                forget_run(world, space, made)
        _clean_feed(space, world.now)


def _may_go(space: Space) -> bool:
    """Tell whether a lifecycle says anything of retention; what says nothing keeps everything."""
    name = "ReleaseRetentionPolicy"
    return any(
        name in each.more or any(name in phase.more for phase in each.phases)
        for each in space.lifecycles.values()
    )


def _cells(space: Space) -> dict[str, list[list[Deployment]]]:
    """Return the deployments of each cell by project."""
    found: dict[str, list[list[Deployment]]] = {}
    for cell, deployments in space.cells.items():
        found.setdefault(cell[0], []).append(deployments)
    return found


@dataclass(frozen=True, slots=True)
class _Policy:
    """How much is kept: so many, or so many days; None is for ever."""

    items: int | None = None
    days: int | None = None

    def keeps(self, kept: int, moment: datetime, now: datetime) -> bool:
        """Tell whether one more is kept, of that moment, when so many are kept already."""
        if self.days is not None:
            return moment > now - timedelta(days=self.days)
        return self.items is None or kept < self.items


def _policy(space: Space, written: dict[str, Any], kind: str) -> _Policy:
    """Read a policy as a client wrote it; the space's own where it says "Default"."""
    fields = {name.casefold(): value for name, value in written.items()}
    if fields.get("strategy") == "Default":
        own = space.documents.get("retentionpolicies", {})
        default = next((each.more for each in own.values() if each.name == kind), {})
        fields = {name.casefold(): value for name, value in default.items()}
        fields.setdefault("strategy", "Forever")
    given = fields.get("quantitytokeep")
    quantity = given if isinstance(given, int) else 0
    if fields.get("strategy") == "Forever" or fields.get("shouldkeepforever") or quantity < 1:
        return _Policy()
    is_days = fields.get("unit") == "Days"
    return _Policy(days=quantity) if is_days else _Policy(items=quantity)


def _policies(space: Space, lifecycle: Lifecycle) -> list[tuple[frozenset[str], _Policy]]:
    """Return the environments of each phase with its policy, inherited where it has none."""
    current = lifecycle.more.get("ReleaseRetentionPolicy") or _FOREVER
    found = []
    for phase in phases_of(space, lifecycle):
        current = phase.more.get("ReleaseRetentionPolicy") or current
        targets = frozenset((*phase.automatic, *phase.optional_targets))
        found.append((targets, _policy(space, current, "LifecycleRelease")))
    return found


def _spent(
    space: Space, project: Project, now: datetime, cells: list[list[Deployment]]
) -> list[Release]:
    """Return the releases of a project that no policy keeps, channel by channel."""
    shown = _shown(cells)
    spent: list[Release] = []
    for channel in project.channels:
        own = [each for each in reversed(project.releases) if each.channel_id == channel.id]
        if not own:
            continue
        lifecycle = lifecycle_of(space, project, own[0])
        own_policy = lifecycle.more.get("ReleaseRetentionPolicy") or _FOREVER
        undeployed = _policy(space, own_policy, "LifecycleRelease")
        phases = _policies(space, lifecycle)
        counts = [0] * (len(phases) + 1)  # the last one of releases that were never deployed
        for release in own:
            if release.id in shown:
                continue
            reached = _reached(release)
            places = [
                (place, policy, max(reached[each] for each in targets & reached.keys()))
                for place, (targets, policy) in enumerate(phases)
                if targets & reached.keys()
            ]
            if not reached:
                places = [(len(phases), undeployed, release.assembled)]
            kept = [at for at, policy, moment in places if policy.keeps(counts[at], moment, now)]
            for at in kept:
                counts[at] += 1
            if places and not kept:
                spent.append(release)
    return spent


def _reached(release: Release) -> dict[str, datetime]:
    """Return the environments a release was deployed to, with the moment of the last time."""
    seen = dict.fromkeys(release.passed, release.assembled)
    return seen | {each.environment_id: each.created for each in release.deployments}


def _shown(cells: list[list[Deployment]]) -> set[str]:
    """Return the releases that boards show, those before them, and those that are on their way."""
    shown: set[str] = set()
    for deployments in cells:
        for channel in {each.channel_id for each in deployments}:
            order = [e.release.id for e in reversed(deployments) if e.channel_id == channel]
            shown.update(list(dict.fromkeys(order))[:2])
        good = (e for e in reversed(deployments) if e.task.state is TaskState.SUCCESS)
        shown.update(each.release.id for each in (next(good, None),) if each is not None)
        shown.update(e.release.id for e in deployments if not e.task.state.is_completed)
    return shown


def _spent_runs(space: Space, runbook: Runbook, now: datetime) -> list[RunbookRun]:
    """Return the completed runs of a runbook that its policy does not keep, by environment."""
    written = runbook.more.get("RunRetentionPolicy") or {"QuantityToKeep": 100}
    policy = _policy(space, written, "RunbookRetention")
    counts: dict[tuple[str, str | None], int] = {}
    spent = []
    runs = [each for snapshot in runbook.snapshots for each in snapshot.runs]
    for made in sorted(runs, key=lambda each: each.created, reverse=True):
        place = (made.environment_id, made.tenant_id)
        if policy.keeps(counts.get(place, 0), made.created, now):
            counts[place] = counts.get(place, 0) + 1
        elif made.task.state.is_completed:
            spent.append(made)
    return spent


def _clean_feed(space: Space, now: datetime) -> None:
    """Remove packages of the built-in feed that no release takes and that are old enough."""
    feed = space.feeds.get(BUILT_IN)
    days = feed.more.get("DeleteUnreleasedPackagesAfterDays") if feed else None
    if not isinstance(days, int) or days < 1:
        return
    taken = taken_packages(space)
    for package, versions in packages_of(space).items():
        for version, moment in versions.items():
            is_old = moment <= now - timedelta(days=days)
            if is_old and (package.casefold(), version) not in taken:
                discard(space, package, version)
