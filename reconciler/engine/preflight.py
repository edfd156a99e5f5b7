"""Preflight: what Octopus says of each change before it is asked for, and of nothing else.

At most three requests for each cell to change, a few at once: its release, where that may go, and
how its deployment would be. A release that was seen before is read again with a hundred others in
one request, and then its packages are asked for too; one that was never seen was made with them
just now, and is looked at by the next judgement, of which every pass makes two before a request.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.core.gate import Gate, GateName
from reconciler.core.text import clean
from reconciler.engine.doors import side_by_side
from reconciler.engine.prompts import foresee
from reconciler.errors import CredentialRefused, NotAllowed, RemoteRejected

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action, Plan
    from reconciler.core.state import ReleaseDetail
    from reconciler.engine.doors import Doors
    from reconciler.engine.prompts import Form
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

_ANSWERS = "Octopus answers the question"


@dataclass(slots=True)
class Preflight:
    """The questions about the changes of one plan, and what came of them.

    `thorough`: packages are asked for of every release, for a request more.
    """

    doors: Doors
    octopus: Octopus
    situation: Situation
    denied: Collection[CellKey]
    thorough: bool = False
    gates: list[Gate] = field(default_factory=list)
    releases: dict[CellKey, ReleaseDetail] = field(default_factory=dict)
    forms: dict[CellKey, Form] = field(default_factory=dict)
    machines: dict[CellKey, Mapping[str, str]] = field(default_factory=dict)
    unasked: list[str] = field(default_factory=list)

    async def ask(self, plan: Plan) -> None:
        """Ask about each change. Octopus does not say where a release may go whom it denies."""
        if self.situation.space_state is None:
            return
        wanted = {key for action in plan.changes if (key := self._key(action)) is not None}
        seen = await self.octopus.known_releases(wanted)
        turn = asyncio.Semaphore(self.doors.pace.preflight_at_once)

        async def check(action: Action) -> None:
            async with turn:
                gate = await self._check(action, seen)
            if gate is not None:
                self.gates.append(gate)

        await side_by_side(check(action) for action in plan.changes)
        await self._channels(plan)

    async def _check(
        self, action: Action, seen: Mapping[tuple[str, str], ReleaseDetail]
    ) -> Gate | None:
        """Return the first gate that is closed before one change."""
        key = self._key(action)
        release = None if key is None else seen.get(key)
        was_seen = release is not None
        if release is None and key is not None:
            release = await self.octopus.find_release(*key)
        if release is None:
            return self._missing(action)
        self.releases[action.cell] = release
        if action.cell in self.denied:
            return None
        gate = await self._lifecycle(action, release)
        if gate is None and (was_seen or self.thorough) and release.packages:
            gate = await self._packages(action, release)
        if gate is not None:
            return gate
        found = await foresee(self.octopus, self.doors.value, self.situation, action, release)
        if isinstance(found, Gate):
            return found
        self.forms[action.cell] = found.form
        self.machines[action.cell] = found.machines
        self.unasked += found.unasked
        return None

    def _key(self, action: Action) -> tuple[str, str] | None:
        project = self.situation.observed.cells[action.cell].project
        version = action.to_version
        return None if project is None or version is None else (project.id, version)

    def _missing(self, action: Action) -> Gate:
        project = self.situation.observed.cells[action.cell].project
        where = "" if project is None else f" in project '{clean(project.name)}'"
        return Gate(
            action.cell,
            GateName.RELEASE_MISSING,
            f"there is no release {clean(action.to_version or '', 60)}{where}",
            "the release is created in Octopus, or a commit pins one that exists",
        )

    async def _lifecycle(self, action: Action, release: ReleaseDetail) -> Gate | None:
        observed, version = self.situation.observed, clean(release.version, 60)
        tenant_id = observed.cells[action.cell].tenant_id
        try:
            allowed = await self.octopus.promotable(release.id, tenant_id)
            if observed.environment_id in allowed:
                return None
            defect = await self.octopus.defect(release.id)
        except RemoteRejected as error:
            return Gate(action.cell, GateName.LIFECYCLE, error.message, _ANSWERS)
        except CredentialRefused:
            raise
        except NotAllowed as error:
            opener = "an administrator grants it"
            return Gate(action.cell, GateName.PERMISSION, error.message, opener)
        if defect is not None:
            return Gate(
                action.cell,
                GateName.RELEASE_BLOCKED,
                f"somebody blocked release {version} with a defect: {defect}",
                "a person resolves the defect in Octopus, or a commit pins another version",
            )
        environment = clean(self.situation.desired.environment.octopus_environment, 60)
        return Gate(
            action.cell,
            GateName.LIFECYCLE,
            f"the lifecycle does not let {version} go to {environment} now",
            "the release succeeds in the phases before, or its channel's lifecycle is changed",
        )

    async def _packages(self, action: Action, release: ReleaseDetail) -> Gate | None:
        try:
            missing = await self.octopus.missing_packages(release.id)
        except CredentialRefused:
            raise
        except (NotAllowed, RemoteRejected) as error:
            return Gate(action.cell, GateName.PACKAGE_MISSING, error.message, _ANSWERS)
        if not missing:
            return None
        some = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        return Gate(
            action.cell,
            GateName.PACKAGE_MISSING,
            f"the built-in feed does not have {some} any more",
            "the package is pushed again, or a commit pins another version",
        )

    async def _channels(self, plan: Plan) -> None:
        """Close where a release is of a channel that its component is not deployed from."""
        components = self.situation.desired.stack.components
        limited = [
            action
            for action in plan.changes
            if action.cell in self.releases and components[action.component].channels
        ]
        if not limited:
            return
        ids = {self.releases[action.cell].channel_id for action in limited}
        names = await self.octopus.channel_names(ids)
        for action in limited:
            release, allowed = self.releases[action.cell], components[action.component].channels
            name = names.get(release.channel_id, release.channel_id)
            wanted = {each.casefold() for each in allowed}
            if name.casefold() in wanted or release.channel_id.casefold() in wanted:
                continue
            self.gates.append(
                Gate(
                    action.cell,
                    GateName.CHANNEL,
                    f"release {clean(release.version, 60)} is of channel '{clean(name, 60)}', and "
                    f"the stack names {clean(', '.join(allowed), 120)}",
                    "a commit pins a release of such a channel, or names this one in the stack",
                )
            )
