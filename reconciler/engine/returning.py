"""Machines by command: shown with what becomes of them, and registered again by a person (rule 29).

A return is a change of Octopus like a removal: it is noted here and recorded on the audit branch
before it is asked for, under the lease, and asked for once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.act import ActVerb
from reconciler.core.removed import Removed, RemovedList, Stage, removed_path
from reconciler.core.text import clean
from reconciler.engine.doors import shared_audit
from reconciler.engine.person import act_of, noted, see_same_space, whose
from reconciler.engine.run import take_lease
from reconciler.engine.survey import survey
from reconciler.engine.tending import list_of, read_removed, tend
from reconciler.errors import GateClosed, OctopusTrouble, OutcomeUnknown, UsageError
from reconciler.ports import AuditChange

if TYPE_CHECKING:
    from reconciler.core.act import Act
    from reconciler.core.fleet import Target
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.person import Someone
    from reconciler.engine.survey import Situation
    from reconciler.engine.tending import Tending
    from reconciler.ports import MachineRegistry, OctopusPerson


@dataclass(frozen=True, slots=True)
class Machines:
    """The machines of an environment as `tend` judges them; `place` is its id in Octopus."""

    place: str
    tending: Tending


async def list_machines(doors: Doors, name: str) -> Machines:
    """Look at the machines of an environment, whatever its policy says. Changes nothing.

    Raises: everything `survey` raises; GateClosed where the environment cannot be found.
    """
    situation = await survey(doors, name)
    tending = await tend(doors, situation, asked=True)
    if tending is None or situation.observed.environment_id is None:
        raise GateClosed(
            f"the machines of {clean(name)} cannot be read: Octopus does not show the environment",
            hint=f"`reconciler plan {clean(name)}` tells why",
        )
    return Machines(situation.observed.environment_id, tending)


async def restore_machine(doors: Doors, who: Someone, name: str, wanted: str) -> Removed:
    """Let a person register a removed machine again, with what was recorded of it.

    `wanted` is its name or id. Returns the machine with the id it has now.

    Raises: everything `survey` raises; UsageError (no such removed machine); GateClosed (it is
    there, or not known to be gone); LeaseHeld; NotAllowed, RemoteRejected and their kin: nothing
    was registered; OutcomeUnknown.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name)
        listed = await read_removed(doors, situation)
        one = _meant(listed, name, wanted)
        async with who.open(situation.desired.space) as person:
            act = await _act(doors, who, person, situation, one)
            registry = person.registry()
            there = await _twin(registry, one)
            if there is not None and not _is_it(there, one):
                raise GateClosed(
                    f"{there.name} is registered already, as {there.id}; nothing was changed",
                    hint="rename or delete that one in Octopus first, if it is another machine",
                )
            keeper = await take_lease(doors, audit, name)
            try:
                work = _Return(doors, keeper, situation, registry, listed)
                async with noted(doors, act):
                    return await work.run(replace(one, who=act.name), there)
            finally:
                await keeper.release()


@dataclass(frozen=True, slots=True)
class _Return:
    """The return of one machine under the lease of its environment."""

    doors: Doors
    keeper: LeaseKeeper
    situation: Situation
    registry: MachineRegistry
    listed: RemovedList

    async def run(self, one: Removed, there: Target | None) -> Removed:
        """Record it, ask for it, and record what became of it."""
        if there is not None:  # an earlier request of ours, whose answer was lost
            return await self._returned(one, there.id)
        before, one = replace(one, who=""), replace(one, stage=Stage.RETURNING)
        await self._publish(one, "asked for again")
        await self.keeper.check()
        try:
            made = await self.registry.register(one.machine)
        except OutcomeUnknown:
            found = await _twin(self.registry, one)
            if found is None or not _is_it(found, one):
                raise
            made = found.id
        except OctopusTrouble:
            await self._publish(before, "not registered again")
            raise
        return await self._returned(one, made)

    async def _returned(self, one: Removed, machine_id: str) -> Removed:
        done = replace(one, stage=Stage.RETURNED, became=machine_id)
        await self._publish(done, "registered again")
        return done

    async def _publish(self, one: Removed, what: str) -> None:
        doors, situation = self.doors, self.situation
        name = situation.desired.environment.name

        def write(old: bytes | None) -> bytes | None:
            return doors.write_removed(list_of(doors, self.listed, old).with_one(one))

        change = AuditChange(
            subject=f"{name}: machine {clean(one.machine.name, 80)} {what}",
            body=f"{clean(one.machine.id)}, by {clean(one.who)}" if one.who else "",
            trailers=(("Reconciler-Environment", name), ("Manifest-Commit", situation.commit)),
            records={},
            edits={removed_path(name): write},
        )
        await self.keeper.publish(change)


def _meant(listed: RemovedList, name: str, wanted: str) -> Removed:
    """Return the removed machine that words mean. Raises: UsageError, GateClosed."""
    found = listed.find(wanted)
    gone = [one for one in found if one.stage in {Stage.REMOVED, Stage.RETURNING}]
    if len(gone) > 1:
        ids = ", ".join(clean(one.machine.id, 60) for one in gone[:5])
        raise UsageError(
            f"{len(gone)} removed machines are called {clean(wanted, 80)}; nothing was changed",
            hint=f"name one by its id: {ids}",
        )
    if gone:
        return gone[0]
    if found and found[0].stage is Stage.ASKED:
        raise GateClosed(
            f"whether {clean(wanted, 80)} was removed is not known yet; nothing was changed",
            hint=f"the next pass finds out: `reconciler apply {clean(name)}`",
        )
    if found:
        raise GateClosed(
            f"{clean(wanted, 80)} was registered again as {clean(found[0].became, 60)}; nothing "
            "was changed",
            hint=f"`reconciler machines list {clean(name)}`",
        )
    raise UsageError(
        f"no removed machine of {clean(name)} is called {clean(wanted, 80)}; nothing was changed",
        hint=f"`reconciler machines list {clean(name)}` shows those that were removed",
    )


async def _twin(registry: MachineRegistry, one: Removed) -> Target | None:
    """Return the machine that has the name of a removed one now, None where there is none."""
    found = await registry.named(one.machine.name)
    return found[0] if found else None


def _is_it(there: Target, one: Removed) -> bool:
    """Tell whether a machine is what an earlier request for a return has registered."""
    return one.stage is Stage.RETURNING and there.thumbprint == one.machine.thumbprint


async def _act(
    doors: Doors, who: Someone, person: OctopusPerson, situation: Situation, one: Removed
) -> Act:
    """Return the record of the return, once it is known whose key asks, and where."""
    observed, name = situation.observed, situation.desired.environment.name
    place = (observed.server.installation_id, observed.space_id)
    await see_same_space(person, place, "nothing was changed")
    me, machine = await whose(person), one.machine
    verb, detail = ActVerb.RESTORE, clean(machine.name, 200)
    return act_of(doors, who, me, place, name, verb, machine.id, detail)
