"""The approvals of a plan as they count now: read again wherever a request rests on one (rule 15).

Octopus is asked only where the policy wants an approval and one covers the plan: who the approver
is, what that person may do, and in a protected environment whom the commits are by.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.core.approval import (
    Committed,
    Standing,
    approval_gates,
    lacking,
    same_person,
)
from reconciler.core.brake import brakes
from reconciler.core.changeset import earlier
from reconciler.core.expand import cell_pins, pin_of
from reconciler.core.manifest import Invalid
from reconciler.core.policy import Start
from reconciler.core.text import clean
from reconciler.engine.doors import blocking
from reconciler.engine.ground import load_manifests
from reconciler.errors import CredentialRefused, NotAllowed

if TYPE_CHECKING:
    from reconciler.core.approval import Approval, Approver, Known
    from reconciler.core.gate import Gate
    from reconciler.core.manifest import DesiredState, Pin, Place
    from reconciler.core.plan import Plan
    from reconciler.engine.doors import Doors
    from reconciler.engine.survey import Situation
    from reconciler.ports import Octopus

MOST_BLAMED = 100
"""Lines whose author is asked of git for one approval; of more, nobody can be told from them."""


async def judge_approvals(
    doors: Doors, octopus: Octopus, situation: Situation, plan: Plan
) -> tuple[tuple[Gate, ...], Standing]:
    """Return the gates of a plan that approvals open, and the approvals that count.

    Raises: StoreTrouble; OctopusTrouble but for a refusal to tell about people, which holds.
    """
    policy = situation.desired.policy
    too_much = brakes(plan, len(cell_pins(situation.desired, situation.observed)), policy)
    standing = Standing()
    if too_much or policy.approvals.required or policy.start is Start.MANUAL:
        standing = await _standing(doors, octopus, situation, plan)
        standing = replace(standing, is_blind=_is_blind(situation))
    return approval_gates(plan, policy, standing, too_much), standing


def _is_blind(situation: Situation) -> bool:
    """Tell whether Octopus is known to tell the observing key nothing about users."""
    if situation.space_state is None:
        return False
    may = situation.space_state.permissions
    return may.complete and not may.administers_system and "UserView" not in may.system


async def _standing(doors: Doors, octopus: Octopus, situation: Situation, plan: Plan) -> Standing:
    observed, policy = situation.observed, situation.desired.policy
    given = await blocking(doors.journal.approvals, plan.environment)
    mine = [
        approval
        for approval in given
        if approval.in_force(observed.read_at) and approval.covers(plan, observed)
    ]
    known: Known = {}
    everyone, others, void = set(), set(), []
    try:
        if mine and policy.protected:
            known = await octopus.known_people()
        for approval in mine:
            approver = await octopus.approver(approval.user)
            why = "is no user of Octopus any more"
            if approver is not None:
                why = lacking(approver, plan, observed)
            if approver is None or why:
                void.append(f"{approval.name} {why}")
                continue
            everyone.add(approval.user)
            why = await _not_another(doors, situation, plan, approval, approver, known)
            if why:
                void.append(f"{approval.name} {why}")
            else:
                others.add(approval.user)
    except CredentialRefused:
        raise
    except NotAllowed as error:  # rule 11: what cannot be checked does not count
        return Standing(void=(f"who approved cannot be checked: {clean(error.message)}",))
    return Standing(frozenset(everyone), frozenset(others), tuple(void))


async def _not_another(
    doors: Doors,
    situation: Situation,
    plan: Plan,
    approval: Approval,
    approver: Approver,
    known: Known,
) -> str:
    """Say why an approval is not another person's, where the environment is protected."""
    policy = situation.desired.policy
    if not policy.protected:
        return ""
    people = await blocking(doors.repository.people, approval.since, situation.commit)
    if people:
        earlier = await _authors_of_held(doors, situation, plan, approval.since)
        people = None if earlier is None else (*people, *earlier)
    return same_person(approver, people, policy, known)


async def _authors_of_held(
    doors: Doors, situation: Situation, plan: Plan, since: str
) -> tuple[Committed, ...] | None:
    """Return who wrote the pins that were held when the commit `since` was accepted.

    Nobody judged them then, so their authors are authors of the plan still. None where that cannot
    be told.
    """
    desired, observed = situation.desired, situation.observed
    then = earlier(await load_manifests(doors, since), desired)
    if then is None:
        return ()
    if isinstance(then, Invalid):
        return None
    places: set[Place] = set()
    for action in plan.changes:
        cell = observed.cells[action.cell]
        pin, before = pin_of(desired.environment, cell), pin_of(then.environment, cell)
        if pin is None or before is None or not _was_held(then, before):
            continue
        if replace(pin, hold=None).asks_as(replace(before, hold=None)):
            places.add(pin.place)
    if len(places) > MOST_BLAMED:
        return None
    found = []
    for place in sorted(places):
        line = await blocking(doors.repository.blame, situation.commit, place.file, place.line)
        if line is None:
            return None
        found.append(Committed(line.email, line.email))
    return tuple(found)


def _was_held(then: DesiredState, pin: Pin) -> bool:
    return pin.hold is not None or then.environment.suspend is not None
