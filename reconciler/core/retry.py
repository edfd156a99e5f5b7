"""What was tried before and did not settle is not tried again without a word (rules 12, 18, 20)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.core.action import Kind
from reconciler.core.cellkey import WHOLE
from reconciler.core.decide import made_by_us
from reconciler.core.gate import Gate, GateName
from reconciler.core.intent import Outcome, Progress
from reconciler.core.policy import OnFailure
from reconciler.core.sighting import Unsettled
from reconciler.core.text import clean
from reconciler.core.version import Direction, direction

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from datetime import datetime

    from reconciler.core.cellkey import CellKey
    from reconciler.core.intent import IntentRecord
    from reconciler.core.plan import Action, Plan
    from reconciler.core.policy import Policy
    from reconciler.core.refusal import Refusal
    from reconciler.core.sighting import ObservedCell, ObservedState
    from reconciler.core.stack import RetryRule

_FAILURES = frozenset({Outcome.FAILED, Outcome.TIMED_OUT})


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest attempt of ours at the pinned version of a cell that did not settle it.

    `redeploy` is the pin's counter at that attempt; None where nobody knows any more. `key` tells
    this attempt from every other one, for a person's word. `is_current`:
    it was made for what git still asks of the environment, so its failure stops the rest (rule 18).
    `refusal`: it never began, because Octopus refused it; `next_try`: when it is tried again by
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


def next_by_rule(
    rule: RetryRule, last: IntentRecord, records: Iterable[IntentRecord], took: int | None
) -> datetime | None:
    """Return when a stack's rule lets a failed deployment be tried again; None: it does not.

    `last` is the newest attempt at its version, `took` its seconds; `records` are what the journal
    knows, oldest first. Only failures are counted, those in a row at the same counter. What a
    person canceled, what was partial, and what nobody knows the end of needs a person.
    """
    run: list[IntentRecord] = []
    for each in records:
        same = (each.intent.project, each.intent.tenant) == (
            last.intent.project,
            last.intent.tenant,
        )
        if not same or each.intent.verb != last.intent.verb or each.progress is Progress.VOID:
            continue
        alike = direction(each.intent.version, last.intent.version) is Direction.SAME
        if alike and each.redeploy == last.redeploy and each.outcome in _FAILURES:
            run.append(each)
        else:
            run.clear()
    if not run or run[-1].intent.id != last.intent.id:
        return None
    ended = last.promised_at + timedelta(seconds=took or 0)
    chance = int(last.intent.id[:8], 16) / 0xFFFFFFFF  # the same on every machine (rule 2)
    return rule.next_try(len(run), run[0].promised_at, ended, chance)


def due_by_rule(
    tried: Mapping[CellKey, tuple[Attempt, ...]], now: datetime
) -> dict[CellKey, frozenset[str]]:
    """Return the failed attempts that a stack's rule lets be repeated now, by cell (rule 20)."""
    return {
        cell: frozenset(each.key for each in attempts)
        for cell, attempts in tried.items()
        if all(
            each.refusal is None and each.next_try is not None and each.next_try <= now
            for each in attempts
        )
    }


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
    retrying: Container[CellKey] = (),
) -> tuple[Gate, ...]:
    """Close the rest of an environment after a failure that its policy stops for (rule 18).

    The stop stands until a person says retry, or a commit asks something else of the environment.
    Changes in `spoken`, of which a person said so, go on while others still need a word; those in
    `retrying`, which their stack's rule tries again, go on alone.
    """
    if policy.on_failure is OnFailure.CONTINUE or not plan.has_work:
        return ()
    closed = {gate.cell for gate in gates if gate.name is GateName.NEEDS_RETRY}
    for action in plan.changes:
        cell = action.cell
        current = [each for each in tried.get(cell, ()) if each.is_current]
        if not current or not (cell in closed or cell in retrying):
            continue
        message = (
            f"{cell} {clean(current[0].version, 60)} {current[0].end}, and "
            f"policy '{policy.name}' says onFailure: {policy.on_failure.value}"
        )
        opener = (
            f"`reconciler retry {plan.environment}`, or a commit that asks something else of the "
            "environment"
        )
        if cell in retrying:
            opener = f"{cell} succeeds, which is tried again now; or {opener}"
        left = [one.cell for one in plan.changes if one.cell not in closed]
        stopped = [one for one in left if one not in spoken and one not in retrying]
        if len(stopped) == len(left):
            return (Gate(WHOLE, GateName.NEEDS_RETRY, message, opener),)
        return tuple(Gate(one, GateName.NEEDS_RETRY, message, opener) for one in stopped)
    return ()
