"""What the policy alone holds a whole plan for: it observes only, or too much would change."""

from __future__ import annotations

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


def plan_gates(plan: Plan, pins: int, policy: Policy) -> tuple[Gate, ...]:
    """Return the closed gates on the whole plan that its policy is the reason of.

    `pins` is the number of pinned cells; `policy` that of the last accepted commit.
    """
    if not plan.has_work:
        return ()
    gates = []
    if policy.mode is Mode.OBSERVE:
        gates.append(
            Gate(
                WHOLE,
                GateName.OBSERVE_ONLY,
                f"policy {policy.name!r} of the last accepted commit says mode: observe",
                "a commit that sets `mode: apply` in the policy, then "
                f"`reconciler accept {plan.environment}`",
            )
        )
    return (*gates, *_brake(plan, pins, policy))


def _brake(plan: Plan, pins: int, policy: Policy) -> tuple[Gate, ...]:
    """Close the mass-change brake over too many downgrades or changes (rule 9)."""
    lowered = [a for a in plan.changes if a.kind is Kind.DOWNGRADE]
    opener = (
        "a commit that asks for less, or `limits` raised in the policy by an earlier accepted "
        "commit"
    )
    gates = []
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
        gates.append(Gate(WHOLE, GateName.BRAKE, message, opener))
    most = policy.limits.changes
    if most is not None and len(plan.changes) > most:
        message = f"{len(plan.changes)} changes; the policy's limit is {most}"
        gates.append(Gate(WHOLE, GateName.BRAKE, message, opener))
    return tuple(gates)
