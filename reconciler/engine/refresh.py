"""Refresh: releases whose variables changed, found before planning and frozen anew before a launch.

A refresh changes a release, so it is promised durably before its request, asked for once, and read
back; after a lost answer the release itself tells what became of it (rules 13 to 15).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.core.cell import Config, Settled
from reconciler.core.expand import cell_pins
from reconciler.core.gate import Gate
from reconciler.core.plan import Reason, make_plan
from reconciler.core.refresh import Refresh, Stage, config_of, frozen
from reconciler.core.snapshot import line_of
from reconciler.core.text import clean
from reconciler.engine.doors import blocking, side_by_side
from reconciler.engine.events import Said
from reconciler.engine.launch import Absent, Aged, Closed, ClosedNow, Refused, Unknown, settle
from reconciler.engine.prompts import foresee
from reconciler.errors import (
    CredentialRefused,
    LeaseLost,
    NotAllowed,
    OctopusTrouble,
    OutcomeUnknown,
    RateLimited,
    RemoteRejected,
    Unreachable,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action, Plan
    from reconciler.core.state import ReleaseDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.keeper import LeaseKeeper
    from reconciler.engine.launch import Result
    from reconciler.engine.planning import Planned
    from reconciler.engine.prompts import Form
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus


async def with_config(
    doors: Doors, octopus: Octopus, situation: Situation, plan: Plan
) -> tuple[Situation, Plan]:
    """Return the plan with the variables looked at of cells in sync whose pin asks for fresh ones.

    Two requests for each release at most, the first of them for a hundred releases together.
    """
    desired, observed = situation.desired, situation.observed
    pins = cell_pins(desired, observed)
    asking = {
        action.cell: cell.sighting
        for action in plan.actions
        if action.reason is Reason.IN_SYNC and pins[action.cell].refresh
        for cell in [observed.cells[action.cell]]
        if isinstance(cell.sighting, Settled)
    }
    if not asking or situation.space_state is None:
        return situation, plan
    refreshes = await blocking(doors.journal.refreshes, plan.environment)
    lines = {} if situation.audit.snapshot is None else situation.audit.snapshot.cells
    turn = asyncio.Semaphore(doors.pace.preflight_at_once)
    seen: dict[str, tuple[ReleaseDetail | None, bool] | str] = {}

    async def look(release_id: str) -> None:
        async with turn:
            try:
                release = await octopus.release(release_id)
                seen[release_id] = release, await octopus.variables_modified(release_id)
            except OctopusTrouble as error:
                seen[release_id] = error.message

    def told(name: CellKey, sighting: Settled) -> Config | None:
        match seen[sighting.release_id]:
            case (None, _):
                return Config(is_changed=False, note="its release is gone: nothing tells")
            case (release, is_modified):
                deployment = sighting.deployment_id
                line = line_of(lines, observed.cells[name])
                return config_of(line, deployment, release, refreshes, is_modified=is_modified)
            case why:
                return Config(is_changed=False, note=f"not known whether variables changed: {why}")

    await side_by_side(look(one) for one in {each.release_id for each in asking.values()})
    cells = dict(observed.cells)
    for name, sighting in asking.items():
        cells[name] = replace(cells[name], config=told(name, sighting))
    observed = replace(observed, cells=cells)
    plan = make_plan(desired, observed, situation.commit)
    return replace(situation, observed=observed), plan


@dataclass(slots=True)
class Refreshing:
    """The refreshes of one pass, one after the other for each release."""

    doors: Doors
    octopus: Octopus
    keeper: LeaseKeeper
    planned: Planned
    _turns: dict[str, asyncio.Lock] = field(default_factory=dict)

    async def prepare(
        self,
        action: Action,
        situation: Situation,
        before: Callable[[], Awaitable[None]],
        left: float,
    ) -> Form | Result:
        """Refresh the release of a change where its variables are others today.

        Returns the values to deploy with, as the refreshed release asks for them, or why nothing
        may be deployed. `left`, `before`: as for a deployment.

        Raises: LeaseLost, CredentialRefused.
        """
        release = self.planned.releases[action.cell]
        begun = self.doors.clock.monotonic()
        async with self._turns.setdefault(release.id, asyncio.Lock()):
            try:
                now = await self.octopus.release(release.id)
                if now is None:
                    return Refused(f"release {clean(release.version, 60)} is gone")
                if not await self.octopus.variables_modified(release.id, afresh=True):
                    return self.planned.forms.get(action.cell, ())
            except CredentialRefused:
                raise
            except OctopusTrouble as error:
                return Refused(error.message)
            left -= self.doors.clock.monotonic() - begun
            if left <= 0:
                return Aged("reading the release took too long")
            stopped = await self._refresh(self._promise(now), before, left)
        if stopped is not None:
            return stopped
        version = clean(release.version, 60)
        self.doors.tell(Said(f"refreshed the variables of {action.component} {version}"))
        try:
            look = self.doors.value
            found = await foresee(self.octopus, look, situation, action, release)
        except CredentialRefused:
            raise
        except OctopusTrouble as error:
            return Refused(error.message)
        return Refused(found.message) if isinstance(found, Gate) else found.form

    def _promise(self, release: ReleaseDetail) -> Refresh:
        plan, observed = self.planned.plan, self.planned.situation.observed
        return Refresh(
            environment=plan.environment,
            server=observed.server.installation_id,
            space=observed.space_id,
            release=release.id,
            before=frozen(release),
            commit=plan.commit,
            plan_digest=plan.digest,
            promised_at=self.doors.clock.now(),
        )

    async def _refresh(
        self, refresh: Refresh, before: Callable[[], Awaitable[None]], left: float
    ) -> Result | None:
        """Promise, ask once and read back; None: it is done."""
        journal, fence = self.doors.journal, self.keeper.fence
        void = replace(refresh, stage=Stage.VOID)
        await blocking(journal.promise_refresh, refresh, fence)
        try:
            await self.keeper.check()
            await self.octopus.refresh_variables(refresh.release, left, before)
        except (LeaseLost, CredentialRefused):
            await blocking(journal.settle_refresh, void, fence)
            raise
        except ClosedNow as closed:
            await blocking(journal.settle_refresh, void, fence)
            return Closed(closed.gate)
        except (RemoteRejected, NotAllowed, RateLimited, Unreachable) as error:
            await blocking(journal.settle_refresh, void, fence)
            return Refused(error.message)
        except OutcomeUnknown as error:
            return await resolve_refresh(
                self.doors, self.octopus, self.keeper, refresh, error.message
            )
        try:
            await _read_back(self.doors, self.octopus, self.keeper, refresh)
        except OctopusTrouble as error:
            return Unknown(f"its variables were refreshed and not read back: {error.message}")
        return None


async def recover_refreshes(doors: Doors, keeper: LeaseKeeper, situation: Situation) -> None:
    """Find out what became of the refreshes that an interrupted pass had promised.

    Raises: OutcomeUnknown where a release cannot be read.
    """
    here = (situation.observed.server.installation_id, situation.observed.space_id)
    for refresh in await blocking(doors.journal.refreshes, situation.desired.environment.name):
        if refresh.stage is not Stage.PROMISED or (refresh.server, refresh.space) != here:
            continue
        octopus = doors.octopus(situation.desired.space)
        result = await resolve_refresh(doors, octopus, keeper, refresh, "the pass was interrupted")
        if isinstance(result, Unknown):
            raise OutcomeUnknown(
                f"refreshing {clean(refresh.release, 60)}: {result.why}; nothing new was started",
                hint="run apply again when Octopus answers",
            )


async def resolve_refresh(
    doors: Doors, octopus: Octopus, keeper: LeaseKeeper, refresh: Refresh, why: str
) -> Result | None:
    """Find out by the release itself whether a refresh took effect; None: it did."""
    for last in (False, True):
        try:
            if await _read_back(doors, octopus, keeper, refresh, only_if_changed=True):
                return None
        except OctopusTrouble as error:
            return Unknown(f"{why}; the release could not be read: {error.message}")
        if not last:
            await settle(doors, keeper, refresh.promised_at)
    await blocking(doors.journal.settle_refresh, replace(refresh, stage=Stage.VOID), keeper.fence)
    return Absent(why)


async def _read_back(
    doors: Doors,
    octopus: Octopus,
    keeper: LeaseKeeper,
    refresh: Refresh,
    *,
    only_if_changed: bool = False,
) -> bool:
    """Note what a release froze in the end; tell whether that was noted."""
    release = await octopus.release(refresh.release)
    after = "" if release is None else frozen(release)
    differs = release is not None and await octopus.variables_modified(release.id, afresh=True)
    if only_if_changed and release is not None and after == refresh.before and differs:
        return False
    done = replace(refresh, stage=Stage.DONE, after=after, differs=differs)
    await blocking(doors.journal.settle_refresh, done, keeper.fence)
    return True
