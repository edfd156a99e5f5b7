"""A look at the machines of an environment: which are not well, and what is to become of them.

Nothing is read where the policy says `forget: off`. A look changes nothing in Octopus; what it saw
of lost machines is kept in the store, because only several looks together tell (rule 44).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.fleet import Fleet, after_look
from reconciler.core.forget import Circumstances, to_forget, verdicts
from reconciler.core.manifest import DesiredState
from reconciler.core.pause import covering
from reconciler.core.policy import Forget, Mode
from reconciler.core.removed import RemovedList, removed_path
from reconciler.core.sighting import environment_in
from reconciler.engine.doors import blocking
from reconciler.engine.ground import load_manifests
from reconciler.engine.pausing import names_of_server
from reconciler.errors import CredentialRefused, ManifestsInvalid, OctopusTrouble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.core.fleet import Sickness
    from reconciler.core.forget import Verdict
    from reconciler.core.manifest import Invalid
    from reconciler.core.state import SpaceState
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.ports import MachineRegistry


@dataclass(frozen=True, slots=True)
class Tending:
    """What a look at the machines of an environment came to.

    `removed` is the list of the audit branch. `unread` says why the machines could not be judged,
    or is empty; there are no verdicts then.
    """

    fleet: Fleet
    removed: RemovedList
    verdicts: tuple[Verdict, ...] = ()
    unread: str = ""

    @property
    def to_forget(self) -> tuple[Verdict, ...]:
        """The machines that a pass would delete, in order."""
        return to_forget(self.verdicts)

    @property
    def has_work(self) -> bool:
        """True where a pass has something to delete, or to find out about earlier deletions."""
        return not self.unread and bool(self.to_forget or self.removed.unsettled)

    @property
    def is_outage(self) -> bool:
        """True where so many machines look dead that a person is called (rule 45)."""
        return any(one.fate.is_alarm for one in self.verdicts)


async def tend(doors: Doors, situation: Situation, *, asked: bool = False) -> Tending | None:
    """Look at the machines of an environment; None where neither policy nor person asks for that.

    What cannot be read is told in it, and nothing is raised for it but what a refused key is.
    """
    place, state = situation.observed.environment_id, situation.space_state
    rules = situation.desired.policy.machines
    if (rules.forget is Forget.OFF and not asked) or place is None or state is None:
        return None
    registry = doors.octopus(situation.desired.space).registry()
    try:
        removed = await read_removed(doors, situation)
        fleet = await _fleet(registry, place)
    except CredentialRefused:
        raise
    except (OctopusTrouble, ManifestsInvalid) as error:
        return Tending(Fleet(None, ()), _no_list(situation), unread=error.message)
    grace = timedelta(hours=rules.grace_hours)
    sicknesses = await _note(doors, situation, fleet, grace)
    may = any(one.lasted(grace) for one in sicknesses.values())
    around = Circumstances(
        environment_id=place,
        rules=rules,
        sicknesses=sicknesses,
        busy=busy_environments(state),
        agreeing=await _agreeing(doors, situation, state) if may else frozenset(),
        removed_today=0 if fleet.at is None else removed.in_a_day(fleet.at),
        held=await held_because(doors, situation, registry),
    )
    return Tending(fleet, removed, verdicts(fleet, around))


async def _fleet(registry: MachineRegistry, place: str) -> Fleet:
    """Read the machines of an environment, and of what the lost ones among them are in too.

    What only a lost machine needs is asked for only where there is one, and not in an outage: then
    nothing is known of since when, and the count begins after it.
    """
    fleet = await registry.fleet([place])
    lost = [one for one in fleet.of(place) if one.is_lost]
    elsewhere = {each for one in lost for each in one.environments} - {place}
    if elsewhere:
        fleet = await registry.fleet([place, *elsewhere])
        lost = [one for one in fleet.of(place) if one.is_lost]
    if not lost or fleet.is_outage(place):
        return fleet
    return replace(
        fleet,
        checked=await registry.checked([one.id for one in lost]),
        cleanups=await registry.cleanups(),
    )


async def _note(
    doors: Doors, situation: Situation, fleet: Fleet, grace: timedelta
) -> dict[str, Sickness]:
    """Add this look to what earlier ones saw, durably, and return it all by machine."""
    name = situation.desired.environment.name
    observed, place = situation.observed, situation.observed.environment_id or ""
    where = (name, observed.server.installation_id, observed.space_id)
    before = await blocking(doors.journal.sicknesses, *where)
    mine = replace(fleet, targets=fleet.of(place))
    now = after_look(before, mine, grace)
    if now != before:
        await blocking(doors.journal.keep_sicknesses, *where, now)
    return {one.machine: one for one in now}


def busy_environments(state: SpaceState) -> frozenset[str]:
    """Return the environments in which a deployment or a runbook run is not finished (rule 44).

    One of which the environment is not told may be in any of them.
    """
    work = [task for task in state.active if task.project_id is not None]
    if any(task.environment_id is None for task in work):
        return state.environment_ids
    return frozenset(task.environment_id for task in work if task.environment_id is not None)


async def _agreeing(doors: Doors, situation: Situation, state: SpaceState) -> frozenset[str]:
    """Return the Octopus environments whose every manifest lets machines be forgotten.

    Both the commit's own policy and the one it is judged by count, of each manifest. While any is
    invalid, which environment it means is not known, and none agrees (rule 11).
    """
    loaded: dict[str, Mapping[str, DesiredState | Invalid]] = {}

    async def at(commit: str) -> Mapping[str, DesiredState | Invalid]:
        if commit not in loaded:
            loaded[commit] = (await load_manifests(doors, commit)).environments
        return loaded[commit]

    agreed: dict[str, bool] = {}
    space = situation.desired.space
    for name, found in (await at(situation.commit)).items():
        if not isinstance(found, DesiredState):
            return frozenset()
        if (found.space.server, found.space.octopus_space) != (space.server, space.octopus_space):
            continue
        place = environment_in(found, state)
        if place is None:
            return frozenset()
        formerly = found.environment.formerly
        before = situation.audit.state.of(name, formerly)
        then = {} if before is None else await at(before.commit)
        judged = then.get(name) or then.get(formerly)
        agrees = all(
            isinstance(one, DesiredState) and one.policy.machines.forget is Forget.DELETE
            for one in (found, judged)
        )
        agreed[place] = agreed.get(place, True) and agrees
    return frozenset(place for place, agrees in agreed.items() if agrees)


async def held_because(doors: Doors, situation: Situation, registry: MachineRegistry) -> str:
    """Return why no machine may be deleted now, whatever it is like; empty: nothing holds.

    A deletion is a change: what holds every deployment of the environment holds it too.
    """
    desired, at = situation.desired, situation.observed.read_at
    suspended = desired.environment.suspend
    windows = desired.policy.windows
    if not registry.may_change:
        return f"no credential `machines` is there for Space {desired.space.name}"
    if desired.policy.mode is Mode.OBSERVE:
        return "the policy only observes"
    if situation.held is not None or situation.accepted is None:
        return f"a person accepts first: {situation.held or 'nothing was accepted here yet'}"
    if situation.distrust is not None:
        return situation.distrust.message
    if suspended is not None and suspended.in_force(at):
        return "the environment is suspended"
    pauses = await blocking(doors.journal.pauses)
    servers = await names_of_server(doors, situation)
    pause = covering(pauses, desired.environment.name, WHOLE, servers)
    if pause is not None:
        return pause.words
    if windows is not None and not windows.verdict(doors.clock.now()).is_open:
        return f"outside of the windows of policy '{desired.policy.name}'"
    return doors.halted()


async def read_removed(doors: Doors, situation: Situation) -> RemovedList:
    """Return the list of removed machines on the fetched audit branch, under a former name too.

    Raises: ManifestsInvalid where it is damaged.
    """
    audit, name = doors.audit, situation.desired.environment.name

    def read() -> bytes | None:
        if audit is None:
            return None
        each = (audit.read(removed_path(one)) for one in (name, *situation.formers))
        return next((content for content in each if content is not None), None)

    return list_of(doors, _no_list(situation), await blocking(read))


def list_of(doors: Doors, mine: RemovedList, content: bytes | None) -> RemovedList:
    """Return the list that a file holds; `mine` where there is none, or of another space.

    Raises: ManifestsInvalid where it is damaged.
    """
    found = mine if content is None else doors.read_removed(content)
    is_here = (found.server, found.space) == (mine.server, mine.space)
    return replace(found, environment=mine.environment) if is_here else mine


def _no_list(situation: Situation) -> RemovedList:
    observed = situation.observed
    name = situation.desired.environment.name
    return RemovedList(name, observed.server.installation_id, observed.space_id)
