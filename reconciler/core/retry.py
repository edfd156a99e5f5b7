"""What was tried before and did not settle is not tried again without a word (rules 12, 18, 20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.core.action import Kind
from reconciler.core.cellkey import WHOLE
from reconciler.core.decide import made_by_us
from reconciler.core.gate import Gate, GateName
from reconciler.core.policy import OnFailure
from reconciler.core.sighting import Unsettled
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.plan import Action, Plan
    from reconciler.core.policy import Policy
    from reconciler.core.refusal import Refusal
    from reconciler.core.sighting import ObservedCell, ObservedState


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt of ours at the pinned version of a cell that did not settle it.

    `redeploy` is the pin's counter at that attempt; None where nobody knows any more. `key` tells
    this attempt from every other one, for a person's word. `is_current`:
    it was made for what git still asks of the environment, so its failure stops the rest (rule 18).
    `refusal`: it never began, because Octopus refused it; `next_try`: when it is asked for again by
    itself, None: not any more (rule 20).
    """

    version: str
    outcome: str
    redeploy: int | None
    key: str = ""
    is_current: bool = False
    refusal: Refusal | None = None
    next_try: datetime | None = None

    @property
    def end(self) -> str:
        """How it came out, to follow the version in a sentence."""
        return f"ended {self.outcome}" if self.refusal is None else "was refused by Octopus"


def tries_of(
    plan: Plan,
    observed: ObservedState,
    failed: Mapping[CellKey, Attempt],
    refused: Mapping[CellKey, Attempt],
) -> dict[CellKey, tuple[Attempt, ...]]:
    """Return the attempts at each change that a further one needs a word for (rule 12).

    `failed`: of cells with an attempt of ours at the pinned version that did not settle; `refused`:
    of those that Octopus refused, and that are not to be asked for now. A counter that was raised
    since opens by itself. Any later deployment in the cell, whoever made it, changes the keys.
    """
    found = {}
    for action in plan.changes:
        cell = observed.cells.get(action.cell)
        if cell is None:
            continue
        attempt = failed.get(action.cell) or seen_attempt(action, cell, observed)
        tried = tuple(
            replace(each, key=f"{each.key}@{cell.newest}")
            for each in (attempt, refused.get(action.cell))
            if each is not None and (each.redeploy is None or action.redeploy <= each.redeploy)
        )
        if tried:
            found[action.cell] = tried
    return found


def retry_gate(environment: str, action: Action, attempt: Attempt) -> Gate:
    """Close where the pinned version was tried here before and did not settle (rule 12)."""
    opener = f"`reconciler retry {environment} {action.cell}`"
    if attempt.redeploy is not None:
        opener = f"{opener}, or a commit that raises `redeploy` above {attempt.redeploy}"
    version = clean(attempt.version, 60)
    message = f"{version} was tried here before and ended {attempt.outcome}"
    refusal = attempt.refusal
    if refusal is not None:
        times = "once" if refusal.times == 1 else f"{refusal.times} times"
        message = (
            f"Octopus refused {version} here {times} since {refusal.since:%Y-%m-%d %H:%M}Z: "
            f"{clean(refusal.why)}"
        )
    if attempt.next_try is not None:
        opener = f"by itself after {attempt.next_try:%Y-%m-%d %H:%M}Z, or {opener}"
    return Gate(action.cell, GateName.NEEDS_RETRY, message, opener)


def seen_attempt(action: Action, cell: ObservedCell, observed: ObservedState) -> Attempt | None:
    """Return the unsettled last attempt Octopus shows, if it was of the pinned version.

    For somebody else's, the counter that counts is the one last reached. For one of ours that no
    receipt tells of, nobody knows it.
    """
    match cell.sighting:
        case Unsettled(attempted=attempted, why=why):
            if direction(attempted, action.to_version or "") is not Direction.SAME:
                return None
            reached = 0 if cell.reached is None else cell.reached.redeploy
            mine = made_by_us(cell, observed.me)
            key = f"seen:{observed.server.installation_id}"
            return Attempt(attempted, why, None if mine else reached, key)
        case _:
            return None


def installs_again(action: Action, cell: ObservedCell) -> bool:
    """Tell whether packages that are there already are to be installed all the same.

    So where what runs is deployed once more, and after an attempt at the same version that did not
    settle the cell: a step that skips what is installed would leave behind what that one left.
    """
    if action.kind is Kind.REDEPLOY:
        return True
    match cell.sighting:
        case Unsettled(attempted=attempted):
            return direction(attempted, action.to_version or "") is Direction.SAME
        case _:
            return False


def stop_gates(
    plan: Plan,
    gates: Sequence[Gate],
    tried: Mapping[CellKey, tuple[Attempt, ...]],
    policy: Policy,
    spoken: Container[CellKey] = (),
) -> tuple[Gate, ...]:
    """Close the rest of an environment after a failure that its policy stops for (rule 18).

    The stop stands until a person says retry, or a commit asks something else of the environment.
    Changes in `spoken`, of which a person said so, go on while others still need a word.
    """
    if policy.on_failure is OnFailure.CONTINUE or not plan.has_work:
        return ()
    for gate in gates:
        current = [each for each in tried.get(gate.cell, ()) if each.is_current]
        if gate.name is GateName.NEEDS_RETRY and current:
            message = (
                f"{gate.cell} {clean(current[0].version, 60)} {current[0].end}, and "
                f"policy '{policy.name}' says onFailure: {policy.on_failure.value}"
            )
            opener = (
                f"`reconciler retry {plan.environment}`, or a commit that asks something else of "
                "the environment"
            )
            closed = {each.cell for each in gates if each.name is GateName.NEEDS_RETRY}
            going = [action.cell for action in plan.changes if action.cell not in closed]
            if not any(cell in spoken for cell in going):
                return (Gate(WHOLE, GateName.NEEDS_RETRY, message, opener),)
            stopped = [cell for cell in going if cell not in spoken]
            return tuple(Gate(cell, GateName.NEEDS_RETRY, message, opener) for cell in stopped)
    return ()
