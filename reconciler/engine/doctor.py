"""Look at everything a reconciler rests on, and tell what stands in its way. Changes nothing.

Each part is looked at for itself, so that one which is broken hides no other; each is given so
many seconds and no more. What rests on a part that could not be read is told as unknown.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.core.checkup import Check, Finding, Verdict
from reconciler.core.diagnosis import failure, shared_keys
from reconciler.core.manifest import DesiredState
from reconciler.core.signature import unsigned_gate
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.visit import Visit
from reconciler.errors import GitTrouble, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.core.manifest import ManifestSet
    from reconciler.engine.visit import Premises
    from reconciler.ports import Signatures

DIGITS = 12
PROBLEMS = 3
"""Problems of manifests that are told; `validate` tells all."""


async def examine(premises: Premises) -> tuple[Finding, ...]:
    """Return what was found of git, manifests, servers, keys and environments."""
    findings, manifests = await _git(premises)
    if manifests is None:
        return tuple(findings)
    findings += _manifests(manifests)
    whole = [one for one in manifests.environments.values() if isinstance(one, DesiredState)]
    by_space: dict[str, list[DesiredState]] = defaultdict(list)
    for one in whole:
        by_space[one.space.name].append(one)
    findings += shared_keys([ours[0].space for ours in by_space.values()])
    servers: set[str] = set()
    visits = []
    for name in sorted(by_space):
        first = by_space[name][0].space.server
        visits.append(Visit(premises, by_space[name], manifests, asks_server=first not in servers))
        servers.add(first)
    async with asyncio.TaskGroup() as group:
        told = [group.create_task(visit.findings()) for visit in visits]
    return (*findings, *(one for task in told for one in task.result()))


async def _git(premises: Premises) -> tuple[list[Finding], ManifestSet | None]:
    """Look at both remotes; return the manifests at the newest tip that could be read."""
    findings: list[Finding] = []
    try:
        repository = await blocking(premises.repository)
    except ReconcilerError as error:
        return [failure(Check.GIT, "", error)], None
    tip: str | None
    try:
        tip = await blocking(repository.fetch)
        says = f"the watched branch is at {tip[:DIGITS]}"
        findings.append(Finding(Check.GIT, "", Verdict.OK, says))
    except ReconcilerError as error:
        findings.append(failure(Check.GIT, "", error))
        tip = await _quiet(repository.known)
    if tip is not None and premises.signatures is not None:
        findings.append(await _signed(premises.signatures, tip))
    findings.append(await _audit(premises))
    if tip is None:
        says = "they could not be read, so no server and no key was looked at"
        to_do = "mend what git says first, then run this again"
        return [*findings, Finding(Check.MANIFESTS, "", Verdict.UNKNOWN, says, to_do)], None
    try:
        files = await blocking(repository.files, tip)
        found = await blocking(premises.manifests.load, files, repository.read)
    except ReconcilerError as error:
        return [*findings, failure(Check.MANIFESTS, "", error)], None
    return findings, found


async def _signed(signatures: Callable[[], Signatures], tip: str) -> Finding:
    """Look at the signature that the settings ask of the tip (rule 28)."""
    try:
        gate = unsigned_gate(await blocking((await blocking(signatures)).unsigned, tip, None))
    except ReconcilerError as error:
        return failure(Check.SIGNATURES, "", error)
    if gate is None:
        says = f"the tip, {tip[:DIGITS]}, is signed by an allowed key"
        return Finding(Check.SIGNATURES, "", Verdict.OK, says)
    return Finding(Check.SIGNATURES, "", Verdict.FAILED, gate.message, gate.opener)


async def _quiet(ask: Callable[[], str | None]) -> str | None:
    try:
        return await blocking(ask)
    except GitTrouble:
        return None


async def _audit(premises: Premises) -> Finding:
    try:
        audit = await blocking(premises.audit)
        await blocking(audit.rehearse)
    except ReconcilerError as error:
        return failure(Check.AUDIT, "", error)
    says = "a push would be welcome, as far as the remote tells without one"
    return Finding(Check.AUDIT, "", Verdict.OK, says)


def _manifests(found: ManifestSet) -> Iterator[Finding]:
    broken = [n for n, one in found.environments.items() if not isinstance(one, DesiredState)]
    whole = len(found.environments) - len(broken)
    if found.problems:
        first = "; ".join(str(problem) for problem in found.problems[:PROBLEMS])
        names = f" (stopped: {', '.join(map(clean, broken))})" if broken else ""
        yield Finding(
            Check.MANIFESTS,
            "",
            Verdict.FAILED if broken else Verdict.WARNING,
            clean(f"{len(found.problems)} problems{names}: {first}", 600),
            "mend them: `reconciler validate PATH` in a work tree tells every one",
        )
    elif not whole:
        says = "there is no Environment manifest"
        to_do = "write some: `reconciler init --server URL --space NAME` does it"
        yield Finding(Check.MANIFESTS, "", Verdict.WARNING, says, to_do)
    else:
        says = f"{whole} environment{'' if whole == 1 else 's'}, all valid"
        yield Finding(Check.MANIFESTS, "", Verdict.OK, says)
