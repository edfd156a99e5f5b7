"""Accept: a person's word that the first plan of an environment may go ahead (rules 10, 27).

Accepting never deploys. It does not open the brake: a commit is judged by the policy of the commit
accepted before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.gate import BY_APPROVAL
from reconciler.engine.doors import blocking, shared_audit
from reconciler.engine.ground import fetch_audit, load_manifests, read_audit
from reconciler.engine.planning import judge_situation
from reconciler.engine.record import Recorder
from reconciler.engine.run import check_digest, take_lease
from reconciler.engine.survey import survey
from reconciler.errors import BranchRewritten, GateClosed, StalePlan

if TYPE_CHECKING:
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was accepted: the plan that stands now; why it was held before, None if it was not."""

    planned: Planned
    held: str | None
    recorded: bool


async def accept_environment(
    doors: Doors, name: str, *, rewritten: bool = False, expect: str | None = None
) -> Accepted:
    """Accept the tip of the watched branch for one environment, in the Octopus it names now.

    `expect` is the digest of the plan that was looked at: that one is let go ahead, or none.
    `rewritten`: the person gave the full hash of the tip, so a rewritten history is accepted too.

    Raises: everything `survey` raises; LeaseHeld; BranchRewritten; GateClosed;
    StalePlan.
    """
    audit = shared_audit(doors)
    with doors.lock(name):
        situation = await survey(doors, name, consent=True)
        if situation.is_rewritten and not rewritten:
            raise BranchRewritten(
                f"{situation.held}; nothing was accepted",
                hint=f"after a look: `reconciler accept {situation.commit}`",
            )
        if situation.distrust is not None:
            raise GateClosed(
                f"{name} cannot be accepted: {situation.distrust.message}; nothing was accepted",
                hint=situation.distrust.opener,
            )
        if situation.acceptance() is None:
            cell = next(iter(situation.observed.cells.values()), None)
            why = getattr(None if cell is None else cell.sighting, "why", "it could not be read")
            raise GateClosed(
                f"{name} cannot be accepted: {why}; nothing was accepted",
                hint="mend the Environment or Space manifest, or the key's permissions",
            )
        planned = await judge_situation(doors, situation)
        check_digest(planned, expect, "accepted")
        held = [g for g in planned.gates if g.name in BY_APPROVAL]
        if held and situation.accepted is not None and not situation.is_rewritten:
            raise GateClosed(
                f"accepting does not open gate {held[0].name.value}: {held[0].message}; nothing "
                "was accepted",
                hint=held[0].opener,
            )
        keeper = await take_lease(doors, audit, name)
        try:
            recorded = await Recorder(doors, situation, keeper).publish(
                situation,
                accepted=situation.acceptance(),
                subject=f"{name}: accepted {situation.commit[:12]}",
            )
        finally:
            await keeper.release()
        return Accepted(planned, situation.held, recorded)


async def environments_at_tip(doors: Doors) -> tuple[str, ...]:
    """Return the names of all environments at the watched branch's tip."""
    commit = await blocking(doors.repository.fetch)
    return tuple(sorted((await load_manifests(doors, commit)).environments))


async def environments_rewritten(doors: Doors, tip: str) -> tuple[str, ...]:
    """Return the environments whose accepted commit the branch lost, if `tip` is its tip.

    Raises: StalePlan where the branch has moved on: what is accepted by hash is what was seen.
    """
    now = await blocking(doors.repository.fetch)
    if now != tip:
        raise StalePlan(
            f"the watched branch is at {now}, not at {tip}; nothing was accepted",
            hint="look at the new tip, then accept its full hash",
        )
    await fetch_audit(doors)
    state = (await read_audit(doors, "")).state
    lost = []
    for name, accepted in state.environments.items():
        if not await blocking(doors.repository.is_ancestor, accepted.commit, tip):
            lost.append(name)
    return tuple(sorted(lost))
