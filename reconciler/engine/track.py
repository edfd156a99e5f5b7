"""Track: propose the newest release of its channel for one pin that tracks one (rule 24)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.text import clean
from reconciler.core.tracking import newest_above, proposal_id
from reconciler.core.version import Direction, direction
from reconciler.engine.doors import blocking
from reconciler.engine.edit import Draft, at_tip, carry, repinned, shared_branches
from reconciler.engine.pin import change
from reconciler.engine.survey import survey
from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.core.manifest import DesiredState, Pin
    from reconciler.core.projects import ProjectIndex
    from reconciler.core.state import SpaceState
    from reconciler.engine.doors import Doors
    from reconciler.engine.edit import Asked, Edited

VERB = "track"


async def track_asked(doors: Doors, asked: Asked, environment: str) -> Edited:
    """Do once, for a person, what the daemon does; what was turned down is proposed again.

    Raises: UsageError, what `survey` raises, EditRefused, GitTrouble and its kin.
    """
    situation = await survey(doors, environment)
    if situation.space_state is None:
        raise UsageError(
            f"the server of {environment} has another address than the accepted one, and was not"
            " contacted; nothing was changed",
            hint=f"see `reconciler accept {environment}`",
        )
    return await track(doors, asked, environment, situation.space_state, again=True)


async def track(
    doors: Doors, asked: Asked, environment: str, state: SpaceState, *, again: bool = False
) -> Edited:
    """Propose a commit that changes one pin to the newest release of the channel it tracks.

    Upwards only, never a pin that is held, never while the environment is suspended, and one
    proposal at a time: the next waits until the branch of the last is merged or deleted. A version
    whose branch was deleted is proposed no more, unless `again`. `state` is its space as read.
    It costs two requests for each pin that is asked about.

    Raises: UsageError, ManifestsInvalid, EditRefused, GitTrouble and its kin, OctopusTrouble and
        its kin.
    """
    found: _Found | None = None

    async def draft() -> Draft:
        nonlocal found
        commit, manifests, desired = await at_tip(doors, environment)
        search = _Search(doors, desired, state, again=again)
        found = await search.run()
        draft = Draft(
            verb=VERB,
            environment=environment,
            commit=commit,
            manifests=manifests,
            edits=(),
            subject="",
            lines=(),
            left=tuple(search.left),
            nothing=search.nothing,
            read_at=state.read_at,
        )
        if found is None:
            return draft
        name, version = found.component, found.version
        return replace(
            draft,
            edits=(repinned(desired, name, version),),
            subject=f"{environment}: {name} {clean(version, 60)}, newest of its channel",
            lines=(
                f"{name}: {change(found.pin, version)}",
                f"It tracks the channel {clean(found.pin.track, 80)}.",
            ),
            id=proposal_id(environment, name, version),
        )

    edited = await carry(doors, asked, draft)
    if edited.commit is not None and found is not None:
        await blocking(doors.journal.proposed, environment, found.component, found.version)
    return edited


@dataclass(frozen=True, slots=True)
class _Found:
    """What is to be proposed."""

    component: str
    pin: Pin
    version: str


@dataclass(slots=True)
class _Search:
    """The search for one pin that has something to follow; `left` and `nothing` as of a Draft."""

    doors: Doors
    desired: DesiredState
    state: SpaceState
    again: bool
    left: list[tuple[str, str]] = field(default_factory=list)
    nothing: str = ""

    async def run(self) -> _Found | None:
        """Return the first pin, by component, that another version is to be proposed for."""
        environment = self.desired.environment
        name, suspend = environment.name, environment.suspend
        tracking = {key: pin for key, pin in sorted(environment.pins.items()) if pin.track}
        self.nothing = f"no pin of {name} has a newer release in the channel it tracks"
        if not tracking:
            self.nothing = f"no pin of {name} tracks a channel"
            return None
        if suspend is not None and suspend.in_force(self.state.read_at):
            self.nothing = f"{name} is suspended: {clean(suspend.reason)}"
            return None
        proposed = await blocking(self.doors.journal.proposals, name)
        standing = await blocking(shared_branches(self.doors).standing, VERB)
        for component, pin in tracking.items():
            before = proposed.get(component)
            if before is None or direction(pin.version, before) is not Direction.UP:
                continue
            if (id_ := proposal_id(name, component, before)) in standing:
                self.nothing = (
                    f"{component} {clean(before, 60)} is proposed already, as branch "
                    f"reconciler/{VERB}/{id_}: merge it or delete it"
                )
                return None
        projects = self.state.project_index
        for component, pin in tracking.items():
            version = await self._newer(projects, component, pin)
            if version is None:
                continue
            if proposal_id(name, component, version) in standing:
                await blocking(self.doors.journal.proposed, name, component, version)
                self.nothing = f"{component} {clean(version, 60)} is proposed already"
                return None
            if proposed.get(component) == version and not self.again:
                why = f"{clean(version, 60)} was proposed before, and was not merged or was undone"
                self.left.append((component, why))
                continue
            return _Found(component, pin, version)
        return None

    async def _newer(self, projects: ProjectIndex, component: str, pin: Pin) -> str | None:
        """Return the version that a pin is to follow to; where there is none, why is noted."""
        if pin.hold is not None and pin.hold.in_force(self.state.read_at):
            self.left.append((component, f"held: {clean(pin.hold.reason)}"))
            return None
        known = self.desired.stack.components.get(component)
        if known is None:
            return None
        project = projects.find(known.project_in(self.desired.space.name))
        if isinstance(project, str):
            self.left.append((component, project))
            return None
        octopus = self.doors.octopus(self.desired.space)
        versions = await octopus.channel_versions(project.id, pin.track)
        if versions is None:
            why = f"its project shows no channel '{clean(pin.track, 80)}', by exactly that name"
            self.left.append((component, why))
            return None
        newest = newest_above(pin.version, versions)
        if newest.doubt:
            self.left.append((component, newest.doubt))
        return newest.version
