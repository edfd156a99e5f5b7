"""Forget: lost machines are recorded, then deleted, one by one (rules 44 to 46).

The record on the audit branch is the promise: pushed under the lease before Octopus is asked, it
has what registers the machine again. What became of a request that was lost, Octopus tells: a
machine is there or it is not, and its id never comes back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.removed import Removed, Stage, removed_path
from reconciler.core.text import clean
from reconciler.engine.events import Said
from reconciler.engine.survey import survey
from reconciler.engine.tending import held_because, list_of, tend
from reconciler.errors import (
    GitTrouble,
    ManifestsInvalid,
    OctopusTrouble,
    OutcomeUnknown,
    RemoteRejected,
)
from reconciler.ports import AuditChange

if TYPE_CHECKING:
    from reconciler.core.removed import RemovedList
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.survey import Situation
    from reconciler.engine.tending import Tending
    from reconciler.ports import MachineRegistry

GONE = 404


class Held(Exception):
    """Not a failure but an answer on its way up: something holds, and nothing was sent."""


async def forget_machines(doors: Doors, keeper: LeaseKeeper, name: str, commit: str) -> int:
    """Delete what may be forgotten in an environment, as it is now; return how many are gone.

    Raises: LeaseLost, StoreTrouble, and everything `survey` raises. What was recorded and is not
    finished, the next pass finds out about.
    """
    situation = await survey(doors, name, commit=commit)
    tending = await tend(doors, situation)
    if tending is None or not tending.has_work:
        return 0
    registry = doors.octopus(situation.desired.space).registry()
    return await Forgetting(doors, keeper, situation, registry, tending.removed).run(tending)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The deletions of one pass over one environment.

    `removed` is the list as it was read. `gone` and `there` are the ids of recorded machines of
    which Octopus has told whether they are there still; of the others, the next pass finds out.
    """

    doors: Doors
    keeper: LeaseKeeper
    situation: Situation
    registry: MachineRegistry
    removed: RemovedList
    gone: set[str] = field(default_factory=set)
    there: set[str] = field(default_factory=set)

    async def run(self, tending: Tending) -> int:
        """Find out what became of earlier deletions, then record new ones and ask for them."""
        try:
            await self._find_out(tending)
            chosen = await self._chosen(tending)
        except OctopusTrouble as error:
            self._say(f"no machine was forgotten: {error.message}")
            return 0
        if not await self._publish(chosen, "machines to forget"):
            return 0
        self.gone.clear()  # what is recorded now speaks of the new requests alone
        self.there.clear()
        for number, one in enumerate(chosen):
            try:
                await self._forget(one)
            except Held as held:
                self._say(f"no further machine is forgotten: {held}")
                self.there.update(each.machine.id for each in chosen[number:])
                break
        if chosen:
            await self._publish((), "machines forgotten")
        return len(self.gone)

    async def _find_out(self, tending: Tending) -> None:
        """Ask what became of deletions that were recorded earlier, once a lost request is over."""
        for one in tending.removed.unsettled:
            now = tending.fleet.at
            if now is None or (now - one.at).total_seconds() < self.doors.pace.lost:
                continue
            found = await self.registry.whole(one.machine.id)
            (self.gone if found is None else self.there).add(one.machine.id)

    async def _chosen(self, tending: Tending) -> tuple[Removed, ...]:
        """Return the machines to forget with what each is registered with."""
        at = tending.fleet.at
        if at is None:
            return ()
        return tuple(
            [
                Removed(
                    machine=found[1],
                    stage=Stage.ASKED,
                    lost_since=verdict.sickness.since.replace(microsecond=0),
                    at=at.replace(microsecond=0),
                    commit=self.situation.commit,
                )
                for verdict in tending.to_forget
                if verdict.sickness is not None
                and (found := await self.registry.whole(verdict.target.id)) is not None
                and found[0] == verdict.target
            ]
        )

    async def _forget(self, one: Removed) -> None:
        """Ask for one deletion, if everything is still so; note what Octopus told of it.

        Raises: Held, and nothing was sent; LeaseLost.
        """
        machine, doors = one.machine, self.doors
        began = doors.clock.monotonic()
        try:
            why = await self._differs(one)
        except OctopusTrouble as error:
            raise Held(error.message) from error
        if why:
            self._say(f"{clean(machine.name)} was not forgotten: {why}")
            self.there.add(machine.id)
            return
        await self.keeper.check()
        left = doors.pace.fresh - (doors.clock.monotonic() - began)
        try:
            await self.registry.remove(machine.id, left, self._see_open)
        except RemoteRejected as error:
            if error.status != GONE:
                self._say(f"{clean(machine.name)} was not forgotten: {error.message}")
                self.there.add(machine.id)
                return
        except OutcomeUnknown as error:
            await self._resolve(one, error.message)
            return
        except OctopusTrouble as error:  # nothing happened, and nothing else will fare better
            raise Held(error.message) from error
        self._is_gone(one)

    async def _differs(self, one: Removed) -> str:
        """Return what is not as it was when the deletion was recorded (rule 15), or nothing."""
        machine = one.machine
        fleet = await self.registry.fleet(machine.environments)
        now = next((each for each in fleet.targets if each.id == machine.id), None)
        if now is None or now.thumbprint != machine.thumbprint:
            return "it is not the machine any more that was looked at"
        if set(now.environments) != set(machine.environments):
            return "it was moved to other environments"
        if not now.is_lost:
            return "it is not lost any more"
        if not fleet.is_whole or any(map(fleet.is_outage, machine.environments)):
            return "so many machines look dead now that it may be an outage"
        if now.is_busy or await self.registry.is_worked_on(machine.id):
            return "a task is working on it"
        return ""

    async def _see_open(self) -> None:
        """Return if nothing holds, by a last look at pauses and windows. Raises: Held."""
        held = await held_because(self.doors, self.situation, self.registry)
        if held:
            raise Held(held)

    async def _resolve(self, one: Removed, why: str) -> None:
        """Find out what a request did whose answer was lost; the lease is kept meanwhile."""
        clock, pace = self.doors.clock, self.doors.pace
        until = clock.monotonic() + max(pace.lost, pace.settling)
        while True:
            try:
                found = await self.registry.whole(one.machine.id)
            except OctopusTrouble as error:
                self._say(f"{why}; {error.message}; the next pass finds out")
                return
            if found is None:
                self._is_gone(one)
                return
            left = until - clock.monotonic()
            if left <= 0:
                self._say(f"{clean(one.machine.name)} was not forgotten: {why}")
                self.there.add(one.machine.id)
                return
            await self.keeper.tend()
            await clock.sleep(min(left, pace.poll))

    def _is_gone(self, one: Removed) -> None:
        name, place = clean(one.machine.name), self.situation.desired.environment.name
        self.gone.add(one.machine.id)
        self._say(
            f"forgotten: machine {name}, which nothing reached since {one.lost_since:%Y-%m-%d}; "
            f"`reconciler machines restore {place} {one.machine.id}` registers it again"
        )

    async def _publish(self, new: tuple[Removed, ...], what: str) -> bool:
        """Write the list with new machines and with what Octopus told; False: it is not there.

        Nothing is pushed where that changes nothing. Raises: LeaseLost.
        """
        doors, situation = self.doors, self.situation
        name = situation.desired.environment.name

        def write(old: bytes | None) -> bytes | None:
            listed = list_of(doors, self.removed, old)
            changed = listed.told(self.gone, self.there).asked(new)
            return old if changed == listed else doors.write_removed(changed)

        change = AuditChange(
            subject=f"{name}: {what}",
            body="\n".join(f"{one.machine.id} {clean(one.machine.name)}" for one in new),
            trailers=(
                ("Reconciler-Environment", name),
                ("Manifest-Commit", situation.commit),
            ),
            records={},
            edits={removed_path(name): write},
        )
        try:
            await self.keeper.publish(change)
        except (GitTrouble, ManifestsInvalid) as error:
            self._say(f"the list of removed machines was not written: {error.message}")
            return False
        return True

    def _say(self, text: str) -> None:
        self.doors.tell(Said(text))
