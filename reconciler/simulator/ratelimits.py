"""Rate limiting: a token bucket for each user, and one for all who are nobody.

Source: Octopus' public documentation, "Rate limiting", and its generated reference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.simulator.records import User

__all__ = ["RatePolicy", "built_in_policies", "refuse_too_many"]


@dataclass(slots=True, eq=False)
class RatePolicy:
    """How many requests one kind of caller may make; `buckets` are full at first."""

    id: str
    name: str
    scope: str
    per_minute: int
    burst: int
    is_enabled: bool = False
    only_watches: bool = False
    buckets: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    """Tokens left of each caller, and when that was."""

    def take(self, caller: str, now: datetime) -> float:
        """Take a token; returns 0, or the seconds until there is one."""
        left, then = self.buckets.get(caller, (float(self.burst), now))
        grown = max(0.0, (now - then).total_seconds()) * self.per_minute / 60
        left = min(float(self.burst), left + grown)
        if left < 1:
            self.buckets[caller] = (left, now)
            return (1 - left) * 60 / self.per_minute
        self.buckets[caller] = (left - 1, now)
        return 0.0


def built_in_policies() -> dict[str, RatePolicy]:
    """Return the policies of every server, by id; none is in force."""
    named = (
        ("Unauthenticated requests", "Unauthenticated"),
        ("Authenticated requests", "AuthenticatedHuman"),
        ("AI Agent requests", "AiAgent"),
    )
    return {
        f"RateLimitingPolicies-{number}": RatePolicy(
            f"RateLimitingPolicies-{number}", name, scope, 200, 200
        )
        for number, (name, scope) in enumerate(named, 1)
    }


def refuse_too_many(
    policies: dict[str, RatePolicy], caller: User | None, now: datetime
) -> Refused | None:
    """Return the 429 of a caller whose bucket is empty, None when the request may pass."""
    scope = "Unauthenticated" if caller is None else "AuthenticatedHuman"
    for policy in policies.values():
        if policy.scope != scope or not policy.is_enabled:
            continue
        wait = policy.take(caller.id if caller else "", now)
        if wait and not policy.only_watches:
            return Refused(
                429,
                "Too many requests. Please try again later.",
                headers=(("retry-after", str(math.ceil(wait))),),
            )
    return None
