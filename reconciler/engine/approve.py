"""Approve: a person says with their own key that a reviewed plan may go ahead (rules 29, 32)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.approval import Approval, Change, lacking
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.person import see_same_space
from reconciler.engine.planning import judge_situation
from reconciler.engine.run import check_digest
from reconciler.engine.survey import survey
from reconciler.errors import GateClosed, NotAllowed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from reconciler.core.manifest import Space
    from reconciler.engine.doors import Doors
    from reconciler.engine.planning import Planned
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus


@dataclass(frozen=True, slots=True)
class Approved:
    """What was approved; `planned` has the gates that stand with it, or still."""

    approval: Approval
    planned: Planned


async def approve(
    doors: Doors,
    name: str,
    digest: str,
    own: Callable[[Space], AbstractAsyncContextManager[Octopus]],
    lasts: timedelta | None = None,
) -> Approved:
    """Approve the plan of an environment, if it is still the one that was looked at.

    `own` opens a space with the approver's own key and no other. `lasts`: the policy's longest
    where it is None.

    Raises: everything `survey` raises; StalePlan; GateClosed (nothing to approve); NotAllowed (it
    would count for nothing); UsageError (another server, or longer than the policy allows).
    """
    situation = await survey(doors, name)
    planned = await judge_situation(doors, situation)
    check_digest(planned, digest, "approved")
    if not planned.plan.has_work:
        raise GateClosed(
            f"the plan of {clean(name)} changes nothing; nothing was approved",
            hint="there is nothing to do",
        )
    policy = situation.desired.policy
    longest = timedelta(hours=policy.approvals.hours)
    if lasts is not None and lasts > longest:
        raise UsageError(
            f"policy '{policy.name}' lets an approval stand for {policy.approvals.hours} hours at "
            "most; nothing was approved",
            hint="leave --expires out, or give a shorter time",
        )
    async with own(situation.desired.space) as octopus:
        approval = await _given(doors, octopus, situation, planned, lasts or longest)
    await blocking(doors.journal.approve, approval)
    return Approved(approval, await judge_situation(doors, situation))


async def _given(
    doors: Doors, octopus: Octopus, situation: Situation, planned: Planned, lasts: timedelta
) -> Approval:
    """Return the approval of whoever the key belongs to, where it would count."""
    observed, plan = situation.observed, planned.plan
    place = (observed.server.installation_id, observed.space_id)
    await see_same_space(octopus, place, "nothing was approved")
    approver = await octopus.approver()
    why = "is no user of Octopus" if approver is None else lacking(approver, plan, observed)
    if approver is None or why:
        whose = "your key's user" if approver is None else approver.name
        raise NotAllowed(
            f"{whose} {why}; nothing was approved",
            hint="a person who may deploy all of it approves, with a key of their own",
        )
    now, accepted = doors.clock.now(), situation.accepted
    return Approval(
        environment=plan.environment,
        server=observed.server.installation_id,
        space=observed.space_id,
        octopus_environment=observed.environment_id or "",
        user=approver.user,
        name=approver.name,
        email=approver.email,
        digest=plan.digest,
        changes=frozenset(map(Change.of, plan.changes)),
        since="" if accepted is None else accepted.commit,
        given=now,
        expires=now + lasts,
    )
