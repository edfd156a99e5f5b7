"""One space as `doctor` sees it: its server, its keys, and each environment in it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.deployers import who_else
from reconciler.core.diagnosis import (
    deployer_finding,
    failure,
    key_findings,
    platform_finding,
    retention_finding,
    server_findings,
)
from reconciler.core.keeping import shortest_keeping, waiting_releases
from reconciler.core.policy import Forget, Mode, Start
from reconciler.core.role import Square, Use
from reconciler.core.sighting import observe
from reconciler.core.text import clean
from reconciler.errors import CredentialRefused, OctopusTrouble, ReconcilerError, Unreachable
from reconciler.ports import Known

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

    from reconciler.core.checkup import KeySeen
    from reconciler.core.manifest import DesiredState, ManifestSet, Space
    from reconciler.core.sighting import ObservedState
    from reconciler.core.state import SpaceState
    from reconciler.ports import (
        AuditBranch,
        Clock,
        ManifestReader,
        Octopus,
        OctopusCheckup,
        Repository,
        Signatures,
    )

T = TypeVar("T")

LAST_PLATFORMS = 3
"""Platform versions of a space whose releases are asked for: the last ones by name."""


@dataclass(frozen=True, slots=True)
class Premises:
    """What is looked at. Doors that may fail to open are opened here: then that is a finding.

    `patience` is how many seconds one part is given. `signatures` is None where commits need none.
    """

    clock: Clock
    repository: Callable[[], Repository]
    audit: Callable[[], AuditBranch]
    manifests: ManifestReader
    octopus: Callable[[Space], Octopus]
    patience: float
    signatures: Callable[[], Signatures] | None = None


class Visit:
    """One space, looked at with its own keys."""

    def __init__(
        self,
        premises: Premises,
        environments: Sequence[DesiredState],
        manifests: ManifestSet,
        *,
        asks_server: bool,
    ) -> None:
        self._premises = premises
        self._environments = environments
        self._manifests = manifests
        self._asks_server = asks_server
        self._space = environments[0].space
        self._about = f"space {self._space.name}"
        self._is_away = False
        self._told: list[Finding] = []

    async def findings(self) -> list[Finding]:
        """Look at the server, the keys, and each environment, as far as each can be read."""
        self._encryption()
        try:
            octopus = self._premises.octopus(self._space)
        except ReconcilerError as error:
            return [*self._told, failure(Check.KEY, self._about, error)]
        checkup = octopus.checkup()
        if self._asks_server:
            about = f"server {clean(self._space.server, 120)}"
            server = await self._part(Check.SERVER, about, checkup.server)
            if server is not None:
                self._told += server_findings(about, server)
        # before the look: a 403 there would silence the key
        observer = await self._part(Check.KEY, self._about, partial(checkup.key, Use.OBSERVE))
        deployer = await self._deployer(checkup)
        machinist = await self._machinist(checkup)
        tenants = any(one.environment.tenants for one in self._environments)
        identity = await self._part(Check.KEY, self._about, octopus.identity)
        state = await self._part(
            Check.KEY, self._about, partial(octopus.look, Known({}, {}), tenants=tenants)
        )
        seen = [] if state is None else [(e, observe(e, state, None)) for e in self._environments]
        cells = tuple(_cells(seen))
        keys = ((Use.OBSERVE, observer), (Use.DEPLOY, deployer), (Use.MACHINES, machinist))
        for use, key in keys:
            if key is not None:
                self._told += key_findings(
                    self._about,
                    use,
                    self._where(use),
                    key,
                    identity[1] if identity else None,
                    cells,
                    self._premises.clock.now(),
                    approvals=self._approves(),
                    runbooks=any(one.stack.runs_runbooks for one in self._environments),
                )
        if state is not None:
            await self._environments_of(octopus, state, seen)
        return list(dict.fromkeys(self._told))

    async def _deployer(self, checkup: OctopusCheckup) -> KeySeen | None:
        """Look at the deploy key; tell where there is none."""
        if self._space.deploy is None:
            self._told.append(self._no_deploying())
            return None
        told = len(self._told)
        found = await self._part(Check.KEY, self._about, partial(checkup.key, Use.DEPLOY))
        if found is None and len(self._told) == told and not self._is_away:
            self._told.append(self._no_key())
        return found

    async def _machinist(self, checkup: OctopusCheckup) -> KeySeen | None:
        """Look at the key for machines; tell where there is none, and a policy wants one."""
        if self._space.machines is not None:
            told = len(self._told)
            found = await self._part(Check.KEY, self._about, partial(checkup.key, Use.MACHINES))
            if found is not None or len(self._told) > told or self._is_away:
                return found
        if any(one.policy.machines.forget is Forget.DELETE for one in self._environments):
            where = self._where(Use.MACHINES)
            self._told.append(
                Finding(
                    Check.KEY,
                    self._about,
                    Verdict.WARNING,
                    f"policies forget machines, and there is no machines key ({where}): they are "
                    "only told",
                    f"name one as `machines` in Space {self._space.name} and put it there",
                )
            )
        return None

    def _where(self, use: Use) -> str:
        sources = {
            Use.OBSERVE: self._space.observe,
            Use.DEPLOY: self._space.deploy,
            Use.MACHINES: self._space.machines,
        }
        source = sources[use]
        if source is None:
            return "nowhere"
        return f"variable {source.env}" if source.env else f"file {source.file}"

    def _encryption(self) -> None:
        if self._space.server.startswith("https:") or _is_here(self._space.server):
            return
        says = f"keys travel to {clean(self._space.server, 120)} without encryption"
        to_do = "write its https address into the Space manifest"
        self._told.append(Finding(Check.KEY, self._about, Verdict.WARNING, says, to_do))

    def _no_key(self) -> Finding:
        where = self._where(Use.DEPLOY)
        verdict = Verdict.FAILED if self._deploys() else Verdict.WARNING
        says = f"the deploy key ({where}) is not set"
        return Finding(Check.KEY, self._about, verdict, says, f"put it there: {where}")

    def _deploys(self) -> bool:
        return any(one.policy.mode is not Mode.OBSERVE for one in self._environments)

    def _approves(self) -> bool:
        """Tell whether a plan may need an approval as a matter of course."""
        policies = [one.policy for one in self._environments]
        return any(
            one.mode is not Mode.OBSERVE
            and (one.protected or one.approvals.required > 0 or one.start is Start.MANUAL)
            for one in policies
        )

    def _no_deploying(self) -> Finding:
        if not self._deploys():
            says = "no deploy key is named, and every policy only observes"
            return Finding(Check.KEY, self._about, Verdict.OK, says)
        return Finding(
            Check.KEY,
            self._about,
            Verdict.FAILED,
            "no deploy key is named, and there are policies that apply",
            f"name where it is as `deploy` in Space {self._space.name} ({self._space.place})",
        )

    async def _environments_of(
        self,
        octopus: Octopus,
        state: SpaceState,
        observed: Sequence[tuple[DesiredState, ObservedState]],
    ) -> None:
        automation = await self._part(
            Check.DEPLOYERS, self._about, partial(octopus.automation, state)
        )
        keeping = await self._part(Check.RETENTION, self._about, octopus.checkup().keeping)
        by_id = {one.lifecycle: one for one in keeping or ()}
        follows = partial(shortest_keeping, automation, by_id)
        current = {(item.project_id, item.version) for item in state.items}
        for desired, seen in observed:
            about = f"environment {desired.environment.name}"
            if seen.environment_id is None:
                says = (
                    f"Octopus shows no one environment '{desired.environment.octopus_environment}'"
                )
                to_do = f"mend the name at {desired.environment.place}"
                self._told.append(
                    Finding(Check.MANIFESTS, about, Verdict.FAILED, clean(says), to_do)
                )
                continue
            if automation is not None:
                others = who_else(seen, state, automation)
                named = desired.environment.also_deployed_by
                self._told.append(deployer_finding(about, others, named))
            if keeping is not None:
                waiting = dict(waiting_releases(desired, seen, current, follows))
                self._told.append(retention_finding(about, waiting))
        await self._platforms(octopus, state)

    async def _platforms(self, octopus: Octopus, state: SpaceState) -> None:
        stacks = {one.stack.name for one in self._environments}
        ours = [one for one in self._manifests.platforms.values() if one.stack in stacks]
        for platform in sorted(ours, key=lambda one: one.name)[-LAST_PLATFORMS:]:
            names = (self._space.name, state.space_id, state.space_name)
            ids = {
                captured.release: name
                for name, captured in platform.components.items()
                if captured.release is not None and captured.space in names
            }
            if not ids or (
                platform.source and platform.source.server != state.server.installation_id
            ):
                continue
            there = await self._part(
                Check.RETENTION, self._about, partial(octopus.checkup().still_there, tuple(ids))
            )
            if there is not None:
                gone = [name for release, name in ids.items() if release not in there]
                self._told.append(platform_finding(platform, self._space.name, gone, len(ids)))

    async def _part(self, check: Check, about: str, ask: Callable[[], Awaitable[T]]) -> T | None:
        """Return what a part says; None, with a finding, where it cannot be read in time.

        A server that does not answer, or not in time, is not asked for anything more.
        """
        if self._is_away:
            return None
        try:
            async with asyncio.timeout(self._premises.patience):
                return await ask()
        except CredentialRefused as error:
            self._told.append(failure(Check.KEY, self._about, error))
        except OctopusTrouble as error:
            self._is_away = isinstance(error, Unreachable)
            where = Check.SERVER if self._is_away else check
            self._told.append(failure(where, about, error))
        except ReconcilerError as error:
            self._told.append(failure(check, about, error))
        except TimeoutError:
            self._is_away = True
            says = f"no whole answer within {self._premises.patience:.0f} s"
            to_do = "see how busy Octopus is; give it longer with --timeout"
            self._told.append(Finding(check, about, Verdict.FAILED, says, to_do))
        return None


def _is_here(server: str) -> bool:
    """Tell whether an address is of this machine, by its host alone."""
    host = urlsplit(server).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _cells(
    observed: Iterable[tuple[DesiredState, ObservedState]],
) -> Iterator[Square]:
    for desired, seen in observed:
        for name, cell in seen.cells.items():
            if cell.project is not None and seen.environment_id is not None:
                tenant = None if cell.tenant is None else cell.tenant.id
                words = f"{name} in {desired.environment.name}"
                yield Square(words, cell.project, seen.environment_id, tenant)
