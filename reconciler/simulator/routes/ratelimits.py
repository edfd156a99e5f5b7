"""Rate limiting policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.simulator.answers import Refused, missing
from reconciler.simulator.changes import note
from reconciler.simulator.paging import by_ids, page
from reconciler.simulator.router import Routes, Scope

if TYPE_CHECKING:
    from reconciler.simulator.calls import Body, Call
    from reconciler.simulator.ratelimits import RatePolicy

routes = Routes(Scope.SYSTEM)


def policy_resource(policy: RatePolicy) -> dict[str, object]:
    """Return a rate limiting policy as JSON."""
    return {
        "Id": policy.id,
        "Name": policy.name,
        "ScopeType": policy.scope,
        "IsBuiltIn": True,
        "IsEnabled": policy.is_enabled,
        "AuditMode": policy.only_watches,
        "RequestsPerMinute": policy.per_minute,
        "BurstLimit": policy.burst,
        "Links": {"Self": f"/api/ratelimitingpolicies/{policy.id}"},
    }


@routes.get("ratelimitingpolicies")
def list_policies(call: Call) -> object:
    """GET /ratelimitingpolicies: the built-in ones."""
    call.demand_system("ConfigureServer")
    found = by_ids(call, call.world.rate_policies.values())
    return page(call, "RateLimitingPolicy", found, policy_resource, "{/id}{?skip,take}")


def _policy_in(call: Call) -> RatePolicy:
    call.demand_system("ConfigureServer")
    found = call.world.rate_policies.get(call.param("ratePolicy"))
    if found is None:
        raise missing("Rate Limiting Policy")
    return found


@routes.get("ratelimitingpolicies/{ratePolicy}")
def one_policy(call: Call) -> object:
    """GET /ratelimitingpolicies/{id}."""
    return policy_resource(_policy_in(call))


@routes.put("ratelimitingpolicies/{ratePolicy}")
def change_policy(call: Call) -> object:
    """PUT /ratelimitingpolicies/{id}: everything but name and scope; buckets are full again."""
    policy = _policy_in(call)
    body = call.body()
    per_minute, burst = _count(body, "RequestsPerMinute"), _count(body, "BurstLimit")
    policy.is_enabled, policy.only_watches = body.flag("IsEnabled"), body.flag("AuditMode")
    policy.per_minute, policy.burst = per_minute, burst
    policy.buckets.clear()
    note(call, "Modified", "Rate limiting policy", policy.name, policy.id)
    return policy_resource(policy)


def _count(body: Body, name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Refused(
            400, "Model validation failed.", (f"The {name} field must be a number from 1 on.",)
        )
    return value
