"""What deploys by itself in a space, in words of the core, and read seldom.

Three requests for triggers, lifecycles and channels, and one for each hundred projects of the space
for their processes, which tell who deploys releases of whom; however many components are pinned. A
reading is kept for ten minutes, unless something in it failed or the projects changed.

Source: Octopus REST API, `projecttriggers`, `lifecycles/all` (`AutomaticDeploymentTargets`, ignored
in optional phases), `channels/all` (`LifecycleId`), `deploymentprocesses` by `ids` (step type
`Octopus.DeployRelease`).
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from reconciler.core.deployers import Automation, DeployerKind, Lifecycle, Parent, Trigger
from reconciler.errors import OctopusTrouble
from reconciler.octopus import wire
from reconciler.octopus import wire_automation as shapes
from reconciler.octopus.look import ONE_PAGE
from reconciler.octopus.pages import IDS_AT_ONCE, read_by_ids, read_pages, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Iterator, Mapping

    from reconciler.core.state import Project, SpaceState
    from reconciler.octopus.client import OctopusHttp
    from reconciler.ports import Clock

T = TypeVar("T")

KEPT: Final = 600.0
"""Seconds for which a reading is kept."""

AT_ONCE: Final = 4 * IDS_AT_ONCE
"""Processes that are asked for side by side."""

DEPLOY_RELEASE: Final = "Octopus.DeployRelease"
TEMPLATE_USAGE: Final = "ProcessTemplateUsage"
_NO_DEPLOYMENT: Final = "RunRunbook"
_MAKES_RELEASES: Final = "CreateRelease"
_TARGETS: Final = "MachineFilter"
_SCHEDULE: Final = "Schedule"


@dataclass(frozen=True, slots=True)
class _Kept:
    read_at: float
    projects: tuple[Project, ...]
    processes: Mapping[str, str]
    found: Automation


class AutomationReader:
    """Reads what deploys by itself in one space; several who ask at once share one reading."""

    def __init__(self, http: OctopusHttp, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._reading = asyncio.Lock()
        self._kept: _Kept | None = None

    async def read(self, state: SpaceState) -> Automation:
        """Return what deploys by itself in a space just looked at. A failure is told in it."""
        processes = _processes(state)
        async with self._reading:
            kept, now = self._kept, self._clock.monotonic()
            if (
                kept is not None
                and now - kept.read_at < KEPT
                and (kept.projects, kept.processes) == (state.projects, processes)
            ):
                return kept.found
            found = await self._fresh(state, processes)
            whole = not found.unread
            self._kept = _Kept(now, state.projects, processes, found) if whole else None
            return found

    async def _fresh(self, state: SpaceState, processes: Mapping[str, str]) -> Automation:
        space = f"api/{state.space_id}"
        unread: list[str] = []

        async def part(what: str, reading: Awaitable[T]) -> T | None:
            try:
                return await reading
            except OctopusTrouble as error:
                unread.append(f"{what}: {error.message}")
                return None

        async with together() as group:
            triggers = group.create_task(part("triggers", self._triggers(space)))
            lifecycles = group.create_task(
                part("lifecycles", self._array(f"{space}/lifecycles/all", shapes.Lifecycle))
            )
            channels = group.create_task(
                part("channels", self._array(f"{space}/channels/all", shapes.Channel))
            )
            read = group.create_task(
                part("deployment processes", self._read_processes(space, processes))
            )
        said, whole = triggers.result() or ((), True)
        if not whole:
            unread.append("triggers: their list moved while it was read, or ends too early")
        found = read.result()
        return Automation(
            triggers=tuple(one for trigger in said for one in _trigger(trigger)),
            lifecycles=tuple(map(_lifecycle, lifecycles.result() or ())),
            lifecycles_of=_lifecycles_of(state.projects, channels.result() or ()),
            parents=() if found is None else tuple(_parents(state, processes, found)),
            unread=tuple(sorted(unread)),
        )

    async def _triggers(self, space: str) -> tuple[tuple[shapes.Trigger, ...], bool]:
        path = f"{space}/projecttriggers"
        return await read_pages(self._http, path, {}, shapes.Trigger, ONE_PAGE, alone=True)

    async def _read_processes(self, space: str, ids: Iterable[str]) -> tuple[shapes.Process, ...]:
        """Read processes a few hundred at a time: each holds all its scripts (rule 47)."""
        wanted, path = sorted(ids), f"{space}/deploymentprocesses"
        found: list[shapes.Process] = []
        for start in range(0, len(wanted), AT_ONCE):
            chunk = wanted[start : start + AT_ONCE]
            found += await read_by_ids(self._http, path, chunk, shapes.Process, alone=True)
        return tuple(found)

    async def _array(self, path: str, shape: type[T]) -> list[T]:
        answer = await self._http.get(path, alone=True)
        return wire.decode(answer, list[shape])  # type: ignore[valid-type]


def _processes(state: SpaceState) -> dict[str, str]:
    """Return the processes to read, by id, with the project each belongs to.

    The live one of each project; of one that keeps it in Git, those its current releases froze.
    """
    found = {one.process_id: one.id for one in state.projects if one.process_id and not one.in_git}
    in_git = {one.id for one in state.projects if one.in_git}
    for release in state.releases.values():
        if release.project_id in in_git and release.process_snapshot:
            found[release.process_snapshot] = release.project_id
    return found


def _trigger(said: shapes.Trigger) -> Iterator[Trigger]:
    """Yield a trigger, if it is active and deploys; a word we do not know counts as deploying."""
    action, waits_for = said.action, said.filter
    if said.is_disabled or action.action_type == _NO_DEPLOYMENT:
        return
    kind = DeployerKind.TRIGGER
    if action.action_type == _MAKES_RELEASES:
        kind = DeployerKind.RELEASE_TRIGGER
    elif waits_for.filter_type == _TARGETS:
        kind = DeployerKind.TARGET_TRIGGER
    elif waits_for.filter_type.endswith(_SCHEDULE):
        kind = DeployerKind.SCHEDULE
    named = {action.environment_id, action.destination_environment_id} - {None, ""}
    environments = named or set(waits_for.environment_ids or ())
    yield Trigger(
        id=said.id,
        name=said.name,
        kind=kind,
        project_id=said.project_id,
        environments=frozenset(one for one in environments if one) or None,
    )


def _lifecycle(said: shapes.Lifecycle) -> Lifecycle:
    automatic = (
        environment
        for phase in said.phases
        if not phase.is_optional_phase
        for environment in phase.automatic_deployment_targets
    )
    return Lifecycle(said.id, said.name, frozenset(automatic))


def _lifecycles_of(
    projects: Iterable[Project], channels: Iterable[shapes.Channel]
) -> dict[str, frozenset[str]]:
    """Return the lifecycles of each project that has a channel: a channel's, else its own."""
    own = {one.id: one.lifecycle_id for one in projects}
    found: dict[str, set[str]] = defaultdict(set)
    for channel in channels:
        found[channel.project_id].add(channel.lifecycle_id or own.get(channel.project_id, ""))
    return {project: frozenset(ids) for project, ids in found.items()}


def _parents(
    state: SpaceState, processes: Mapping[str, str], read: Iterable[shapes.Process]
) -> Iterator[Parent]:
    """Yield every project that deploys another, or whose process does not tell."""
    found = {process.id: process for process in read}
    for id_, project in processes.items():
        if id_ not in found:
            yield Parent(project, None, doubt="its process could not be read")
            continue
        for step in found[id_].steps:
            if step.type == TEMPLATE_USAGE:
                yield Parent(project, None, doubt="its process uses a template")
            for action in step.actions or ():
                yield from _deploys(project, action)
    for one in state.projects:
        if not one.process_id and not one.in_git:
            yield Parent(one.id, None, doubt="Octopus does not name its process")


def _deploys(project: str, action: shapes.ProcessAction) -> Iterator[Parent]:
    named = action.properties.deploys
    if action.is_disabled or (action.action_type != DEPLOY_RELEASE and named is None):
        return
    child = named if isinstance(named, str) and named and "#{" not in named else None
    yield Parent(
        project_id=project,
        child=child,
        environments=frozenset(action.environments) or None,
        excluded=frozenset(action.excluded_environments),
        doubt="" if child else "what it deploys is a variable",
    )
