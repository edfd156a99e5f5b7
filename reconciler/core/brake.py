"""What the policy alone holds a whole plan for: it observes only, or too much would change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.core.cellkey import WHOLE
from reconciler.core.gate import Gate, GateName
from reconciler.core.plan import Kind
from reconciler.core.policy import Mode

if TYPE_CHECKING:
    from reconciler.core.plan import Plan
    from reconciler.core.policy import Policy

DEFAULT_DOWNGRADES = 3
DEFAULT_DOWNGRADE_SHARE = 10  # per cent of the environment's pins (rule 9)


@dataclass(frozen=True, slots=True)
class Brake:
    """Why a plan is too much at once, and what opens it besides an approval: clean lines."""

    message: str
    opener: str


def observe_gates(plan: Plan, policy: Policy) -> tuple[Gate, ...]:
    """Close a whole plan where the policy of the last accepted commit only observes."""
    if not plan.has_work or policy.mode is not Mode.OBSERVE:
        return ()
    return (
        Gate(
            WHOLE,
            GateName.OBSERVE_ONLY,
            f"policy {policy.name!r} of the last accepted commit says mode: observe",
            "a commit that sets `mode: apply` in the policy, then "
            f"`reconciler accept {plan.environment}`",
        ),
    )


def brakes(plan: Plan, pins: int, policy: Policy) -> tuple[Brake, ...]:
    """Return why a plan changes or lowers too much at once (rule 9): none, one or two.

    `pins` is the number of pinned cells; `policy` that of the last accepted commit.
    """
    lowered = [a for a in plan.changes if a.kind is Kind.DOWNGRADE]
    opener = (
        "a commit that asks for less, or `limits` raised in the policy by an earlier accepted "
        "commit"
    )
    found = []
    limit = policy.limits.downgrades
    if limit is not None:
        over, rule = len(lowered) > limit, f"the policy's limit is {limit}"
    elif policy.protected:
        over, rule = bool(lowered), "the environment is protected: none is allowed"
    else:
        over = (
            len(lowered) > DEFAULT_DOWNGRADES
            and len(lowered) * 100 > DEFAULT_DOWNGRADE_SHARE * pins
        )
        rule = f"the limit is {DEFAULT_DOWNGRADES}, or {DEFAULT_DOWNGRADE_SHARE} % of {pins} pins"
    if over:
        names = ", ".join(a.cell for a in lowered[:5]) + (", ..." if len(lowered) > 5 else "")
        many = "downgrade or change" if len(lowered) == 1 else "downgrades or changes"
        message = f"{len(lowered)} {many} of unknown direction ({names}); {rule}"
        found.append(Brake(message, opener))
    most = policy.limits.changes
    if most is not None and len(plan.changes) > most:
        found.append(Brake(f"{len(plan.changes)} changes; the policy's limit is {most}", opener))
    return tuple(found)
